/* SPDX-License-Identifier: MIT */
/*
 * stress_diamond.c - two stages side by side and one behind both
 *
 * Every stage sees each event once and in order; the last never sees one before
 * the first two are done with it: it checks the marks that they leave.
 */
#include "tests/fixture.h"
#include "tests/stress/stress.h"

#define SLOTS 65536

static struct fixture f;
static int64_t n_events;

/* What each of the first two stages has done, by slot: as a program's own
 * memory that only the ring's order protects. */
static int64_t (*marks)[SLOTS];

static int
publish_numbers(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	for (int64_t i = 0; i < n_events; i++) {
		int64_t hi = rb_sequencer_claim(&s, 1, -1);

		stress_assert(hi == i);
		*(int64_t *)rb_channel_slot(&channel, hi) = i;
		stress_assert(rb_sequencer_publish(&s, hi, hi) == 0);
	}
	return 0;
}

static void
work_on(unsigned stage, int64_t sequence, int64_t value)
{
	int64_t slot = sequence % SLOTS;

	if (rb_unlikely(value != sequence))
		ck_abort_msg("stage %u sees %lld at %lld", stage,
			     (long long)value, (long long)sequence);
	if (stage < 2)
		marks[stage][slot] = sequence;
	else if (rb_unlikely(marks[0][slot] != sequence ||
			     marks[1][slot] != sequence))
		ck_abort_msg("the last stage is ahead at %lld",
			     (long long)sequence);
}

static int
read_numbers(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, *seat, &channel, &b);
	while (b.committed < n_events - 1) {
		int64_t next = b.committed + 1;
		int64_t hi = rb_barrier_wait(&b, next, -1);

		stress_assert(hi >= 0);
		for (; next <= hi; next++)
			work_on(b.index, next,
				*(int64_t *)rb_channel_slot(&channel, next));
		stress_assert(rb_barrier_commit(&b, hi) == 0);
	}
	ck_assert_int_eq(b.committed, n_events - 1);
	return 0;
}

static void
run(enum rb_wait_kind wait, enum rb_producers kind, enum side side)
{
	const char *const names[] = { "left", "right", "last" };
	struct seat seats[4];
	struct task tasks[4];

	n_events = stress_count(400000, 50000000);
	marks = fixture_share(2 * sizeof(*marks));
	fixture_format(&f, SHAPE(.slots = SLOTS, .slot_size = 8,
				 .wait = WAIT(wait), .producers = kind));
	for (unsigned i = 0; i < 3; i++)
		fixture_declare(&f, i, names[i], SPEC(.after = i == 2 ? 3 : 0));
	rb_channel_open(&f.channel);
	for (int i = 0; i < 3; i++) {
		seats[i] = fixture_join_consumer(&f, names[i], RB_FROM_NOW);
		task_start(&tasks[i], side, read_numbers, &seats[i]);
	}
	seats[3] = fixture_join_producer(&f);
	task_start(&tasks[3], side, publish_numbers, &seats[3]);
	for (int i = 0; i < 4; i++)
		task_join(&tasks[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(busy_spin_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_BUSY_SPIN, RB_SINGLE, FORKED);
}

TEST_TIMEOUT(yielding_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_YIELDING, RB_SINGLE, FORKED);
}

TEST_TIMEOUT(sleeping_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_SLEEPING, RB_SINGLE, FORKED);
}

TEST_TIMEOUT(blocking_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_BLOCKING, RB_SINGLE, FORKED);
}

TEST_TIMEOUT(phased_backoff_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_PHASED_BACKOFF, RB_SINGLE, FORKED);
}

TEST_TIMEOUT(blocking_multi_processes, STRESS_TIMEOUT)
{
	run(RB_WAIT_BLOCKING, RB_MULTI, FORKED);
}

TEST_TIMEOUT(blocking_threads, STRESS_TIMEOUT)
{
	run(RB_WAIT_BLOCKING, RB_SINGLE, THREADED);
}

TEST_TIMEOUT(yielding_multi_threads, STRESS_TIMEOUT)
{
	run(RB_WAIT_YIELDING, RB_MULTI, THREADED);
}
