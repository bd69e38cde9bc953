/* SPDX-License-Identifier: MIT */
/*
 * test_journal_faults.c - each call of a ringbus-journal about its files fails once,
 * or for a while: nothing is lost, and it goes on by itself or says why it can't
 *
 * One journal and one channel see all the faults one after the other, so that what one
 * of them has left is what the next one meets. By default only some of the calls of a
 * run fail; with FAULTS=1 in the environment all do, with each error.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/util_faults.h"

#define KEYS "slots: 4096, event_size: 64, " T_JOURNALLED
#define LASTING 5 /* calls in a row */

struct scene {
	struct t_bus b;
	struct t_writer w;
	struct ringbus_producer *p;
	struct faults *f;
	const char *engine, *sync;
	int64_t last; /* published */
	/* What is tried now. */
	enum faults_kind kind;
	int error;
	uint64_t at, n;
};

static void
begin(struct scene *s, const char *engine, const char *sync)
{
	*s = (struct scene){ .engine = engine, .sync = sync, .last = -1 };
	snprintf(s->w.dir, sizeof(s->w.dir), "%s/journal", t_tmpdir());
	s->f = t_faults(s->w.dir, 0);
	t_bus_begin(&s->b, KEYS);
	s->p = t_produce(s->b.bus, NULL);
}

static bool
has_ended(const struct scene *s)
{
	return t_stat_of(s->w.run.pid)[0] == 'Z';
}

static void
complain(const struct scene *s, const char *what)
{
	ck_abort_msg("%s: fault %d, error %d at call %llu (%s) for %llu, "
		     "%llu fired: %lld of %lld stored; it said:\n%s",
		     what, (int)s->kind, s->error, (unsigned long long)s->at,
		     s->f->first, (unsigned long long)s->n,
		     (unsigned long long)s->f->n_fired,
		     (long long)t_writer_sequence(&s->b), (long long)s->last,
		     t_run_output(&s->w.run));
}

/* Until all is committed, or the program has ended: true if the former. */
static bool
stores_all(struct scene *s)
{
	struct t_deadline deadline = t_deadline(2 * T_PATIENCE);

	while (t_writer_sequence(&s->b) < s->last) {
		if (has_ended(s))
			return false;
		if (!t_deadline_nap(&deadline))
			complain(s, "hangs");
	}
	return true;
}

static bool
publish(struct scene *s, int64_t n)
{
	t_put_all(s->p, (uint64_t)s->last + 1, (uint64_t)(s->last + n));
	s->last += n;
	return stores_all(s);
}

/* Small and large batches, a change of segments, and a stop in order. */
static void
work(struct scene *s)
{
	if (!publish(s, 1) || !publish(s, 500) ||
	    kill(s->w.run.pid, SIGHUP) < 0 || !publish(s, 3))
		return;
	if (publish(s, 40))
		kill(s->w.run.pid, SIGTERM);
}

static void
finish(struct scene *s)
{
	struct t_deadline deadline = t_deadline(2 * T_PATIENCE);
	char why[128];

	while (!has_ended(s))
		if (!t_deadline_nap(&deadline))
			complain(s, "does not end");
	if (t_ended(s->w.run.pid, 0, why, sizeof(why)))
		return;
	/* It may refuse to begin, and then says why. */
	if (strcmp(why, "exited with 1") != 0 &&
	    strcmp(why, "exited with 78") != 0)
		complain(s, why);
	if (!t_run_said(&s->w.run, "ringbus-journal: a: "))
		complain(s, "says nothing");
	if (t_run_said(&s->w.run, "begins at") ||
	    t_run_said(&s->w.run, "goes on at"))
		if (!t_run_said(&s->w.run, "cannot"))
			complain(s, "went away");
}

/* True if there was such a call. */
static bool
try(struct scene *s, enum faults_kind kind, int error, uint64_t at, uint64_t n)
{
	s->kind = kind;
	s->error = error;
	s->at = at;
	s->n = n;
	t_faults_plan(s->f, kind, error, at, n);
	t_faults_launch(&s->w, &s->b.daemon, "segment_size=1MiB", s->engine,
			s->sync);
	work(s);
	finish(s);
	remove(s->w.run.out);
	return s->f->n_fired > 0;
}

