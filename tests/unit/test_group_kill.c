/* SPDX-License-Identifier: MIT */
/*
 * test_group_kill.c - workers that are killed, at every instruction and at random
 *
 * The test is the daemon: it returns the work of the dead, and others go on. What
 * was done stays done, all else is done once more, and nothing is lost.
 */
#include "shm/work.h"
#include "tests/trace.h"
#include "tests/unit/workers.h"

#define ANY SPEC(.is_group = true)
#define KEYED SPEC(.is_group = true, .key_size = 8)
/* Of which there may be no worker. */
#define KEPT SPEC(.is_group = true, .on_death = RB_ON_DEATH_KEEP)
#define KEPT_KEYED                                                             \
	SPEC(.is_group = true, .on_death = RB_ON_DEATH_KEEP, .key_size = 8)

/* ----------------------------------------------------- at every instruction */

struct victim {
	struct seat seat;
	bool returns;
	bool has_lanes; /* from the start */
};

static int
work_between_marks(void *arg)
{
	const struct victim *v = arg;
	struct rb_channel channel;
	struct rb_work work;
	struct rb_worker w;

	attach_worker(v->seat, &channel, &w);
	if (v->has_lanes)
		t_ok(rb_worker_wait(&w, -1));
	trace_mark();
	must(rb_worker_take(&w, &work) == 1);
	t_ok(v->returns ? rb_worker_return(&w, &work)
			: rb_worker_done(&w, &work));
	trace_mark();
	return 0;
}

/* Runs a child between its marks for so many instructions, and kills it; false
 * if it came to the end. */
static bool
kill_at(int (*fn)(void *), void *arg, int step)
{
	pid_t pid = trace_child(fn, arg);
	bool done = false;

	trace_to(pid, trace_mark);
	for (int i = 0; i < step && !done; i++) {
		trace_step(pid);
		done = trace_is_at(pid, trace_mark);
	}
	t_kill(pid);
	return !done;
}

/* Does all there is up to `hi`; returns how often an attempt was not the first. */
static unsigned
finish_up_to(struct rb_worker *w, int64_t hi)
{
	unsigned n_again = 0;

	while (sequence_of_group() < hi) {
		struct rb_work work;

		t_ok(rb_worker_wait(w, -1));
		if (sequence_of_group() >= hi) /* the dead one did it */
			break;
		work = take_work(w);
		ck_assert_uint_le(work.attempt, 2);
		n_again += work.attempt - 1;
		t_ok(rb_worker_done(w, &work));
	}
	return n_again;
}

/* The word of an event, whoever did it. */
static bool
is_done(const struct rb_worker *w, int64_t sequence)
{
	uint64_t word;

	return rb_work_state(w, sequence, &word) == RB_WORK_DONE;
}

/*
 * Two events are open, and the second is done by another one before the victim
 * is killed over the first: so that it also has to move the group on.
 */
static bool
kill_worker_at(struct victim *v, struct rb_worker *live, struct rb_sequencer *s,
	       int step)
{
	int64_t hi = put(s, 2, 0);
	struct rb_work first, second;
	bool went_on;
	unsigned n;

	t_ok(hi);
	first = take_work(live);
	second = take_work(live);
	t_ok(rb_worker_done(live, &second));
	t_ok(rb_worker_return(live, &first));
	v->seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
	went_on = kill_at(work_between_marks, v, step);
	leave_worker(v->seat.index);
	/* The daemon has moved over what it did. */
	ck_assert_int_eq(sequence_of_group(),
			 is_done(live, hi - 1) ? hi : hi - 2);
	if (sequence_of_group() == hi)
		return went_on;
	first = take_work(live);
	ck_assert_int_eq(first.sequence, hi - 1);
	ck_assert_uint_ge(first.attempt, 2);
	n = first.attempt;
	ck_assert_uint_le(n, 3);
	t_ok(rb_worker_done(live, &first));
	ck_assert_int_eq(sequence_of_group(), hi);
	return went_on;
}

static void
kill_workers_everywhere(const struct shape *shape, bool returns)
{
	struct victim v = { .returns = returns };
	struct rb_sequencer s;
	struct rb_worker live;
	int stride = 1;

	TRACE_OR_SKIP();
	open_group(shape, ANY, &s);
	join_worker(&live);
	for (int step = 1; kill_worker_at(&v, &live, &s, step); step += stride)
		if (step > 400)
			stride = step / 25;
	fixture_close(&f);
}

TEST_TIMEOUT(worker_killed_at_every_instruction_of_doing, 300)
{
	kill_workers_everywhere(SHAPE(0), false);
}

TEST_TIMEOUT(worker_killed_at_every_instruction_of_returning, 300)
{
	kill_workers_everywhere(SHAPE(.producers = RB_MULTI), true);
}

/* With lanes, or on the way to them: that is long, and repeats itself. */
static void
kill_keyed_everywhere(struct victim v, int stride)
{
	struct rb_sequencer s;
	bool went_on = true;

	TRACE_OR_SKIP();
	open_group(SHAPE(0), KEPT_KEYED, &s);
	for (int step = 1; went_on; step += stride) {
		int64_t hi = put(&s, 1, 0);
		struct rb_worker live;
		struct seat seat;

		t_ok(hi);
		v.seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
		went_on = kill_at(work_between_marks, &v, step);
		seat = join_worker(&live);
		leave_worker(v.seat.index);
		finish_up_to(&live, hi);
		for (unsigned i = 0; i < RB_LANES; i++)
			ck_assert_uint_ne(value_of(&live.group->lanes[i]),
					  v.seat.index + 1);
		leave_worker(seat.index);
		if (step > 400 + 10 * stride)
			stride = step / 10;
	}
	fixture_close(&f);
}

