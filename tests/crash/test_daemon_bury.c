/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_bury.c - the daemon is killed at every boundary of the system
 * calls that it makes over a death, or over one that is too slow
 *
 * What has to hold each time is in util_scene.h.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "tests/crash/util_scene.h"
#include "tests/system/util_bus.h"

#define WHO 1 /* in events of an actor */

static void
open_consumer(struct actor *a, const char *name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	t_bus_ok(a->bus,
		 ringbus_consumer_open(a->bus, "busy", &o, &a->consumer));
}

static void
open_producer(struct actor *a)
{
	t_bus_ok(a->bus,
		 ringbus_producer_open(a->bus, "busy", NULL, &a->producer));
}

/* Claims n, fills all, publishes the first so many of them. */
static void
publish_some(struct actor *a, int64_t n, int64_t n_published)
{
	int64_t hi = ringbus_producer_claim(a->producer, n, T_LONG);
	int64_t lo = hi - n + 1;

	t_ok(hi);
	for (int64_t i = lo; i <= hi; i++)
		flow_fill(ringbus_producer_slot(a->producer, i), WHO,
			  (uint64_t)i);
	if (n_published > 0)
		t_ok(ringbus_producer_publish(a->producer, lo,
					      lo + n_published - 1));
}

/* ----------------------------------------------------------------- deaths */

static void
consume(struct actor *a)
{
	scene_connect(a);
	open_consumer(a, "last");
	t_ok(ringbus_consumer_fd(a->consumer));
	t_ok(ringbus_consumer_arm(a->consumer));
}

TEST_TIMEOUT(death_of_a_consumer_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "a consumer dies, armed",
				   .prepare = consume });
}

static void
keep_place(struct actor *a)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = "keeper";
	o.from = RINGBUS_FROM_OLDEST;
	o.keep_for_ns = RINGBUS_FOREVER;
	scene_connect(a);
	t_bus_ok(a->bus,
		 ringbus_consumer_open(a->bus, "busy", &o, &a->consumer));
	scene_read(a);
}

TEST_TIMEOUT(death_of_one_that_is_kept_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "one that is kept dies",
				   .prepare = keep_place,
				   .kept = "keeper" });
}

static void
take_work(struct actor *a)
{
	struct ringbus_event event;

	scene_connect(a);
	open_consumer(a, "crew");
	open_producer(a);
	publish_some(a, 3, 3);
	t_next(a->consumer, &event);
}

TEST_TIMEOUT(death_of_a_worker_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "a worker dies with work taken",
				   .prepare = take_work });
}

static void
claim(struct actor *a)
{
	scene_connect(a);
	open_producer(a);
	publish_some(a, 5, 0);
}

TEST_TIMEOUT(death_of_one_that_has_claimed_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "a producer dies, 5 slots claimed",
				   .prepare = claim,
				   .blocks = true });
}

static void
claim_and_publish_some(struct actor *a)
{
	scene_connect(a);
	open_producer(a);
	publish_some(a, 5, 2);
}

TEST_TIMEOUT(death_of_one_that_has_published_some_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "a producer dies, 2 of 5 published",
				   .prepare = claim_and_publish_some,
				   .blocks = true });
}

/* --------------------------------------------------------------- too slow */

#define LIMIT 16 /* slots */

static void
open_slow(struct actor *a, int slow)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = "slow";
	o.slow = slow;
	o.max_lag = LIMIT;
	scene_connect(a);
	open_producer(a);
	t_bus_ok(a->bus,
		 ringbus_consumer_open(a->bus, "busy", &o, &a->consumer));
}

static void
come_slowly(struct actor *a)
{
	open_slow(a, RINGBUS_SLOW_EVICT);
}

static bool
is_evicted(const struct actor *a)
{
	return ringbus_consumer_wait(a->consumer, RINGBUS_NOW) == -ESTALE;
}

static int
fall_behind(struct actor *a)
{
	publish_some(a, 2 * LIMIT, 2 * LIMIT);
	t_until_within(is_evicted(a) || scene_is_killed(a), 60);
	return 0;
}

static void
check_evicted(struct actor *a)
{
	t_until_within(is_evicted(a), 60);
}

TEST_TIMEOUT(eviction_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "one is evicted",
				   .prepare = come_slowly,
				   .ask = fall_behind,
				   .check = check_evicted,
				   .places = 2,
				   .first = SYS_writev });
}

static void
come_to_be_parked(struct actor *a)
{
	open_slow(a, RINGBUS_SLOW_PARK);
}

static bool
is_in_state(const struct actor *a, int state)
{
	return t_member(ringbus_consumer_channel(a->consumer), RINGBUS_CONSUMER,
			"slow")
		       .state == state;
}

static int
be_parked(struct actor *a)
{
	publish_some(a, 2 * LIMIT, 2 * LIMIT);
	t_until_within(is_in_state(a, RINGBUS_MEMBER_PARKED) ||
			       scene_is_killed(a),
		       60);
	return 0;
}

static void
check_parked(struct actor *a)
{
	t_until_within(is_in_state(a, RINGBUS_MEMBER_PARKED), 60);
	scene_read(a);
	t_until_within(is_in_state(a, RINGBUS_MEMBER_ATTACHED), 60);
}

TEST_TIMEOUT(parking_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "one is parked",
				   .prepare = come_to_be_parked,
				   .ask = be_parked,
				   .check = check_parked,
				   .places = 2,
				   .kept = "slow",
				   .first = SYS_writev });
}

static void
be_parked_before(struct actor *a)
{
	come_to_be_parked(a);
	be_parked(a);
}

static int
catch_up(struct actor *a)
{
	scene_read(a);
	t_until_within(is_in_state(a, RINGBUS_MEMBER_ATTACHED) ||
			       scene_is_killed(a),
		       60);
	return 0;
}

static void
check_back(struct actor *a)
{
	scene_read(a);
	t_until_within(is_in_state(a, RINGBUS_MEMBER_ATTACHED), 60);
}

TEST_TIMEOUT(return_of_a_parked_one_can_be_cut_anywhere, 300)
{
	scene_play(&(struct deed){ .name = "a parked one comes back",
				   .prepare = be_parked_before,
				   .ask = catch_up,
				   .check = check_back,
				   .places = 2,
				   .kept = "slow",
				   .first = SYS_membarrier });
}
