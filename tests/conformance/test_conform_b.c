/* SPDX-License-Identifier: MIT */
/*
 * test_conform_b.c - LMAX's tests of sequence barriers, between processes
 *
 * A barrier is what a consumer waits behind: the producers, or an earlier stage.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "tests/conformance/remote.h"
#include "tests/fixture.h"

#define N_FIRST 3

/* Three consumers, and one, "c", that comes after them. */
struct graph {
	struct t_pair x;
	struct t_remote first[N_FIRST];
};

static void
begin_graph(struct graph *g, enum rb_producers kind)
{
	char name[8];

	t_pair_begin_with(&g->x, kind,
			  "slots: 16, event_size: 8, consumers: { f0: {}, f1: "
			  "{}, f2: {}, c: { after: [f0, f1, f2] } }");
	for (unsigned i = 0; i < N_FIRST; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		t_pair_consumer(&g->x, &g->first[i], name);
	}
}

static void
end_graph(struct graph *g)
{
	for (unsigned i = 0; i < N_FIRST; i++)
		t_remote_end(&g->first[i]);
	t_pair_end(&g->x);
}

/* The first stage goes on, each of it from and to there. */
static void
advance(struct graph *g, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < N_FIRST; i++)
		t_remote_take(&g->first[i], first, last);
}

KINDS(b01_what_all_have_done_is_there_at_once)
{
	struct graph g;

	begin_graph(&g, kind);
	ck_assert_int_eq(t_remote_put(&g.x.p, 11, RINGBUS_NOW), 10);
	advance(&g, 0, 8);
	t_remote_take(&g.x.c, 0, 8);
	advance(&g, 9, 9);
	t_remote_take(&g.first[0], 10, 10);
	t_remote_take(&g.first[2], 10, 10);
	ck_assert_int_eq(t_remote_wait(&g.x.c, RINGBUS_NOW), 9);
	ck_assert_int_eq(t_remote_wait(&g.x.c, RINGBUS_FOREVER), 9);
	t_remote_take(&g.x.c, 9, 9);
	t_remote_nothing(&g.x.c);
	end_graph(&g);
}

/* All of the first stage do `next`; the last one to do it releases who waits. */
static void
release_by(struct graph *g, unsigned last, uint64_t next)
{
	for (unsigned i = 0; i < N_FIRST; i++) {
		if (i == last)
			continue;
		t_remote_take(&g->first[i], next, next);
		t_remote_nothing(&g->x.c);
	}
	t_remote_begin_wait(&g->x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&g->x.c));
	t_remote_take(&g->first[last], next, next);
	ck_assert_int_eq(t_remote_collect(&g->x.c), (int64_t)next);
	t_remote_take(&g->x.c, next, next);
}

/* Waits, and tells how many of the first stage are done at that very moment. */
static int64_t
wait_and_count(struct t_place *place, void *arg)
{
	const struct ringbus_channel *c = ringbus_consumer_channel(place->c);
	int64_t found = ringbus_consumer_wait(place->c, RINGBUS_FOREVER);
	char name[] = "f0";
	int64_t n = 0;

	(void)arg;
	for (; name[1] < '0' + N_FIRST; name[1]++)
		n += t_member(c, RINGBUS_CONSUMER, name).sequence >= found;
	return n;
}

KINDS(b02_a_later_stage_waits_for_the_publish_and_for_all_before_it)
{
	struct graph g;

	begin_graph(&g, kind);
	t_remote_nothing(&g.x.c);
	for (unsigned i = 0; i < N_FIRST; i++) {
		t_remote_begin_wait(&g.first[i], RINGBUS_FOREVER);
		t_until(t_remote_sleeps(&g.first[i]));
	}
	ck_assert_int_eq(t_remote_put(&g.x.p, 1, RINGBUS_NOW), 0);
	for (unsigned i = 0; i < N_FIRST; i++) {
		ck_assert_int_eq(t_remote_collect(&g.first[i]), 0);
		t_remote_nothing(&g.x.c);
	}
	release_by(&g, N_FIRST - 1, 0);
	t_remote_nothing(&g.x.c);
	end_graph(&g);
}

/* It has been asleep since before the publish. */
KINDS(b02_a_sleeping_later_stage_is_not_released_too_early)
{
	struct graph g;

	begin_graph(&g, kind);
	t_remote_begin(&g.x.c, wait_and_count, NULL, 0);
	t_until(t_remote_sleeps(&g.x.c));
	ck_assert_int_eq(t_remote_put(&g.x.p, 1, RINGBUS_NOW), 0);
	for (unsigned i = 0; i < N_FIRST; i++) {
		t_until(t_remote_sleeps(&g.x.c));
		t_remote_take(&g.first[i], 0, 0);
	}
	ck_assert_int_eq(t_remote_collect(&g.x.c), N_FIRST);
	t_remote_take(&g.x.c, 0, 0);
	end_graph(&g);
}

