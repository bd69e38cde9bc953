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

/* ------------------------------------------------------------ odd moments */

static int
commit_to_14(void *arg)
{
	struct rb_channel channel;
	struct rb_barrier b;

	(void)arg;
	fixture_attach_consumer(&f, victim, &channel, &b);
	if (rb_barrier_wait(&b, 10, 0) >= 0)
		rb_barrier_commit(&b, 14);
	return 0;
}

/* What the dead one was to zero is where it began, whoever came since. */
TEST(one_thrown_out_while_it_zeroes_is_killed_after_another_came)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	pid_t pid;

	TRACE_OR_SKIP();
	open_channel(RB_MULTI);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	victim = fixture_join_consumer(&f, "a", RB_FROM_NOW);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	ck_assert_int_eq(put(&s, 5, 0), 14);
	pid = trace_child(commit_to_14, NULL);
	while ((owner() & RB_CLEAR_ZEROING) == 0)
		trace_step(pid);
	rb_member_evict(&f.channel, victim.index);
	fixture_consumer(&f, "b", &b);
	ck_assert_int_eq(b.committed, 14);
	ck_assert_int_eq(put(&s, 11, 0), 25);
	t_kill(pid);
	rb_member_leave_consumer(&f.channel, victim.index, false);
	expect_events(15, 25);
	fixture_close(&f);
}

static int
dispossess(void *arg)
{
	const struct rb_barrier *b = arg;
	struct rb_channel c;

	fixture_attach(&f, RB_ROLE_DAEMON, &c);
	rb_clear_dispossess(&c, b->index);
	return 0;
}

/* Nobody gated up to here, so that there is much to skip. */
TEST(lie_about_what_is_done_does_not_kill_the_daemon)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_channel(RB_MULTI);
	fixture_producer(&f, &s);
	for (int i = 0; i < 100000; i++)
		if (put(&s, 1, 0) != i)
			ck_abort_msg("event %d was not taken", i);
	fixture_consumer(&f, "c", &b);
	rb_seq_store_relaxed(&clearing()->done, INT64_MIN);
	rb_seq_store_relaxed(&clearing()->begun, 99999);
	rb_word32_store_relaxed(&clearing()->owner,
				(b.index + 1) | RB_CLEAR_ZEROING);
	t_join(t_child(dispossess, &b));
	fixture_close(&f);
}

static int
put_one(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_ge(put(&s, 1, -1), 0);
	return 0;
}

/* While there was no producer, one came that starts now, and then one that
 * starts before that and has nothing to clear for a while. */
static uint64_t
wait_for_one_behind_the_skip(void)
{
	const struct rb_handle *handle;
	struct rb_sequencer s;
	struct rb_barrier now, oldest;
	struct seat seat;
	struct task task;
	uint64_t missed;

	open_channel(RB_MULTI);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_member_leave_producer(&f.channel, s.index);
	fixture_consumer(&f, "now", &now);
	seat = fixture_join_consumer(&f, "oldest", RB_FROM_OLDEST);
	rb_barrier_init(&oldest, &f.channel, seat.index, seat.epoch);
	ck_assert_int_lt(oldest.committed, now.committed);
	seat = fixture_join_producer(&f);
	handle = &f.channel.ring->handles[seat.index];
	task_start(&task, FORKED, put_one, &seat);
	t_until(rb_word64_load_relaxed(&handle->waits.sleeps) > 0);
	ck_assert_int_ge(rb_barrier_wait(&oldest, oldest.committed + 1, 0), 0);
	t_ok(rb_barrier_commit(&oldest, oldest.committed + 3));
	task_join(&task);
	missed = rb_word64_load_relaxed(&handle->waits.missed);
	fixture_close(&f);
	return missed;
}

TEST(who_waits_for_one_behind_the_skip_is_woken)
{
	uint64_t missed = 1;

	/* A bound may come to its end just then, but not every time. */
	for (int i = 0; i < 20 && missed > 0; i++)
		missed = wait_for_one_behind_the_skip();
	ck_assert_uint_eq(missed, 0);
}
