/* SPDX-License-Identifier: MIT */
/*
 * test_run.c - runs of events: where they end, and what is no event
 */
#include "shm/run.h"

#include "tests/fixture.h"

#define SLOTS 256 /* some blocks of stamps, and their ends */

static struct fixture f;

static void
open_fixed(enum rb_producers kind)
{
	fixture_open(&f,
		     SHAPE(.slots = SLOTS, .slot_size = 8, .producers = kind));
}

static void
open_framed(enum rb_producers kind)
{
	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .producers = kind,
			       .slots = 64, .slot_size = 64));
}

/* The last slot of the run, or what there is in its place. */
static int64_t
run_at(int64_t sequence, int64_t available, int64_t max)
{
	int64_t last = -100;
	int kind = rb_run_at(&f.channel, sequence, available, max, &last);

	ck_assert(kind == 0 || last == -100);
	return kind == 0 ? last : -1000 + kind;
}

#define TOMBSTONE (-1000 + RB_NO_EVENT_TOMBSTONE)
#define REST (-1000 + RB_NO_EVENT_REST)
#define LIE (-1000 - EBADMSG)

static void
set_stamp(int64_t sequence, uint64_t stamp)
{
	rb_word64_store_relaxed(rb_channel_stamp(&f.channel, sequence), stamp);
}

/* The ring is full, of sequences from `first` on. */
static void
fill_ring(struct rb_sequencer *s, int64_t first)
{
	struct rb_barrier b;

	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, s);
	while (s->next < first - 1) {
		int64_t n = first - 1 - s->next < SLOTS ? first - 1 - s->next
							: SLOTS;
		int64_t hi = put(s, n, 0);

		ck_assert_int_eq(rb_barrier_wait(&b, hi, 0), hi);
		t_ok(rb_barrier_commit(&b, hi));
	}
	ck_assert_int_eq(put(s, SLOTS, 0), first + SLOTS - 1);
}

KINDS(fixed_events_run_to_the_bound)
{
	struct rb_sequencer s;

	open_fixed(kind);
	fill_ring(&s, 100); /* and around the end of the ring */
	ck_assert_int_eq(run_at(100, 355, INT64_MAX), 355);
	ck_assert_int_eq(run_at(100, 355, 256), 355);
	ck_assert_int_eq(run_at(100, 355, 255), 354);
	ck_assert_int_eq(run_at(100, 355, 1), 100);
	ck_assert_int_eq(run_at(100, 100, INT64_MAX), 100);
	ck_assert_int_eq(run_at(100, 299, 1000), 299);
	ck_assert_int_eq(run_at(355, 355, 1), 355);
	ck_assert_int_eq(run_at(250, 260, 6), 255);
	ck_assert_int_eq(run_at(250, 260, 7), 256);
	fixture_close(&f);
}

/* Wherever it is: in the middle of a block, at its ends, beyond the wrap. */
TEST(a_tombstone_ends_a_run)
{
	struct rb_sequencer s;

	open_fixed(RB_MULTI);
	fill_ring(&s, 100);
	for (int64_t at = 101; at < 100 + SLOTS; at++) {
		set_stamp(at, rb_stamp(at, RB_STAMP_TOMBSTONE));
		ck_assert_int_eq(run_at(100, 355, INT64_MAX), at - 1);
		ck_assert_int_eq(run_at(at, 355, INT64_MAX), TOMBSTONE);
		ck_assert_int_eq(run_at(100, 355, 80),
				 at <= 180 ? at - 1 : 179);
		set_stamp(at, rb_stamp(at, RB_STAMP_EVENT));
	}
	ck_assert_int_eq(run_at(100, 355, INT64_MAX), 355);
	fixture_close(&f);
}

