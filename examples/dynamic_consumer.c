/* SPDX-License-Identifier: MIT */
/*
 * dynamic_consumer.c - a consumer that comes and goes while events flow
 *
 * usage: dynamic_consumer [CHANNEL]
 *
 * A process publishes as fast as it can. Three times a consumer joins, reads a
 * while, and leaves. From the moment it is in, producers wait for it and it
 * misses nothing; once it has left, they don't. It checks that the numbers it
 * gets are in a row.
 */
#include "examples/example.h"

#define N_EVENTS 1000 /* that it stays for */

struct visit {
	int64_t first, n;
};

static int
check(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const int64_t *number = event->data;
	struct visit *visit = context;

	(void)end_of_batch;
	if (visit->n == 0)
		visit->first = *number;
	if (*number != visit->first + visit->n)
		return -EPROTO;
	return ++visit->n == N_EVENTS ? RINGBUS_STOP : RINGBUS_CONTINUE;
}

static void
visit_channel(struct ringbus *bus, const char *channel)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct visit visit = { 0 };
	struct ringbus_consumer *c;

	options.name = "guest";
	handlers.on_event = check;
	handlers.context = &visit;
	must(ringbus_consumer_open(bus, channel, &options, &c), "join", bus);
	must(ringbus_consumer_run(c, &handlers), "run", bus);
	ringbus_consumer_close(c);
	printf("joined at %lld, %lld events in a row\n", (long long)visit.first,
	       (long long)visit.n);
}

static int
produce(const char *channel)
{
	struct ringbus *bus = example_connect();
	struct ringbus_producer *p;
	int64_t i, r = 0;

	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	for (i = 0; r >= 0; i++)
		r = ringbus_producer_write(p, &i, sizeof(i), RINGBUS_FOREVER);
	ringbus_close(bus);
	return r != -ESHUTDOWN; /* they have seen enough */
}

int
main(int argc, char **argv)
{
	const char *channel = argc == 2 ? argv[1] : "dynamic_consumer";
	struct ringbus *bus = example_connect();

	must(ringbus_create(bus, channel, NULL), channel, bus);
	if (fork() == 0)
		_exit(produce(channel));
	for (int i = 0; i < 3; i++)
		visit_channel(bus, channel);
	must(ringbus_end(bus, channel), "end", bus);
	return example_end(bus, channel);
}
