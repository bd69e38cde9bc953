/* SPDX-License-Identifier: MIT */
/*
 * test_conform_p_end.c - LMAX's tests of how a processor starts, is halted and
 * fails, and of its poller, between processes
 */
#include <errno.h>

#include "tests/conformance/remote_run.h"
#include "tests/fixture.h"

/* --------------------------------------------------------- start and halt */

KINDS(p11_one_start_and_one_stop)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_runner_begin(&s.c);
	t_until(t_remote_sleeps(&s.c.remote));
	t_remote_halt(&s.c.remote);
	ck_assert_int_eq(t_runner_collect(&s.c), 0);
	t_runner_recorded(&s.c, "start shutdown");
	t_scene_end(&s);
}

KINDS(p05_a_halt_before_the_start_ends_the_run)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 1, 0);
	t_remote_halt(&s.c.remote);
	ck_assert_int_eq(t_runner_run(&s.c), 0);
	t_runner_recorded(&s.c, "start shutdown");
	/* That one, and no other. */
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 0);
	t_runner_recorded(&s.c, "start batch:1/1 0! shutdown");
	t_scene_end(&s);
}

#define RACES 1000

/* The halt comes while the other thread is about to start, or has. */
static void
race(enum rb_producers kind, int wait, bool is_started)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_runner c;
	struct t_site x;

	t_site_begin(&x, kind, "slots: 16, event_size: 8");
	o.name = "c";
	o.wait = wait;
	t_runner_start_with(&c, &x, &o);
	c.work->handlers.on_batch_start = NULL;
	for (int i = 0; i < RACES; i++) {
		t_runner_begin(&c);
		if (is_started)
			t_until(t_remote_is_inside(&c.remote));
		t_remote_halt(&c.remote);
		ck_assert_int_eq(t_runner_collect(&c), 0);
		t_runner_recorded(&c, "start shutdown");
	}
	t_runner_end(&c);
	t_site_end(&x);
}

KINDS(p05_a_thousand_halts_race_with_a_start)
{
	race(kind, RINGBUS_WAIT_BLOCKING, false);
}

KINDS(p05_a_thousand_halts_race_with_a_run)
{
	race(kind, RINGBUS_WAIT_BLOCKING, true);
}

KINDS(p05_a_thousand_halts_race_with_a_run_that_yields)
{
	race(kind, RINGBUS_WAIT_YIELDING, true);
}

/* ----------------------------------------------------------------- failures */

KINDS(p12_a_drain_does_not_wait_for_who_has_failed)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	t_scene_answer(&s, 1, -EIO, 0);
	ck_assert_int_eq(t_runner_run(&s.c), -EIO);
	ck_assert_int_eq(t_site_consumer(&s.x, "c").state,
			 RINGBUS_MEMBER_FAILED);
	ck_assert_int_eq(t_remote_drain(&s.x.p, RINGBUS_NOW), 0);
	ck_assert_int_eq(t_remote_drain(&s.x.p, RINGBUS_FOREVER), 0);
	t_scene_end(&s);
}

/* ... also if it waits already. */
KINDS(p12_a_drain_that_waits_returns_when_the_last_one_fails)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	t_scene_answer(&s, 1, -EIO, 0);
	t_runner_hold(&s.c, 1);
	t_runner_begin(&s.c);
	t_until(t_runner_is_at(&s.c, 1));
	t_remote_begin_drain(&s.x.p, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&s.x.p));
	t_runner_hold(&s.c, T_HOLD_NONE);
	ck_assert_int_eq(t_runner_collect(&s.c), -EIO);
	ck_assert_int_eq(t_remote_collect(&s.x.p), 0);
	t_scene_end(&s);
}

KINDS(p13_a_fatal_failure_ends_the_run_with_its_error)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	s.c.work->handlers.exceptions = RINGBUS_FATAL;
	t_scene_answer(&s, 1, -12345, 0);
	ck_assert_int_eq(t_runner_run(&s.c), -12345);
	t_runner_recorded(&s.c, "start batch:3/3 0 1 shutdown");
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), 0);
	ck_assert_int_eq(t_site_consumer(&s.x, "c").failed, 1);
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 1);
	t_scene_end(&s);
}

KINDS(p14_an_ignored_failure_counts_as_handled)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	s.c.work->handlers.exceptions = RINGBUS_IGNORE;
	t_scene_answer(&s, 1, -12345, 0);
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 2);
	t_runner_recorded(&s.c, "start batch:3/3 0 1 batch:1/1 2! shutdown");
	ck_assert_int_eq(t_site_consumer(&s.x, "c").state,
			 RINGBUS_MEMBER_ATTACHED);
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 1);
	t_scene_end(&s);
}

/* ------------------------------------------------------------------- poller */

KINDS(p15_a_poll_tells_why_there_is_nothing)
{
	struct t_runner poller;
	struct t_scene s;

	t_site_begin(&s.x, kind,
		     "slots: 16, event_size: 8, consumers: { c: , "
		     "poller: { after: c } }");
	t_runner_start(&s.c, &s.x, "c");
	t_runner_start(&poller, &s.x, "poller");
	ck_assert_int_eq(t_runner_poll(&poller, 9), RINGBUS_IDLE);
	t_scene_put(&s, 1, 0);
	ck_assert_int_eq(t_runner_poll(&poller, 9), RINGBUS_GATING);
	t_remote_take(&s.c.remote, 0, 0);
	t_runner_recorded(&poller, "");
	ck_assert_int_eq(t_runner_poll(&poller, 9), RINGBUS_PROCESSING);
	t_runner_recorded(&poller, "0!");
	ck_assert_int_eq(t_site_sequence(&s.x, "poller"), 0);
	ck_assert_int_eq(t_runner_poll(&poller, 9), RINGBUS_IDLE);
	t_runner_recorded(&poller, "");
	t_runner_end(&poller);
	t_scene_end(&s);
}

KINDS(p16_a_full_ring_is_polled_at_once)
{
	struct t_scene s;

	t_site_begin(&s.x, kind, "slots: 4, event_size: 8");
	t_runner_start(&s.c, &s.x, "c");
	t_scene_put(&s, 4, 3);
	ck_assert_int_eq(t_remote_claim(&s.x.p, 1, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_runner_poll(&s.c, INT64_MAX), RINGBUS_PROCESSING);
	t_runner_recorded(&s.c, "0-3!");
	t_scene_put(&s, 4, 7);
	t_scene_end(&s);
}
