/* SPDX-License-Identifier: MIT */
/*
 * test_join.c - joins and leaves by the thousand while producers run
 *
 * Each event says who it is; a joiner checks that from its first sequence on
 * none is missing and none is damaged.
 */
#include "shm/member.h"

#include <errno.h>

#include "tests/fixture.h"

#define N_JOINS 2000

static struct fixture f;

static int
publish_for_ever(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	for (int64_t n = 1;; n = n % 3 + 1)
		t_ok(put(&s, n, -1));
	return 0;
}

static int
read_for_ever(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, *seat, &channel, &b);
	for (;;)
		take(&b, b.committed + 1);
	return 0;
}

static void
join_and_leave(int64_t from)
{
	for (int i = 0; i < N_JOINS; i++) {
		struct seat seat = fixture_join_consumer(&f, "joiner", from);
		struct rb_barrier b;

		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		take(&b, b.committed + 1 + i % 40);
		rb_member_leave_consumer(&f.channel, seat.index, false);
	}
}

static void
join_under_flow(const struct shape *shape, int64_t from, bool with_other)
{
	struct seat seats[3];
	pid_t pids[3];
	int n = shape->producers == RB_MULTI ? 2 : 1;

	fixture_open(&f, shape);
	for (int i = 0; i < n; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_for_ever, &seats[i]);
	}
	if (with_other) {
		seats[n] = fixture_join_consumer(&f, "other", RB_FROM_NOW);
		pids[n] = t_child(read_for_ever, &seats[n]);
		n++;
	}
	join_and_leave(from);
	while (n > 0)
		t_kill(pids[--n]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_two_producers, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI), RB_FROM_NOW, false);
}

TEST_TIMEOUT(two_thousand_join_two_producers_beside_a_consumer, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI), RB_FROM_NOW, true);
}

TEST_TIMEOUT(two_thousand_join_two_producers_with_history, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI, .history = 6),
			RB_FROM_OLDEST, false);
}

TEST_TIMEOUT(two_thousand_join_one_producer, 120)
{
	join_under_flow(SHAPE(), RB_FROM_NOW, false);
}

TEST_TIMEOUT(two_thousand_join_one_producer_with_history, 120)
{
	join_under_flow(SHAPE(.history = 6), RB_FROM_OLDEST, true);
}

TEST_TIMEOUT(two_thousand_join_where_wakers_fence, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI, .wake = RB_WAKE_FENCE),
			RB_FROM_NOW, true);
}

/* ------------------------------------------------------------- a sequence */

/* What it asked for is there, or it is told how much is not. */
static void
check_start(struct seat seat, const struct rb_barrier *b, int64_t from)
{
	int64_t first = b->committed + 1;

	ck_assert_int_ge(first, from);
	ck_assert_int_eq(seat.missed, first - from);
}

static void
join_at_sequences(const struct shape *shape)
{
	struct seat seats[2];
	pid_t pids[2];
	int64_t n_had = 0, n_moved = 0;

	fixture_open(&f, shape);
	for (int i = 0; i < 2; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_for_ever, &seats[i]);
	}
	t_until(rb_seq_load_acquire(&f.channel.ring->claimed) > 100);
	/* A member holds producers now and then, and the others come from far
	 * behind, from what is there, and from the very edge. */
	for (int i = 0; i < N_JOINS; i++) {
		struct seat seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
		struct rb_barrier b, at;
		int64_t from;

		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		from = b.committed - i % 12;
		seat = fixture_join_consumer(&f, "joiner", from);
		rb_barrier_init(&at, &f.channel, seat.index, seat.epoch);
		check_start(seat, &at, from);
		n_had += seat.missed == 0;
		n_moved += seat.missed != 0;
		rb_member_leave_consumer(&f.channel, b.index, false);
		take(&at, at.committed + 1 + i % 40);
		rb_member_leave_consumer(&f.channel, at.index, false);
	}
	ck_assert_int_gt(n_had, 0);
	ck_assert_int_gt(n_moved, 0);
	for (int i = 0; i < 2; i++)
		t_kill(pids[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_at_a_sequence, 120)
{
	join_at_sequences(SHAPE(.producers = RB_MULTI, .history = 6));
}

TEST_TIMEOUT(two_thousand_join_at_a_sequence_where_wakers_fence, 120)
{
	join_at_sequences(SHAPE(.producers = RB_MULTI, .history = 6,
				.wake = RB_WAKE_FENCE));
}

/* ------------------------------------------------------------- evictions */

/* One that is thrown out takes nothing from those that stay. */
TEST_TIMEOUT(two_thousand_are_evicted_beside_a_consumer, 120)
{
	struct seat other, seats[2];
	pid_t pids[3];

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	other = fixture_join_consumer(&f, "other", RB_FROM_NOW);
	pids[2] = t_child(read_for_ever, &other);
	for (int i = 0; i < 2; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_for_ever, &seats[i]);
	}
	for (int i = 0; i < N_JOINS; i++) {
		struct seat seat = fixture_join_spec(
			&f, "slow", RB_FROM_NOW, SPEC(.slow = RB_SLOW_EVICT));
		struct rb_barrier b;

		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		t_ok(rb_barrier_wait(&b, b.committed + 1, -1));
		rb_member_evict(&f.channel, seat.index);
		ck_assert_int_eq(rb_barrier_commit(&b, b.committed + 1),
				 -ESTALE);
		rb_member_leave_consumer(&f.channel, seat.index, false);
	}
	for (int i = 0; i < 3; i++)
		t_kill(pids[i]);
	fixture_close(&f);
}

