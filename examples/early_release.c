/* SPDX-License-Identifier: MIT */
/*
 * early_release.c - a batch whose slots become free before it is done
 *
 * usage: early_release [CHANNEL]
 *
 * An event processor commits once a batch, and a batch may be as large as the
 * ring. Where an event takes long, producers would wait for all of it. A handler
 * that returns RINGBUS_RELEASE commits what it has handled so far; here after
 * every third event. The price is a store that other processors read, so that
 * handlers of short events leave it to the end of the batch.
 */
#include "examples/example.h"

#define SLOTS 8

struct ends {
	struct ringbus_producer *producer;
	struct ringbus_consumer *consumer;
};

static int
begin(void *context, int64_t batch_size, int64_t queue_depth)
{
	(void)context;
	printf("a batch of %lld, %lld slots to read\n", (long long)batch_size,
	       (long long)queue_depth);
	return 0;
}

static int
work(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const struct ends *ends = context;

	printf("event %lld, committed up to %lld, %lld slots free\n",
	       (long long)event->sequence,
	       (long long)ringbus_consumer_sequence(ends->consumer),
	       (long long)ringbus_producer_remaining(ends->producer));
	if (end_of_batch)
		return RINGBUS_STOP;
	return event->sequence % 3 == 2 ? RINGBUS_RELEASE : RINGBUS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct ringbus_channel_options options = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	const char *channel = argc == 2 ? argv[1] : "early_release";
	struct ringbus *bus = example_connect();
	struct ends ends;
	int64_t highest;

	options.slots = SLOTS;
	must(ringbus_create(bus, channel, &options), channel, bus);
	must(ringbus_consumer_open(bus, channel, NULL, &ends.consumer), channel,
	     bus);
	must(ringbus_producer_open(bus, channel, NULL, &ends.producer), channel,
	     bus);
	highest = must(ringbus_producer_claim(ends.producer, SLOTS,
					      RINGBUS_FOREVER),
		       "claim", bus);
	must(ringbus_producer_publish(ends.producer, 0, highest), "publish",
	     bus);
	handlers.on_batch_start = begin;
	handlers.on_event = work;
	handlers.context = &ends;
	must(ringbus_consumer_run(ends.consumer, &handlers), "run", bus);
	printf("%lld slots free\n",
	       (long long)ringbus_producer_remaining(ends.producer));
	return example_end(bus, channel);
}
