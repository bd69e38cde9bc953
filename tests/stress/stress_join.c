/* SPDX-License-Identifier: MIT */
/*
 * stress_join.c - consumers come and go while producers run at full speed
 *
 * Every member that gates sees, from its first event on, each producer's numbers
 * without a gap and in order, and no event torn; and starts where it was promised.
 */
#include <errno.h>

#include "tests/stress/stress.h"
#include "tests/system/util_bus.h"

#define SLOTS 4096
#define HISTORY 256
#define PRODUCERS 2
#define JOINERS 2

struct number {
	uint64_t producer;
	uint64_t count;
	uint64_t sum; /* of both, so that a torn event shows */
};

static struct t_bus b;

static int
publish_numbers(void *arg)
{
	uint64_t self = *(const uint64_t *)arg;
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t r = 0;

	for (uint64_t i = 0; r >= 0; i++) {
		struct number n = { self, i, self * 31 + i * 17 };

		r = ringbus_producer_write(p, &n, sizeof(n), RINGBUS_FOREVER);
	}
	ck_assert_int_eq(r, -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

/* What one member has seen. */
struct witness {
	int64_t next;             /* sequence, -1 before the first */
	int64_t count[PRODUCERS]; /* next of each, -1 before the first */
};

#define WITNESS ((struct witness){ -1, { -1, -1 } })

static void
see(struct witness *w, const struct ringbus_event *event)
{
	const struct number *n = event->data;
	uint64_t producer = n->producer, count = n->count;

	stress_assert(w->next < 0 || event->sequence == w->next);
	stress_assert(n->sum == producer * 31 + count * 17);
	stress_assert(producer < PRODUCERS);
	stress_assert(w->count[producer] < 0 ||
		      (uint64_t)w->count[producer] == count);
	w->next = event->sequence + 1;
	w->count[producer] = (int64_t)count + 1;
}

/* Reads so many events, or to the end of the stream; what the wait said. */
static int64_t
read_some(struct ringbus_consumer *c, struct witness *w, int64_t n)
{
	int64_t r = 0;

	while (n > 0 && r >= 0) {
		struct ringbus_event event;

		r = ringbus_consumer_wait(c, RINGBUS_FOREVER);
		while (r >= 0 && n > 0 &&
		       ringbus_consumer_next(c, &event) > 0) {
			see(w, &event);
			n--;
		}
		if (r >= 0)
			stress_assert(ringbus_consumer_commit(c) == 0);
	}
	return r;
}

/* One that was there before the first event, and stays. */
static int
stay(void *arg)
{
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "steady", 0);
	struct witness w = { 0, { 0, 0 } };

	(void)arg;
	ck_assert_int_eq(read_some(c, &w, INT64_MAX), -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

static void
check_start(struct ringbus_consumer *c, int64_t from, struct witness *w)
{
	int64_t first = ringbus_consumer_sequence(c) + 1;

	w->next = first;
	if (from == RINGBUS_FROM_OLDEST && first > 0)
		stress_assert(ringbus_consumer_wait(c, RINGBUS_NOW) >=
			      first + HISTORY - 1);
	if (from >= 0)
		stress_assert(first == from + ringbus_consumer_missed(c));
}

static int64_t
choose_start(const struct ringbus_channel *channel, unsigned random)
{
	int64_t cursor = t_info(channel).gating;

	switch (random % 3) {
	case 0:
		return RINGBUS_FROM_NOW;
	case 1:
		return RINGBUS_FROM_OLDEST;
	default:
		return cursor > 1000 ? cursor - random % 1000 : 0;
	}
}

static int
come_and_go(void *arg)
{
	unsigned random = *(unsigned *)arg;
	struct ringbus *bus = t_connect(&b.daemon);
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	int64_t n = stress_count(400, 10000) / JOINERS;

	for (; n > 0; n--) {
		struct witness w = WITNESS;
		int64_t from = choose_start(ringbus_tap_channel(tap),
					    rand_r(&random) >> 4);
		struct ringbus_consumer *c = t_consume_as(bus, NULL, from);

		check_start(c, from, &w);
		stress_assert(read_some(c, &w, rand_r(&random) % 3000) >= 0);
		ringbus_consumer_close(c);
	}
	ringbus_close(bus);
	return 0;
}

static void
run(const char *wait)
{
	static uint64_t ids[PRODUCERS] = { 0, 1 };
	static unsigned seeds[JOINERS] = { 1, 2 };
	pid_t producers[PRODUCERS], joiners[JOINERS], steady;

	t_bus_begin(&b,
		    "slots: %d, history: %d, event_size: 24, producers: multi, "
		    "wait: %s, consumers: { steady: { on_death: keep } }",
		    SLOTS, HISTORY, wait);
	steady = t_child(stay, NULL);
	for (int i = 0; i < PRODUCERS; i++)
		producers[i] = t_child(publish_numbers, &ids[i]);
	for (int i = 0; i < JOINERS; i++)
		joiners[i] = t_child(come_and_go, &seeds[i]);
	for (int i = 0; i < JOINERS; i++)
		t_join(joiners[i]);
	t_ok(ringbus_end(b.bus, "a"));
	for (int i = 0; i < PRODUCERS; i++)
		t_join(producers[i]);
	t_join(steady);
	t_bus_end(&b);
}

TEST_TIMEOUT(joining_and_leaving_under_blocking_producers, STRESS_TIMEOUT)
{
	run("blocking");
}

TEST_TIMEOUT(joining_and_leaving_under_yielding_producers, STRESS_TIMEOUT)
{
	run("yielding");
}
