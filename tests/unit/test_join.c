/* SPDX-License-Identifier: MIT */
/*
 * test_join.c - joins and leaves by the thousand while producers run
 *
 * Each event says who it is; a joiner checks that from its first sequence on
 * none is missing and none is damaged.
 */
#include "shm/member.h"

#include <signal.h>

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
join_and_leave(enum rb_join join)
{
	for (int i = 0; i < N_JOINS; i++) {
		struct seat seat = fixture_join_consumer(&f, "joiner", join);
		struct rb_barrier b;

		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		take(&b, b.committed + 1 + i % 40);
		rb_member_leave_consumer(&f.channel, seat.index, false);
	}
}

static void
join_under_flow(const struct shape *shape, enum rb_join join, bool with_other)
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
		seats[n] = fixture_join_consumer(&f, "other", RB_JOIN_NOW);
		pids[n] = t_child(read_for_ever, &seats[n]);
		n++;
	}
	join_and_leave(join);
	while (n > 0)
		t_kill(pids[--n]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_two_producers, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI), RB_JOIN_NOW, false);
}

TEST_TIMEOUT(two_thousand_join_two_producers_beside_a_consumer, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI), RB_JOIN_NOW, true);
}

TEST_TIMEOUT(two_thousand_join_two_producers_with_history, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI, .history = 6),
			RB_JOIN_OLDEST, false);
}

TEST_TIMEOUT(two_thousand_join_one_producer, 120)
{
	join_under_flow(SHAPE(), RB_JOIN_NOW, false);
}

TEST_TIMEOUT(two_thousand_join_one_producer_with_history, 120)
{
	join_under_flow(SHAPE(.history = 6), RB_JOIN_OLDEST, true);
}

TEST_TIMEOUT(two_thousand_join_where_wakers_fence, 120)
{
	join_under_flow(SHAPE(.producers = RB_MULTI, .wake = RB_WAKE_FENCE),
			RB_JOIN_NOW, true);
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
	rb_member_declare(&f.channel, 0, "first", 0, RB_ON_DEATH_RELEASE, 0);
	rb_member_declare(&f.channel, 1, "joiner", 1, RB_ON_DEATH_RELEASE, 0);
	rb_member_declare(&f.channel, 2, "last", 3, RB_ON_DEATH_RELEASE, 0);
	rb_channel_open(&f.channel);
	pair.first = fixture_join_consumer(&f, "first", RB_JOIN_NOW);
	pair.last = fixture_join_consumer(&f, "last", RB_JOIN_NOW);
	seat = fixture_join_producer(&f);
	pids[0] = t_child(read_for_ever, &pair.first);
	pids[1] = t_child(read_behind_first, &pair);
	pids[2] = t_child(publish_for_ever, &seat);
	join_and_leave(RB_JOIN_NOW);
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
first_stage_comes_and_goes(enum rb_join join, uint64_t history)
{
	struct seat last, seats[2];
	pid_t pids[3];

	fixture_format(&f, SHAPE(.producers = RB_MULTI, .history = history));
	rb_member_declare(&f.channel, 0, "joiner", 0, RB_ON_DEATH_RELEASE, 0);
	rb_member_declare(&f.channel, 1, "last", 1, RB_ON_DEATH_RELEASE, 0);
	rb_channel_open(&f.channel);
	last = fixture_join_consumer(&f, "last", RB_JOIN_NOW);
	pids[0] = t_child(read_for_ever, &last);
	for (int i = 0; i < 2; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[1 + i] = t_child(publish_for_ever, &seats[i]);
	}
	join_and_leave(join);
	for (int i = 0; i < 3; i++)
		t_kill(pids[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(two_thousand_join_before_a_stage, 120)
{
	first_stage_comes_and_goes(RB_JOIN_NOW, 0);
}

TEST_TIMEOUT(two_thousand_join_before_a_stage_with_history, 120)
{
	first_stage_comes_and_goes(RB_JOIN_OLDEST, 6);
}
