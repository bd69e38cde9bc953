/* SPDX-License-Identifier: MIT */
/*
 * test_sequencer_drain.c - waiting until all is read that is published
 */
#include "shm/sequencer.h"

#include "tests/fixture.h"

static struct fixture f;

KINDS(drain_is_for_all_who_gate)
{
	struct rb_barrier first, second;
	struct rb_sequencer s;
	struct seat lossy;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), 0); /* nobody gates */
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	lossy = fixture_join_spec(&f, "lossy", RB_FROM_NOW,
				  SPEC(.slow = RB_SLOW_LOSSY));
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), 0);
	ck_assert_int_eq(put(&s, 4, 0), 5);
	take(&first, 5);
	take(&second, 4);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, (int)second.index);
	ck_assert_int_eq(rb_sequencer_drain(&s, MS), -ETIMEDOUT);
	take(&second, 5);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), 0);
	ck_assert_int_ne(lossy.index, second.index);
	fixture_close(&f);
}

KINDS(slowest_is_the_one_who_is_named)
{
	struct rb_barrier first, second, third;
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	fixture_consumer(&f, "third", &third);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	take(&first, 5);
	take(&second, 3);
	take(&third, 4);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, (int)second.index);
	fixture_close(&f);
}

TEST(failed_processor_does_not_count)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(0));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	rb_word32_store_relaxed(&b.gate->run, RB_RUN_FAILED);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), 0);
	fixture_close(&f);
}

/* It would wait for itself. */
KINDS(unpublished_claim_of_ones_own_is_not_waited_for)
{
	struct rb_sequencer s, other;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&s, 2, 0), 3);
	if (kind == RB_MULTI) {
		fixture_producer(&f, &other);
		ck_assert_int_eq(put(&other, 1, 0), 4);
	}
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	take(&b, 1);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), 0);
	if (kind == RB_MULTI) /* which is nothing to the other */
		ck_assert_int_eq(rb_sequencer_drain(&other, MS), -ETIMEDOUT);
	fixture_close(&f);
}

KINDS(drain_ends_with_the_stream_or_the_handle)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	rb_sequencer_cancel(&s);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), -ECANCELED);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_sequencer_drain(&s, MS), -ETIMEDOUT);
	rb_member_leave_producer(&f.channel, s.index);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), -ESTALE);
	rb_channel_close_stream(&f.channel, true);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), -ESHUTDOWN);
	fixture_close(&f);
}

/* What comes after the end is for nobody. */
TEST(what_is_behind_the_end_is_not_waited_for)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(0));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 2);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_sequencer_publish(&s, 2, 2), -ESHUTDOWN);
	take(&b, 1);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), 0);
	fixture_close(&f);
}

static bool
is_anybody(void *context, int consumer)
{
	(void)context;
	(void)consumer;
	return true;
}

TEST(waiting_for_ones_own_consumer_is_a_deadlock)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(0));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	s.is_self = is_anybody;
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), -EDEADLK);
	fixture_close(&f);
}

static int
drain(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_eq(put(&s, 8, -1), 7);
	ck_assert_int_eq(rb_sequencer_drain(&s, -1), 0);
	return 0;
}

static uint64_t
drain_asleep(enum rb_producers kind, enum side side)
{
	const struct rb_handle *handle;
	struct rb_barrier b;
	struct seat seat;
	struct task task;
	uint64_t missed;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	seat = fixture_join_producer(&f);
	handle = &f.channel.ring->handles[seat.index];
	task_start(&task, side, drain, &seat);
	t_until(rb_word64_load_relaxed(&handle->waits.sleeps) > 0);
	take(&b, 3);
	take(&b, 7);
	task_join(&task);
	missed = rb_word64_load_relaxed(&handle->waits.missed);
	fixture_close(&f);
	return missed;
}

KINDS_AND_SIDES(last_commit_wakes_who_drains)
{
	uint64_t missed = 1;

	/* A bound may come to its end just then, but not every time. */
	for (int i = 0; i < 20 && missed > 0; i++)
		missed = drain_asleep(kind, side);
	ck_assert_uint_eq(missed, 0);
}

/* Nobody waits for what will not come. */
TEST(stage_behind_a_failed_one_is_not_waited_for)
{
	struct rb_sequencer s;

	fixture_format(&f, SHAPE(0));
	fixture_declare(&f, 0, "a", SPEC(.on_death = RB_ON_DEATH_KEEP));
	fixture_declare(&f, 1, "b",
			SPEC(.after = 1, .on_death = RB_ON_DEATH_KEEP));
	fixture_declare(&f, 2, "c",
			SPEC(.after = 2, .on_death = RB_ON_DEATH_KEEP));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &s);
	for (int i = 0; i < 3; i++)
		fixture_join_consumer(&f, &"a\0b\0c"[2 * i], RB_FROM_RESUME);
	put(&s, 1, 0);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	rb_word32_store_relaxed(&f.channel.gates->consumers[0].run,
				RB_RUN_FAILED);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), 0);
	fixture_close(&f);
}

/* Whoever is not there has not failed, but will read it when it is back. */
TEST(absent_one_that_failed_is_waited_for)
{
	struct rb_sequencer s;
	struct seat seat;

	fixture_format(&f, SHAPE(0));
	fixture_declare(&f, 0, "a", SPEC(.on_death = RB_ON_DEATH_KEEP));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &s);
	seat = fixture_join_consumer(&f, "a", RB_FROM_RESUME);
	put(&s, 1, 0);
	rb_word32_store_relaxed(&f.channel.gates->consumers[0].run,
				RB_RUN_FAILED);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), 0);
	rb_member_leave_consumer(&f.channel, seat.index, true);
	ck_assert_int_eq(rb_sequencer_drain(&s, 0), -EAGAIN);
	fixture_close(&f);
}
