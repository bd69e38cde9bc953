/* SPDX-License-Identifier: MIT */
/*
 * util_everywhere.c - see util_everywhere.h
 *
 * Victims are forks of one process, so code and stack are at the same addresses
 * in each. What may differ is what others have done meanwhile, such as a daemon
 * that is not through yet. A victim that does not come by where it should is
 * killed as well, and its survivors are looked at all the same, but its place is
 * visited again.
 */
#include "tests/crash/util_everywhere.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define POINTS_MAX 200000
#define TRIES 50
#define SAME 3
#define WAYS 4
#define WARM_UPS 9 /* more than the C library keeps of freed blocks of a size */
#define LOOKS 10
#define STEPS_MAX 64 /* single ones, behind a breakpoint */

/* Before an instruction, or inside the system call that one makes. */
struct point {
	uintptr_t at; /* 0: inside */
	int32_t last; /* point with the same address, -1: none */
	int32_t mark; /* last one that the path comes by only once */
	int32_t laps; /* times it was there since that, this one included */
	bool repeats; /* there are others with this address */
	bool counts;
};

struct path {
	int32_t n;
	struct point points[POINTS_MAX];
};

/* Not on the heap: the ways of malloc() are part of the path. And no more of it
 * is touched than is needed: each fork pays for that. */
static struct path path;

/* One life. */
struct run {
	const struct t_victim *victim;
	void *arg;
	pid_t pid;
	bool was_asleep;
	struct trace_break end;
};

struct start {
	const struct t_victim *victim;
	void *arg;
};

static int
live(void *arg)
{
	const struct start *start = arg;

	if (start->victim->prepare != NULL)
		start->victim->prepare(start->arg);
	trace_mark();
	start->victim->call(start->arg);
	trace_mark();
	return 0;
}

/* ------------------------------------------------------------ one at a time */

static void
call_if(void (*fn)(void *), void *arg)
{
	if (fn != NULL)
		fn(arg);
}

static void
resume(const struct run *run, int how)
{
	/* The enumeration has another name in each C library. */
	ck_assert_int_eq(ptrace(how, run->pid, NULL, NULL), 0);
}

static bool
has_stopped(const struct run *run, int flags)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(run->pid, &status, flags);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	if (pid != run->pid || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTRAP)
		ck_abort_msg("%s: status %x, not at a place of ours",
			     run->victim->what, (unsigned)status);
	return true;
}

/* Until it stops again; who sleeps meanwhile is woken, once. */
static void
await(struct run *run)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);

	if (run->victim->asleep == NULL) {
		has_stopped(run, 0);
		return;
	}
	while (!has_stopped(run, WNOHANG)) {
		/* Not at every step: a look costs more than a step. */
		if (deadline.n_naps > LOOKS && !run->was_asleep &&
		    t_is_asleep(run->pid)) {
			run->was_asleep = true;
			run->victim->asleep(run->arg);
		}
		if (!t_deadline_nap(&deadline))
			ck_abort_msg("%s: not woken", run->victim->what);
	}
}

static void
step(struct run *run)
{
	resume(run, PTRACE_SINGLESTEP);
	await(run);
}

/* Up to the call. */
static void
begin(struct run *run)
{
	struct start start = { run->victim, run->arg };

	call_if(run->victim->begin, run->arg);
	run->was_asleep = false;
	run->pid = trace_child(live, &start);
	trace_to(run->pid, trace_mark);
	call_if(run->victim->entered, run->arg);
}

/* Lets it run until it has come there for the n-th time from here on; false if
 * it has come to the end of the call instead. */
static bool
run_to(struct run *run, uintptr_t at, int32_t n)
{
	struct trace_break here;

	if (at == run->end.at) {
		resume(run, PTRACE_CONT);
		await(run);
		return trace_step_back(run->pid) == at;
	}
	for (;; n--) {
		trace_break(run->pid, at, &here);
		resume(run, PTRACE_CONT);
		await(run);
		if (trace_step_back(run->pid) != at)
			return false;
		trace_unbreak(run->pid, &here);
		if (n == 1)
			return true;
		step(run);
	}
}

static void
die(struct run *run, enum t_death death)
{
	trace_kill(run->pid);
	run->victim->died(run->arg, death);
}

/* ---------------------------------------------------------------- the path */

static void
add_point(uintptr_t at)
{
	ck_assert_int_lt(path.n, POINTS_MAX);
	path.points[path.n++] = (struct point){ .at = at, .last = -1 };
}

static void
record(struct run *run)
{
	path.n = 0;
	begin(run);
	do {
		add_point(trace_counter(run->pid));
		if (trace_is_at_call(run->pid))
			add_point(0);
		step(run);
	} while (!trace_is_at(run->pid, trace_mark));
	add_point(trace_counter(run->pid));
	call_if(run->victim->stopped, run->arg);
	die(run, T_DIED_ASTRAY);
}

/* What is done for the first time only, by us or by the survivors, takes other
 * ways. */
static void
warm_up(struct run *run)
{
	for (int i = 0; i < WARM_UPS; i++) {
		begin(run);
		step(run);
		trace_break(run->pid, (uintptr_t)trace_mark, &run->end);
		run_to(run, (uintptr_t)trace_mark, 1);
		call_if(run->victim->stopped, run->arg);
		die(run, T_DIED_ASTRAY);
	}
}

/* By which two paths are told apart: FNV-1a. */
static uint64_t
hash_path(void)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (int32_t i = 0; i < path.n; i++)
		hash = (hash ^ path.points[i].at) * UINT64_C(1099511628211);
	return hash;
}

/* The first that is taken so many times, with others in between: one that is seldom
 * is not, as when the clock ticks while it is read, which here takes long. */
