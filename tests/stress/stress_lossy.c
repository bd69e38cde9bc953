/* SPDX-License-Identifier: MIT */
/*
 * stress_lossy.c - a reader ten times too slow, that nobody waits for
 *
 * What it reads is whole and in order, and what it missed is known exactly.
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/stress/stress.h"
#include "tests/system/util_bus.h"

#define EVENT_SIZE 64
#define SLOWER 10

static struct t_bus b;
static int64_t n_events; /* of each producer */

static int
publish_filled(void *arg)
{
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	(void)arg;
	for (int64_t i = 0; i < n_events; i++) {
		int64_t s = ringbus_producer_claim(p, 1, RINGBUS_FOREVER);

		stress_assert(s >= 0);
		fill(ringbus_producer_slot(p, s), EVENT_SIZE, (uint64_t)s);
		stress_assert(ringbus_producer_publish(p, s, s) == 0);
	}
	ringbus_close(bus);
	return 0;
}

/* Events of this many bytes, by sequence, header not counted. */
static size_t
frame_size(int64_t i)
{
	return (size_t)(i * 7 % 200);
}

static int
publish_frames(void *arg)
{
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	(void)arg;
	for (int64_t i = 0; i < n_events; i++) {
		size_t size = frame_size(i);
		void *to;
		int64_t s = ringbus_producer_claim_event(p, size,
							 RINGBUS_FOREVER, &to);

		stress_assert(s >= 0);
		fill(to, size, (uint64_t)s);
		stress_assert(ringbus_producer_publish_event(p, s) == 0);
	}
	ringbus_close(bus);
	return 0;
}

/* Lets the producers be SLOWER times as fast. */
static void
lag_behind(const struct ringbus_channel *channel, int64_t n_read)
{
	struct ringbus_info info;

	do {
		info = t_info(channel);
	} while (!info.ended && info.cursor < n_read * SLOWER);
}

static int
read_slowly(void *arg)
{
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	const struct ringbus_channel *channel;
	struct ringbus_event event;
	int64_t next = 0, lost = 0, n_read = 0, r;

	o.slow = RINGBUS_SLOW_LOSSY;
	o.name = "slow";
	o.from = 0;
	c = t_consume(bus, &o);
	channel = ringbus_consumer_channel(c);
	t_store(arg, 1);
	while ((r = ringbus_consumer_wait(c, RINGBUS_FOREVER)) >= 0) {
		while (ringbus_consumer_next(c, &event) > 0) {
			int64_t now_lost = ringbus_consumer_lost(c);

			stress_assert(event.sequence - next == now_lost - lost);
			stress_assert(is_filled(event.data, event.size,
						(uint64_t)event.sequence));
			next = event.last + 1;
			lost = now_lost;
			lag_behind(channel, ++n_read);
		}
		stress_assert(ringbus_consumer_commit(c) == 0);
	}
	ck_assert_int_eq(r, -ESHUTDOWN);
	next += ringbus_consumer_lost(c) - lost;
	ck_assert_int_eq(next, t_info(channel).cursor + 1);
	ck_assert_int_gt(ringbus_consumer_lost(c), 0);
	ringbus_close(bus);
	return 0;
}

static void
run(const char *keys, unsigned n_producers, t_child_fn publish)
{
	struct rb_word64 *joined = t_counter();
	pid_t producers[2], reader;

	n_events = stress_count(2000000, 100000000) / n_producers;
	t_bus_begin(&b, "%s", keys);
	reader = t_child(read_slowly, joined);
	t_until(t_read(joined) == 1);
	for (unsigned i = 0; i < n_producers; i++)
		producers[i] = t_child(publish, NULL);
	for (unsigned i = 0; i < n_producers; i++)
		t_join(producers[i]);
	t_ok(ringbus_end(b.bus, "a"));
	t_join(reader);
	t_bus_end(&b);
}

TEST_TIMEOUT(single_producer, STRESS_TIMEOUT)
{
	run("slots: 4096, event_size: 64", 1, publish_filled);
}

TEST_TIMEOUT(multi_producers, STRESS_TIMEOUT)
{
	run("slots: 4096, event_size: 64, producers: multi", 2, publish_filled);
}

TEST_TIMEOUT(framed, STRESS_TIMEOUT)
{
	run("slots: 4096, framing: framed, slot_size: 64", 1, publish_frames);
}
