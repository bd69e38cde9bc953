/* SPDX-License-Identifier: MIT */
/*
 * test_clear_steps.c - one who clears is stopped at every instruction
 *
 * Meanwhile it is killed, or thrown out, or somebody else comes. What was read
 * becomes zero, and what was not stays what it is.
 */
#include "shm/clear.h"

#include "tests/trace.h"
#include "tests/unit/clearing.h"

static struct seat victim; /* of the consumer that is stopped */

static int
commit_between_marks(void *arg)
{
	struct rb_channel channel;
	struct rb_barrier b;
	int64_t err;

	(void)arg;
	fixture_attach_consumer(&f, victim, &channel, &b);
	memset(rb_channel_slot(&channel, 15), 0, 32); /* linked by now */
	take(&b, 4);
	trace_mark();
	err = rb_barrier_wait(&b, 5, 0);
	if (err >= 0)
		err = rb_barrier_commit(&b, 9);
	trace_mark();
	ck_assert(err == 0 || err == -ESTALE);
	return 0;
}

/* Ten events are there, for one or two consumers. */
static void
open_with_events(struct rb_sequencer *s, struct rb_barrier *other)
{
	open_channel(RB_MULTI);
	victim = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	if (other != NULL)
		fixture_consumer(&f, "other", other);
	fixture_producer(&f, s);
	ck_assert_int_eq(put(s, 10, 0), 9);
}

/* The victim reads five, and is stopped so many instructions on its way to ten.
 * False if it came there. */
static bool
stop_at(int step, pid_t *ret_pid)
{
	bool is_done = false;

	*ret_pid = trace_child(commit_between_marks, NULL);
	trace_to(*ret_pid, trace_mark);
	for (int i = 0; i < step && !is_done; i++) {
		trace_step(*ret_pid);
		is_done = trace_is_at(*ret_pid, trace_mark);
	}
	return !is_done;
}

static int
next_step(int step)
{
	return step > 400 ? step + step / 25 : step + 1;
}

TEST_TIMEOUT(owner_is_killed_at_every_instruction, 300)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	int step = 1;
	bool goes_on;

	TRACE_OR_SKIP();
	do {
		pid_t pid;

		open_with_events(&s, NULL);
		goes_on = stop_at(step, &pid);
		t_kill(pid);
		rb_clear_dispossess(&f.channel, victim.index);
		ck_assert_uint_eq(owner(), 0);
		rb_barrier_init(&b, &f.channel, victim.index, victim.epoch);
		ck_assert_int_eq(done(), b.committed);
		expect_zero(0, b.committed);
		expect_events(b.committed + 1, 9);
		ck_assert_int_eq(rb_sequencer_remaining(&s),
				 16 - (9 - b.committed));
		take(&b, 9);
		expect_zero(0, 9);
		fixture_close(&f);
		step = next_step(step);
	} while (goes_on);
	ck_assert_int_gt(step, 100);
}

/* Whoever is alive may go on to zero what it said it would: nobody writes there
 * before. */
static void
put_what_may_be(struct rb_sequencer *s)
{
	int64_t hi;

	do
		hi = put(s, 1, 0);
	while (hi >= 0 && hi < 60);
	ck_assert(hi == -EAGAIN || hi >= 60);
}

static void
expect_what_is_there(struct rb_sequencer *s)
{
	int64_t hi = rb_published_from(&f.channel, s->next);

	expect_events(hi - 15 < 10 ? 10 : hi - 15, hi);
}

TEST_TIMEOUT(consumer_is_thrown_out_at_every_instruction, 300)
{
	struct rb_sequencer s;
	int step = 1;
	bool goes_on;

	TRACE_OR_SKIP();
	do {
		pid_t pid;

		open_with_events(&s, NULL);
		goes_on = stop_at(step, &pid);
		rb_member_evict(&f.channel, victim.index);
		put_what_may_be(&s);
		trace_release(pid);
		t_join(pid);
		expect_what_is_there(&s);
		ck_assert_uint_eq(owner(), 0);
		t_ok(put(&s, 16, 0));
		expect_what_is_there(&s);
		fixture_close(&f);
		step = next_step(step);
	} while (goes_on);
	ck_assert_int_gt(step, 100);
}

/* Steps on to where it has said how far it will zero, if it does that. */
static void
go_on_to_begin(pid_t pid)
{
	while (rb_seq_load_acquire(&clearing()->begun) <= done() &&
	       !trace_is_at(pid, trace_mark))
		trace_step(pid);
}

/* It has not yet looked whether that still holds, which it does not. */
TEST_TIMEOUT(thrown_out_one_is_killed_as_it_begins, 300)
{
	struct rb_sequencer s;
	int step = 1;
	bool goes_on;

	TRACE_OR_SKIP();
	do {
		pid_t pid;

		open_with_events(&s, NULL);
		goes_on = stop_at(step, &pid);
		rb_member_evict(&f.channel, victim.index);
		put_what_may_be(&s);
		go_on_to_begin(pid);
		t_kill(pid);
		rb_member_leave_consumer(&f.channel, victim.index, false);
		expect_what_is_there(&s);
		ck_assert_uint_eq(owner(), 0);
		t_ok(put(&s, 16, 0));
		expect_what_is_there(&s);
		fixture_close(&f);
		step = next_step(step);
	} while (goes_on);
	ck_assert_int_gt(step, 100);
}

/* The same, and another one comes, whom everything now waits for. */
TEST_TIMEOUT(another_comes_at_every_instruction, 300)
{
	const int64_t froms[] = { RB_FROM_NOW, RB_FROM_OLDEST };
	struct rb_sequencer s;
	struct rb_barrier b;
	int step = 1;
	bool goes_on;

	TRACE_OR_SKIP();
	do {
		struct seat seat;
		pid_t pid;

		open_with_events(&s, NULL);
		goes_on = stop_at(step, &pid);
		if (step % 4 < 2)
			rb_member_leave_producer(&f.channel, s.index);
		seat = fixture_join_consumer(&f, "b", froms[step % 2]);
		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		if (step % 4 < 2)
			fixture_producer(&f, &s);
		trace_release(pid);
		t_join(pid);
		/* take() checks each event */
		take(&b, 9);
		expect_zero(0, 9);
		ck_assert_int_eq(put(&s, 16, 0), 25);
		take(&b, 25);
		fixture_close(&f);
		step = next_step(step);
	} while (goes_on);
	ck_assert_int_gt(step, 100);
}

/* Another finds the clearing taken, and leaves what it has just read to who is
 * there. */
TEST_TIMEOUT(another_commits_at_every_instruction, 300)
{
	struct rb_barrier other;
	struct rb_sequencer s;
	int step = 1;
	bool goes_on;

	TRACE_OR_SKIP();
	do {
		pid_t pid;

		open_with_events(&s, &other);
		take(&other, 7);
		goes_on = stop_at(step, &pid);
		take(&other, 9);
		trace_release(pid);
		t_join(pid);
		expect_zero(0, 9);
		ck_assert_int_eq(done(), 9);
		fixture_close(&f);
		step = next_step(step);
	} while (goes_on);
	ck_assert_int_gt(step, 100);
}
