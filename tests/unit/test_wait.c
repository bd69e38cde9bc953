/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - every strategy, for whatever one may wait
 */
#include "shm/wait.h"

#include "tests/unit/waiters.h"

static int64_t
served_with(enum matter matter)
{
	return matter == DEPENDENCY ? 15 : 16;
}

static void
waits_are_released(enum rb_wait_kind kind, enum side side)
{
	for (size_t i = 0; i < RB_ARRAY_SIZE(matters); i++) {
		struct stage stage;
		struct waiter w;
		struct task task;

		open_stages(kind, RB_WAKE_MEMBARRIER, &stage);
		w = waiter_for(matters[i], &stage, -1);
		w.expected = served_with(matters[i]);
		task_start(&task, side, run_waiter, &w);
		serve(matters[i], &stage);
		task_join(&task);
		fixture_close(&f);
	}
}

static void
waits_time_out(enum rb_wait_kind kind)
{
	for (size_t i = 0; i < RB_ARRAY_SIZE(matters); i++) {
		struct stage stage;
		struct waiter w;
		int64_t start;

		open_stages(kind, RB_WAKE_MEMBARRIER, &stage);
		w = waiter_for(matters[i], &stage, 3 * MS);
		start = rb_clock_ns();
		t_join(t_child(run_waiter, &w));
		ck_assert_int_ge(rb_clock_ns() - start, 3 * MS);
		fixture_close(&f);
	}
}

static void
waits_are_cancelled(enum rb_wait_kind kind)
{
	struct stage stage;

	open_stages(kind, RB_WAKE_MEMBARRIER, &stage);
	stage.first.available = 15;
	t_ok(rb_barrier_commit(&stage.first, 15));
	rb_barrier_alert(&stage.first);
	ck_assert_int_eq(rb_barrier_wait(&stage.first, 16, -1), -ECANCELED);
	ck_assert_int_eq(rb_barrier_wait(&stage.first, 16, MS), -ETIMEDOUT);
	take(&stage.last, 14);
	rb_barrier_alert(&stage.last);
	ck_assert_int_eq(rb_barrier_wait(&stage.last, 16, -1), -ECANCELED);
	rb_sequencer_set_revocable(&stage.s);
	rb_sequencer_cancel(&stage.s);
	ck_assert_int_eq(rb_sequencer_claim(&stage.s, 16, -1), -ECANCELED);
	ck_assert_int_eq(rb_sequencer_claim(&stage.s, 16, MS), -ETIMEDOUT);
	fixture_close(&f);
}

#define STRATEGY(name, kind)                                                   \
	TEST(name##_is_released_forked)                                        \
	{                                                                      \
		waits_are_released(kind, FORKED);                              \
	}                                                                      \
	TEST(name##_is_released_threaded)                                      \
	{                                                                      \
		waits_are_released(kind, THREADED);                            \
	}                                                                      \
	TEST(name##_times_out)                                                 \
	{                                                                      \
		waits_time_out(kind);                                          \
	}                                                                      \
	TEST(name##_is_cancelled)                                              \
	{                                                                      \
		waits_are_cancelled(kind);                                     \
	}

STRATEGY(busy_spin, RB_WAIT_BUSY_SPIN)
STRATEGY(yielding, RB_WAIT_YIELDING)
STRATEGY(sleeping, RB_WAIT_SLEEPING)
STRATEGY(blocking, RB_WAIT_BLOCKING)
STRATEGY(phased_backoff, RB_WAIT_PHASED_BACKOFF)

TEST(names_of_strategies_go_both_ways)
{
	for (int i = 0; i < RB_WAIT_KINDS; i++)
		ck_assert_int_eq(rb_wait_kind(rb_wait_name(i)), i);
	ck_assert_int_eq(rb_wait_kind("busy"), -1);
	ck_assert_int_eq(rb_wait_kind(""), -1);
	ck_assert_ptr_null(rb_wait_name(RB_WAIT_KINDS));
	ck_assert_ptr_null(rb_wait_name(-1));
}

TEST(endless_time_limits_do_not_overflow)
{
	struct rb_wait_counters none = { NULL, NULL };
	struct rb_wait wait;

	rb_wait_begin(&wait, RB_WAIT_YIELDING, INT64_MAX, none);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rb_wait_turn(&wait, NULL), 0);
}