KINDS(b04_a_later_stage_is_released_when_all_have_advanced)
{
	struct graph g;

	begin_graph(&g, kind);
	ck_assert_int_eq(t_remote_put(&g.x.p, 9 + N_FIRST, RINGBUS_NOW),
			 8 + N_FIRST);
	advance(&g, 0, 8);
	t_remote_take(&g.x.c, 0, 8);
	t_remote_nothing(&g.x.c);
	for (unsigned last = 0; last < N_FIRST; last++) {
		release_by(&g, last, 9 + last);
		t_remote_nothing(&g.x.c);
	}
	end_graph(&g);
}

/* ---------------------------------------------------------------- halt */

static int64_t
cpu_time_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &used), 0);
	return used.tv_sec * T_SECOND + used.tv_nsec;
}

/* It has used its core for a while, so that it must be in the loop. */
static bool
spins(const struct t_remote *r, int64_t before_ns)
{
	return t_remote_is_inside(r) &&
	       cpu_time_ns(r->pid) - before_ns > 5 * T_MS;
}

static void
begin_spinning(struct t_remote *r)
{
	int64_t before_ns = cpu_time_ns(r->pid);

	t_remote_begin_wait(r, RINGBUS_FOREVER);
	t_until(spins(r, before_ns));
}

KINDS(b03_a_halt_ends_a_busy_spin)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote spinner;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_start(&spinner, &x.b.daemon);
	o.wait = RINGBUS_WAIT_BUSY_SPIN;
	t_remote_consume(&spinner, &o);
	begin_spinning(&spinner);
	t_remote_halt(&spinner);
	ck_assert_int_eq(t_remote_collect(&spinner), -ECANCELED);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 0);
	t_remote_take(&spinner, 0, 0);
	t_remote_end(&spinner);
	t_pair_end(&x);
}

static struct ringbus_consumer *halted;

static void
halt_it(int signo)
{
	(void)signo;
	ringbus_consumer_halt(halted);
}

static int64_t
halt_by_signal(struct t_place *place, void *arg)
{
	struct sigaction action = { .sa_handler = halt_it,
				    .sa_flags = SA_RESTART };

	(void)arg;
	halted = place->c;
	return sigaction(SIGUSR1, &action, NULL);
}

/* The signal comes from another process, its handler halts. */
KINDS(b03_a_halt_from_a_signal_handler_ends_any_wait)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote waiter;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_start(&waiter, &x.b.daemon);
	for (int wait = RINGBUS_WAIT_BUSY_SPIN;
	     wait <= RINGBUS_WAIT_PHASED_BACKOFF; wait++) {
		o.wait = wait;
		t_remote_consume(&waiter, &o);
		t_ok(t_remote_call(&waiter, halt_by_signal, NULL, 0));
		t_remote_begin_wait(&waiter, RINGBUS_FOREVER);
		if (wait == RINGBUS_WAIT_BLOCKING)
			t_until(t_remote_sleeps(&waiter));
		t_until(t_remote_is_inside(&waiter));
		ck_assert_int_eq(kill(waiter.pid, SIGUSR1), 0);
		ck_assert_int_eq(t_remote_collect(&waiter), -ECANCELED);
		t_remote_close_consumer(&waiter);
	}
	t_remote_end(&waiter);
	t_pair_end(&x);
}

KINDS(b05_a_halt_is_for_one_wait_of_one_consumer)
{
	struct graph g;

	begin_graph(&g, kind);
	for (unsigned i = 0; i < N_FIRST; i++) {
		t_remote_begin_wait(&g.first[i], RINGBUS_FOREVER);
		t_until(t_remote_sleeps(&g.first[i]));
	}
	t_remote_begin_wait(&g.x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&g.x.c));
	t_remote_halt(&g.first[1]);
	ck_assert_int_eq(t_remote_collect(&g.first[1]), -ECANCELED);
	/* It is over, for itself ... */
	ck_assert_int_eq(t_remote_wait(&g.first[1], RINGBUS_NOW), -EAGAIN);
	t_remote_begin_wait(&g.first[1], RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&g.first[1]));
	/* ... and was nothing to the others. */
	ck_assert_int_eq(t_remote_put(&g.x.p, 1, RINGBUS_NOW), 0);
	for (unsigned i = 0; i < N_FIRST; i++)
		ck_assert_int_eq(t_remote_collect(&g.first[i]), 0);
	advance(&g, 0, 0);
	ck_assert_int_eq(t_remote_collect(&g.x.c), 0);
	end_graph(&g);
}

KINDS(b05_a_halt_before_a_wait_ends_the_next_one)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_halt(&x.c);
	t_remote_halt(&x.c);
	ck_assert_int_eq(t_remote_wait(&x.c, RINGBUS_FOREVER), -ECANCELED);
	ck_assert_int_eq(t_remote_wait(&x.c, RINGBUS_NOW), -EAGAIN);
	t_remote_halt(&x.c);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 0);
	ck_assert_int_eq(t_remote_wait(&x.c, RINGBUS_FOREVER), -ECANCELED);
	t_remote_take(&x.c, 0, 0);
	t_pair_end(&x);
}