static void
record_usual(struct run *run)
{
	uint64_t hashes[TRIES];

	for (int n = 0; n < TRIES; n++) {
		int n_same = 1;

		record(run);
		hashes[n] = hash_path();
		for (int i = 0; i < n; i++)
			n_same += hashes[i] == hashes[n];
		if (n_same == SAME)
			return;
	}
	ck_abort_msg("%s: it goes another way each time", run->victim->what);
}

static void
find_repeats(void)
{
	for (int32_t i = 0; i < path.n; i++) {
		struct point *p = &path.points[i];
		int32_t last = i - 1;

		while (p->at != 0 && last >= 0 && path.points[last].at != p->at)
			last--;
		p->last = p->at != 0 ? last : -1;
		if (p->last < 0)
			continue;
		p->repeats = true;
		path.points[last].repeats = true;
	}
}

static void
find_marks(void)
{
	int32_t mark = 0;

	for (int32_t i = 0; i < path.n; i++) {
		struct point *p = &path.points[i];

		if (p->at != 0 && !p->repeats)
			mark = i;
		p->mark = mark;
		p->laps = p->last > mark ? path.points[p->last].laps + 1 : 1;
	}
}

/* Which places count: all, or of a spin its first turns. */
static int32_t
choose(const struct t_victim *victim)
{
	bool all = victim->turns == 0 || getenv("CRASH") != NULL;
	int32_t turns = (int32_t)victim->turns, n = 0;

	for (int32_t i = 0; i < path.n; i++) {
		struct point *p = &path.points[i];

		p->counts = all || p->laps <= turns;
		n += p->counts;
	}
	return n;
}

/* ------------------------------------------------------------- coming there */

/* From one place to another, in single steps. */
static bool
walk(struct run *run, int32_t from, int32_t to)
{
	for (int32_t i = from + 1; i <= to; i++) {
		if (path.points[i].at == 0)
			continue;
		step(run);
		if (trace_counter(run->pid) != path.points[i].at)
			return false;
	}
	return true;
}

/* Where it is cheapest to stop it and to walk on to `k`. */
static int32_t
find_stop(int32_t k)
{
	int32_t best = k, cost = INT32_MAX;

	for (int32_t i = k; i > 0 && k - i < STEPS_MAX; i--) {
		const struct point *p = &path.points[i];

		if (p->at != 0 && 2 * p->laps + k - i < cost) {
			best = i;
			cost = 2 * p->laps + k - i;
		}
	}
	return best;
}

/* To the last place before it that the path comes by once; from there on to one
 * near; and on by steps. */
static bool
go_to(struct run *run, int32_t k)
{
	int32_t stop = find_stop(k);
	int32_t mark = path.points[stop].mark;

	if (k == 0)
		return true;
	step(run);
	trace_break(run->pid, (uintptr_t)trace_mark, &run->end);
	if (mark > 0 && !run_to(run, path.points[mark].at, 1))
		return false;
	if (stop > mark) {
		if (mark > 0)
			step(run);
		if (!run_to(run, path.points[stop].at, path.points[stop].laps))
			return false;
	}
	return walk(run, stop, k);
}

/* Lets it go into the system call; one that sleeps there is to be asleep. */
static void
go_inside(const struct run *run)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);
	siginfo_t info = { 0 };

	resume(run, PTRACE_SINGLESTEP);
	if (run->victim->asleep == NULL || run->was_asleep)
		return;
	while (!t_is_asleep(run->pid) && info.si_pid == 0) {
		ck_assert(t_deadline_nap(&deadline));
		waitid(P_PID, (id_t)run->pid, &info,
		       WSTOPPED | WNOHANG | WNOWAIT);
	}
}

static bool
kill_at(struct run *run, int32_t k)
{
	enum t_death death = k == path.n - 1 ? T_DIED_RETURNED : T_DIED_INSIDE;
	bool inside = path.points[k].at == 0;

	begin(run);
	if (!go_to(run, inside ? k - 1 : k))
		death = T_DIED_ASTRAY;
	call_if(run->victim->stopped, run->arg);
	if (inside && death != T_DIED_ASTRAY)
		go_inside(run);
	die(run, death);
	return death != T_DIED_ASTRAY;
}

/* The times that it took, 0 if it never came there. */
static int
insist(struct run *run, int32_t k)
{
	for (int tries = 1; tries <= TRIES; tries++)
		if (kill_at(run, k))
			return tries;
	printf("%s: never came to point %d of %d, at %#lx\n", run->victim->what,
	       k, path.n, (unsigned long)path.points[k].at);
	return 0;
}

/* At each place of the usual way; false if that has become another meanwhile, as
 * when those who live are slower or faster than they were. */
static bool
kill_along(struct run *run)
{
	int32_t n, n_killed = 0, n_tries = 0;

	record_usual(run);
	call_if(run->victim->anew, run->arg);
	find_repeats();
	find_marks();
	n = choose(run->victim);
	for (int32_t k = 0; k < path.n; k++) {
		int tries = path.points[k].counts ? insist(run, k) : 0;

		if (path.points[k].counts && tries == 0)
			return false;
		n_killed += tries > 0;
		n_tries += tries;
	}
	ck_assert_int_eq(n_killed, n);
	printf("KILLS %d of %d points: %s (%d astray)\n", n_killed, path.n,
	       run->victim->what, n_tries - n_killed);
	fflush(stdout);
	return true;
}

void
t_kill_everywhere(const struct t_victim *victim, void *arg)
{
	struct run run = { .victim = victim, .arg = arg };
	int ways = WAYS;

	warm_up(&run);
	while (!kill_along(&run))
		ck_assert_msg(--ways > 0, "%s: no way stays the usual one",
			      victim->what);
}
