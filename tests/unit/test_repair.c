/* SPDX-License-Identifier: MIT */
/*
 * test_repair.c - what the dead leave behind, state by state
 *
 * The dead one is a handle whose words are written as multi.c writes them up to
 * some point. test_kill.c has real deaths.
 */
#include "shm/repair.h"

#include "tests/unit/claims.h"

static struct fixture f;
static struct rb_repair report;

static void
open_multi(enum rb_framing framing)
{
	report = (struct rb_repair){ 0 };
	fixture_open(&f, SHAPE(.producers = RB_MULTI, .framing = framing,
			       .slots = framing == RB_FRAMED ? 64 : 16));
}

static enum rb_stamp_kind
kind_at(int64_t sequence)
{
	uint64_t stamp = rb_word64_load_acquire(
		rb_channel_stamp(&f.channel, sequence));

	if (rb_stamp_sequence(stamp) != sequence)
		return RB_STAMP_NONE;
	return rb_stamp_kind(stamp);
}

static void
expect_report(uint64_t tombstones, int64_t first, int64_t last)
{
	ck_assert_uint_eq(report.tombstones, tombstones);
	ck_assert_int_eq(report.first, first);
	ck_assert_int_eq(report.last, last);
}

TEST(idle_leaves_nothing)
{
	struct rb_sequencer s;

	open_multi(RB_FIXED);
	fixture_producer(&f, &s);
	ck_assert_int_eq(fixture_repair(&f, s.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_close(&f);
}

TEST(published_claim_leaves_nothing)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 3, 0), 2);
	ck_assert_int_eq(fixture_repair(&f, s.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	ck_assert_int_eq(take(&b, 2), 3);
	fixture_close(&f);
}

TEST(unpublished_claim_becomes_tombstones)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 3, 0), 4);
	ck_assert_int_eq(put(&live, 2, 0), 6);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(3, 2, 4);
	ck_assert_int_eq(take(&b, 6), 4);
	fixture_close(&f);
}

TEST(published_part_of_a_claim_stays)
{
	struct rb_sequencer dead;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 5, 0), 4);
	fill_slots(&dead, 0, 4);
	ck_assert_int_eq(rb_sequencer_publish(&dead, 0, 1), 0);
	ck_assert_int_eq(rb_sequencer_publish(&dead, 3, 3), 0);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(2, 2, 4);
	ck_assert_int_eq(take(&b, 4), 3);
	fixture_close(&f);
}

TEST(intention_without_a_claim_leaves_nothing)
{
	struct rb_sequencer dead, live;

	open_multi(RB_FIXED);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 4, 0), 3);
	intend(&dead, 2);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_close(&f);
}

TEST(unrecorded_claim_is_found_as_nobodys)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 4, 0), 3);
	claim_unrecorded(&f, &dead, 2);
	ck_assert_int_eq(rb_sequencer_claim(&live, 3, 0), 8);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(2, 4, 5);
	/* The live one's claim is its own still. */
	ck_assert_int_eq(kind_at(6), RB_STAMP_NONE);
	fill_slots(&live, 6, 8);
	ck_assert_int_eq(rb_sequencer_publish(&live, 6, 8), 0);
	ck_assert_int_eq(take(&b, 8), 7);
	fixture_close(&f);
}

