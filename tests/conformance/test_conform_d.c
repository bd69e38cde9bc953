/* SPDX-License-Identifier: MIT */
/*
 * test_conform_d.c - LMAX's DisruptorTest, between processes: who takes part in
 * a graph, in which order, and from which event on
 *
 * Each graph is declared in the configuration, and built by a program. The
 * producer and each consumer are a process of their own. Failures, limits and
 * look-ups are in test_conform_d_more.c.
 */
#include <errno.h>

#include "tests/conformance/remote_run.h"
#include "tests/fixture.h"

static void
publish(struct t_site *x, int64_t n, int64_t last)
{
	ck_assert_int_eq(t_remote_put(&x->p, n, RINGBUS_NOW), last);
}

/* -------------------------------------------------------- the usual graphs */

static void
build_one(struct ringbus_graph *g)
{
	ringbus_graph_handle_with(g, "a", NULL);
}

static const struct t_plan one = { 16, "a:", build_one };

static void
build_chain(struct ringbus_graph *g)
{
	struct ringbus_stage s = ringbus_graph_handle_with(g, "a", NULL);

	s = ringbus_stage_then(s, "b", NULL);
	ringbus_stage_then(s, "c", NULL);
}

static const struct t_plan chain = { 16,
				     "a: , b: { after: a }, c: { after: b }",
				     build_chain };

static void
build_siblings(struct ringbus_graph *g)
{
	ringbus_graph_handle_with(g, "a", "b", "c", NULL);
}

static const struct t_plan siblings = { 16, "a: , b: , c:", build_siblings };

static void
build_after(struct ringbus_graph *g)
{
	ringbus_graph_handle_with(g, "a", "b", "other", NULL);
	ringbus_stage_then(ringbus_graph_after(g, "a", "b", NULL), "c", NULL);
}

static const struct t_plan join = { 16,
				    "a: , b: , other: , c: { after: [a, b] }",
				    build_after };

static void
build_and(struct ringbus_graph *g)
{
	struct ringbus_stage first = ringbus_graph_handle_with(g, "a", NULL);
	struct ringbus_stage second = ringbus_graph_handle_with(g, "b", NULL);

	ringbus_graph_handle_with(g, "other", NULL);
	ringbus_stage_then(ringbus_stage_and(first, second), "c", NULL);
}

static const struct t_plan both = { 16,
				    "a: , b: , other: , c: { after: [a, b] }",
				    build_and };

struct net {
	struct t_site x;
	struct t_runner a, b, c;
};

static void
begin(struct net *n, const struct t_plan *plan, enum t_how how,
      enum rb_producers kind)
{
	t_site_plan(&n->x, plan, how, kind);
	t_runner_start(&n->a, &n->x, "a");
	t_runner_start(&n->b, &n->x, "b");
	t_runner_start(&n->c, &n->x, "c");
}

static void
begin_runs(struct net *n)
{
	t_runner_begin(&n->a);
	t_runner_begin(&n->b);
	t_runner_begin(&n->c);
}

static void
end(struct net *n)
{
	t_runner_end(&n->a);
	t_runner_end(&n->b);
	t_runner_end(&n->c);
	t_site_end(&n->x);
}

/* All of it is handled up to there, and this was it. */
static void
stop(struct t_runner *runner, int64_t last, const char *handled)
{
	t_runner_stop(runner, last);
	t_runner_handled(runner, handled);
}

/* ------------------------------------------------------------ its members */

static void
expect_state(const struct t_site *x, int state, int running)
{
	struct ringbus_member m = t_site_consumer(x, "a");

	ck_assert_int_eq(m.state, state);
	ck_assert_int_eq(m.running, running);
}

GRAPHS(d01_who_is_in_its_processor_is_shown_as_such)
{
	struct t_runner a;
	struct t_site x;

	t_site_plan(&x, &one, how, kind);
	expect_state(&x, RINGBUS_MEMBER_DECLARED, 0);
	t_runner_start(&a, &x, "a");
	expect_state(&x, RINGBUS_MEMBER_ATTACHED, 0);
	t_runner_begin(&a);
	t_until(t_site_consumer(&x, "a").running);
	expect_state(&x, RINGBUS_MEMBER_ATTACHED, 1);
	t_runner_stop(&a, -1);
	expect_state(&x, RINGBUS_MEMBER_ATTACHED, 0);
	a.work->record.answers[0] = (struct t_answer){ 0, -EIO, 0 };
	publish(&x, 1, 0);
	ck_assert_int_eq(t_runner_run(&a), -EIO);
	expect_state(&x, RINGBUS_MEMBER_FAILED, 0);
	/* Nor if it dies at it. */
	a.work->record.answers[0].verdict = 0;
	t_runner_begin(&a);
	t_until(t_site_consumer(&x, "a").running);
	t_remote_kill(&a.remote);
	t_until(t_site_consumer(&x, "a").state == RINGBUS_MEMBER_DECLARED);
	expect_state(&x, RINGBUS_MEMBER_DECLARED, 0);
	t_site_end(&x);
}

