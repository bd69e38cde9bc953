/* SPDX-License-Identifier: MIT */
/*
 * stress_wake.c - two that sleep for each other at every event
 *
 * Each round is a chance to miss a wake-up: the sleeper's wish and the waker's
 * event pass each other. That happens once in some ten thousand rounds if a
 * fence is missing, so the full run is the one that finds it.
 */
#include "tests/fixture.h"
#include "tests/stress/stress.h"

static struct fixture f;
static int64_t n_rounds;

struct table {
	struct seat producers[2];
	struct seat consumers[2];
};

static struct table table;

static int
answer(void *arg)
{
	struct rb_channel channel[2];
	struct rb_sequencer s;
	struct rb_barrier b;

	(void)arg;
	fixture_attach_consumer(&f, table.consumers[1], &channel[0], &b);
	fixture_attach_producer(&f, table.producers[1], &channel[1], &s);
	for (int64_t i = 0; i < n_rounds; i++) {
		ck_assert_int_eq(rb_barrier_wait(&b, 2 * i, -1), 2 * i);
		ck_assert_int_eq(put(&s, 1, -1), 2 * i + 1);
		b.available = 2 * i + 1;
		t_ok(rb_barrier_commit(&b, 2 * i + 1));
	}
	return 0;
}

/* Each waits for the other at every event: n_rounds chances to miss one. */
static void
ping_pong(enum rb_wait_kind kind, enum rb_wake_mode wake, enum side side)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct task task;

	n_rounds = stress_count(20000, 2000000);
	fixture_open(&f, SHAPE(.producers = RB_MULTI, .wait = WAIT(kind),
			       .wake = wake));
	for (int i = 0; i < 2; i++) {
		table.producers[i] = fixture_join_producer(&f);
		table.consumers[i] = fixture_join_consumer(&f, i ? "a" : "b",
							   RB_FROM_NOW);
	}
	task_start(&task, side, answer, NULL);
	rb_barrier_init(&b, &f.channel, table.consumers[0].index,
			table.consumers[0].epoch);
	rb_sequencer_init(&s, &f.channel, table.producers[0].index,
			  table.producers[0].epoch);
	for (int64_t i = 0; i < n_rounds; i++) {
		ck_assert_int_eq(put(&s, 1, -1), 2 * i);
		ck_assert_int_eq(rb_barrier_wait(&b, 2 * i + 1, -1), 2 * i + 1);
		t_ok(rb_barrier_commit(&b, 2 * i + 1));
	}
	task_join(&task);
	/* The bound of a sleep is a net, not a way to get on. */
	ck_assert_int_lt((int64_t)rb_word64_load_relaxed(&b.gate->waits.missed),
			 5 + n_rounds / 100000);
	fixture_close(&f);
}

TEST_TIMEOUT(no_wake_up_is_missed_between_processes, STRESS_TIMEOUT)
{
	ping_pong(RB_WAIT_BLOCKING, RB_WAKE_MEMBARRIER, FORKED);
}

TEST_TIMEOUT(no_wake_up_is_missed_between_threads, STRESS_TIMEOUT)
{
	ping_pong(RB_WAIT_BLOCKING, RB_WAKE_MEMBARRIER, THREADED);
}

TEST_TIMEOUT(no_wake_up_is_missed_where_wakers_fence, STRESS_TIMEOUT)
{
	ping_pong(RB_WAIT_BLOCKING, RB_WAKE_FENCE, FORKED);
}
