/* SPDX-License-Identifier: MIT */
/*
 * long_event.c - the Disruptor's hello: numbers from one process to another
 *
 * usage: long_event [CHANNEL]
 *
 * An event is one 64-bit number: a translator writes it where it is going to be
 * read, a handler is shown it there, and nothing is copied.
 */
#include "examples/example.h"

struct long_event {
	int64_t value;
};

/* Writes one event into its slot. 0: publish it. */
static int
translate(void *context, void *slot, size_t size, int64_t sequence)
{
	const int64_t *value = context;
	struct long_event *event = slot;

	(void)size;
	(void)sequence;
	event->value = *value;
	return 0;
}

static int
print(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const struct long_event *e = event->data;

	(void)context;
	(void)end_of_batch;
	printf("event %lld: %lld\n", (long long)event->sequence,
	       (long long)e->value);
	return RINGBUS_CONTINUE;
}

static int
produce(const char *channel)
{
	struct ringbus *bus = example_connect();
	struct ringbus_producer *p;

	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	for (int64_t value = 0; value < 500; value += 100)
		must(ringbus_producer_publish_with(p, sizeof(struct long_event),
						   RINGBUS_FOREVER, translate,
						   &value),
		     "publish", bus);
	must(ringbus_end(bus, channel), "end", bus);
	ringbus_close(bus);
	return 0;
}

int
main(int argc, char **argv)
{
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	const char *channel = argc == 2 ? argv[1] : "long_event";
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	int r;

	must(ringbus_create(bus, channel, NULL), channel, bus);
	must(ringbus_consumer_open(bus, channel, NULL, &c), channel, bus);
	if (fork() == 0) /* whatever is published from now on, we see */
		_exit(produce(channel));
	handlers.on_event = print;
	r = ringbus_consumer_run(c, &handlers);
	if (r != -ESHUTDOWN) /* the end of the stream */
		must(r, "run", bus);
	return example_end(bus, channel);
}
