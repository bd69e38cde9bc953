/* SPDX-License-Identifier: MIT */
/*
 * test_reload_live.c - what changes of a channel while events flow, what takes a
 * new generation, and when there is one at once
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"

#define A(keys) "channels: { a: { slots: 16, event_size: 8" keys " } }"

static struct ringbus_member
member(const struct ringbus_channel *channel, const char *name)
{
	return t_member(channel, RINGBUS_CONSUMER, name);
}

static unsigned
slots_of(struct ringbus *bus)
{
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	unsigned slots = (unsigned)t_info(ringbus_tap_channel(tap)).slots;

	ringbus_tap_close(tap);
	return slots;
}

/* ------------------------------------------------------------ new generations */

TEST(unused_channel_is_made_anew_at_once)
{
	struct t_bus b;

	t_bus_begin_with(&b, A(""));
	t_daemon_reload(&b.daemon, A(", history: 8"), "a new generation, at");
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 64, event_size: 8 } }",
			"reloaded: 1 channels, 2 changes");
	ck_assert_uint_eq(slots_of(b.bus), 64);
	t_bus_end(&b);
}

#define KEPT ", consumers: { app: { on_death: keep } }"

TEST(channel_that_somebody_has_yet_to_read_is_not_made_anew)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, A(KEPT));
	p = t_produce(b.bus, NULL);
	t_put(p, 7);
	ringbus_producer_close(p);
	t_daemon_reload(&b.daemon, A(KEPT ", history: 8"), "not reloaded");
	ck_assert(t_daemon_said(&b.daemon, "consumer app, whose place is "
					   "kept, has yet to read it"));
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_take(c, 7, 7);
	ringbus_consumer_close(c);
	t_daemon_reload(&b.daemon, A(KEPT ", history: 8"), "was reloaded");
	t_bus_end(&b);
}

TEST(channel_that_cannot_be_made_keeps_another_from_being_made_anew)
{
	struct t_bus b;

	t_bus_begin_with(&b, A(""));
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 32, event_size: 8 }, "
			"huge: { slots: 1048576, event_size: 1MiB } }",
			"not reloaded");
	ck_assert(t_daemon_said(&b.daemon, "channel huge"));
	ck_assert_uint_eq(slots_of(b.bus), 16);
	t_bus_end(&b);
}

TEST(place_that_the_command_line_gives_is_another_in_vain)
{
	struct t_bus b;

	t_bus_begin_with(&b, A(""));
	t_daemon_reload(&b.daemon, "daemon: { shm_dir: /elsewhere }\n" A(""),
			"without effect");
	t_until(t_daemon_said(&b.daemon, "was reloaded"));
	t_bus_end(&b);
}

/* ------------------------------------------------------------------ live ones */

TEST(wait_of_those_who_do_not_choose_is_live)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, A(", wait: yielding"));
	c = t_consume(b.bus, NULL);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(c)).wait,
			 RINGBUS_WAIT_YIELDING);
	t_daemon_reload(&b.daemon, A(", wait: sleeping"),
			"wait: yielding -> sleeping");
	ringbus_consumer_close(c);
	c = t_consume(b.bus, NULL);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(c)).wait,
			 RINGBUS_WAIT_SLEEPING);
	ringbus_consumer_close(c);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_daemon_reload(&b.daemon, A(", wait: sleeping"), "0 changes");
	t_bus_end(&b);
}

#define APP(keys) A(", consumers: { app: { " keys " } }")

TEST(limits_of_a_consumer_are_live_under_flow)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, APP("slow: evict, max_lag: 12"));
	p = t_produce(b.bus, NULL);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 7);
	t_take(c, 0, 7);
	t_daemon_reload(&b.daemon, APP("slow: evict, max_lag: 4"),
			"consumers.app.max_lag: 12 -> 4");
	t_put_all(p, 8, 15);
	t_until(ringbus_consumer_wait(c, RINGBUS_NOW) == -ESTALE);
	t_bus_end(&b);
}

TEST(place_that_is_to_be_kept_is_kept_from_then_on)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, APP(""));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	t_daemon_reload(&b.daemon, APP("on_death: keep"), "was reloaded");
	t_put_all(p, 100, 115);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EAGAIN);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_take(c, 100, 115);
	ringbus_consumer_close(c);
	t_put_all(p, 116, 131);
	t_daemon_reload(&b.daemon, APP("on_death: release"), "was reloaded");
	t_put_all(p, 132, 999);
	t_bus_end(&b);
}

TEST(consumers_are_declared_and_undeclared_under_flow)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, A(", consumers: { x: }"));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 20);
	t_daemon_reload(&b.daemon,
			A(", consumers: { z: { after: y, on_death: keep }, y: "
			  "{ after: x, on_death: keep }, x: }"),
			"reloaded: 1 channels, 2 changes");
	t_put_all(p, 21, 30);
	c = t_consume_as(b.bus, "y", RINGBUS_FROM_NOW);
	t_take(c, 21, 30);
	ck_assert_uint_eq(
		member(ringbus_consumer_channel(c), "z").after,
		UINT64_C(1) << member(ringbus_consumer_channel(c), "y").index);
	ringbus_consumer_close(c);
	t_daemon_reload(&b.daemon, A(", consumers: { x: }"),
			"consumers.z: removed");
	t_put_all(p, 31, 200);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_daemon_reload(&b.daemon, A(", consumers: { x: }"), "0 changes");
	t_bus_end(&b);
}

TEST(how_slow_one_may_be_changes_only_without_a_place)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin_with(&b, APP(""));
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_daemon_reload(&b.daemon, APP("slow: lossy"), "as it has a place");
	t_until(t_daemon_said(&b.daemon, "not reloaded"));
	ringbus_consumer_close(c);
	t_daemon_reload(&b.daemon, APP("slow: lossy"), "slow: gate -> lossy");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	ck_assert_int_eq(member(ringbus_consumer_channel(c), "app").slow,
			 RINGBUS_SLOW_LOSSY);
	t_bus_end(&b);
}

TEST(connections_follow_their_limit)
{
	struct ringbus *second;
	struct t_bus b;

	t_bus_begin_with(&b, "daemon: { max_clients: 1 }");
	ck_assert_int_eq(ringbus_connect(b.daemon.socket, &second), -EUSERS);
	t_daemon_reload(&b.daemon, "daemon: { max_clients: 2 }",
			"max_clients: 1 -> 2");
	t_ok(ringbus_connect(b.daemon.socket, &second));
	ringbus_close(second);
	t_bus_end(&b);
}

TEST(folder_in_the_way_changes_nothing)
{
	struct t_bus b;
	char path[PATH_MAX + 8];

	t_bus_begin_with(&b, A(""));
	snprintf(path, sizeof(path), "%s/b", b.daemon.shm);
	t_ok(mkdir(path, 0700));
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 32, event_size: 8 }, b: }",
			"something of this name is in the way");
	t_until(t_daemon_said(&b.daemon, "not reloaded"));
	ck_assert_uint_eq(slots_of(b.bus), 16);
	t_ok(rmdir(path));
	t_bus_end(&b);
}
