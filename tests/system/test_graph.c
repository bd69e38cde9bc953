/* SPDX-License-Identifier: MIT */
/*
 * test_graph.c - the graph of consumers that a program declares: the same as
 * that of the configuration, and what is wrong with it is told
 */
#include <errno.h>
#include <stdio.h>

#include "tests/system/util_bus.h"

#define DYNAMIC "dynamic: { allow: any, max_channels: 4 }\n"

/* Creates the channel with this graph, and frees that. */
static int
create(struct ringbus *bus, const char *name, struct ringbus_graph *graph)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	int err;

	o.slots = 64;
	o.slot_size = 16;
	o.graph = graph;
	err = ringbus_create(bus, name, &o);
	ringbus_graph_free(graph);
	return err;
}

/* Fails unless the graph is refused and all of these are in the reason. */
static void
expect_refusal(struct ringbus_graph *graph, const char *a, const char *b)
{
	char name[RINGBUS_NAME_SIZE];
	struct t_bus bus;

	t_bus_begin_with(&bus, DYNAMIC);
	ck_assert_int_eq(create(bus.bus, "a", graph), -EINVAL);
	if (strstr(ringbus_error(bus.bus), a) == NULL ||
	    strstr(ringbus_error(bus.bus), b) == NULL)
		ck_abort_msg("neither %s nor %s: %s", a, b,
			     ringbus_error(bus.bus));
	ck_assert_int_eq(ringbus_list(bus.bus, 0, name), -ENOENT);
	/* What was planned for it is not for the next one. */
	t_bus_ok(bus.bus, ringbus_create(bus.bus, "a", NULL));
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct ringbus_member m = { .size = sizeof(m) };
		struct ringbus_tap *tap = t_tap(bus.bus, RINGBUS_FROM_NOW);

		ck_assert_int_eq(
			ringbus_channel_member(ringbus_tap_channel(tap),
					       RINGBUS_CONSUMER, i, &m),
			0);
		ringbus_tap_close(tap);
	}
	t_bus_ok(bus.bus, ringbus_remove(bus.bus, "a"));
	t_bus_end(&bus);
}

/* ----------------------------------------------- the same as in the file */

static void
expect_same_word32(const struct rb_word32 *a, const struct rb_word32 *b)
{
	ck_assert_uint_eq(rb_word32_load_relaxed(a), rb_word32_load_relaxed(b));
}

static void
expect_same_word64(const struct rb_word64 *a, const struct rb_word64 *b)
{
	ck_assert_uint_eq(rb_word64_load_relaxed(a), rb_word64_load_relaxed(b));
}

static void
expect_same_entry(const struct rb_member *a, const struct rb_member *b)
{
	ck_assert_str_eq(a->name, b->name);
	expect_same_word32(&a->state, &b->state);
	expect_same_word32(&a->on_death, &b->on_death);
	expect_same_word64(&a->after, &b->after);
	expect_same_word64(&a->deps, &b->deps);
	expect_same_word64(&a->keep_for_ns, &b->keep_for_ns);
	expect_same_word32(&a->declared, &b->declared);
	expect_same_word32(&a->slow, &b->slow);
	expect_same_word32(&a->parked, &b->parked);
	expect_same_word64(&a->max_lag, &b->max_lag);
	expect_same_word64(&a->max_stall_ns, &b->max_stall_ns);
	expect_same_word32(&a->group, &b->group);
	expect_same_word32(&a->key_offset, &b->key_offset);
	expect_same_word32(&a->key_size, &b->key_size);
}

static void
expect_same_member(const struct ringbus_channel *a,
		   const struct ringbus_channel *b, unsigned i)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_member n = { .size = sizeof(n) };
	int found = ringbus_channel_member(a, RINGBUS_CONSUMER, i, &m);

	ck_assert_int_eq(ringbus_channel_member(b, RINGBUS_CONSUMER, i, &n),
			 found);
	if (found == 0)
		return;
	ck_assert_str_eq(m.name, n.name);
	ck_assert_int_eq(m.state, n.state);
	ck_assert_int_eq(m.gates, n.gates);
	ck_assert_int_eq(m.slow, n.slow);
	ck_assert_int_eq(m.group, n.group);
	ck_assert_int_eq(m.worker_of, n.worker_of);
	ck_assert_uint_eq(m.after, n.after);
}

