/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - two processes, one after the other, on one channel
 *
 * usage: pipeline CHANNEL
 *
 * The channel's configuration makes the order:
 *
 *	channels:
 *	  work:
 *	    framing: framed
 *	    consumers:
 *	      check:
 *	      use: { after: check }
 *
 * An event goes to `check`, and once that has committed it, to `use`. Nothing is
 * copied from the one to the other, both read the same memory. Publish with
 * hello_publish, stop with `ringbusctl end work`.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ringbus.h"

/* Takes one event. Returning 0 means: go on. */
static int
handle(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const char *stage = context;

	printf("%s: %.*s\n", stage, (int)event->size,
	       (const char *)event->data);
	/* The commit follows the last event of a batch: what has to be done
	 * before the next stage may see them is done by then. */
	if (end_of_batch)
		fflush(stdout);
	return 0;
}

static int
run_stage(const char *channel, const char *stage)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *consumer;
	struct ringbus *bus;
	int err;

	options.name = stage; /* our place in the graph */
	err = ringbus_connect(NULL, &bus);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", stage, ringbus_strerror(err));
		return 1;
	}
	err = ringbus_consumer_open(bus, channel, &options, &consumer);
	if (err == 0) /* waits, calls handle(), commits, and again */
		err = ringbus_consumer_run(consumer, handle, (void *)stage);
	if (err != -ESHUTDOWN)
		fprintf(stderr, "%s: %s %s\n", stage, ringbus_strerror(err),
			ringbus_error(bus));
	ringbus_close(bus);
	return err == -ESHUTDOWN ? 0 : 1;
}

int
main(int argc, char **argv)
{
	int status = 1, failed;

	if (argc != 2)
		return 2;
	/* Fork first: a connection belongs to the process that made it. */
	if (fork() == 0)
		return run_stage(argv[1], "use");
	failed = run_stage(argv[1], "check");
	return wait(&status) < 0 || status != 0 || failed;
}
