/* SPDX-License-Identifier: MIT */
/*
 * test_group_race.c - two workers at it, one stopped anywhere on its way
 */
#include "shm/work.h"
#include "tests/trace.h"
#include "tests/unit/workers.h"

#define ANY SPEC(.is_group = true)

/* A child, stopped so many instructions after its first mark; *went_on is false
 * if it has come to the second. */
static pid_t
stop_at(int (*fn)(void *), void *arg, int step, bool *went_on)
{
	pid_t pid = trace_child(fn, arg);

	trace_to(pid, trace_mark);
	*went_on = true;
	for (int i = 0; i < step && *went_on; i++) {
		trace_step(pid);
		*went_on = !trace_is_at(pid, trace_mark);
	}
	return pid;
}

static int
finish_when_told(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_work work;
	struct rb_worker w;

	attach_worker(*seat, &channel, &w);
	work = take_work(&w);
	trace_mark();
	t_ok(rb_worker_done(&w, &work));
	trace_mark();
	return 0;
}

/* One is stopped at each instruction of its done(), and the one with the next
 * event, or the one before, is done meanwhile. */
static void
finish_neighbours(bool first_is_stopped)
{
	struct seat seat;
	struct rb_sequencer s;
	struct rb_worker live;
	bool went_on = true;

	TRACE_OR_SKIP();
	open_group(SHAPE(0), ANY, &s);
	join_worker(&live);
	for (int step = 0; went_on; step++) {
		int64_t hi = put(&s, 2, 0);
		struct rb_work mine;
		pid_t pid;

		t_ok(hi);
		if (!first_is_stopped)
			mine = take_work(&live);
		seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
		pid = stop_at(finish_when_told, &seat, step, &went_on);
		if (first_is_stopped)
			mine = take_work(&live);
		t_ok(rb_worker_done(&live, &mine));
		trace_release(pid);
		t_join(pid);
		ck_assert_int_eq(sequence_of_group(), hi);
		leave_worker(seat.index);
	}
	fixture_close(&f);
}

TEST_TIMEOUT(neighbours_done_at_once_first_is_stopped, 300)
{
	finish_neighbours(true);
}

TEST_TIMEOUT(neighbours_done_at_once_second_is_stopped, 300)
{
	finish_neighbours(false);
}

static int
look_for_more(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_work work;
	struct rb_worker w;

	attach_worker(*seat, &channel, &w);
	trace_mark();
	if (rb_worker_take(&w, &work) == 1)
		t_ok(rb_worker_return(&w, &work));
	trace_mark();
	return 0;
}

/*
 * One looks for work, finds all taken and is about to raise the hint; at each of
 * its instructions another returns something, or returns it, has it taken by a
 * third and returned again, so that the hint comes to the same place.
 */
static void
return_behind_its_back(int n_returns)
{
	struct seat seat;
	struct rb_worker a, b;
	struct rb_sequencer s;
	bool went_on = true;

	TRACE_OR_SKIP();
	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	for (int step = 0; went_on; step++) {
		struct rb_work work[4];
		int64_t hi = put(&s, 4, 0);
		pid_t pid;

		t_ok(hi);
		for (int i = 0; i < 4; i++)
			work[i] = take_work(&a);
		rb_work_lower_hint(&a); /* so that it looks at them all */
		seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
		pid = stop_at(look_for_more, &seat, step, &went_on);
		t_ok(rb_worker_return(&a, &work[1]));
		for (int i = 1; i < n_returns; i++) {
			work[1] = take_work(&b);
			t_ok(rb_worker_return(&b, &work[1]));
		}
		trace_release(pid);
		t_join(pid);
		work[1] = take_work(&b);
		ck_assert_int_eq(work[1].sequence, hi - 2);
		t_ok(rb_worker_done(&b, &work[1]));
		t_ok(rb_worker_done(&a, &work[0]));
		t_ok(rb_worker_done(&a, &work[2]));
		t_ok(rb_worker_done(&a, &work[3]));
		ck_assert_int_eq(sequence_of_group(), hi);
		leave_worker(seat.index);
	}
	fixture_close(&f);
}

TEST_TIMEOUT(work_returned_behind_one_that_looks_is_found, 300)
{
	return_behind_its_back(1);
}

TEST_TIMEOUT(work_returned_twice_behind_one_that_looks_is_found, 300)
{
	return_behind_its_back(2);
}

/* ------------------------------------------------ laps behind one that looks */

static struct ledger *ledger;

static int
do_one(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_work work;
	struct rb_worker w;
	int taken;

	attach_worker(*seat, &channel, &w);
	trace_mark();
	taken = rb_worker_take(&w, &work);
	trace_mark();
	t_ok(taken);
	if (taken > 0)
		do_work(&w, ledger, &work);
	return 0;
}

static void
do_all(struct rb_worker *w)
{
	struct rb_work work;

	while (rb_worker_take(w, &work) == 1)
		do_work(w, ledger, &work);
}

/* Others go on as far as they can: if it has not taken anything yet, more than
 * once around. What it saw before is not what it finds. */
static void
lap_one_that_looks(const struct shape *shape)
{
	struct rb_sequencer s;
	struct rb_worker live;
	bool went_on = true;
	struct seat seat;
	int64_t hi = -1;

	TRACE_OR_SKIP();
	ledger = fixture_share(sizeof(*ledger));
	open_group(shape, ANY, &s);
	join_worker(&live);
	for (int step = 0; went_on; step++) {
		pid_t pid;

		hi = put(&s, 1, 0);
		t_ok(hi);
		seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
		pid = stop_at(do_one, &seat, step, &went_on);
		for (int i = 0; i < 7; i++) {
			int64_t next;

			do_all(&live);
			next = put(&s, 1, 0);
			hi = next > hi ? next : hi;
		}
		trace_release(pid);
		t_join(pid);
		leave_worker(seat.index);
		do_all(&live);
		ck_assert_int_eq(sequence_of_group(), hi);
	}
	for (int64_t i = 0; i <= hi; i++)
		ck_assert_uint_eq(value_of(&ledger->finished[i]), 1);
	fixture_close(&f);
}

TEST_TIMEOUT(laps_behind_one_that_looks_single, 300)
{
	lap_one_that_looks(SHAPE(.slots = 4, .slot_size = 1024));
}

TEST_TIMEOUT(laps_behind_one_that_looks_multi, 300)
{
	lap_one_that_looks(
		SHAPE(.slots = 4, .slot_size = 1024, .producers = RB_MULTI));
}
