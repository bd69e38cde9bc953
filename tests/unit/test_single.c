/* SPDX-License-Identifier: MIT */
/*
 * test_single.c - the single-producer sequencer alone
 */
#include "shm/sequencer.h"

#include <signal.h>

#include "tests/fixture.h"

static struct fixture f;

TEST(s01_second_producer_is_refused)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_member_find_producer(&f.channel), -EBUSY);
	rb_member_leave_producer(&f.channel, s.index);
	ck_assert_int_eq(rb_member_find_producer(&f.channel), 0);
	fixture_close(&f);
}

TEST(several_claims_are_published_one_by_one)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 4);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 1), 0);
	ck_assert_int_eq(rb_published_from(&f.channel, 0), 1);
	ck_assert_int_eq(rb_sequencer_publish(&s, 2, 4), 0);
	ck_assert_int_eq(rb_published_from(&f.channel, 0), 4);
	fixture_close(&f);
}

TEST(publish_takes_only_the_next_claimed_range)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), -EINVAL);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	ck_assert_int_eq(rb_sequencer_publish(&s, 1, 2), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 4), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, -1), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, -1, 0), -EINVAL);
	ck_assert(!is_readable(&f.channel, 0));
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 3), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 3), -EINVAL);
	fixture_close(&f);
}

TEST(abandoned_claims_are_claimed_again)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 0, 2), -EINVAL);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 2, 3), 0);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 2, 3), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 3), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 1), 0);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 1, 1), -EINVAL);
	ck_assert_int_eq(put(&s, 1, 0), 2);
	fixture_close(&f);
}

/* Its bytes are gone, whatever became of the claim. */
TEST(abandoned_claim_stays_known_as_written_over)
{
	struct rb_sequencer s;
	struct rb_tap tap;
	char buffer[32];
	uint64_t size;
	int64_t found;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_tap_init(&tap, &f.channel, 3);
	ck_assert_int_eq(rb_sequencer_claim(&s, 8, 0), 23);
	memset(rb_channel_slot(&f.channel, 16), 'x', 8 * 256);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 16, 23), 0);
	ck_assert_int_eq(put(&s, 1, 0), 16);
	found = rb_tap_read(&tap, buffer, 32, &size);
	ck_assert_int_eq(found, 8);
	ck_assert(is_filled(buffer, 32, 8));
	fixture_close(&f);
}

static int
claim_scribble_and_die(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 8, 0), 23);
	memset(rb_channel_slot(&channel, 16), 'x', 8 * 256);
	raise(SIGKILL);
	return 1;
}

TEST(dead_producers_claim_stays_known_as_written_over)
{
	struct rb_sequencer s;
	struct seat seat;
	struct rb_tap tap;
	char buffer[32];
	uint64_t size;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_member_leave_producer(&f.channel, s.index);
	rb_tap_init(&tap, &f.channel, 3);
	seat = fixture_join_producer(&f);
	t_join_signal(t_child(claim_scribble_and_die, &seat), SIGKILL);
	rb_member_leave_producer(&f.channel, seat.index);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 16);
	ck_assert_int_eq(rb_tap_read(&tap, buffer, 32, &size), 8);
	ck_assert(is_filled(buffer, 32, 8));
	fixture_close(&f);
}

TEST(nothing_of_a_dead_producers_claim_is_seen)
{
	struct rb_repair report = { 0 };
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE(.slots = 32));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_member_leave_producer(&f.channel, s.index);
	seat = fixture_join_producer(&f);
	t_join_signal(t_child(claim_scribble_and_die, &seat), SIGKILL);
	fixture_bury(&f, seat.index, &report);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 2, 0), 17);
	ck_assert_int_eq(take(&b, 17), 18);
	fixture_close(&f);
}

TEST(claim_available_takes_what_there_is)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	int64_t lo = -7;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim_available(&s, 0, &lo), -EINVAL);
	ck_assert_int_eq(rb_sequencer_claim_available(&s, 10, &lo), 9);
	ck_assert_int_eq(lo, 0);
	ck_assert_int_eq(rb_sequencer_claim_available(&s, INT64_MAX, &lo), 15);
	ck_assert_int_eq(lo, 10);
	ck_assert_int_eq(rb_sequencer_claim_available(&s, 1, &lo), -EAGAIN);
	ck_assert_int_eq(lo, 10);
	fixture_close(&f);
}

TEST(waiting_for_ones_own_claims_is_a_deadlock)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -EDEADLK);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 15), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), 16);
	fixture_close(&f);
}

static bool
is_consumer(void *context, int consumer)
{
	return *(int *)context == consumer;
}

TEST(waiting_for_ones_own_consumer_is_a_deadlock)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	int self;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	self = (int)b.index;
	s.is_self = is_consumer;
	s.is_self_context = &self;
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -EDEADLK);
	self++;
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -ETIMEDOUT);
	fixture_close(&f);
}

TEST(without_consumers_old_events_are_written_over)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	/* But never what is not published yet. */
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), 115);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

TEST(history_is_taken_from_the_capacity)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.history = 6));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(s.capacity, 10);
	ck_assert_int_eq(rb_sequencer_claim(&s, 11, 0), -EINVAL);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(take(&b, 0), 1);
	ck_assert_int_eq(put(&s, 1, 0), 10);
	fixture_close(&f);
}

TEST(cancelled_claim_returns_once)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), 15);
	rb_sequencer_cancel(&s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -ECANCELED);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

TEST(handle_that_was_given_to_another_is_stale)
{
	struct rb_sequencer old, s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &old);
	ck_assert_int_eq(put(&old, 16, 0), 15);
	rb_member_leave_producer(&f.channel, old.index);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&old, 1, 0), -ESTALE);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

/* A consumer's word is input: it cannot give away what is not published. */
TEST(lying_consumer_gives_no_room)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), 15);
	rb_seq_store_relaxed(&b.gate->sequence, INT64_MAX);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	rb_seq_store_relaxed(&b.gate->sequence, INT64_MIN);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	fixture_close(&f);
}

/* No consumer comes by there to clear it. */
TEST(abandoned_secrets_are_wiped)
{
	static const char zeroes[4 * 32];
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.clear = RB_CLEAR_ZERO));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	fill(rb_channel_slot(&f.channel, 0), sizeof(zeroes), 7);
	t_ok(rb_sequencer_abandon(&s, 0, 3));
	ck_assert_mem_eq(rb_channel_slot(&f.channel, 0), zeroes,
			 sizeof(zeroes));
	fixture_close(&f);
}
