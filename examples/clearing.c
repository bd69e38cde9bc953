/* SPDX-License-Identifier: MIT */
/*
 * clearing.c - a slot is zero again once everybody has read it
 *
 * usage: clearing [CHANNEL]
 *
 * For events that should not lie around in memory: on a channel with `clear: zero`
 * the last consumer to commit wipes what was read, before the producer gets it
 * back. Here a producer looks into the slot that it claims again.
 */
#include <string.h>

#include "examples/example.h"

#define SLOTS 2

static struct ringbus_consumer *
join(struct ringbus *bus, const char *channel, const char *name)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;

	options.name = name;
	must(ringbus_consumer_open(bus, channel, &options, &c), name, bus);
	return c;
}

static void
read_one(struct ringbus_consumer *c, const char *name)
{
	struct ringbus_event event;

	must(ringbus_consumer_wait(c, RINGBUS_FOREVER), name, NULL);
	if (ringbus_consumer_next(c, &event) > 0)
		printf("%s reads: %s\n", name, (const char *)event.data);
	must(ringbus_consumer_commit(c), name, NULL);
}

static void
look_at_slot(struct ringbus_producer *p)
{
	static const char zeroes[64];
	int64_t s = must(ringbus_producer_claim(p, 1, RINGBUS_FOREVER), "claim",
			 NULL);
	const char *slot = ringbus_producer_slot(p, s);

	printf("slot %lld has %s\n", (long long)s % SLOTS,
	       memcmp(slot, zeroes, sizeof(zeroes)) == 0 ? "zeroes" : slot);
	must(ringbus_producer_abandon(p, s, s), "abandon", NULL);
}

int
main(int argc, char **argv)
{
	struct ringbus_channel_options options = RINGBUS_CHANNEL_OPTIONS_INIT;
	const char *channel = argc == 2 ? argv[1] : "clearing";
	struct ringbus *bus = example_connect();
	struct ringbus_consumer *a, *b;
	struct ringbus_producer *p;

	options.slots = SLOTS;
	options.clear = 1;
	must(ringbus_create(bus, channel, &options), channel, bus);
	a = join(bus, channel, "a");
	b = join(bus, channel, "b");
	must(ringbus_producer_open(bus, channel, NULL, &p), channel, bus);
	for (int i = 0; i < SLOTS; i++)
		must(ringbus_producer_write(p, "a secret", 9, RINGBUS_NOW),
		     "write", bus);
	read_one(a, "a");
	read_one(b, "b");
	look_at_slot(p);
	return example_end(bus, channel);
}
