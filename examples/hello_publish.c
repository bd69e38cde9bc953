/* SPDX-License-Identifier: MIT */
/*
 * hello_publish.c - the smallest producer: publishes its arguments
 *
 * usage: hello_publish CHANNEL TEXT...
 *
 * Any channel of a running ringbusd will do, for instance one that its
 * configuration declares as
 *
 *	channels:
 *	  hello: { framing: framed, producers: multi }
 *
 * Run hello_consume in another terminal first: a consumer sees what is published
 * while it is there. RINGBUS_SOCKET says where the daemon listens, if it is not
 * at one of the usual places. With an installed library write <ringbus.h>, and
 * link with `pkg-config --libs ringbus`.
 */
#include <stdio.h>
#include <string.h>

#include "client/ringbus.h"

/* All errors are negative; the daemon's words, if it has any, say more. */
static int
fail(const char *what, int64_t err, const struct ringbus *bus)
{
	fprintf(stderr, "hello_publish: %s: %s %s\n", what,
		ringbus_strerror(err), ringbus_error(bus));
	return 1;
}

static int
publish(struct ringbus *bus, const char *channel, char **texts)
{
	struct ringbus_producer *producer;
	int err = ringbus_producer_open(bus, channel, NULL, &producer);

	if (err < 0)
		return fail(channel, err, bus);
	for (; *texts != NULL; texts++) {
		/* Copies the text into the ring and makes it visible. Waits
		 * while the ring is full: no event is ever thrown away. */
		int64_t sequence = ringbus_producer_write(
			producer, *texts, strlen(*texts), RINGBUS_FOREVER);

		if (sequence < 0)
			return fail(*texts, sequence, bus);
		printf("published %lld\n", (long long)sequence);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct ringbus *bus;
	int err;

	if (argc < 3) {
		fprintf(stderr, "usage: hello_publish CHANNEL TEXT...\n");
		return 2;
	}
	err = ringbus_connect(NULL, &bus);
	if (err < 0)
		return fail("cannot connect", err, NULL);
	err = publish(bus, argv[1], argv + 2);
	ringbus_close(bus); /* closes the producer as well */
	return err;
}