TEST(live_handle_that_is_just_claiming_is_waited_for)
{
	struct rb_sequencer dead, live;

	open_multi(RB_FIXED);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	claim_unrecorded(&f, &dead, 1);
	claim_unrecorded(&f, &live, 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_uint_eq(report.tombstones, 0);
	record(&live, 1, 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(1, 0, 0);
	ck_assert_int_eq(kind_at(1), RB_STAMP_NONE);
	fixture_close(&f);
}

TEST(two_dead_in_the_same_window_are_both_repaired)
{
	struct rb_sequencer dead[2], live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead[0]);
	fixture_producer(&f, &dead[1]);
	fixture_producer(&f, &live);
	claim_unrecorded(&f, &dead[0], 2);
	ck_assert_int_eq(put(&live, 1, 0), 2);
	claim_unrecorded(&f, &dead[1], 3);
	rb_member_set_dying(&f.channel, dead[1].index);
	ck_assert_int_eq(fixture_repair(&f, dead[0].index, &report), 0);
	expect_report(5, 0, 5);
	ck_assert_int_eq(fixture_repair(&f, dead[1].index, &report), 0);
	expect_report(5, 0, 5);
	ck_assert_int_eq(put(&live, 1, 0), 6);
	ck_assert_int_eq(take(&b, 6), 2);
	fixture_close(&f);
}

TEST(recorded_claim_of_another_dead_is_left_to_its_own_repair)
{
	struct rb_sequencer dead[2];

	open_multi(RB_FIXED);
	fixture_producer(&f, &dead[0]);
	fixture_producer(&f, &dead[1]);
	ck_assert_int_eq(rb_sequencer_claim(&dead[1], 2, 0), 1);
	claim_unrecorded(&f, &dead[0], 1);
	rb_member_set_dying(&f.channel, dead[1].index);
	ck_assert_int_eq(fixture_repair(&f, dead[0].index, &report), 0);
	expect_report(1, 2, 2);
	ck_assert_int_eq(fixture_repair(&f, dead[1].index, &report), 0);
	expect_report(3, 0, 2);
	fixture_close(&f);
}

/* Died while it waited for room: the last lap's events are not read yet. */
static void
defer_for_room(bool recorded)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 16, 0), 15);
	claim_unrecorded(&f, &dead, 2);
	if (recorded)
		record(&dead, 16, 2);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_int_eq(kind_at(0), RB_STAMP_EVENT);
	ck_assert_int_eq(take(&b, 0), 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_int_eq(kind_at(1), RB_STAMP_EVENT);
	ck_assert_int_eq(take(&b, 1), 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(2, 16, 17);
	ck_assert_int_eq(take(&b, 17), 14);
	ck_assert_int_eq(put(&live, 1, 0), 18);
	fixture_close(&f);
}

TEST(recorded_claim_waits_until_the_last_lap_is_read)
{
	defer_for_room(true);
}

TEST(unrecorded_claim_waits_until_the_last_lap_is_read)
{
	defer_for_room(false);
}

/* The lap before is another's, and not yet published. */
TEST(tombstone_waits_for_the_slots_last_producer)
{
	struct rb_sequencer dead, slow;

	open_multi(RB_FIXED);
	fixture_producer(&f, &slow);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 16, 0), 15);
	claim_unrecorded(&f, &dead, 1);
	record(&dead, 16, 1);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 0, 15), 0);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(1, 16, 16);
	fixture_close(&f);
}

/* Claims that were given up, more than a ring beyond the end: room for them never
 * comes, so waiting for it would keep the dead one's entry for good. */
static void
die_beyond_the_end(bool recorded)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 2, 0), 1);
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(rb_sequencer_claim(&live, 16, -1), -ESHUTDOWN);
	claim_unrecorded(&f, &dead, 16);
	if (recorded)
		record(&dead, 34, 16);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	ck_assert_int_eq(take(&b, 1), 2);
	fixture_close(&f);
}

TEST(recorded_claim_beyond_the_end_is_not_waited_for)
{
	die_beyond_the_end(true);
}

TEST(unrecorded_claim_beyond_the_end_is_not_waited_for)
{
	die_beyond_the_end(false);
}

TEST(claim_before_the_end_is_repaired_after_it)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	claim_unrecorded(&f, &dead, 2);
	ck_assert_int_eq(put(&live, 1, 0), 2);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(2, 0, 1);
	ck_assert_int_eq(take(&b, 2), 1);
	fixture_close(&f);
}

/* Nor does a consumer help that says it has read what nobody has published. */
TEST(tombstone_waits_for_it_also_where_a_consumer_lies)
{
	struct rb_sequencer dead, slow;
	struct rb_barrier liar;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "liar", &liar);
	fixture_producer(&f, &slow);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 16, 0), 15);
	claim_unrecorded(&f, &dead, 1);
	record(&dead, 16, 1);
	rb_seq_store_release(&liar.gate->sequence, 15);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 0, 15), 0);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(1, 16, 16);
	fixture_close(&f);
}