/* What is before a lie is good; from it on nothing is. */
TEST(a_lie_ends_a_run_and_is_told)
{
	struct rb_sequencer s;

	open_fixed(RB_MULTI);
	fill_ring(&s, 100);
	for (int64_t at = 101; at < 100 + SLOTS; at++) {
		const uint64_t lies[] = {
			0,
			rb_stamp(at, RB_STAMP_NONE),
			rb_stamp(at - SLOTS, RB_STAMP_EVENT),
			rb_stamp(at + SLOTS, RB_STAMP_EVENT),
			rb_stamp(at + 1, RB_STAMP_EVENT),
			UINT64_MAX,
		};

		for (size_t i = 0; i < RB_ARRAY_SIZE(lies); i++) {
			set_stamp(at, lies[i]);
			ck_assert_int_eq(run_at(100, 355, INT64_MAX), at - 1);
			ck_assert_int_eq(run_at(at, 355, INT64_MAX), LIE);
		}
		set_stamp(at, rb_stamp(at, RB_STAMP_EVENT));
	}
	fixture_close(&f);
}

KINDS(framed_events_are_whole_in_a_run)
{
	struct rb_sequencer s;

	open_framed(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 10, 0), 0);
	ck_assert_int_eq(put_frame(&s, 100, 0), 1); /* and 2 */
	ck_assert_int_eq(put_frame(&s, 0, 0), 3);
	ck_assert_int_eq(put_frame(&s, 500, 0), 4); /* to 11 */
	ck_assert_int_eq(run_at(0, 11, INT64_MAX), 11);
	ck_assert_int_eq(run_at(0, 11, 12), 11);
	ck_assert_int_eq(run_at(0, 11, 11), 3);
	ck_assert_int_eq(run_at(0, 11, 3), 2);
	ck_assert_int_eq(run_at(0, 11, 2), 0);
	/* One comes, however large. */
	ck_assert_int_eq(run_at(1, 11, 1), 2);
	ck_assert_int_eq(run_at(4, 11, 3), 11);
	ck_assert_int_eq(run_at(2, 11, 3), REST);
	fixture_close(&f);
}

TEST(framed_runs_end_before_a_tombstone)
{
	struct rb_sequencer s;

	open_framed(RB_MULTI);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 4);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 2, 4), 0);
	ck_assert_int_eq(put_frame(&s, 100, 0), 5);
	ck_assert_int_eq(run_at(0, 6, INT64_MAX), 1);
	ck_assert_int_eq(run_at(2, 6, INT64_MAX), TOMBSTONE);
	ck_assert_int_eq(run_at(5, 6, INT64_MAX), 6);
	fixture_close(&f);
}

KINDS(a_frame_that_lies_ends_a_run_and_is_told)
{
	const uint32_t lies[] = { 121, 64 * 64 / 4 + 1, UINT32_MAX };
	struct rb_sequencer s;
	struct rb_frame *frame;

	open_framed(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0);
	ck_assert_int_eq(put_frame(&s, 100, 0), 2);
	frame = rb_channel_slot(&f.channel, 2);
	for (size_t i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		rb_word32_store_relaxed(&frame->size, lies[i]);
		ck_assert_int_eq(run_at(0, 3, INT64_MAX), 1);
		ck_assert_int_eq(run_at(2, 3, INT64_MAX), LIE);
	}
	fixture_close(&f);
}

KINDS(only_the_rest_of_an_event_is_cut)
{
	struct rb_sequencer s;

	open_framed(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0);
	ck_assert_int_eq(put_frame(&s, 150, 0), 2);
	ck_assert(rb_run_cuts(&f.channel, 0));
	ck_assert(!rb_run_cuts(&f.channel, 1));
	ck_assert(rb_run_cuts(&f.channel, 2));
	ck_assert(rb_run_cuts(&f.channel, 3));
	ck_assert(!rb_run_cuts(&f.channel, 4));
	fixture_close(&f);
	open_fixed(kind);
	fill_ring(&s, 0);
	ck_assert(!rb_run_cuts(&f.channel, 0));
	fixture_close(&f);
}
