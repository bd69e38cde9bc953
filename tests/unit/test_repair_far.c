/* SPDX-License-Identifier: MIT */
/*
 * test_repair_far.c - claims that are more than a ring ahead of what is published
 */
#include "tests/unit/claims.h"

static struct fixture f;
static struct rb_sequencer dead, live[2];
static struct rb_repair report;

/* A full ring of 16 that nobody has read, 0..15. */
static void
fill_up(void)
{
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_join_consumer(&f, "c", RB_FROM_NOW);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live[0]);
	fixture_producer(&f, &live[1]);
	ck_assert_int_eq(put(&live[0], 16, 0), 15);
	report = (struct rb_repair){ 0 };
}

static void
claim_recorded(struct rb_sequencer *s, int64_t n)
{
	int64_t lo = rb_seq_load_relaxed(&f.channel.ring->claimed) + 1;

	record(s, lo, (uint64_t)n);
	rb_seq_add_acq_rel(&f.channel.ring->claimed, n);
}

TEST(claim_that_is_nobodys_is_waited_for)
{
	fill_up();
	claim_recorded(&live[0], 16);
	claim_unrecorded(&f, &dead, 2);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_close(&f);
}

TEST(claims_of_the_living_are_theirs)
{
	fill_up();
	claim_recorded(&live[0], 16);
	claim_recorded(&live[1], 16);
	intend(&dead, 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_close(&f);
}

TEST(gap_between_claims_is_looked_at)
{
	fill_up();
	claim_recorded(&live[0], 16);
	claim_unrecorded(&f, &dead, 3);
	claim_recorded(&live[1], 16);
	report.only_looks = true;
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 3);
	ck_assert_int_eq(report.first, 32);
	ck_assert_int_eq(report.last, 34);
	fixture_close(&f);
}

/* What a later lap says of the one before lets nobody pass a hole. */
TEST(frontier_ends_before_a_hole_of_the_last_lap)
{
	struct rb_barrier b;
	int64_t hole;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &live[0]);
	fixture_producer(&f, &live[1]);
	for (int64_t hi = 9; hi < 40; hi += 10) {
		ck_assert_int_eq(put(&live[0], 10, 0), hi);
		ck_assert_int_eq(take(&b, hi), 10);
	}
	hole = rb_sequencer_claim(&live[0], 1, 0);
	ck_assert_int_eq(hole, 40);
	ck_assert_int_eq(put(&live[1], 5, 0), 45);
	rb_seq_store_release(&f.channel.ring->gate, -1);
	ck_assert_int_eq(rb_multi_frontier(&f.channel, -1, 45), 39);
	rb_sequencer_publish(&live[0], hole, hole);
	ck_assert_int_eq(rb_multi_frontier(&f.channel, -1, 45), 45);
	ck_assert_int_eq(rb_multi_frontier(&f.channel, -1, 42), 42);
	fixture_close(&f);
}
