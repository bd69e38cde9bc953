/* SPDX-License-Identifier: MIT */
/*
 * hello_consume.c - the smallest consumer: prints what is published
 *
 * usage: hello_consume CHANNEL
 *
 * The other half of hello_publish. Ends when the stream of the channel ends
 * (`ringbusctl end CHANNEL`), or with Ctrl-C: the daemon notices at once that we
 * are gone, and no producer waits for us any longer.
 */
#include <errno.h>
#include <stdio.h>

#include "client/ringbus.h"

static int
fail(const char *what, int64_t err, const struct ringbus *bus)
{
	fprintf(stderr, "hello_consume: %s: %s %s\n", what,
		ringbus_strerror(err), ringbus_error(bus));
	return 1;
}

static int
consume(struct ringbus *bus, const char *channel)
{
	struct ringbus_consumer *consumer;
	struct ringbus_event event;
	int64_t found;
	int err = ringbus_consumer_open(bus, channel, NULL, &consumer);

	if (err < 0)
		return fail(channel, err, bus);
	printf("waiting\n"); /* from here on we miss nothing */
	while ((found = ringbus_consumer_wait(consumer, RINGBUS_FOREVER)) >=
	       0) {
		/* The wait has found one event or many. The data lies in the
		 * ring itself, and stays there until we commit. */
		while (ringbus_consumer_next(consumer, &event) > 0)
			printf("%lld: %.*s\n", (long long)event.sequence,
			       (int)event.size, (const char *)event.data);
		/* Producers may write over all of it now. */
		ringbus_consumer_commit(consumer);
	}
	return found == -ESHUTDOWN ? 0 : fail(channel, found, bus);
}

int
main(int argc, char **argv)
{
	struct ringbus *bus;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: hello_consume CHANNEL\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	err = ringbus_connect(NULL, &bus);
	if (err < 0)
		return fail("cannot connect", err, NULL);
	err = consume(bus, argv[1]);
	ringbus_close(bus);
	return err;
}
