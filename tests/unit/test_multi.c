/* SPDX-License-Identifier: MIT */
/*
 * test_multi.c - the multi-producer sequencer alone
 */
#include "shm/sequencer.h"

#include <signal.h>

#include "tests/fixture.h"
#include "tests/trace.h"

static struct fixture f;

static enum rb_intent_state
intent_of(const struct rb_sequencer *s)
{
	return rb_word64_load_relaxed(&s->handle->intent) & 3;
}

TEST(s22_exactly_what_is_published_is_available)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 6, 0), 5);
	ck_assert_int_eq(rb_sequencer_publish(&s, 3, 3), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 5, 5), 0);
	for (int i = 0; i < 6; i++)
		ck_assert(is_readable(&f.channel, i) == (i == 3 || i == 5));
	fixture_close(&f);
}

TEST(one_claim_at_a_time)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EBUSY);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -EBUSY);
	ck_assert_int_eq(rb_sequencer_publish(&s, 1, 1), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -EBUSY);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), 2);
	fixture_close(&f);
}

TEST(publish_takes_only_what_is_claimed)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), -EINVAL);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 4), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, -1, 0), -EINVAL);
	ck_assert_int_eq(rb_sequencer_publish(&s, 3, 2), -EINVAL);
	ck_assert(!is_readable(&f.channel, 0));
	fixture_close(&f);
}

TEST(publishing_twice_changes_nothing)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EBUSY);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 1), 0);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 0, 1), 0);
	ck_assert_int_eq(rb_stamp_kind(rb_word64_load_relaxed(
				 rb_channel_stamp(&f.channel, 1))),
			 RB_STAMP_EVENT);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 2);
	fixture_close(&f);
}

/* Stamps only grow: who repeats an old publish must not undo a newer one. */
TEST(publishing_again_after_a_lap_changes_nothing)
{
	struct rb_sequencer first, second;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &first);
	fixture_producer(&f, &second);
	ck_assert_int_eq(put(&first, 4, 0), 3);
	ck_assert_int_eq(put(&second, 16, 0), 19);
	rb_sequencer_publish(&first, 0, 3);
	for (int i = 4; i < 20; i++)
		ck_assert(is_readable(&f.channel, i));
	fixture_close(&f);
}

TEST(abandoned_claims_are_tombstones)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 0, 4), -EINVAL);
	fill_slots(&s, 0, 3);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 1, 2), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 3, 3), 0);
	ck_assert_int_eq(take(&b, 3), 2);
	ck_assert_int_eq(put(&s, 1, 0), 4);
	fixture_close(&f);
}

TEST(claim_available_takes_what_there_is)
{
	struct rb_sequencer first, second;
	struct rb_barrier b;
	int64_t lo = -7;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &first);
	fixture_producer(&f, &second);
	ck_assert_int_eq(rb_sequencer_claim_available(&first, 0, &lo), -EINVAL);
	ck_assert_int_eq(rb_sequencer_claim_available(&first, 10, &lo), 9);
	ck_assert_int_eq(lo, 0);
	ck_assert_int_eq(rb_sequencer_claim_available(&first, 1, &lo), -EBUSY);
	ck_assert_int_eq(rb_sequencer_claim_available(&second, 99, &lo), 15);
	ck_assert_int_eq(lo, 10);
	ck_assert_int_eq(rb_sequencer_publish(&second, 10, 15), 0);
	ck_assert_int_eq(rb_sequencer_claim_available(&second, 1, &lo),
			 -EAGAIN);
	fixture_close(&f);
}

struct taker {
	struct seat seat;
	struct rb_sequence *done;
};

static int
take_what_is_free(void *arg)
{
	const struct taker *t = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	int64_t n = 0;

	fixture_attach_producer(&f, t->seat, &channel, &s);
	while (n < 5000) {
		int64_t lo, hi = rb_sequencer_claim_available(&s, 5, &lo);

		if (hi == -EAGAIN)
			continue;
		t_ok(hi);
		ck_assert_int_le(hi - lo + 1, 5);
		fill_slots(&s, lo, hi);
		t_ok(rb_sequencer_publish(&s, lo, hi));
		n += hi - lo + 1;
	}
	rb_seq_add_acq_rel(t->done, n);
	return 0;
}

TEST(claim_available_of_two_processes_misses_no_slot)
{
	struct rb_sequence *done = fixture_share(sizeof(*done));
	struct taker takers[2];
	struct rb_barrier b;
	pid_t pids[2];
	int64_t n = 0;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	for (int i = 0; i < 2; i++) {
		takers[i] = (struct taker){ fixture_join_producer(&f), done };
		pids[i] = t_child(take_what_is_free, &takers[i]);
	}
	n += take(&b, 9999);
	for (int i = 0; i < 2; i++)
		t_join(pids[i]);
	n += take(&b, rb_seq_load_relaxed(done) - 1);
	ck_assert_int_eq(n, rb_seq_load_relaxed(done));
	fixture_close(&f);
}

