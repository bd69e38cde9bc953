/* SPDX-License-Identifier: MIT */
/*
 * test_conform_d_more.c - LMAX's DisruptorTest and ConsumerRepositoryTest,
 * between processes: what is refused, failures, limits, and look-ups
 */
#include <errno.h>
#include <stdio.h>

#include "tests/conformance/remote_run.h"
#include "tests/fixture.h"

static void
build_pair(struct ringbus_graph *g)
{
	ringbus_stage_then(ringbus_graph_handle_with(g, "a", NULL), "b", NULL);
}

static const struct t_plan pair = { 16, "a: , b: { after: a }", build_pair };
static const struct t_plan small = { 4, "a: , b: { after: a }", build_pair };

static void
build_siblings(struct ringbus_graph *g)
{
	ringbus_graph_handle_with(g, "a", "b", NULL);
}

static const struct t_plan siblings = { 16, "a: , b:", build_siblings };

struct net {
	struct t_site x;
	struct t_runner a, b;
};

static void
begin(struct net *n, const struct t_plan *plan, enum t_how how,
      enum rb_producers kind)
{
	t_site_plan(&n->x, plan, how, kind);
	t_runner_start(&n->a, &n->x, "a");
	t_runner_start(&n->b, &n->x, "b");
}

static void
end(struct net *n)
{
	t_runner_end(&n->a);
	t_runner_end(&n->b);
	t_site_end(&n->x);
}

static void
publish(struct net *n, int64_t count, int64_t last)
{
	ck_assert_int_eq(t_remote_put(&n->x.p, count, RINGBUS_NOW), last);
}

/* ------------------------------------------------------------ what is refused */

/* Builds a -> b, and one more behind this name. */
static int
create_after(struct ringbus *bus, const char *name)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_graph *g = ringbus_graph_new();
	int err;

	ck_assert_ptr_nonnull(g);
	build_pair(g);
	ringbus_stage_then(ringbus_graph_after(g, name, NULL), "last", NULL);
	o.graph = g;
	err = ringbus_create(bus, "a", &o);
	ringbus_graph_free(g);
	return err;
}

/* Upstream's equal but other handlers are names that differ a little. */
static const char *const unknown[] = { "nobody", "A", "aa", "last" };

TEST(d15_d16_an_unknown_name_is_refused_when_built)
{
	char name[RINGBUS_NAME_SIZE];
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: any, max_channels: 1 }\n");
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "'%s'", unknown[i]);
		ck_assert_int_eq(create_after(b.bus, unknown[i]), -EINVAL);
		ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), name));
		ck_assert_int_eq(ringbus_list(b.bus, 0, name), -ENOENT);
	}
	t_bus_ok(b.bus, create_after(b.bus, "a"));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(d15_d16_an_unknown_name_is_refused_when_declared)
{
	char yaml[256], name[RINGBUS_NAME_SIZE];
	struct t_daemon d;

	for (int i = 0; i < 3; i++) {
		snprintf(yaml, sizeof(yaml),
			 "channels: { a: { slots: 16, event_size: 8, "
			 "consumers: { a: , last: { after: %s } } } }",
			 unknown[i]);
		snprintf(name, sizeof(name), "'%s'", unknown[i]);
		t_daemon_prepare(&d, yaml);
		t_daemon_launch(&d, NULL);
		t_daemon_ends(&d, 78);
		ck_assert(t_daemon_said(&d, name));
	}
}

GRAPHS(d15_d16_an_unknown_name_is_refused_to_who_joins)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote late;
	struct net n;

	begin(&n, &pair, how, kind);
	t_remote_start(&late, &n.x.b.daemon);
	o.name = "last";
	for (int i = 0; i < 3; i++) {
		o.after = unknown[i];
		ck_assert_int_eq(t_remote_try_consume(&late, &o), -ENOENT);
		ck_assert_ptr_nonnull(
			strstr(t_remote_error(&late), unknown[i]));
	}
	ck_assert(!t_has_member(n.x.channel, RINGBUS_CONSUMER, "last"));
	t_remote_end(&late);
	end(&n);
}

