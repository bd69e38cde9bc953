/* SPDX-License-Identifier: MIT */
/*
 * test_lane.c - who has which lane, when workers come and go
 */
#include "shm/lane.h"

#include <stdio.h>

#include "tests/t.h"

static struct rb_group group; /* without work: nobody looks at it */

static void
start(void)
{
	memset(&group, 0, sizeof(group));
}

static unsigned
count(const struct rb_lane_set *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RB_LANES; i++)
		n += rb_lane_is_in(set, i);
	return n;
}

TEST(lane_is_of_all_bytes_of_the_key_alone)
{
	char key[] = "customer-0000";
	unsigned n_events[RB_LANES] = { 0 };

	for (unsigned i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "customer-%04u", i);
		n_events[rb_lane_of(key, sizeof(key))]++;
	}
	for (unsigned i = 0; i < RB_LANES; i++) {
		ck_assert_uint_gt(n_events[i], 5);
		ck_assert_uint_lt(n_events[i], 100);
	}
	ck_assert_uint_eq(rb_lane_of(key, 0), 0);
	ck_assert_uint_eq(rb_lane_of("ab", 1), rb_lane_of("ac", 1));
	ck_assert_uint_ne(rb_lane_of("ab", 2), rb_lane_of("ac", 2));
}

TEST(every_worker_has_its_share)
{
	unsigned n_lanes[RB_CONSUMERS_MAX] = { 0 };
	uint64_t workers = UINT64_C(0x8001000100010001);

	for (unsigned i = 0; i < RB_LANES; i++) {
		int owner = rb_lane_owner(i, workers);

		ck_assert(workers >> owner & 1);
		n_lanes[owner]++;
	}
	for (int i = 0; i < RB_CONSUMERS_MAX; i++)
		if (workers >> i & 1)
			ck_assert_uint_gt(n_lanes[i], RB_LANES / 10);
	ck_assert_int_eq(rb_lane_owner(7, 0), -1);
	ck_assert_int_eq(rb_lane_owner(7, UINT64_C(1) << 63), 63);
}

TEST(one_that_goes_changes_nothing_between_the_others)
{
	for (int gone = 0; gone < 8; gone++)
		for (unsigned i = 0; i < RB_LANES; i++) {
			int before = rb_lane_owner(i, 0xff);
			int after = rb_lane_owner(i, 0xff & ~(1U << gone));

			if (before != gone)
				ck_assert_int_eq(before, after);
			ck_assert_int_ne(after, gone);
		}
}

TEST(lane_changes_hands_only_when_it_is_given_up)
{
	struct rb_lanes a = { 0 }, b = { 0 };
	unsigned n;

	start();
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 3, 8), RB_LANES_TAKEN);
	ck_assert_uint_eq(count(&a.held), RB_LANES);
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 3, 8), 0);
	/* One joins, and there is nothing for it yet. */
	ck_assert_int_eq(rb_lanes_settle(&b, &group, 5, 0x28), 0);
	ck_assert_uint_eq(count(&b.held), 0);
	n = count(&b.due);
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 3, 0x28), RB_LANES_GIVEN);
	ck_assert_uint_eq(count(&a.held), RB_LANES - n);
	ck_assert_int_eq(rb_lanes_settle(&b, &group, 5, 0x28), RB_LANES_TAKEN);
	ck_assert_uint_eq(count(&b.held), n);
	/* It goes, and the other may have them when they are free. */
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 3, 8), 0);
	rb_lanes_free(&group, 5);
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 3, 8), RB_LANES_TAKEN);
	ck_assert_uint_eq(count(&a.held), RB_LANES);
}

TEST(busy_lane_is_kept)
{
	struct rb_lanes a = { 0 };

	start();
	rb_lanes_settle(&a, &group, 0, 1);
	rb_lane_add(&a.busy, 77);
	/* Thrown out: no lane is due to it. */
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 0, 2), RB_LANES_GIVEN);
	ck_assert_uint_eq(count(&a.held), 1);
	ck_assert(rb_lane_is_in(&a.held, 77));
	rb_lane_remove(&a.busy, 77);
	ck_assert_int_eq(rb_lanes_settle(&a, &group, 0, 2), RB_LANES_GIVEN);
	ck_assert_uint_eq(count(&a.held), 0);
	for (unsigned i = 0; i < RB_LANES; i++)
		ck_assert_uint_eq(rb_word32_load_relaxed(&group.lanes[i]), 0);
}
