/* SPDX-License-Identifier: MIT */
/*
 * test_event.c - framed events of every size, and lies about them
 */
#include "shm/event.h"

#include "tests/fixture.h"

static struct fixture f;

static void
open_framed(enum rb_producers kind)
{
	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .producers = kind,
			       .slots = 64, .slot_size = 64));
}

static int
look_at(int64_t sequence, int64_t available, struct rb_event_view *view)
{
	return rb_event_at(&f.channel, sequence, available, view);
}

KINDS(events_of_every_size_come_back_whole)
{
	const uint32_t sizes[] = { 0,  1,   7,   8,   55,  56,
				   57, 119, 120, 121, 500, 64 * 64 / 4 };
	struct rb_sequencer s;
	struct rb_barrier b;
	struct rb_event_view view;

	open_framed(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int round = 0; round < 40; round++)
		for (size_t i = 0; i < RB_ARRAY_SIZE(sizes); i++) {
			int64_t lo = put_frame(&s, sizes[i], 0);
			int64_t hi = rb_barrier_wait(&b, lo, 0);

			ck_assert_int_ge(lo, 0);
			ck_assert_int_eq(look_at(lo, hi, &view), 0);
			ck_assert_uint_eq(view.size, sizes[i]);
			ck_assert_int_eq(view.last, hi);
			ck_assert(
				is_filled(view.data, view.size, (uint64_t)lo));
			t_ok(rb_barrier_commit(&b, hi));
		}
	fixture_close(&f);
}

KINDS(event_across_the_wrap_is_contiguous)
{
	struct rb_sequencer s;
	struct rb_event_view view;
	int64_t lo;

	open_framed(kind);
	fixture_producer(&f, &s);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(put_frame(&s, 10, 0), i);
	lo = put_frame(&s, 1000, 0);
	ck_assert_int_eq(lo, 60);
	ck_assert_int_eq(look_at(lo, 75, &view), 0);
	ck_assert_int_eq(view.last, 75);
	ck_assert((const char *)view.data + view.size >
		  f.channel.slots + 64 * 64);
	ck_assert(is_filled(view.data, view.size, 60));
	/* And it lies at the beginning of the ring, too. */
	ck_assert_int_eq(memcmp(f.channel.slots, f.channel.slots + 64 * 64, 64),
			 0);
	fixture_close(&f);
}

KINDS(length_that_leaves_the_range_is_a_lie)
{
	const uint32_t lies[] = { 57,      64 * 64 / 4, 64 * 64 / 4 + 1,
				  64 * 64, INT32_MAX,   UINT32_MAX };
	struct rb_event_view view;
	struct rb_sequencer s;
	struct rb_frame *frame;

	open_framed(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 10, 0), 0);
	frame = rb_channel_slot(&f.channel, 0);
	for (size_t i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		rb_word32_store_relaxed(&frame->size, lies[i]);
		ck_assert_int_eq(look_at(0, 0, &view), -EBADMSG);
	}
	/* Larger than any event, though the range would hold it. */
	rb_word32_store_relaxed(&frame->size, 64 * 64 / 4 + 1);
	ck_assert_int_eq(look_at(0, 63, &view), -EBADMSG);
	rb_word32_store_relaxed(&frame->size, 56);
	ck_assert_int_eq(look_at(0, 0, &view), 0);
	fixture_close(&f);
}

TEST(tombstones_and_rests_are_stepped_over)
{
	struct rb_event_view view;
	struct rb_sequencer s;

	open_framed(RB_MULTI);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0); /* and 1 */
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 2);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 2, 2), 0);
	ck_assert_int_eq(look_at(0, 2, &view), 0);
	ck_assert_int_eq(view.last, 1);
	ck_assert_int_eq(look_at(1, 2, &view), RB_NO_EVENT_REST);
	ck_assert_int_eq(view.last, 1);
	ck_assert_int_eq(look_at(2, 2, &view), RB_NO_EVENT_TOMBSTONE);
	ck_assert_int_eq(view.last, 2);
	fixture_close(&f);
}

TEST(stamp_of_another_sequence_is_a_lie)
{
	const uint64_t lies[] = {
		0,
		rb_stamp(5, RB_STAMP_NONE),
		rb_stamp(5 + 16, RB_STAMP_EVENT),
		rb_stamp(5 + 16, RB_STAMP_TOMBSTONE),
		rb_stamp(4, RB_STAMP_EVENT),
		rb_stamp(4, RB_STAMP_REST),
		UINT64_MAX,
	};
	struct rb_event_view view;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	for (size_t i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		rb_word64_store_relaxed(rb_channel_stamp(&f.channel, 5),
					lies[i]);
		ck_assert_int_eq(look_at(5, 5, &view), -EBADMSG);
	}
	fixture_close(&f);
}

KINDS(fixed_events_have_their_configured_size)
{
	struct rb_event_view view;
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = kind, .slot_size = 13));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(look_at(0, 0, &view), 0);
	ck_assert_uint_eq(view.size, 13);
	ck_assert_int_eq(view.last, 0);
	fixture_close(&f);
}

/* Until its first stamp nothing of an event is to be seen. */
TEST(half_published_event_is_not_seen)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_framed(RB_MULTI);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(claim_frame(&s, 200, 0), 0); /* to 3 */
	for (int i = 3; i > 0; i--)
		rb_word64_store_release(rb_channel_stamp(&f.channel, i),
					rb_stamp(i, RB_STAMP_REST));
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 3), 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
	fixture_close(&f);
}

struct writer {
	struct seat seat;
	int64_t n;
};

static int
publish_sizes(void *arg)
{
	const struct writer *w = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, w->seat, &channel, &s);
	for (int64_t i = 0; i < w->n; i++)
		t_ok(put_frame(&s, (uint32_t)(i * 37 % 1025), -1));
	return 0;
}

KINDS_AND_SIDES(events_of_all_sizes_flow)
{
	struct writer w = { .n = 3000 };
	struct rb_barrier b;
	struct task task;
	int64_t hi = -1;

	open_framed(kind);
	fixture_consumer(&f, "c", &b);
	w.seat = fixture_join_producer(&f);
	for (int64_t i = 0; i < w.n; i++)
		hi += rb_geometry_frame_slots(&f.channel.geometry,
					      (uint64_t)(i * 37 % 1025));
	task_start(&task, side, publish_sizes, &w);
	ck_assert_int_eq(take(&b, hi), w.n);
	task_join(&task);
	fixture_close(&f);
}

/* A range longer than one scan ends where an event ends. */
TEST(long_scan_does_not_cut_an_event)
{
	struct rb_event_view view;
	struct rb_sequencer s;
	struct rb_barrier b;
	int64_t at = 0, hi;

	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .producers = RB_MULTI,
			       .slots = 16384, .slot_size = 16));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	while (put_frame(&s, 16 * 7 - 8, 0) >= 0) /* seven slots each */
		;
	hi = rb_barrier_wait(&b, 0, 0);
	ck_assert_int_ge(hi, RB_SCAN_MAX);
	while (at <= hi) {
		ck_assert_int_eq(look_at(at, hi, &view), 0);
		at = view.last + 1;
	}
	ck_assert_int_lt(hi, 16300);
	ck_assert_int_eq(take(&b, 16384 / 7 * 7 - 1), 16384 / 7);
	fixture_close(&f);
}