GRAPHS(d24_a_name_runs_once)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote second;
	struct net n;

	begin(&n, &pair, how, kind);
	t_runner_begin(&n.a);
	publish(&n, 3, 2);
	t_remote_start(&second, &n.x.b.daemon);
	o.name = "a";
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(t_remote_try_consume(&second, &o), -EBUSY);
	ck_assert_int_eq(t_site_consumer(&n.x, "a").pid, n.a.remote.pid);
	publish(&n, 3, 5);
	t_runner_stop(&n.a, 5);
	t_runner_handled(&n.a, "0-5");
	t_remote_end(&second);
	end(&n);
}

/* --------------------------------------------------------- who comes later */

GRAPHS(d23_one_joins_a_running_graph_after_named_ones)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_runner late;
	struct net n;

	begin(&n, &pair, how, kind);
	t_runner_begin(&n.a);
	t_runner_begin(&n.b);
	publish(&n, 3, 2);
	t_until(t_site_sequence(&n.x, "b") == 2);
	t_runner_hold(&n.a, 3);
	o.name = "late";
	o.after = "a";
	t_runner_start_with(&late, &n.x, &o);
	t_runner_begin(&late);
	publish(&n, 1, 3);
	t_until(t_runner_is_at(&n.a, 3) && t_runner_is_idle(&late));
	t_runner_hold(&n.a, T_HOLD_NONE);
	t_runner_stop(&late, 3);
	t_runner_handled(&late, "3");
	t_runner_stop(&n.a, 3);
	t_runner_handled(&n.a, "0-3");
	t_runner_stop(&n.b, 3);
	t_runner_end(&late);
	end(&n);
}

/* ------------------------------------------------------ failures and limits */

/* The same event fails in each run, and is handled as that run says. */
GRAPHS(d17_to_d20_each_run_has_its_own_exception_handler)
{
	struct ringbus_handlers *h;
	struct net n;

	begin(&n, &siblings, how, kind);
	h = &n.a.work->handlers;
	n.a.work->record.answers[0] = (struct t_answer){ 1, -EIO, 0 };
	publish(&n, 3, 2);
	/* None is fatal ... */
	h->on_batch_start = NULL;
	ck_assert_int_eq(t_runner_run(&n.a), -EIO);
	t_runner_recorded(&n.a, "start 0 1 shutdown");
	/* ... one that says so too, with its own number ... */
	*h = t_all_handlers(&n.a.work->record);
	h->on_batch_start = NULL;
	n.a.work->record.exception = -77;
	ck_assert_int_eq(t_runner_run(&n.a), -77);
	t_runner_recorded(&n.a, "start 1 failed:-5@1 shutdown");
	ck_assert_int_eq(t_site_consumer(&n.x, "a").state,
			 RINGBUS_MEMBER_FAILED);
	/* ... whatever is set beside it, and the next run goes on. */
	h->exceptions = RINGBUS_FATAL;
	n.a.work->record.exception = 0;
	t_runner_begin(&n.a);
	t_runner_stop(&n.a, 2);
	t_runner_recorded(&n.a, "start 1 failed:-5@1 2! shutdown");
	ck_assert_int_eq(t_site_consumer(&n.x, "a").state,
			 RINGBUS_MEMBER_ATTACHED);
	ck_assert_uint_eq(t_site_consumer(&n.x, "a").errors, 3);
	/* The other one has nothing to do with it. */
	t_runner_begin(&n.b);
	t_runner_stop(&n.b, 2);
	ck_assert_uint_eq(t_site_consumer(&n.x, "b").errors, 0);
	end(&n);
}