/* The others wait for the hole with claims that are more than a ring ahead. */
static void
hole_far_behind(bool with_consumer)
{
	struct rb_sequencer dead, live, waiting;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	if (with_consumer)
		fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	fixture_producer(&f, &waiting);
	claim_unrecorded(&f, &dead, 1);
	ck_assert_int_eq(put(&live, 15, 0), 15);
	claim_unrecorded(&f, &waiting, 16);
	record(&waiting, 16, 16);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(1, 0, 0);
	fixture_close(&f);
}

TEST(hole_is_found_more_than_a_ring_behind_the_claims)
{
	hole_far_behind(true);
}

TEST(hole_is_found_more_than_a_ring_behind_without_consumers)
{
	hole_far_behind(false);
}

TEST(repair_may_be_repeated)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FIXED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 4, 0), 3);
	/* As if the daemon had died in the middle. */
	rb_word64_store_release(rb_channel_stamp(&f.channel, 3),
				rb_stamp(3, RB_STAMP_TOMBSTONE));
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(3, 0, 2);
	ck_assert_int_eq(put(&live, 12, 0), 15);
	ck_assert_int_eq(take(&b, 15), 12);
	ck_assert_int_eq(put(&live, 4, 0), 19);
	/* Its record is a lap old now, and done. */
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	expect_report(3, 0, 2);
	ck_assert_int_eq(take(&b, 19), 4);
	fixture_close(&f);
}

/* Half stamped: the rest carries stamps, the first not yet. */
TEST(half_stamped_frame_is_taken_back)
{
	struct rb_sequencer dead, live;
	struct rb_barrier b;

	open_multi(RB_FRAMED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(claim_frame(&dead, 200, 0), 0); /* to 3 */
	for (int i = 3; i > 1; i--)
		rb_word64_store_release(rb_channel_stamp(&f.channel, i),
					rb_stamp(i, RB_STAMP_REST));
	ck_assert_int_eq(put_frame(&live, 10, 0), 4);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(kind_at(i), RB_STAMP_TOMBSTONE);
	ck_assert_int_eq(take(&b, 4), 1);
	fixture_close(&f);
}

TEST(wholly_stamped_frame_is_an_event)
{
	struct rb_sequencer dead;
	struct rb_barrier b;

	open_multi(RB_FRAMED);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(put_frame(&dead, 200, 0), 0);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, 0);
	ck_assert_int_eq(take(&b, 3), 1);
	fixture_close(&f);
}

TEST(record_that_lies_does_not_bury_what_nobody_claimed)
{
	const int64_t los[] = {
		2, 5, 16, INT64_C(1) << 40, -1, -16, (INT64_C(1) << 61) - 2
	};
	const uint64_t ns[] = { 0, 1, 16, UINT64_MAX };
	struct rb_sequencer dead, live;

	open_multi(RB_FIXED);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 2, 0), 1);
	for (size_t i = 0; i < RB_ARRAY_SIZE(los); i++)
		for (size_t j = 0; j < RB_ARRAY_SIZE(ns); j++) {
			record(&dead, los[i], ns[j]);
			fixture_repair(&f, dead.index, &report);
		}
	for (int i = 2; i < 16; i++)
		ck_assert_int_eq(kind_at(i), RB_STAMP_NONE);
	for (int i = 2; i < 40; i++)
		ck_assert_int_eq(put(&live, 1, 0), i);
	fixture_close(&f);
}

TEST(repair_wakes_who_slept_behind_the_hole)
{
	struct rb_sequencer dead;
	uint32_t before;

	open_multi(RB_FIXED);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 1, 0), 0);
	before = rb_word32_load_relaxed(&f.channel.ring->event);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_ne(rb_word32_load_relaxed(&f.channel.ring->event),
			  before);
	fixture_close(&f);
}