static void
build_kept(struct ringbus_graph *g)
{
	struct ringbus_consumer_kind kept = {
		.size = sizeof(kept),
		.keep_for_ns = RINGBUS_FOREVER,
	};

	ringbus_stage_set(ringbus_graph_handle_with(g, "a", NULL), &kept);
}

static const struct t_plan kept = { 16, "a: { on_death: keep }", build_kept };

GRAPHS(d02_a_kept_one_handles_what_was_published_before_it_came)
{
	struct t_runner a;
	struct t_site x;

	t_site_plan(&x, &kept, how, kind);
	publish(&x, 16, 15);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_runner_start(&a, &x, "a");
	t_runner_begin(&a);
	t_runner_stop(&a, 15);
	t_runner_recorded(&a, "start batch:16/16 0-15! shutdown");
	t_runner_end(&a);
	t_site_end(&x);
}

GRAPHS(d03_a_published_batch_is_handled_in_order)
{
	struct net n;

	begin(&n, &chain, how, kind);
	begin_runs(&n);
	publish(&n.x, 10, 9);
	publish(&n.x, 5, 14);
	stop(&n.a, 14, "0-14");
	stop(&n.b, 14, "0-14");
	stop(&n.c, 14, "0-14");
	end(&n);
}

/* The others see each event once, whatever happens before them. */
GRAPHS(d04_a_stage_may_rewind)
{
	struct net n;

	begin(&n, &chain, how, kind);
	n.b.work->handlers.rewind = RINGBUS_REWIND_ALWAYS;
	n.b.work->record.answers[0] = (struct t_answer){ 3, RINGBUS_REWIND, 2 };
	n.b.work->record.answers[1] = (struct t_answer){ 9, RINGBUS_REWIND, 1 };
	publish(&n.x, 10, 9);
	t_runner_begin(&n.a);
	t_runner_stop(&n.a, 9);
	t_runner_handled(&n.a, "0-9");
	t_runner_begin(&n.c);
	t_runner_begin(&n.b);
	stop(&n.b, 9, "0-3 0-3 0-9 0-9");
	stop(&n.c, 9, "0-9");
	end(&n);
}

GRAPHS(d05_d06_who_comes_after_six_publishes_starts_behind_them)
{
	struct net n;

	t_site_plan(&n.x, &chain, how, kind);
	publish(&n.x, 6, 5);
	t_runner_start(&n.a, &n.x, "a");
	t_runner_start(&n.b, &n.x, "b");
	t_runner_start(&n.c, &n.x, "c");
	ck_assert_int_eq(t_site_sequence(&n.x, "a"), 5);
	ck_assert_int_eq(t_site_sequence(&n.x, "b"), 5);
	ck_assert_int_eq(t_site_sequence(&n.x, "c"), 5);
	ck_assert_int_eq(t_remote_sequence(&n.c.remote), 5);
	t_remote_nothing(&n.a.remote);
	publish(&n.x, 1, 6);
	t_remote_take(&n.a.remote, 6, 6);
	ck_assert_int_eq(t_runner_poll(&n.b, 9), RINGBUS_PROCESSING);
	t_runner_handled(&n.b, "6");
	t_runner_begin(&n.c);
	stop(&n.c, 6, "6");
	end(&n);
}