GRAPHS(d22_two_consumers_have_two_policies)
{
	struct net n;

	begin(&n, &siblings, how, kind);
	n.a.work->handlers.exceptions = RINGBUS_IGNORE;
	n.a.work->record.answers[0] = (struct t_answer){ 1, -EIO, 0 };
	n.b.work->record.answers[0] = (struct t_answer){ 1, -ENXIO, 0 };
	t_runner_begin(&n.a);
	t_runner_begin(&n.b);
	publish(&n, 3, 2);
	ck_assert_int_eq(t_runner_collect(&n.b), -ENXIO);
	t_runner_handled(&n.b, "0-1");
	t_runner_stop(&n.a, 2);
	t_runner_handled(&n.a, "0-2");
	ck_assert_int_eq(t_site_consumer(&n.x, "a").state,
			 RINGBUS_MEMBER_ATTACHED);
	ck_assert_int_eq(t_site_consumer(&n.x, "b").state,
			 RINGBUS_MEMBER_FAILED);
	end(&n);
}

/* The last stage lets one event go at a time, and the producer gets one slot. */
GRAPHS(d21_a_stuck_consumer_stops_the_producer)
{
	struct net n;

	begin(&n, &small, how, kind);
	for (unsigned i = 0; i < 4; i++)
		n.b.work->record.answers[i] = (struct t_answer){
			i, RINGBUS_RELEASE, 0
		};
	t_runner_hold(&n.b, 0);
	t_runner_begin(&n.a);
	publish(&n, 4, 3);
	t_runner_begin(&n.b);
	t_until(t_site_sequence(&n.x, "a") == 3 && t_runner_is_at(&n.b, 0));
	for (int64_t i = 0; i < 4; i++) {
		ck_assert_int_eq(t_remote_claim(&n.x.p, 1, RINGBUS_NOW),
				 -EAGAIN);
		t_remote_begin_put(&n.x.p, 1, RINGBUS_FOREVER);
		t_until(t_remote_sleeps(&n.x.p));
		ck_assert_int_eq(t_site_sequence(&n.x, "a"), i + 3);
		t_runner_hold(&n.b, (uint64_t)i + 1);
		ck_assert_int_eq(t_remote_collect(&n.x.p), i + 4);
		t_until(t_site_sequence(&n.x, "a") == i + 4);
	}
	t_runner_hold(&n.b, T_HOLD_NONE);
	t_runner_stop(&n.b, 7);
	t_runner_handled(&n.b, "0 1 2 3 4-7");
	t_runner_stop(&n.a, 7);
	end(&n);
}

static void
expect_laggard(const struct net *n, const char *name, int64_t lag)
{
	struct ringbus_member m = { .size = sizeof(m) };

	ck_assert_int_eq(ringbus_channel_laggard(n->x.channel, 0, &m), 1);
	ck_assert_str_eq(m.name, name);
	ck_assert_int_eq(m.lag, lag);
	ck_assert_int_eq(ringbus_channel_laggard(n->x.channel, 1, &m), 0);
}

GRAPHS(d29_a_shutdown_with_a_deadline_leaves_who_is_behind_running)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct net n;

	begin(&n, &pair, how, kind);
	t_runner_hold(&n.b, 2);
	n.b.work->handlers.max_batch = 2;
	t_runner_begin(&n.a);
	t_runner_begin(&n.b);
	publish(&n, 5, 4);
	t_until(t_runner_is_at(&n.b, 2));
	ck_assert_int_eq(t_remote_drain(&n.x.p, 5 * T_MS), -ETIMEDOUT);
	expect_laggard(&n, "b", 3);
	ck_assert(t_site_consumer(&n.x, "a").running);
	ck_assert(t_site_consumer(&n.x, "b").running);
	t_runner_hold(&n.b, T_HOLD_NONE);
	ck_assert_int_eq(t_remote_drain(&n.x.p, RINGBUS_FOREVER), 0);
	ck_assert_int_eq(ringbus_channel_laggard(n.x.channel, 0, &m), 0);
	t_runner_stop(&n.a, 4);
	t_runner_stop(&n.b, 4);
	t_runner_handled(&n.b, "0-4");
	end(&n);
}