/* The graph gives the same channel as these consumers in the configuration. */
static void
expect_same(struct ringbus_graph *graph, const char *consumers)
{
	struct ringbus_tap_options none = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_tap *declared, *made;
	struct rb_channel a, b;
	struct t_bus bus;
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 DYNAMIC "channels: { a: { slots: 64, event_size: 16,"
			 " consumers: { %s } } }",
		 consumers);
	t_bus_begin_with(&bus, yaml);
	t_bus_ok(bus.bus, create(bus.bus, "b", graph));
	declared = t_tap(bus.bus, RINGBUS_FROM_NOW);
	t_bus_ok(bus.bus, ringbus_tap_open(bus.bus, "b", &none, &made));
	t_daemon_map(&bus.daemon, "a", RB_ROLE_DAEMON, &a);
	t_daemon_map(&bus.daemon, "b", RB_ROLE_DAEMON, &b);
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		expect_same_entry(&a.meta->consumers[i], &b.meta->consumers[i]);
		expect_same_member(ringbus_tap_channel(declared),
				   ringbus_tap_channel(made), i);
	}
	expect_same_word64(&a.meta->control.gating, &b.meta->control.gating);
	rb_channel_detach(&a);
	rb_channel_detach(&b);
	ringbus_tap_close(made);
	t_bus_ok(bus.bus, ringbus_remove(bus.bus, "b"));
	t_bus_end(&bus);
}

TEST(a_diamond_is_the_same_diamond)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage first;

	first = ringbus_graph_handle_with(g, "journal", "replicate", NULL);
	ringbus_stage_then(first, "app", NULL);
	expect_same(g, "journal: , replicate: ,"
		       " app: { after: [journal, replicate] }");
}

TEST(a_pipeline_is_the_same_pipeline)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, "one", NULL);

	s = ringbus_stage_then(s, "two", NULL);
	ringbus_stage_then(s, "three", NULL);
	expect_same(g, "one: , two: { after: one }, three: { after: two }");
}

TEST(stages_are_joined_and_found_again)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage a, b;

	a = ringbus_graph_handle_with(g, "a", NULL);
	b = ringbus_graph_handle_with(g, "b", NULL);
	ringbus_stage_then(ringbus_stage_and(a, b), "c", NULL);
	ringbus_stage_then(ringbus_graph_after(g, "c", "a", NULL), "d", NULL);
	expect_same(g, "a: , b: , c: { after: [a, b] }, d: { after: [a, c] }");
}

/* Numbers go by first appearance. */
TEST(a_name_that_comes_again_comes_after_both)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage z, a;

	z = ringbus_graph_handle_with(g, "z", NULL);
	ringbus_stage_then(z, "last", NULL);
	a = ringbus_graph_handle_with(g, "a", "z", NULL);
	ck_assert_uint_eq(a.members, 5);
	ringbus_stage_then(a, "last", "last", NULL);
	expect_same(g, "z: , last: { after: [z, a] }, a:");
}

static struct ringbus_consumer_kind
kind_of(int slow)
{
	struct ringbus_consumer_kind kind = RINGBUS_CONSUMER_KIND_INIT;

	kind.slow = slow;
	return kind;
}

TEST(kinds_are_the_same_kinds)
{
	struct ringbus_consumer_kind keep = kind_of(RINGBUS_SLOW_GATE);
	struct ringbus_consumer_kind evict = kind_of(RINGBUS_SLOW_EVICT);
	struct ringbus_consumer_kind park = kind_of(RINGBUS_SLOW_PARK);
	struct ringbus_consumer_kind lossy = kind_of(RINGBUS_SLOW_LOSSY);
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s;

	keep.keep_for_ns = RINGBUS_FOREVER;
	evict.max_lag = 32;
	evict.max_stall_ns = 3 * T_SECOND;
	park.max_lag = 16;
	park.keep_for_ns = 60 * T_SECOND;
	s = ringbus_stage_set(ringbus_graph_handle_with(g, "keep", NULL),
			      &keep);
	ringbus_stage_set(ringbus_graph_handle_with(g, "lossy", NULL), &lossy);
	s = ringbus_stage_set(ringbus_stage_then(s, "evict", NULL), &evict);
	ringbus_stage_set(ringbus_stage_then(s, "park", NULL), &park);
	expect_same(g, "keep: { on_death: keep }, lossy: { slow: lossy },"
		       " evict: { after: keep, slow: evict, max_lag: 32,"
		       " max_stall: 3s }, park: { after: evict, slow: park,"
		       " max_lag: 16, keep_for: 1m }");
}