TEST_TIMEOUT(keyed_worker_killed_at_every_instruction_of_doing, 300)
{
	kill_keyed_everywhere((struct victim){ .has_lanes = true }, 1);
}

TEST_TIMEOUT(keyed_worker_killed_at_every_instruction_of_returning, 300)
{
	kill_keyed_everywhere(
		(struct victim){ .has_lanes = true, .returns = true }, 1);
}

TEST_TIMEOUT(worker_killed_on_the_way_to_its_lanes, 300)
{
	kill_keyed_everywhere((struct victim){ .returns = false }, 41);
}

static int
bury_between_marks(void *arg)
{
	const struct victim *v = arg;
	struct rb_channel channel;

	fixture_attach(&f, RB_ROLE_DAEMON, &channel);
	trace_mark();
	rb_group_bury(&channel, v->seat.index);
	trace_mark();
	return 0;
}

/* One event is done by the dead one, but it has not said so; one is not. */
TEST_TIMEOUT(daemon_killed_at_every_instruction_of_a_burial, 300)
{
	struct rb_sequencer s;
	bool went_on = true;
	int stride = 1;

	TRACE_OR_SKIP();
	open_group(SHAPE(0), KEPT, &s);
	for (int step = 1; went_on; step += stride) {
		int64_t hi = put(&s, 2, 0);
		struct rb_work first, second;
		struct rb_worker dead, live;
		struct victim v;

		t_ok(hi);
		v.seat = join_worker(&dead);
		first = take_work(&dead);
		second = take_work(&dead);
		ck_assert(rb_work_put(&dead, &first, RB_WORK_DONE));
		ck_assert_int_eq(second.sequence, hi);
		went_on = kill_at(bury_between_marks, &v, step);
		leave_worker(v.seat.index);
		ck_assert_int_eq(sequence_of_group(), hi - 1);
		v.seat = join_worker(&live);
		ck_assert_uint_eq(finish_up_to(&live, hi), 1);
		leave_worker(v.seat.index);
		if (step > 400 + 10 * stride)
			stride = step / 10;
	}
	fixture_close(&f);
}

/* ---------------------------------------------------------------- at random */

#define N_WORKERS 4
#define N_KILLS 120

static struct ledger *ledger;

static int
work_for_ever(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_worker w;

	attach_worker(*seat, &channel, &w);
	for (;;) {
		struct rb_work work;
		int taken;
		int64_t found = rb_worker_wait(&w, -1);

		if (found == -ESHUTDOWN)
			return 0;
		t_ok(found);
		taken = rb_worker_take(&w, &work);
		t_ok(taken);
		if (taken == 0)
			continue;
		if (work.sequence % 97 == 0 && work.attempt == 1) {
			t_ok(rb_worker_return(&w, &work));
			continue;
		}
		do_work(&w, ledger, &work);
	}
}

/* The dead may have done something without a word. */
static void
check_ledger(int64_t hi)
{
	int64_t n_silent = 0;

	for (int64_t i = 0; i <= hi; i++) {
		ck_assert_uint_le(value_of(&ledger->finished[i]), 1);
		ck_assert_uint_le(value_of(&ledger->begun[i]),
				  value_of(&ledger->attempt[i]));
		n_silent += 1 - value_of(&ledger->finished[i]);
	}
	ck_assert_int_le(n_silent, N_KILLS);
}

static void
kill_at_random(const struct shape *shape, const struct rb_consumer_spec *spec)
{
	struct seat seats[N_WORKERS];
	pid_t pids[N_WORKERS];
	struct rb_sequencer s;
	int64_t hi = -1;

	ledger = fixture_share(sizeof(*ledger));
	open_group(shape, spec, &s);
	for (int i = 0; i < N_WORKERS; i++) {
		seats[i] = fixture_join_worker(&f, "g", RB_FROM_NOW);
		pids[i] = t_child(work_for_ever, &seats[i]);
	}
	for (int i = 0; i < N_KILLS; i++) {
		int k = i % N_WORKERS;

		for (int j = 0; j < 300 + i * 7 % 200; j++)
			hi = put(&s, 1, -1);
		t_ok(hi);
		t_kill(pids[k]);
		leave_worker(seats[k].index);
		seats[k] = fixture_join_worker(&f, "g", RB_FROM_NOW);
		pids[k] = t_child(work_for_ever, &seats[k]);
		if (i % 3 == 0)
			t_until(sequence_of_group() == hi);
	}
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < N_WORKERS; i++)
		t_join(pids[i]);
	ck_assert_int_eq(sequence_of_group(), hi);
	check_ledger(hi);
	fixture_close(&f);
}

TEST_TIMEOUT(survivors_go_on_after_many_kills, 300)
{
	kill_at_random(SHAPE(.slots = 64), ANY);
}

TEST_TIMEOUT(survivors_of_spinning_kills_go_on, 300)
{
	kill_at_random(SHAPE(.slots = 64, .producers = RB_MULTI,
			     .wait = WAIT(RB_WAIT_YIELDING)),
		       ANY);
}

TEST_TIMEOUT(survivors_with_lanes_go_on_after_many_kills, 300)
{
	kill_at_random(SHAPE(.slots = 64), KEYED);
}
