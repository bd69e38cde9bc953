/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - every strategy, for whatever one may wait
 */
#include "shm/wait.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	struct rb_wait wait;

	rb_wait_begin(&wait, RB_WAIT_YIELDING, INT64_MAX, NULL, NULL);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rb_wait_turn(&wait, NULL), 0);
}

/* Also where a row of spins was broken off, or after years of turns. */
TEST(deadlines_are_seen_from_every_turn)
{
	static const uint32_t turns[] = {
		0, 77, 4095, INT32_MAX, UINT32_MAX - 4096, UINT32_MAX
	};

	for (size_t i = 0; i < 2 * RB_ARRAY_SIZE(turns); i++) {
		struct rb_wait wait;

		rb_wait_begin(&wait, RB_WAIT_BUSY_SPIN, MS, NULL, NULL);
		wait.turn = turns[i / 2];
		do {
			if (i % 2 == 0) /* as consumers; producers do not */
				ck_assert_uint_gt(rb_wait_spins(&wait), 0);
		} while (rb_wait_turn(&wait, NULL) == 0);
	}
}

TEST(stamp_of_a_later_lap_keeps_nobody_from_his_deadline)
{
	for (int kind = 0; kind < RB_WAIT_KINDS; kind++) {
		struct rb_barrier b;

		fixture_open(&f,
			     SHAPE(.producers = RB_MULTI, .wait = WAIT(kind)));
		fixture_consumer(&f, "c", &b);
		rb_word64_store_relaxed(rb_channel_stamp(&f.channel, 0),
					rb_stamp(16, RB_STAMP_EVENT));
		ck_assert_int_eq(rb_barrier_wait(&b, 0, MS), -ETIMEDOUT);
		fixture_close(&f);
	}
}

/* ------------------------------------------------------------------- alerts */

struct sleeper {
	struct rb_word32 event, wanted, alert, is_done;
	struct rb_wait_counters waits;
	bool slept_full; /* nothing but the bound ended the last sleep */
};

static int
sleep_until_alerted(void *arg)
{
	struct sleeper *s = arg;
	const struct rb_event on = { &s->event, &s->wanted };
	struct rb_wait wait;

	rb_wait_begin(&wait, RB_WAIT_BLOCKING, -1, &s->waits, &s->alert);
	while (rb_word32_load_relaxed(&s->alert) == 0)
		ck_assert_int_eq(rb_wait_turn(&wait, &on), 0);
	s->slept_full = wait.slept_full;
	return 0;
}

/* Whether it was the alert that ended its sleep. */
static bool
alert_ends_sleep(void)
{
	struct sleeper s = { 0 };
	struct task task;

	task_start(&task, THREADED, sleep_until_alerted, &s);
	t_until(rb_word64_load_relaxed(&s.waits.sleeps) > 0);
	rb_alert(&s.alert);
	task_join(&task);
	return !s.slept_full;
}

TEST(alert_ends_a_sleep_before_its_bound)
{
	int n_ended = 0;

	/* A bound may come to its end just then, but not every time. */
	for (int i = 0; i < 20; i++)
		n_ended += alert_ends_sleep();
	ck_assert_int_ge(n_ended, 15);
}

/* As on a kernel before 5.16, or in a sandbox that is older than it. */
static void
forbid_waitv(uint32_t err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { RB_ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		T_SKIP("no system call can be forbidden here");
}

static void
sleep_without_waitv(uint32_t err)
{
	int n_bounded = 0;

	forbid_waitv(err);
	for (int i = 0; i < 5; i++)
		n_bounded += !alert_ends_sleep();
	/* It slept, on the event alone, and not in a loop of errors. */
	ck_assert_int_gt(n_bounded, 0);
	waits_are_released(RB_WAIT_BLOCKING, THREADED);
}

TEST(without_futex_waitv_the_bound_ends_a_sleep)
{
	sleep_without_waitv(ENOSYS);
}

TEST(futex_waitv_may_be_forbidden)
{
	sleep_without_waitv(EPERM);
}

TEST(alert_leaves_errno_as_it_was)
{
	struct rb_word32 alert = { 0 };

	errno = ENOTTY;
	rb_alert(&alert);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_uint_eq(rb_word32_load_relaxed(&alert), 1);
}

/* ---------------------------------------------------- claims that are called */

#define N_CANCELS 2000

struct claimer {
	struct rb_sequencer s;
	struct rb_word32 n_cancelled;
};

static int
claim_until_cancelled(void *arg)
{
	struct claimer *c = arg;

	for (uint32_t i = 1; i <= N_CANCELS; i++) {
		ck_assert_int_eq(rb_sequencer_claim(&c->s, 1, -1), -ECANCELED);
		rb_word32_store_release(&c->n_cancelled, i);
	}
	return 0;
}

/* So often that the bound of a sleep would take longer than the test may. */
TEST_TIMEOUT(cancel_ends_the_sleep_of_a_claim_at_once, 50)
{
	struct claimer c = { 0 };
	struct rb_barrier b;
	struct task task;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &c.s);
	rb_sequencer_set_revocable(&c.s);
	ck_assert_int_eq(put(&c.s, 16, 0), 15);
	task_start(&task, THREADED, claim_until_cancelled, &c);
	for (uint32_t i = 1; i <= N_CANCELS; i++) {
		t_until(rb_word64_load_relaxed(&c.s.handle->waits.sleeps) >= i);
		rb_sequencer_cancel(&c.s);
		t_until(rb_word32_load_acquire(&c.n_cancelled) >= i);
	}
	task_join(&task);
	fixture_close(&f);
}

static int
claim_for_good(void *arg)
{
	struct claimer *c = arg;

	ck_assert_int_eq(rb_sequencer_claim(&c->s, 1, -1), 16);
	return 0;
}

/* It cannot give up, and sleeps all the same. */
TEST(claim_that_is_made_is_not_kept_awake_by_a_cancel)
{
	struct claimer c = { 0 };
	const struct rb_word64 *sleeps;
	struct rb_barrier b;
	struct task task;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &c.s);
	sleeps = &c.s.handle->waits.sleeps;
	ck_assert_int_eq(put(&c.s, 16, 0), 15);
	task_start(&task, THREADED, claim_for_good, &c);
	t_until(rb_word64_load_relaxed(sleeps) > 0);
	rb_sequencer_cancel(&c.s);
	/* Had it been, it would have gone to sleep again and again by then. */
	ck_assert_int_eq(rb_barrier_wait(&b, 16, 2 * RB_WAIT_BOUND_NS),
			 -ETIMEDOUT);
	ck_assert_uint_lt(rb_word64_load_relaxed(sleeps), 20);
	take(&b, 0);
	task_join(&task);
	fixture_close(&f);
}