GRAPHS(d07_d08_what_is_done_is_seen_by_all_and_waited_for)
{
	struct net n;

	begin(&n, &chain, how, kind);
	publish(&n.x, 7, 6);
	ck_assert_int_eq(t_remote_wait(&n.b.remote, RINGBUS_NOW), -EAGAIN);
	t_runner_hold(&n.a, 6);
	n.a.work->handlers.max_batch = 6;
	t_runner_begin(&n.a);
	t_until(t_runner_is_at(&n.a, 6));
	ck_assert_int_eq(t_site_sequence(&n.x, "a"), 5);
	ck_assert_int_eq(t_remote_wait(&n.b.remote, RINGBUS_NOW), 5);
	t_remote_take(&n.b.remote, 0, 3);
	ck_assert_int_eq(t_site_sequence(&n.x, "b"), 3);
	ck_assert_int_eq(t_remote_wait(&n.c.remote, RINGBUS_NOW), 3);
	t_runner_hold(&n.a, T_HOLD_NONE);
	t_runner_stop(&n.a, 6);
	ck_assert_int_eq(t_remote_wait(&n.b.remote, RINGBUS_NOW), 6);
	end(&n);
}

GRAPHS(d09_one_process_runs_each_name)
{
	struct t_runner *all[3];
	struct net n;

	begin(&n, &siblings, how, kind);
	begin_runs(&n);
	publish(&n.x, 10, 9);
	all[0] = &n.a;
	all[1] = &n.b;
	all[2] = &n.c;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(t_site_consumer(&n.x, all[i]->name).pid,
				 all[i]->remote.pid);
		stop(all[i], 9, "0-9");
	}
	end(&n);
}

GRAPHS(d10_a_stuck_one_does_not_hold_its_siblings_up)
{
	struct net n;

	begin(&n, &siblings, how, kind);
	t_runner_hold(&n.a, 0);
	begin_runs(&n);
	publish(&n.x, 16, 15);
	stop(&n.b, 15, "0-15");
	stop(&n.c, 15, "0-15");
	t_until(t_runner_is_at(&n.a, 0));
	ck_assert_int_eq(t_site_sequence(&n.x, "a"), -1);
	t_runner_hold(&n.a, T_HOLD_NONE);
	stop(&n.a, 15, "0-15");
	end(&n);
}

/* ---------------------------------------------------------------- its order */

/* Each stage is inside an event, or has seen none; and goes on one by one. */
GRAPHS(d11_a_stage_sees_an_event_when_the_one_before_is_done)
{
	struct net n;

	begin(&n, &chain, how, kind);
	for (unsigned i = 0; i < 2; i++)
		n.a.work->record.answers[i] = (struct t_answer){
			i, RINGBUS_RELEASE, 0
		};
	t_runner_hold(&n.a, 0);
	t_runner_hold(&n.b, 0);
	begin_runs(&n);
	publish(&n.x, 3, 2);
	t_until(t_runner_is_at(&n.a, 0) && t_runner_is_idle(&n.b));
	t_runner_hold(&n.a, 1);
	t_until(t_runner_is_at(&n.a, 1) && t_runner_is_at(&n.b, 0) &&
		t_runner_is_idle(&n.c));
	t_runner_hold(&n.b, T_HOLD_NONE);
	t_until(t_site_sequence(&n.x, "c") == 0);
	ck_assert(t_runner_is_at(&n.b, 0));
	t_runner_hold(&n.a, 2);
	t_until(t_site_sequence(&n.x, "c") == 1);
	t_until(t_runner_is_at(&n.a, 2));
	ck_assert(t_runner_is_at(&n.b, 1));
	t_runner_hold(&n.a, T_HOLD_NONE);
	stop(&n.c, 2, "0-2");
	stop(&n.b, 2, "0-2");
	stop(&n.a, 2, "0-2");
	end(&n);
}

GRAPHS(d12_one_that_pulls_is_a_stage_like_a_handler)
{
	struct net n;

	begin(&n, &chain, how, kind);
	t_runner_begin(&n.a);
	t_runner_begin(&n.c);
	publish(&n.x, 4, 3);
	t_remote_take(&n.b.remote, 0, 2);
	stop(&n.a, 3, "0-3");
	stop(&n.c, 2, "0-2");
	ck_assert_int_eq(t_remote_wait(&n.b.remote, RINGBUS_NOW), 3);
	ck_assert_int_eq(t_site_sequence(&n.x, "c"), 2);
	end(&n);
}