TEST(groups_are_the_same_groups)
{
	struct ringbus_consumer_kind group = kind_of(RINGBUS_SLOW_DEFAULT);
	struct ringbus_consumer_kind keyed = group;
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s;

	group.group = keyed.group = 1;
	keyed.key_offset = 8;
	keyed.key_size = 4;
	s = ringbus_graph_handle_with(g, "pool", "pond", NULL);
	ringbus_stage_set(s, &group);
	s = ringbus_stage_then(s, "sorted", NULL);
	ringbus_stage_set(s, &keyed);
	expect_same(g, "pool: { group: true }, pond: { group: true },"
		       " sorted: { after: [pool, pond], group: true,"
		       " key: { offset: 8, size: 4 } }");
}

TEST(a_parked_one_is_kept_for_ever_unless_told)
{
	struct ringbus_consumer_kind park = kind_of(RINGBUS_SLOW_PARK);
	struct ringbus_graph *g = ringbus_graph_new();

	park.max_lag = 16;
	ringbus_stage_set(ringbus_graph_handle_with(g, "p", NULL), &park);
	expect_same(g, "p: { slow: park, max_lag: 16 }");
}

TEST(sixty_four_consumers_fit)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_stage s;
	struct ringbus_tap *tap;
	struct t_bus b;

	s = ringbus_graph_handle_with(g, "c0", NULL);
	for (int i = 1; i < 64; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		s = ringbus_stage_then(s, name, NULL);
	}
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, create(b.bus, "a", g));
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	ck_assert_int_eq(ringbus_channel_member(ringbus_tap_channel(tap),
						RINGBUS_CONSUMER, 63, &m),
			 1);
	ck_assert_str_eq(m.name, "c63");
	ck_assert_uint_eq(m.after, UINT64_C(1) << 62);
	ringbus_tap_close(tap);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(a_graph_is_good_for_several_channels)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_graph *g = ringbus_graph_new();
	const char *const names[] = { "a", "b" };
	struct t_bus b;

	o.graph = g;
	ringbus_graph_handle_with(g, "one", NULL);
	t_bus_begin_with(&b, DYNAMIC);
	for (int i = 0; i < 2; i++) {
		struct ringbus_tap *tap;

		t_bus_ok(b.bus, ringbus_create(b.bus, names[i], &o));
		t_bus_ok(b.bus, ringbus_tap_open(b.bus, names[i], NULL, &tap));
		t_member(ringbus_tap_channel(tap), RINGBUS_CONSUMER, "one");
		ringbus_tap_close(tap);
		t_bus_ok(b.bus, ringbus_remove(b.bus, names[i]));
	}
	ringbus_graph_free(g);
	ringbus_graph_free(NULL);
	t_bus_end(&b);
}

/* The consumers do what the graph says, each in another process. */
TEST(a_declared_consumer_comes_after_its_stage)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_consumer *journal, *app;
	struct ringbus_producer *p;
	struct t_bus b;

	ringbus_stage_then(ringbus_graph_handle_with(g, "journal", NULL), "app",
			   NULL);
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, create(b.bus, "a", g));
	journal = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	app = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_nothing(app);
	t_take(journal, 0, 3);
	t_take(app, 0, 3);
	ringbus_consumer_close(app);
	ringbus_consumer_close(journal);
	ringbus_producer_close(p);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

/* ------------------------------------------------------- what is refused */

TEST(a_cycle_is_refused_with_its_path)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, "x", "a", NULL);

	s = ringbus_stage_then(s, "b", NULL);
	s = ringbus_stage_then(s, "c", NULL);
	ringbus_stage_then(s, "a", "d", NULL);
	expect_refusal(g, "a -> c -> b -> a", "");
}

TEST(self_dependency_is_refused)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, "a", "b", NULL);

	ringbus_stage_then(s, "c", "b", NULL);
	expect_refusal(g, "ringbus_stage_then()", "'b' would wait for itself");
}

TEST(unknown_names_are_refused)
{
	struct ringbus_graph *g = ringbus_graph_new();

	ringbus_graph_handle_with(g, "a", NULL);
	ringbus_stage_then(ringbus_graph_after(g, "a", "nobody", NULL), "c",
			   NULL);
	expect_refusal(g, "ringbus_graph_after()", "'nobody'");
}

