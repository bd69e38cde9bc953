/* SPDX-License-Identifier: MIT */
/*
 * late_reader.c - begins with what a journal has, and goes on live
 *
 * usage: late_reader CHANNEL FOLDER
 *
 * FOLDER is where ringbus-journal writes what is published on CHANNEL. The ring has
 * but the last events; the folder has the older ones too. With one more line than any
 * other consumer we get all of them, in their order, without a gap or a repeat where
 * one ends and the other begins. Ends when the stream does.
 */
#include <errno.h>
#include <stdio.h>

#include "examples/example.h"

int
main(int argc, char **argv)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *consumer;
	struct ringbus_event event;
	int64_t found;

	if (argc != 3) {
		fprintf(stderr, "usage: late_reader CHANNEL FOLDER\n");
		return 2;
	}
	o.name = "late";
	o.from = RINGBUS_FROM_OLDEST; /* of the journal, not of the ring */
	o.journal = argv[2];
	must(ringbus_consumer_open(bus, argv[1], &o, &consumer), "open", bus);
	while ((found = ringbus_consumer_wait(consumer, RINGBUS_FOREVER)) >=
	       0) {
		/* Where they come from makes no difference to us. */
		while (ringbus_consumer_next(consumer, &event) > 0)
			printf("%lld: %.*s\n", (long long)event.sequence,
			       (int)event.size, (const char *)event.data);
		must(ringbus_consumer_commit(consumer), "commit", bus);
	}
	if (found != -ESHUTDOWN)
		must(found, "wait", bus);
	ringbus_close(bus);
	return 0;
}
