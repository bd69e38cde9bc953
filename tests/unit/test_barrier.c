/* SPDX-License-Identifier: MIT */
/*
 * test_barrier.c - how far a consumer may read, and how the stream ends
 *
 * B: the cases of the Disruptor's SequenceBarrierTest, Q: of SequenceGroupTest.
 */
#include "shm/barrier.h"

#include "tests/fixture.h"
#include "tests/trace.h"

static struct fixture f;

/* three stages in front, one behind them all */
static void
open_fan(struct rb_barrier first[3], struct rb_barrier *last)
{
	const char *const names[] = { "one", "two", "three" };

	fixture_format(&f, SHAPE(.slots = 32));
	for (unsigned i = 0; i < 3; i++)
		fixture_declare(&f, i, names[i], SPEC(0));
	fixture_declare(&f, 3, "last", SPEC(.after = 7));
	rb_channel_open(&f.channel);
	for (int i = 0; i < 3; i++)
		fixture_consumer(&f, names[i], &first[i]);
	fixture_consumer(&f, "last", last);
}

TEST(b01_threshold_ahead_returns_at_once)
{
	const int64_t at[] = { 10, 9, 10 };
	struct rb_barrier first[3], last;
	struct rb_sequencer s;

	open_fan(first, &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 11, 0), 10);
	for (int i = 0; i < 3; i++)
		take(&first[i], at[i]);
	ck_assert_int_eq(rb_barrier_wait(&last, 9, -1), 9);
	fixture_close(&f);
}

struct stage {
	struct seat seat;
	int64_t next;
	int64_t expected;
};

static int
wait_once(void *arg)
{
	const struct stage *stage = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, stage->seat, &channel, &b);
	ck_assert_int_eq(rb_barrier_wait(&b, stage->next, -1), stage->expected);
	return 0;
}

static void
release_by_all_three(enum side side)
{
	struct stage stage = { .next = 10, .expected = 10 };
	struct rb_barrier first[3], last;
	struct rb_sequencer s;
	struct task task;

	open_fan(first, &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	for (int i = 0; i < 3; i++)
		take(&first[i], 8);
	stage.seat = (struct seat){ .index = last.index, .epoch = last.epoch };
	task_start(&task, side, wait_once, &stage);
	t_until(rb_word64_load_relaxed(&last.gate->waits.sleeps) > 0);
	ck_assert_int_eq(put(&s, 1, 0), 10);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rb_barrier_wait(&last, 10, 0), -EAGAIN);
		take(&first[i], 10);
	}
	task_join(&task);
	fixture_close(&f);
}

TEST(b02_b04_dependent_waits_for_all_three_processes)
{
	release_by_all_three(FORKED);
}

TEST(b02_b04_dependent_waits_for_all_three_threads)
{
	release_by_all_three(THREADED);
}

struct alerted {
	struct rb_barrier b;
	struct rb_word32 done;
};

static int
wait_for_alert(void *arg)
{
	struct alerted *a = arg;

	ck_assert_int_eq(rb_barrier_wait(&a->b, 0, -1), -ECANCELED);
	return 0;
}

static void
alert_a_wait(enum rb_wait_kind kind)
{
	struct alerted a;
	struct task task;

	fixture_open(&f, SHAPE(.wait = WAIT(kind)));
	fixture_consumer(&f, "c", &a.b);
	task_start(&task, THREADED, wait_for_alert, &a);
	rb_barrier_alert(&a.b);
	task_join(&task);
	fixture_close(&f);
}

TEST(b03_alert_ends_busy_spin)
{
	alert_a_wait(RB_WAIT_BUSY_SPIN);
}

TEST(b03_alert_ends_every_strategy)
{
	for (int kind = 0; kind < RB_WAIT_KINDS; kind++)
		alert_a_wait(kind);
}

#define N_ALERTS 2000

static int
wait_for_alerts(void *arg)
{
	struct alerted *a = arg;

	for (uint32_t i = 1; i <= N_ALERTS; i++) {
		ck_assert_int_eq(rb_barrier_wait(&a->b, 0, -1), -ECANCELED);
		rb_word32_store_release(&a->done, i);
	}
	return 0;
}

