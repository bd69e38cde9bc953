/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_sealed.c - the daemon is killed at every boundary of the system calls
 * by which it makes, takes over and removes a channel whose memory somebody keeps
 *
 * Whatever the instant: the next one has one channel of that name, all of it in the
 * store, and nothing else there; and it misses nothing.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/crash/util_calls.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_manager.h"

#define SEALED                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, isolation: sealed } }"

static struct calls whole, calls;

static void
begin(struct t_manager *m)
{
	/* The sanitizer's search for leaks cannot be traced. */
	ck_assert_int_eq(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	t_manager_prepare(m, SEALED);
}

/* With what was stored when its predecessor died. */
static void
check_next(struct t_manager *m)
{
	struct ringbus *bus;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;

	t_manager_restart(m);
	ck_assert_uint_eq(m->n, RB_FILES);
	/* No folder was ever without its memory. */
	ck_assert(!t_daemon_said(&m->d, "nobody can join them"));
	bus = t_connect(&m->d);
	c = t_consume(bus, NULL);
	p = t_produce(bus, NULL);
	t_put(p, 1);
	t_take(c, 1, 1);
	ringbus_close(bus);
}

static void
stop(struct t_manager *m)
{
	t_daemon_stop(&m->d);
	t_manager_settle(m);
	ck_assert_uint_eq(m->n, 0);
	ck_assert(!t_daemon_has(&m->d, "a"));
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* A first start, which makes it. */
TEST_TIMEOUT(making_can_be_cut_anywhere, 300)
{
	struct t_manager m;

	begin(&m);
	calls_launch(&whole, &m.d);
	ck_assert(!calls_run(&whole, UINT_MAX, NULL, NULL));
	calls_release(&whole);
	t_daemon_await(&m.d);
	stop(&m);
	for (unsigned n = 1; n <= whole.n; n++) {
		calls_launch(&calls, &m.d);
		ck_assert(calls_run(&calls, n, NULL, NULL));
		t_daemon_kill(&m.d);
		check_next(&m);
		stop(&m);
	}
	printf("KILLS %u of %u points: a sealed channel is made\n", whole.n,
	       whole.n);
	t_manager_restart(&m);
	t_manager_end(&m);
}

/* True if it was killed at boundary `n`, before it had ended. */
static bool
die_stopping(struct t_manager *m, unsigned n)
{
	bool killed;

	t_manager_restart(m);
	calls_seize(&calls, m->d.pid, 0);
	ck_assert_int_eq(kill(m->d.pid, SIGTERM), 0);
	killed = calls_run(&calls, n, never, NULL);
	if (!killed) {
		ck_assert(calls_has_ended(&calls));
		return false;
	}
	t_daemon_kill(&m->d);
	check_next(m);
	stop(m);
	return true;
}

TEST_TIMEOUT(removing_can_be_cut_anywhere, 300)
{
	struct t_manager m;
	unsigned killed = 0;

	begin(&m);
	ck_assert(!die_stopping(&m, UINT_MAX));
	whole = calls;
	for (unsigned n = 1; n <= whole.n; n++)
		killed += die_stopping(&m, n);
	printf("KILLS %u of %u points: a sealed channel is removed\n", killed,
	       whole.n);
	t_manager_restart(&m);
	t_manager_end(&m);
}
