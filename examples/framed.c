/* SPDX-License-Identifier: MIT */
/*
 * framed.c - events of any length, written where they are going to be read
 *
 * usage: framed CHANNEL
 *
 * For a channel with `framing: framed`. ringbus_producer_write() copies a buffer
 * you have; here there is none: claim room, print into it, publish. One of the
 * events is given up after the claim, and nobody gets to see it.
 *
 * This program reads as well, what it has just written. That is fine as long as
 * the ring has room for all of it; with a full ring the claim would return
 * -EDEADLK, for nobody else could ever make room.
 */
#include <stdio.h>

#include "client/ringbus.h"

static int64_t
write_report(struct ringbus_producer *producer, int number)
{
	/* Claim as much as it may become: the size is fixed by the claim. */
	size_t size = (size_t)snprintf(NULL, 0, "report %d: %0*d", number,
				       number * 50, number);
	void *room;
	int64_t sequence = ringbus_producer_claim_event(producer, size + 1,
							RINGBUS_FOREVER, &room);

	if (sequence < 0)
		return sequence;
	snprintf(room, size + 1, "report %d: %0*d", number, number * 50,
		 number);
	if (number == 2) /* changed our mind */
		return ringbus_producer_abandon_event(producer, sequence);
	return ringbus_producer_publish_event(producer, sequence);
}

static int
read_reports(struct ringbus_consumer *consumer)
{
	struct ringbus_event event;
	int64_t found = ringbus_consumer_wait(consumer, RINGBUS_FOREVER);

	/* Sequences count slots, so that those of long events are far apart. */
	while (found >= 0 && ringbus_consumer_next(consumer, &event) > 0)
		printf("at %lld, %zu bytes: %.12s\n", (long long)event.sequence,
		       event.size, (const char *)event.data);
	return found < 0 ? (int)found : ringbus_consumer_commit(consumer);
}

int
main(int argc, char **argv)
{
	struct ringbus *bus = NULL;
	struct ringbus_producer *producer;
	struct ringbus_consumer *consumer;
	int64_t err = argc == 2 ? ringbus_connect(NULL, &bus) : -1;

	if (err == 0)
		err = ringbus_consumer_open(bus, argv[1], NULL, &consumer);
	if (err == 0)
		err = ringbus_producer_open(bus, argv[1], NULL, &producer);
	for (int i = 1; i <= 3 && err >= 0; i++)
		err = write_report(producer, i);
	if (err >= 0)
		err = read_reports(consumer);
	if (err < 0)
		fprintf(stderr, "framed: %s %s\n", ringbus_strerror(err),
			ringbus_error(bus));
	ringbus_close(bus);
	return err < 0;
}
