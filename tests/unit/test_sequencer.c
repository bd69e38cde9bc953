/* SPDX-License-Identifier: MIT */
/*
 * test_sequencer.c - what single and multi producers have in common
 *
 * S: the cases of the Disruptor's SequencerTest, R: those of its RingBufferTest
 * that concern this layer. Each runs for both kinds of producers; where somebody
 * waits, with the other side in a process and in a thread. 16 slots, blocking.
 */
#include "shm/sequencer.h"

#include "tests/fixture.h"

static struct fixture f;

static void
open_ring(enum rb_producers kind)
{
	fixture_open(&f, SHAPE(.producers = kind));
}

static int64_t
gate_of(const struct rb_barrier *b)
{
	return rb_seq_load_acquire(&b->gate->sequence);
}

KINDS(s02_first_claim_is_zero)
{
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	fixture_close(&f);
}

KINDS(s03_claim_returns_the_highest)
{
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	fixture_close(&f);
}

KINDS(s04_room_for_sixteen_and_no_more)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	ck_assert_int_eq(rb_sequencer_claim(&s, 17, 0), -EINVAL);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_claim(&s, 15, 0), 15);
	fixture_close(&f);
}

KINDS(s05_no_room_once_sixteen_wait)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, (int)b.index);
	fixture_close(&f);
}

struct publisher {
	struct seat seat;
	int64_t batches;
	int64_t batch;
	int64_t timeout_ns;
};

/* Publishes its batches one after the other, checking their numbers. */
static int
run_publisher(void *arg)
{
	const struct publisher *p = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, p->seat, &channel, &s);
	for (int64_t i = 0; i < p->batches; i++)
		ck_assert_int_eq(put(&s, p->batch, p->timeout_ns),
				 (i + 1) * p->batch - 1);
	return 0;
}

KINDS_AND_SIDES(s06_holds_up_publisher_when_full)
{
	struct publisher p = { .batches = 17, .batch = 1, .timeout_ns = -1 };
	struct rb_barrier b;
	struct task task;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	p.seat = fixture_join_producer(&f);
	task_start(&task, side, run_publisher, &p);
	/* It announces a wish for space, so it has found the ring full. */
	t_until(rb_word32_load_relaxed(
			&f.channel.ring->space_wanted[b.index]) != 0);
	ck_assert(is_readable(&f.channel, 15));
	ck_assert(!is_readable(&f.channel, 16));
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 15);
	t_ok(rb_barrier_commit(&b, 0));
	task_join(&task);
	ck_assert_int_eq(rb_barrier_wait(&b, 16, 0), 16);
	fixture_close(&f);
}

KINDS(s07_unpublished_claims_fill_the_ring_and_stay_unseen)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	if (kind == RB_SINGLE)
		for (int i = 0; i < 16; i++)
			ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), i);
	else
		ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0),
			 kind == RB_SINGLE ? -EAGAIN : -EBUSY);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	fixture_close(&f);
}

KINDS(s08_remaining_falls_with_each_claim_and_is_never_negative)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(rb_sequencer_remaining(&s), 16 - i);
		ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), i);
		ck_assert_int_eq(rb_sequencer_remaining(&s), 15 - i);
		ck_assert_int_eq(rb_sequencer_publish(&s, i, i), 0);
	}
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	fixture_close(&f);
}

KINDS(s09_not_available_until_published)
{
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 6, 0), 5);
	for (int i = 0; i <= 5; i++)
		ck_assert(!is_readable(&f.channel, i));
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 5), 0);
	for (int i = 0; i <= 5; i++)
		ck_assert(is_readable(&f.channel, i));
	ck_assert(!is_readable(&f.channel, 6));
	fixture_close(&f);
}

KINDS(s12_waiter_sees_as_far_as_published)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 10, 0), 9);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 3), 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
	if (kind == RB_MULTI) {
		ck_assert_int_eq(rb_sequencer_publish(&s, 5, 9), 0);
		ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
		ck_assert_int_eq(rb_barrier_wait(&b, 4, 0), -EAGAIN);
		ck_assert_int_eq(rb_sequencer_publish(&s, 4, 4), 0);
	} else {
		ck_assert_int_eq(rb_sequencer_publish(&s, 4, 9), 0);
	}
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 9);
	fixture_close(&f);
}

KINDS(s13_seventeenth_try_reports_full)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

KINDS(s14_successor_goes_on_where_the_last_one_stopped)
{
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 15, 0), 14);
	rb_member_leave_producer(&f.channel, s.index);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 15);
	fixture_close(&f);
}

