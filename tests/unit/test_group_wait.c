/* SPDX-License-Identifier: MIT */
/*
 * test_group_wait.c - workers wait for work, and for the end of all of it
 */
#include "shm/group.h"
#include "tests/unit/workers.h"

#define ANY SPEC(.is_group = true)

struct waiting {
	struct seat seat;
	int64_t expected;
};

static int
wait_once(void *arg)
{
	const struct waiting *waiting = arg;
	struct rb_channel channel;
	struct rb_worker w;

	attach_worker(waiting->seat, &channel, &w);
	ck_assert_int_eq(rb_worker_wait(&w, -1), waiting->expected);
	return 0;
}

static pid_t
start_waiting(struct waiting *waiting)
{
	pid_t pid;

	waiting->seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
	pid = t_child(wait_once, waiting);
	t_until(t_is_asleep(pid));
	return pid;
}

TEST(sleeper_is_woken_by_a_publish)
{
	struct waiting waiting = { .expected = 0 };
	struct rb_sequencer s;
	pid_t pid;

	open_group(SHAPE(0), ANY, &s);
	pid = start_waiting(&waiting);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	t_join(pid);
	fixture_close(&f);
}

TEST(sleeper_gets_what_another_returns)
{
	struct waiting waiting = { .expected = 0 };
	struct rb_sequencer s;
	struct rb_work work;
	struct rb_worker w;
	pid_t pid;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	work = take_work(&w);
	pid = start_waiting(&waiting);
	t_ok(rb_worker_return(&w, &work));
	t_join(pid);
	fixture_close(&f);
}

TEST(wait_gives_up_in_time_or_when_told)
{
	struct rb_sequencer s;
	struct rb_worker w;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w);
	ck_assert_int_eq(rb_worker_wait(&w, 0), -EAGAIN);
	ck_assert_int_eq(rb_worker_wait(&w, MS), -ETIMEDOUT);
	rb_barrier_alert(&w.barrier);
	ck_assert_int_eq(rb_worker_wait(&w, -1), -ECANCELED);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_worker_wait(&w, -1), 0);
	fixture_close(&f);
}

TEST(stream_is_not_over_before_all_of_it_is_done)
{
	struct waiting waiting = { .expected = -ESHUTDOWN };
	struct rb_sequencer s;
	struct rb_work work;
	struct rb_worker a, b;
	struct seat seat;
	pid_t pid;

	open_group(SHAPE(0), ANY, &s);
	seat = join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	work = take_work(&a);
	take_work(&a);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_worker_wait(&b, MS), -ETIMEDOUT);
	t_ok(rb_worker_done(&a, &work));
	ck_assert_int_eq(rb_worker_wait(&b, 0), -EAGAIN);
	leave_worker(seat.index);
	ck_assert_int_eq(rb_worker_wait(&b, 0), 1);
	work = take_work(&b);
	ck_assert_uint_eq(work.attempt, 2);
	pid = start_waiting(&waiting);
	t_ok(rb_worker_done(&b, &work));
	t_join(pid);
	ck_assert_int_eq(rb_worker_wait(&b, -1), -ESHUTDOWN);
	fixture_close(&f);
}

TEST(stream_that_is_aborted_is_over_at_once)
{
	struct rb_sequencer s;
	struct rb_worker w;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	rb_channel_close_stream(&f.channel, true);
	ck_assert_int_eq(rb_worker_wait(&w, -1), -ESHUTDOWN);
	fixture_close(&f);
}

TEST(event_loop_is_told_what_there_is)
{
	struct rb_sequencer s;
	struct rb_worker a, b;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(rb_worker_look(&a), RB_BARRIER_IDLE);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_worker_look(&a), RB_BARRIER_READY);
	work = take_work(&a);
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_IDLE);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_IDLE);
	ck_assert_int_eq(rb_worker_arm(&b), 0);
	t_ok(rb_worker_done(&a, &work));
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_END);
	fixture_close(&f);
}

TEST(event_loop_is_not_told_of_what_others_did)
{
	struct rb_sequencer s;
	struct rb_worker a, b;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	for (int64_t i = 0; i < 40; i++) {
		ck_assert_int_eq(put(&s, 1, 0), i);
		work = take_work(&a);
		t_ok(rb_worker_done(&a, &work));
	}
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_IDLE);
	ck_assert_int_eq(rb_worker_arm(&b), 0);
	fixture_close(&f);
}

TEST(armed_one_is_not_left_alone_with_work)
{
	struct rb_sequencer s;
	struct rb_worker a, b;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(rb_worker_arm(&b), 0);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	work = take_work(&a);
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_IDLE);
	ck_assert_int_eq(rb_worker_arm(&b), 0);
	t_ok(rb_worker_return(&a, &work));
	ck_assert_int_eq(rb_worker_arm(&b), 1);
	fixture_close(&f);
}