GRAPHS(d30_a_slot_is_free_when_its_handler_is_done)
{
	struct net n;

	begin(&n, &pair, how, kind);
	ck_assert_int_eq(t_remote_remaining(&n.x.p), 16);
	t_runner_hold(&n.b, 0);
	t_runner_begin(&n.a);
	t_runner_begin(&n.b);
	publish(&n, 1, 0);
	t_until(t_runner_is_at(&n.b, 0));
	ck_assert_int_eq(t_remote_remaining(&n.x.p), 15);
	t_runner_hold(&n.b, T_HOLD_NONE);
	t_runner_stop(&n.b, 0);
	ck_assert_int_eq(t_remote_remaining(&n.x.p), 16);
	t_runner_stop(&n.a, 0);
	end(&n);
}

/* ----------------------------------------------------------------- look-ups */

static struct ringbus_member
find(const struct net *n, const char *name)
{
	struct ringbus_member m = { .size = sizeof(m) };

	ck_assert_int_eq(ringbus_channel_find(n->x.channel, RINGBUS_CONSUMER,
					      name, &m),
			 1);
	ck_assert_str_eq(m.name, name);
	return m;
}

/* One that pulls is told what it comes after, and so is everybody. */
GRAPHS(d33_d34_a_stage_shows_what_it_comes_after)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote late;
	struct net n;

	begin(&n, &pair, how, kind);
	t_remote_start(&late, &n.x.b.daemon);
	o.name = "late";
	o.after = "b a";
	t_remote_consume(&late, &o);
	ck_assert_uint_eq(find(&n, "a").after, 0);
	ck_assert_uint_eq(find(&n, "b").after, UINT64_C(1)
						       << find(&n, "a").index);
	ck_assert_uint_eq(find(&n, "late").after,
			  UINT64_C(1) << find(&n, "a").index |
				  UINT64_C(1) << find(&n, "b").index);
	t_remote_end(&late);
	end(&n);
}

GRAPHS(k01_k03_a_member_is_found_by_its_name)
{
	struct ringbus_member m;
	struct net n;

	begin(&n, &pair, how, kind);
	publish(&n, 3, 2);
	t_remote_take(&n.a.remote, 0, 1);
	m = find(&n, "a");
	ck_assert_int_eq(m.pid, n.a.remote.pid);
	ck_assert_int_eq(m.role, RINGBUS_CONSUMER);
	ck_assert_int_eq(m.sequence, 1);
	ck_assert_int_eq(m.gates, 0);
	m = find(&n, "b");
	ck_assert_int_eq(m.pid, n.b.remote.pid);
	ck_assert_int_eq(m.sequence, -1);
	ck_assert_int_eq(m.gates, 1);
	ck_assert_int_eq(ringbus_channel_find(n.x.channel, RINGBUS_PRODUCER,
					      "producer", &m),
			 1);
	ck_assert_int_eq(m.pid, n.x.p.pid);
	ck_assert_int_eq(m.role, RINGBUS_PRODUCER);
	end(&n);
}

GRAPHS(k02_k04_who_is_unknown_is_not_found)
{
	static const char *const none[] = { "c", "A", "", "producer" };
	struct ringbus_member m = { .size = sizeof(m), .pid = -7 };
	struct net n;

	begin(&n, &pair, how, kind);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(ringbus_channel_find(n.x.channel,
						      RINGBUS_CONSUMER, none[i],
						      &m),
				 0);
	ck_assert_int_eq(ringbus_channel_find(n.x.channel, RINGBUS_PRODUCER,
					      "a", &m),
			 0);
	ck_assert_int_eq(ringbus_channel_find(n.x.channel, 2, "a", &m),
			 -EINVAL);
	/* Written on success only. */
	ck_assert_int_eq(m.pid, -7);
	m.size--;
	ck_assert_int_eq(ringbus_channel_find(n.x.channel, RINGBUS_CONSUMER,
					      "a", &m),
			 -EINVAL);
	end(&n);
}