/* --------------------------------------------------- stages that come and go */

struct pair {
	struct seat first;
	struct seat last;
};

/* As the last stage: nothing that the first has not finished. */
static int
read_behind_first(void *arg)
{
	const struct pair *pair = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, pair->last, &channel, &b);
	for (;;) {
		const struct rb_gate *gate =
			&channel.gates->consumers[pair->first.index];
		int64_t hi = rb_barrier_wait(&b, b.committed + 1, -1);

		t_ok(hi);
		ck_assert_int_le(hi, rb_seq_load_acquire(&gate->sequence));
		take(&b, hi);
	}
	return 0;
}

static void
stages_come_and_go(enum rb_producers kind)
{
	struct pair pair;
	struct seat seat;
	pid_t pids[3];

	fixture_format(&f, SHAPE(.producers = kind, .slots = 64));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "joiner", SPEC(.after = 1));
	fixture_declare(&f, 2, "last", SPEC(.after = 3));
	rb_channel_open(&f.channel);
	pair.first = fixture_join_consumer(&f, "first", RB_FROM_NOW);
	pair.last = fixture_join_consumer(&f, "last", RB_FROM_NOW);
	seat = fixture_join_producer(&f);
	pids[0] = t_child(read_for_ever, &pair.first);
	pids[1] = t_child(read_behind_first, &pair);
	pids[2] = t_child(publish_for_ever, &seat);
	join_and_leave(RB_FROM_NOW);
	for (int i = 0; i < 3; i++)
		t_kill(pids[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_between_two_stages_single, 120)
{
	stages_come_and_go(RB_SINGLE);
}

TEST_TIMEOUT(two_thousand_join_between_two_stages_multi, 120)
{
	stages_come_and_go(RB_MULTI);
}

/* The first of two stages comes and goes: what the second has read beside it
 * must stay until the first, in its turn, has read it. */
static void
first_stage_comes_and_goes(int64_t from, uint64_t history)
{
	struct seat last, seats[2];
	pid_t pids[3];

	fixture_format(&f, SHAPE(.producers = RB_MULTI, .history = history));
	fixture_declare(&f, 0, "joiner", SPEC(0));
	fixture_declare(&f, 1, "last", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	last = fixture_join_consumer(&f, "last", RB_FROM_NOW);
	pids[0] = t_child(read_for_ever, &last);
	for (int i = 0; i < 2; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[1 + i] = t_child(publish_for_ever, &seats[i]);
	}
	join_and_leave(from);
	for (int i = 0; i < 3; i++)
		t_kill(pids[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_before_a_stage, 120)
{
	first_stage_comes_and_goes(RB_FROM_NOW, 0);
}

TEST_TIMEOUT(two_thousand_join_before_a_stage_with_history, 120)
{
	first_stage_comes_and_goes(RB_FROM_OLDEST, 6);
}