/* So often that the bound of a sleep would take longer than the test may. */
TEST_TIMEOUT(b03_alert_ends_a_sleep_at_once, 50)
{
	struct alerted a = { 0 };
	struct task task;

	fixture_open(&f, SHAPE(0));
	fixture_consumer(&f, "c", &a.b);
	task_start(&task, THREADED, wait_for_alerts, &a);
	for (uint32_t i = 1; i <= N_ALERTS; i++) {
		t_until(rb_word64_load_relaxed(&a.b.gate->waits.sleeps) >= i);
		rb_barrier_alert(&a.b);
		t_until(rb_word32_load_acquire(&a.done) >= i);
	}
	task_join(&task);
	fixture_close(&f);
}

TEST(b05_alert_is_for_one_wait_of_one_consumer)
{
	struct rb_barrier first, second;
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	rb_barrier_alert(&first);
	ck_assert_int_eq(rb_barrier_wait(&second, 0, 0), 0);
	ck_assert_int_eq(rb_barrier_wait(&first, 0, 0), -ECANCELED);
	ck_assert_int_eq(rb_barrier_wait(&first, 0, 0), 0);
	fixture_close(&f);
}

TEST(q07_q13_bound_follows_the_slowest_as_they_overtake)
{
	struct rb_barrier first[3], last;
	struct rb_sequencer s;

	open_fan(first, &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 20, 0), 19);
	take(&first[0], 5);
	take(&first[1], 3);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), -EAGAIN);
	take(&first[2], 9);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 3);
	take(&first[1], 12);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 5);
	take(&first[0], 19);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 9);
	fixture_close(&f);
}

TEST(q09_bound_moves_when_the_slowest_leaves)
{
	struct rb_barrier first[3], last;
	struct rb_sequencer s;

	open_fan(first, &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 20, 0), 19);
	take(&first[0], 5);
	take(&first[1], 7);
	rb_member_leave_consumer(&f.channel, first[2].index, false);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 5);
	rb_member_leave_consumer(&f.channel, first[0].index, false);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 7);
	fixture_close(&f);
}

TEST(commit_goes_forward_and_not_beyond)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	ck_assert_int_eq(rb_barrier_commit(&b, 0), -EINVAL);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
	ck_assert_int_eq(rb_barrier_commit(&b, 4), -EINVAL);
	ck_assert_int_eq(rb_barrier_commit(&b, 2), 0);
	ck_assert_int_eq(rb_barrier_commit(&b, 1), -EINVAL);
	ck_assert_int_eq(rb_barrier_commit(&b, 3), 0);
	fixture_close(&f);
}

TEST(evicted_consumer_is_told_at_its_next_call)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
	rb_member_leave_consumer(&f.channel, b.index, false);
	ck_assert_int_eq(rb_barrier_commit(&b, 3), -ESTALE);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, -1), -ESTALE);
	ck_assert_int_eq(rb_seq_load_relaxed(&b.gate->sequence), -1);
	fixture_close(&f);
}

TEST(cursor_more_than_a_ring_ahead_is_a_lie)
{
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	rb_seq_store_relaxed(&f.channel.ring->published, 15);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 15);
	rb_seq_store_relaxed(&f.channel.ring->published, 16);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EBADMSG);
	rb_seq_store_relaxed(&f.channel.ring->published, INT64_MAX);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EBADMSG);
	rb_seq_store_relaxed(&f.channel.ring->published, INT64_MIN);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	fixture_close(&f);
}

/* ---------------------------------------------------------------- looking */

KINDS(look_tells_why_there_is_nothing)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_barrier_look(&b, 0), RB_BARRIER_IDLE);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 1);
	ck_assert_int_eq(rb_barrier_look(&b, 0), kind == RB_MULTI
							 ? RB_BARRIER_GATING
							 : RB_BARRIER_IDLE);
	fill_slots(&s, 0, 1);
	t_ok(rb_sequencer_publish(&s, 0, 1));
	ck_assert_int_eq(rb_barrier_look(&b, 0), RB_BARRIER_READY);
	ck_assert_int_eq(b.available, 1);
	t_ok(rb_barrier_commit(&b, 1));
	ck_assert_int_eq(rb_barrier_look(&b, 2), RB_BARRIER_IDLE);
	rb_barrier_alert(&b);
	ck_assert_int_eq(rb_barrier_look(&b, 2), -ECANCELED);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_barrier_look(&b, 2), RB_BARRIER_END);
	rb_member_leave_consumer(&f.channel, b.index, false);
	ck_assert_int_eq(rb_barrier_look(&b, 2), -ESTALE);
	fixture_close(&f);
}