TEST(without_consumers_nobody_laps_an_unpublished_slot)
{
	struct rb_sequencer slow, fast;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &slow);
	fixture_producer(&f, &fast);
	ck_assert_int_eq(put(&fast, 10, 0), 9);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 1, 0), 10);
	for (int i = 11; i <= 25; i++)
		ck_assert_int_eq(put(&fast, 1, 0), i);
	ck_assert_int_eq(put(&fast, 1, 0), -EAGAIN); /* 26 is over 10 */
	ck_assert_int_eq(fast.blocker, RB_NOBODY);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 10, 10), 0);
	for (int i = 26; i <= 100; i++)
		ck_assert_int_eq(put(&fast, 1, 0), i);
	fixture_close(&f);
}

struct waiter {
	struct seat seat;
	int64_t timeout_ns;
	int64_t expected;
};

static int
claim_one(void *arg)
{
	const struct waiter *w = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, w->seat, &channel, &s);
	ck_assert_int_eq(put(&s, 1, w->timeout_ns), w->expected);
	return 0;
}

/* `claimed` runs ahead of the room then, and questions stay sensible. */
TEST(remaining_is_never_negative_while_others_wait)
{
	struct waiter waiters[3];
	struct rb_sequencer s;
	struct rb_barrier b;
	pid_t pids[3];

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	for (int i = 0; i < 3; i++) {
		waiters[i] = (struct waiter){ fixture_join_producer(&f), -1,
					      16 + i };
		pids[i] = t_child(claim_one, &waiters[i]);
		t_until(rb_seq_load_acquire(&f.channel.ring->claimed) ==
			16 + i);
	}
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	ck_assert_int_eq(take(&b, 18), 19);
	for (int i = 0; i < 3; i++)
		t_join(pids[i]);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	fixture_close(&f);
}

TEST(claim_with_a_deadline_leaves_no_claim)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -ETIMEDOUT);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_seq_load_relaxed(&f.channel.ring->claimed), 15);
	ck_assert_int_eq(take(&b, 0), 1);
	ck_assert_int_eq(put(&s, 1, MS), 16);
	fixture_close(&f);
}

TEST(revocable_claim_is_cancelled)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	rb_sequencer_set_revocable(&s);
	ck_assert_int_eq(put(&s, 16, -1), 15);
	rb_sequencer_cancel(&s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -ECANCELED);
	ck_assert_int_eq(rb_seq_load_relaxed(&f.channel.ring->claimed), 15);
	ck_assert_int_eq(take(&b, 0), 1);
	ck_assert_int_eq(put(&s, 1, -1), 16);
	fixture_close(&f);
}

TEST(intent_says_what_a_handle_is_about)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(intent_of(&s), RB_INTENT_IDLE);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 2);
	ck_assert_int_eq(intent_of(&s), RB_INTENT_CLAIMED);
	ck_assert_uint_eq(rb_word64_load_relaxed(&s.handle->n), 3);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 2), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 14, 0), -EAGAIN);
	ck_assert_int_ne(intent_of(&s), RB_INTENT_CLAIMING);
	fixture_close(&f);
}

/* ------------------------------------------------- many at the same time */

#define N_EACH 20000

struct stream {
	struct seat seat;
	int64_t n;
};

static int
publish_stream(void *arg)
{
	const struct stream *stream = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, stream->seat, &channel, &s);
	for (int64_t i = 0; i < N_EACH; i += stream->n)
		t_ok(put(&s, stream->n, -1));
	return 0;
}

static void
publish_from_three(enum side side)
{
	struct stream streams[3];
	struct rb_barrier b;
	struct task tasks[3];

	fixture_open(&f, SHAPE(.producers = RB_MULTI, .slots = 64));
	fixture_consumer(&f, "c", &b);
	for (int i = 0; i < 3; i++) {
		streams[i] = (struct stream){ fixture_join_producer(&f),
					      1 << i };
		task_start(&tasks[i], side, publish_stream, &streams[i]);
	}
	ck_assert_int_eq(take(&b, 3 * N_EACH - 1), 3 * N_EACH);
	for (int i = 0; i < 3; i++)
		task_join(&tasks[i]);
	fixture_close(&f);
}

TEST(nothing_is_lost_from_three_processes)
{
	publish_from_three(FORKED);
}

TEST(nothing_is_lost_from_three_threads)
{
	publish_from_three(THREADED);
}

/* The frontier is looked up from where somebody has seen it already. */
TEST_TIMEOUT(late_producer_asks_for_room_without_counting_from_zero, 20)
{
	struct rb_sequencer s, late;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	/* As after a year: every stamp of the lap is there. */
	for (int64_t i = INT64_C(1) << 50; i < (INT64_C(1) << 50) + 16; i++)
		rb_word64_store_relaxed(rb_channel_stamp(&f.channel, i),
					rb_stamp(i, RB_STAMP_EVENT));
	rb_seq_store_relaxed(&f.channel.ring->claimed, (INT64_C(1) << 50) + 15);
	rb_seq_store_relaxed(&f.channel.ring->gate, (INT64_C(1) << 50) + 3);
	fixture_producer(&f, &late);
	ck_assert_int_eq(rb_sequencer_remaining(&late), 16);
	fixture_close(&f);
}
