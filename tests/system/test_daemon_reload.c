/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_reload.c - SIGHUP: the configuration anew, all or nothing, while
 * events flow
 */
#include <errno.h>
#include <unistd.h>

#include "tests/system/util_hole.h"
#include "tests/system/util_user.h"

#define A "a: { slots: 16, event_size: 8 }"
#define NEW "b: { slots: 16, event_size: 8 }"

static void
expect_flow(struct ringbus_producer *p, struct ringbus_consumer *c,
	    uint64_t *value)
{
	for (int i = 0; i < 40; i++) {
		t_put(p, *value);
		t_take(c, *value, *value);
		(*value)++;
	}
}

TEST(new_channels_are_made_and_the_others_go_on)
{
	struct ringbus_producer *p, *q;
	struct ringbus_consumer *c;
	struct t_bus b;
	uint64_t n = 0;

	t_bus_begin_with(&b, "channels: { " A " }");
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	expect_flow(p, c, &n);
	t_daemon_reload(&b.daemon, "channels: { " A ", " NEW " }",
			"2 channels");
	expect_flow(p, c, &n);
	t_bus_ok(b.bus, ringbus_producer_open(b.bus, "b", NULL, &q));
	t_put(q, 1);
	t_bus_end(&b);
}

TEST(mistake_changes_nothing)
{
	struct ringbus_producer *p, *q;
	struct ringbus_consumer *c;
	struct t_bus b;
	uint64_t n = 0;

	t_bus_begin_with(&b, "channels: { " A " }");
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	t_daemon_reload(&b.daemon,
			"channels: { " NEW ", " A ", bad: { slotz: 3 } }",
			"slots");
	t_until(t_daemon_said(&b.daemon, "not reloaded"));
	ck_assert_int_eq(ringbus_producer_open(b.bus, "b", NULL, &q), -ENOENT);
	ck_assert(!t_daemon_has(&b.daemon, "b"));
	expect_flow(p, c, &n);
	t_bus_end(&b);
}

TEST(channel_that_cannot_be_made_changes_nothing)
{
	struct ringbus_producer *q;
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { " A " }");
	/* More than any machine has. */
	t_daemon_reload(&b.daemon,
			"channels: { " NEW ", huge: { slots: 1048576, "
			"event_size: 1MiB } }",
			"not reloaded");
	ck_assert(t_daemon_said(&b.daemon, "channel huge"));
	ck_assert(!t_daemon_has(&b.daemon, "b"));
	ck_assert_int_eq(ringbus_producer_open(b.bus, "b", NULL, &q), -ENOENT);
	t_bus_ok(b.bus, ringbus_producer_open(b.bus, "a", NULL, &q));
	t_bus_end(&b);
}

TEST(channel_in_use_goes_on_until_nobody_uses_it)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	uint64_t n = 0;

	t_bus_begin_with(&b, "channels: { " A ", " NEW " }");
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	t_daemon_reload(&b.daemon, "channels: { " NEW " }",
			"its 2 members go on");
	expect_flow(p, c, &n);
	t_daemon_reload(&b.daemon, "channels: { " NEW " }", "2 channels");
	ck_assert(t_daemon_has(&b.daemon, "a"));
	ringbus_producer_close(p);
	ck_assert(t_daemon_has(&b.daemon, "a"));
	ringbus_consumer_close(c);
	t_until(!t_daemon_has(&b.daemon, "a"));
	t_bus_end(&b);
}

#define BOTH "channels: { a: { " T_STRICT " }, other: { " T_STRICT " } }"

/* What a dead producer left on a strict channel keeps it from nothing, and goes
 * with it: a mend afterwards finds nobody. */
TEST(stopped_channel_is_removed_with_who_stopped_it)
{
	struct t_bus b;

	t_bus_begin_with(&b, BOTH);
	ringbus_producer_close(t_break_stream(&b));
	t_daemon_reload(&b.daemon, "channels: { other: { " T_STRICT " } }",
			"1 channels");
	ck_assert(!t_daemon_has(&b.daemon, "a"));
	ck_assert_int_eq(ringbus_mend(b.bus, "other"), 0);
	t_daemon_reload(&b.daemon, BOTH, "reloaded: 2 channels");
	ck_assert_int_eq(ringbus_mend(b.bus, "a"), 0);
	t_bus_end(&b);
}

TEST(place_that_is_kept_on_a_new_channel_expires)
{
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { " NEW " }");
	t_daemon_reload(&b.daemon,
			"channels: { " NEW
			", a: { slots: 16, event_size: 8, consumers: "
			"{ app: { on_death: keep, keep_for: 50ms } } } }",
			"2 channels");
	t_until(t_daemon_said(&b.daemon, "did not attach in time"));
	t_bus_end(&b);
}

static void
try_to_publish(const struct t_daemon *d, const void *arg)
{
	const int *expected = arg;
	struct rb_control answer;
	int peer = t_peer_greet(d);

	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL,
				       &answer),
			 *expected);
	close(peer);
}

static void
expect_stranger(const struct t_daemon *d, int expected)
{
	t_as(d, &t_stranger, try_to_publish, &expected);
}

#define CLOSED                                                                 \
	"channels: { a: { event_size: 8, access: { publish: [user:0] } } }"
#define OPEN "channels: { a: { event_size: 8 } }"

TEST(access_is_changed_under_flow)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	uint64_t n = 0;

	t_need_root();
	t_bus_begin_with(&b, CLOSED);
	t_daemon_let_all_in(&b.daemon);
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	expect_stranger(&b.daemon, -EACCES);
	t_daemon_reload(&b.daemon, OPEN, "was reloaded");
	expect_stranger(&b.daemon, -EBUSY);
	expect_flow(p, c, &n);
	t_bus_end(&b);
}

TEST(channel_that_is_used_and_defined_otherwise_keeps_all_from_changing)
{
	struct ringbus_producer *p, *q;
	struct ringbus_consumer *c;
	struct t_bus b;
	uint64_t n = 0;

	t_bus_begin_with(&b, "channels: { " A " }");
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 32, event_size: 8 }, " NEW
			" }",
			"not reloaded");
	ck_assert(t_daemon_said(&b.daemon, "channels.a.slots: 16 -> 32"));
	ck_assert(t_daemon_said(&b.daemon,
				"needs a new generation, and 2 members are in "
				"it"));
	expect_flow(p, c, &n);
	ck_assert_uint_eq(t_info(ringbus_consumer_channel(c)).slots, 16);
	ck_assert(!t_daemon_has(&b.daemon, "b"));
	ck_assert_int_eq(ringbus_producer_open(b.bus, "b", NULL, &q), -ENOENT);
	t_bus_end(&b);
}

TEST(channel_of_a_client_is_not_taken_over)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }");
	o.slots = 16;
	t_bus_ok(b.bus, ringbus_create(b.bus, "b", &o));
	t_daemon_reload(&b.daemon, "channels: { " NEW " }",
			"one of this name already");
	t_until(t_daemon_said(&b.daemon, "not reloaded"));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "b"));
	t_bus_end(&b);
}