TEST(look_tells_that_the_stage_before_is_not_done)
{
	struct rb_barrier first[3], last;
	struct rb_sequencer s;

	open_fan(first, &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_barrier_look(&last, 0), RB_BARRIER_IDLE);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	take(&first[0], 0);
	take(&first[1], 0);
	ck_assert_int_eq(rb_barrier_look(&last, 0), RB_BARRIER_GATING);
	take(&first[2], 0);
	ck_assert_int_eq(rb_barrier_look(&last, 0), RB_BARRIER_READY);
	fixture_close(&f);
}

/* ----------------------------------------------------- end of the stream */

KINDS(close_lets_consumers_read_all_before_the_end)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(take(&b, 9), 10);
	ck_assert_int_eq(rb_barrier_wait(&b, 10, -1), -ESHUTDOWN);
	ck_assert_int_eq(rb_barrier_wait(&b, 10, 0), -ESHUTDOWN);
	fixture_close(&f);
}

KINDS(close_refuses_producers_and_hides_what_they_publish)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(put(&s, 1, 0), -ESHUTDOWN);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 9);
	ck_assert_int_eq(rb_barrier_wait(&b, 10, 0), -ESHUTDOWN);
	fixture_close(&f);
}

TEST(claims_made_before_the_end_belong_to_it)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 1);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	fill_slots(&s, 0, 1);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 1), 0);
	ck_assert_int_eq(take(&b, 1), 2);
	ck_assert_int_eq(rb_barrier_wait(&b, 2, -1), -ESHUTDOWN);
	fixture_close(&f);
}

KINDS(full_ring_of_a_closed_stream_ends_the_claim)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -ESHUTDOWN);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -ESHUTDOWN);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -ESHUTDOWN);
	ck_assert_int_eq(take(&b, 15), 16);
	fixture_close(&f);
}

KINDS(abort_ends_all_whatever_is_unread)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_channel_close_stream(&f.channel, true);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, -1), -ESHUTDOWN);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -ESHUTDOWN);
	fixture_close(&f);
}

static int
publish_until_end(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	int64_t hi;

	fixture_attach_producer(&f, *seat, &channel, &s);
	do
		hi = put(&s, 3, -1);
	while (hi >= 0);
	ck_assert_int_eq(hi, -ESHUTDOWN);
	return 0;
}

static int
read_until_end(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_barrier b;
	int64_t end;

	fixture_attach_consumer(&f, *seat, &channel, &b);
	while (rb_barrier_wait(&b, b.committed + 1, -1) >= 0)
		take(&b, b.available);
	ck_assert_int_eq(rb_barrier_wait(&b, b.committed + 1, -1), -ESHUTDOWN);
	end = rb_seq_load_acquire(&channel.meta->control.end);
	ck_assert_int_ge(b.committed, end);
	return 0;
}

KINDS(close_under_flow_loses_nothing_before_the_end)
{
	struct seat seats[4];
	pid_t pids[4];
	int n_producers = kind == RB_MULTI ? 2 : 1;

	fixture_open(&f, SHAPE(.producers = kind, .slots = 64));
	for (int i = 0; i < 2; i++) {
		seats[i] = fixture_join_consumer(&f, i ? "a" : "b",
						 RB_FROM_NOW);
		pids[i] = t_child(read_until_end, &seats[i]);
	}
	for (int i = 2; i < 2 + n_producers; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_until_end, &seats[i]);
	}
	t_until(is_readable(&f.channel, 1000) ||
		rb_seq_load_acquire(&f.channel.ring->claimed) > 5000);
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < 2 + n_producers; i++)
		t_join(pids[i]);
	fixture_close(&f);
}