/* "c" comes after "a" and "b", not after the other one, which is stuck. */
static void
wait_for_two(const struct t_plan *plan, enum t_how how, enum rb_producers kind)
{
	struct t_runner other;
	struct net n;

	begin(&n, plan, how, kind);
	t_runner_start(&other, &n.x, "other");
	t_runner_hold(&n.a, 0);
	t_runner_hold(&n.b, 0);
	t_runner_hold(&other, 0);
	begin_runs(&n);
	t_runner_begin(&other);
	publish(&n.x, 1, 0);
	t_until(t_runner_is_at(&n.a, 0) && t_runner_is_at(&n.b, 0));
	t_until(t_runner_is_idle(&n.c));
	t_runner_hold(&n.b, T_HOLD_NONE);
	t_until(t_site_sequence(&n.x, "b") == 0);
	t_until(t_runner_is_idle(&n.c));
	t_runner_hold(&n.a, T_HOLD_NONE);
	stop(&n.c, 0, "0");
	stop(&n.a, 0, "0");
	stop(&n.b, 0, "0");
	t_until(t_runner_is_at(&other, 0));
	ck_assert_int_eq(t_site_sequence(&n.x, "other"), -1);
	t_runner_hold(&other, T_HOLD_NONE);
	stop(&other, 0, "0");
	t_runner_end(&other);
	end(&n);
}

GRAPHS(d13_one_after_two_waits_for_both)
{
	wait_for_two(&join, how, kind);
}

GRAPHS(d14_one_after_two_groups_waits_for_both)
{
	wait_for_two(&both, how, kind);
}

/* --------------------------------------------------- handlers and pollers */

GRAPHS(d25_a_handler_comes_after_pollers)
{
	struct net n;

	begin(&n, &join, how, kind);
	t_runner_begin(&n.c);
	publish(&n.x, 2, 1);
	ck_assert_int_eq(t_runner_poll(&n.a, 1), RINGBUS_PROCESSING);
	ck_assert_int_eq(t_runner_poll(&n.b, 9), RINGBUS_PROCESSING);
	t_until(t_site_sequence(&n.x, "c") == 0);
	ck_assert_int_eq(t_runner_poll(&n.a, 1), RINGBUS_PROCESSING);
	stop(&n.c, 1, "0-1");
	end(&n);
}

GRAPHS(d26_a_poller_comes_after_handlers)
{
	struct net n;

	begin(&n, &join, how, kind);
	t_runner_hold(&n.a, 0);
	t_runner_begin(&n.a);
	t_runner_begin(&n.b);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_IDLE);
	publish(&n.x, 2, 1);
	t_runner_stop(&n.b, 1);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_GATING);
	t_runner_hold(&n.a, T_HOLD_NONE);
	t_runner_stop(&n.a, 1);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_PROCESSING);
	t_runner_recorded(&n.c, "0-1!");
	end(&n);
}

GRAPHS(d27_a_handler_comes_after_a_poller_and_a_handler)
{
	struct net n;

	begin(&n, &join, how, kind);
	t_runner_hold(&n.b, 1);
	t_runner_begin(&n.b);
	t_runner_begin(&n.c);
	publish(&n.x, 1, 0);
	t_until(t_site_sequence(&n.x, "b") == 0 && t_runner_is_idle(&n.c));
	ck_assert_int_eq(t_runner_poll(&n.a, 9), RINGBUS_PROCESSING);
	t_until(t_site_sequence(&n.x, "c") == 0);
	publish(&n.x, 1, 1);
	ck_assert_int_eq(t_runner_poll(&n.a, 9), RINGBUS_PROCESSING);
	t_until(t_runner_is_at(&n.b, 1) && t_remote_sleeps(&n.c.remote));
	ck_assert(t_runner_is_at(&n.c, 0));
	t_runner_hold(&n.b, T_HOLD_NONE);
	stop(&n.c, 1, "0-1");
	stop(&n.b, 1, "0-1");
	end(&n);
}

GRAPHS(d28_a_poller_comes_after_pollers)
{
	struct net n;

	begin(&n, &chain, how, kind);
	publish(&n.x, 3, 2);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_GATING);
	ck_assert_int_eq(t_runner_poll(&n.a, 2), RINGBUS_PROCESSING);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_GATING);
	ck_assert_int_eq(t_runner_poll(&n.b, 9), RINGBUS_PROCESSING);
	ck_assert_int_eq(t_runner_poll(&n.b, 9), RINGBUS_GATING);
	ck_assert_int_eq(t_runner_poll(&n.c, 9), RINGBUS_PROCESSING);
	t_runner_recorded(&n.b, "0-1!");
	t_runner_recorded(&n.c, "0-1!");
	end(&n);
}
