/* SPDX-License-Identifier: MIT */
/*
 * shutdown_on_error.c - a consumer fails, and the producer shuts down in order
 *
 * usage: shutdown_on_error CHANNEL
 *
 * For a channel `CHANNEL: { slots: 8, consumers: { ledger: { on_death: keep },
 * audit: { on_death: keep } } }` in ringbus.yaml(5), so that nobody misses an
 * event. `ledger` cannot handle event 3: its processor stops before it, and it is
 * shown as failed to everybody. The producer, once the ring is full, sees that,
 * publishes no more, waits for `audit` to read the rest, and ends the stream.
 */
#include "examples/example.h"

static int
handle(void *context, const struct ringbus_event *event, int end_of_batch)
{
	const int *can_fail = context;

	(void)end_of_batch;
	return *can_fail && event->sequence == 3 ? -EIO : RINGBUS_CONTINUE;
}

static int
consume(const char *channel, const char *name, int can_fail)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *c;
	int r;

	options.name = name;
	must(ringbus_consumer_open(bus, channel, &options, &c), name, bus);
	handlers.on_event = handle; /* its failure is RINGBUS_FATAL */
	handlers.context = &can_fail;
	r = ringbus_consumer_run(c, &handlers);
	printf("%s stops after %lld: %s\n", name,
	       (long long)ringbus_consumer_sequence(c), ringbus_strerror(r));
	while (wait(NULL) > 0) /* till then they can see our state */
		continue;
	ringbus_close(bus);
	return 0;
}

static int
produce(const char *channel)
{
	struct ringbus_member who = { .size = sizeof(who) };
	struct ringbus *bus = example_connect();
	struct ringbus_producer *p;
	int64_t i = 0, r;

	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	while (who.state != RINGBUS_MEMBER_FAILED) {
		r = ringbus_producer_write(p, &i, sizeof(i), 50000000);
		if (r == -ETIMEDOUT) /* full for 50 ms: because of whom? */
			ringbus_producer_blocker(p, &who);
		else
			i = must(r, "write", bus) + 1;
	}
	printf("%s has failed at %lld\n", who.name, (long long)who.failed);
	must(ringbus_producer_drain(p, RINGBUS_FOREVER), "drain", bus);
	must(ringbus_end(bus, channel), "end", bus);
	ringbus_close(bus);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (fork() == 0)
		return produce(argv[1]);
	if (fork() == 0)
		return consume(argv[1], "audit", 0);
	return consume(argv[1], "ledger", 1);
}