TEST(what_is_no_name_is_refused)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, "a", NULL);

	ringbus_stage_then(s, "not a name", NULL);
	expect_refusal(g, "ringbus_stage_then()", "'not a name'");
	g = ringbus_graph_new();
	ringbus_graph_handle_with(g, "", NULL);
	expect_refusal(g, "ringbus_graph_handle_with()", "''");
}

/* Whoever came after them would come after producers alone. */
TEST(stages_of_nobody_are_refused)
{
	struct ringbus_graph *g = ringbus_graph_new();

	ringbus_graph_handle_with(g, NULL);
	expect_refusal(g, "ringbus_graph_handle_with()", "no consumer");
	g = ringbus_graph_new();
	ringbus_stage_then(ringbus_graph_after(g, NULL), "a", NULL);
	expect_refusal(g, "ringbus_graph_after()", "no consumer");
	g = ringbus_graph_new();
	ringbus_stage_then(ringbus_graph_handle_with(g, "a", NULL), NULL);
	expect_refusal(g, "ringbus_stage_then()", "no consumer");
}

TEST(sixty_five_are_too_many)
{
	struct ringbus_graph *g = ringbus_graph_new();

	for (int i = 0; i < 65; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		ringbus_graph_handle_with(g, name, NULL);
	}
	expect_refusal(g, "ringbus_graph_handle_with()", "'c64'");
}

TEST(the_first_mistake_is_told)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, ".first", NULL);

	ringbus_stage_then(s, ".second", NULL);
	ringbus_graph_after(g, "third", NULL);
	expect_refusal(g, "'.first'", "");
}

TEST(stages_of_two_graphs_have_nothing_in_common)
{
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_graph *h = ringbus_graph_new();

	ringbus_stage_and(ringbus_graph_handle_with(g, "a", NULL),
			  ringbus_graph_handle_with(h, "b", NULL));
	expect_refusal(g, "ringbus_stage_and()", "two graphs");
	expect_refusal(h, "ringbus_stage_and()", "two graphs");
}

TEST(a_stage_of_no_graph_is_nobodys)
{
	struct ringbus_consumer_kind kind = kind_of(RINGBUS_SLOW_GATE);
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage none = { 0 };

	none = ringbus_stage_set(ringbus_stage_then(none, "b", NULL), &kind);
	none = ringbus_stage_and(none, none);
	ck_assert_ptr_null(none.graph);
	ringbus_stage_and(none, ringbus_graph_handle_with(g, "a", NULL));
	expect_refusal(g, "ringbus_stage_and()", "no graph");
}

TEST(kinds_that_cannot_be_are_refused)
{
	struct ringbus_consumer_kind all[] = {
		kind_of(RINGBUS_SLOW_LOSSY + 1),
		kind_of(-1),
		kind_of(0),
		kind_of(0),
		kind_of(0),
		kind_of(0),
	};
	static const char *const fields[] = { "slow",    "slow",
					      "size",    "keep_for_ns",
					      "max_lag", "max_stall_ns" };

	all[2].size--;
	all[3].keep_for_ns = -2;
	all[4].max_lag = -1;
	all[5].max_stall_ns = -1;
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct ringbus_graph *g = ringbus_graph_new();

		ringbus_stage_set(ringbus_graph_handle_with(g, "a", NULL),
				  &all[i]);
		expect_refusal(g, "'a'", fields[i]);
	}
}

TEST(no_kind_is_refused)
{
	struct ringbus_graph *g = ringbus_graph_new();

	ringbus_stage_set(ringbus_graph_handle_with(g, "a", NULL), NULL);
	expect_refusal(g, "ringbus_stage_set()", "NULL");
}

/* What the daemon has to say about consumers of a kind that does not fit. */
TEST(nobody_comes_after_one_that_loses_events)
{
	struct ringbus_consumer_kind lossy = kind_of(RINGBUS_SLOW_LOSSY);
	struct ringbus_graph *g = ringbus_graph_new();
	struct ringbus_stage s = ringbus_graph_handle_with(g, "a", NULL);

	ringbus_stage_set(s, &lossy);
	ringbus_stage_then(s, "b", NULL);
	expect_refusal(g, "'a'", "'b'");
}

TEST(a_group_gates)
{
	struct ringbus_consumer_kind kind = kind_of(RINGBUS_SLOW_LOSSY);
	struct ringbus_graph *g = ringbus_graph_new();

	kind.group = 1;
	ringbus_stage_set(ringbus_graph_handle_with(g, "pool", NULL), &kind);
	expect_refusal(g, "'pool'", "lossy");
}