static bool
is_long(void)
{
	return getenv("FAULTS") != NULL;
}

/* What all of them together have left. */
static void
end(struct scene *s)
{
	t_faults_plan(s->f, FAULT_ERROR, EIO, 0, 0);
	t_writer_start(&s->w, &s->b.daemon, "segment_size=1MiB", NULL);
	t_writer_until(&s->b, s->last);
	t_writer_stop(&s->w);
	t_stored(&s->w, 1, 0, s->last);
	ringbus_producer_close(s->p);
	t_bus_end(&s->b);
}

/* Each `step`-th call, from one that differs with the process. */
static void
try_all(struct scene *s, enum faults_kind kind, uint64_t n, unsigned step)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EINTR };
	uint64_t at = is_long() ? 1 : 1 + (uint64_t)s->w.run.pid % step;
	unsigned i = (unsigned)s->last % 4;
	bool was_there = true;

	for (; was_there; at += is_long() ? 1 : step) {
		was_there = try(s, kind, errors[i++ % 4], at, n);
		for (int k = 1; k < 4 && is_long() && kind != FAULT_SHORT; k++)
			try(s, kind, errors[i++ % 4], at, n);
	}
	ck_assert_uint_gt(at, 1);
}

static void
try_each(const char *engine, const char *sync)
{
	struct scene s;

	begin(&s, engine, sync);
	try_all(&s, FAULT_ERROR, 1, 4);
	try_all(&s, FAULT_LATE, 1, 8);
	try_all(&s, FAULT_SHORT, 1, 3);
	try_all(&s, FAULT_ERROR, LASTING, 40);
	end(&s);
}

#define MANY 1200 /* seconds */

TEST_TIMEOUT(one_by_one_each_call_may_fail, MANY)
{
	try_each("io=sync", "sync=always");
}

TEST_TIMEOUT(by_io_uring_each_call_may_fail, MANY)
{
	try_each("io=uring", "sync=always");
}

TEST_TIMEOUT(with_an_interval_each_call_may_fail, MANY)
{
	try_each("io=uring", "sync=interval");
}

TEST_TIMEOUT(one_by_one_with_an_interval_each_call_may_fail, MANY)
{
	try_each("io=sync", "sync=interval");
}

/* From that call on all of them fail: it stalls or ends, and a stop is a stop. True if
 * there was such a call. */
static bool
fail_for_ever(struct scene *s, int error, uint64_t at)
{
	s->kind = FAULT_ERROR;
	s->error = error;
	s->at = at;
	s->n = UINT64_MAX / 2;
	t_faults_plan(s->f, s->kind, error, at, s->n);
	t_faults_launch(&s->w, &s->b.daemon, "segment_size=1MiB", s->engine,
			s->sync);
	t_put_all(s->p, (uint64_t)s->last + 1, (uint64_t)s->last + 3);
	s->last += 3;
	t_until(s->f->n_fired > 0 || has_ended(s) ||
		t_writer_sequence(&s->b) == s->last);
	if (!has_ended(s))
		kill(s->w.run.pid, SIGTERM);
	finish(s);
	remove(s->w.run.out);
	return s->f->n_fired > 0;
}

static void
fail_each_for_ever(const char *engine)
{
	static const int errors[] = { EINTR, EIO };
	uint64_t at = 1, step = is_long() ? 1 : 13;
	bool was_there = true;
	struct scene s;

	begin(&s, engine, "sync=always");
	for (; was_there; at += step)
		for (int i = 0; i < 2; i++)
			was_there = fail_for_ever(&s, errors[i], at);
	ck_assert_uint_gt(at, 1 + step);
	end(&s);
}

TEST_TIMEOUT(one_by_one_all_calls_may_fail_for_ever, MANY)
{
	fail_each_for_ever("io=sync");
}

TEST_TIMEOUT(by_io_uring_all_calls_may_fail_for_ever, MANY)
{
	fail_each_for_ever("io=uring");
}