static void
claims_that_cannot_be(enum rb_producers kind, int64_t timeout_ns)
{
	const int64_t bad[] = { 0, -1, 17, INT64_MAX, INT64_MIN };
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	for (size_t i = 0; i < RB_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(rb_sequencer_claim(&s, bad[i], timeout_ns),
				 -EINVAL);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	fixture_close(&f);
}

KINDS(s15_s16_blocking_claim_of_a_wrong_count_changes_nothing)
{
	claims_that_cannot_be(kind, -1);
}

KINDS(s17_s18_try_claim_of_a_wrong_count_changes_nothing)
{
	claims_that_cannot_be(kind, 0);
}

KINDS(s19_available_after_a_publish)
{
	struct rb_sequencer s;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	ck_assert(!is_readable(&f.channel, 0));
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert(is_readable(&f.channel, 0));
	fixture_close(&f);
}

/* Lapped is told from not yet: a tap counts the one as lost. */
KINDS(s20_lapped_is_not_the_same_as_not_yet)
{
	struct rb_sequencer s;
	struct rb_tap early, late;
	char buffer[32];
	uint64_t size;

	open_ring(kind);
	fixture_producer(&f, &s);
	rb_tap_init(&early, &f.channel, 0);
	rb_tap_init(&late, &f.channel, 17);
	ck_assert_int_eq(rb_tap_read(&early, buffer, 32, &size), -EAGAIN);
	for (int i = 0; i < 17; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(rb_tap_read(&early, buffer, 32, &size), 1);
	ck_assert_int_eq(early.lost, 1);
	ck_assert_int_eq(rb_tap_read(&late, buffer, 32, &size), -EAGAIN);
	ck_assert_int_eq(late.lost, 0);
	fixture_close(&f);
}

KINDS(s21_neither_claims_nor_questions_move_the_published_cursor)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int64_t i = 0; i < 32; i++) {
		rb_sequencer_remaining(&s);
		ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), i);
		rb_sequencer_remaining(&s);
		ck_assert_int_eq(rb_barrier_wait(&b, i, 0), -EAGAIN);
		ck_assert_int_eq(rb_sequencer_publish(&s, i, i), 0);
		ck_assert_int_eq(rb_barrier_wait(&b, i, 0), i);
		t_ok(rb_barrier_commit(&b, i));
	}
	fixture_close(&f);
}

/* ------------------------------------------------------------ ring buffer */

struct reader {
	struct seat seat;
	int64_t hi;
	int64_t events;
};

static int
run_reader(void *arg)
{
	const struct reader *r = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, r->seat, &channel, &b);
	ck_assert_int_eq(take(&b, r->hi), r->events);
	return 0;
}

static void
publish_to_reader(enum rb_producers kind, enum side side, int64_t batches,
		  int64_t batch)
{
	struct reader r = { .hi = batches * batch - 1,
			    .events = batches * batch };
	struct rb_sequencer s;
	struct task task;

	open_ring(kind);
	r.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	task_start(&task, side, run_reader, &r);
	fixture_producer(&f, &s);
	for (int64_t i = 1; i <= batches; i++)
		ck_assert_int_eq(put(&s, batch, -1), i * batch - 1);
	task_join(&task);
	fixture_close(&f);
}

KINDS_AND_SIDES(r01_r02_publish_and_get)
{
	publish_to_reader(kind, side, 1, 1);
}

KINDS_AND_SIDES(r03_full_ring_is_read_back_in_order)
{
	publish_to_reader(kind, side, 1, 16);
}

KINDS_AND_SIDES(r04_wraps_many_times_with_a_following_consumer)
{
	publish_to_reader(kind, side, 1016, 1);
}

KINDS_AND_SIDES(r04_wraps_many_times_in_odd_batches)
{
	publish_to_reader(kind, side, 500, 7);
}

KINDS(r05_exactly_four_fit_in_four)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.slots = 4, .producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

KINDS(r06_joining_overrides_whatever_the_gate_said)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_ring(kind);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 5, 0), 4);
	rb_seq_store_relaxed(&f.channel.gates->consumers[0].sequence, 29);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(gate_of(&b), 4);
	for (int i = 5; i < 21; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

KINDS_AND_SIDES(r07_publisher_is_kept_from_overtaking)
{
	struct publisher p = { .batches = 17, .batch = 1, .timeout_ns = -1 };
	struct rb_barrier b;
	struct task task;

	open_ring(kind);
	fixture_consumer(&f, "c", &b);
	p.seat = fixture_join_producer(&f);
	task_start(&task, side, run_publisher, &p);
	ck_assert_int_eq(take(&b, 16), 17);
	task_join(&task);
	fixture_close(&f);
}

KINDS(r71_minimum_follows_who_comes_and_goes)
{
	struct rb_barrier first, second;
	struct rb_sequencer s;

	open_ring(kind);
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(take(&first, 3), 4);
	ck_assert_int_eq(take(&second, 7), 8);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 4);
	ck_assert_int_eq(s.blocker, (int)first.index);
	rb_member_leave_consumer(&f.channel, first.index, false);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 8);
	ck_assert_int_eq(s.blocker, (int)second.index);
	fixture_close(&f);
}
