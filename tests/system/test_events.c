/* SPDX-License-Identifier: MIT */
/*
 * test_events.c - what the daemon tells of what has happened: to whom, in which order,
 * over its own death, and how much is gone
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"

#define KEPT 1024 /* events that a daemon keeps */

/* The value of a key that has a number, or -1. */
static int64_t
number(const char *json, const char *key)
{
	char name[64];
	const char *at;

	snprintf(name, sizeof(name), "\"%s\":", key);
	at = strstr(json, name);
	return at != NULL ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* From *id on, the next of this kind: its JSON. NULL if there is none. */
static const char *
find(struct ringbus *bus, int64_t *id, const char *kind)
{
	static char json[RINGBUS_EVENT_SIZE];
	char key[64];
	int r;

	snprintf(key, sizeof(key), "\"event\":\"%s\"", kind);
	while ((r = ringbus_event_next(bus, id, json, sizeof(json))) == 1)
		if (strstr(json, key) != NULL)
			return json;
	ck_assert_int_eq(r, -EAGAIN);
	return NULL;
}

static void
is_next(struct ringbus *bus, int64_t *id, const char *kind, const char *text)
{
	const char *json = find(bus, id, kind);

	ck_assert_msg(json != NULL, "no %s", kind);
	ck_assert_msg(strstr(json, text) != NULL, "%s: %s", text, json);
}

TEST(each_thing_that_happens_is_told_in_order)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	char pid[32];
	int64_t id = 0;
	pid_t reader;

	t_bus_begin(&b, "slots: 64, event_size: 8, consumers: "
			"{ kept: { on_death: keep } }");
	is_next(b.bus, &id, "start", "\"text\":\"1 channels in ");
	snprintf(pid, sizeof(pid), "\"pid\":%d,", getpid());
	c = t_consume_as(b.bus, "kept", RINGBUS_FROM_NOW);
	is_next(b.bus, &id, "attach", pid);
	ringbus_consumer_close(c);
	is_next(b.bus, &id, "detach", "\"member\":\"kept\"");
	is_next(b.bus, &id, "keep", "\"channel\":\"a\",\"member\":\"kept\"");
	t_ok(ringbus_reset(b.bus, "a", "kept", RINGBUS_FROM_NOW));
	is_next(b.bus, &id, "move", "\"member\":\"kept\"");
	t_ok(ringbus_evict(b.bus, "a", "kept"));
	is_next(b.bus, &id, "evict", "\"member\":\"kept\"");
	reader = t_stopped_consumer(&b, "other");
	t_kill(reader);
	t_until(t_daemon_said(&b.daemon, "consumer other"));
	snprintf(pid, sizeof(pid), "\"pid\":%d,", reader);
	is_next(b.bus, &id, "death", pid);
	t_ok(ringbus_pause(b.bus, "a"));
	t_ok(ringbus_resume(b.bus, "a"));
	t_ok(ringbus_end(b.bus, "a"));
	is_next(b.bus, &id, "pause", "\"channel\":\"a\"");
	is_next(b.bus, &id, "resume", "\"channel\":\"a\"");
	is_next(b.bus, &id, "end", "\"channel\":\"a\"");
	ck_assert_ptr_null(find(b.bus, &id, "end"));
	t_bus_end(&b);
}

TEST(reloads_are_told_good_and_bad)
{
	struct t_bus b;
	int64_t id = 0;

	t_bus_begin(&b, "slots: 64");
	t_daemon_reload(&b.daemon, "channels: { a: { slots: 64 }, b: {} }",
			"the configuration was reloaded");
	is_next(b.bus, &id, "reload", "2 channels");
	t_daemon_reload(&b.daemon, "channels: [", "was not reloaded");
	is_next(b.bus, &id, "reload-refused", "was not reloaded");
	t_bus_end(&b);
}

/* Those of the next daemon have higher numbers, and none is asked for twice. */
TEST(numbers_go_on_over_a_death_of_the_daemon)
{
	struct t_bus b;
	int64_t id = 0, before;

	t_bus_begin(&b, "slots: 64");
	t_ok(ringbus_pause(b.bus, "a"));
	is_next(b.bus, &id, "pause", "\"id\":");
	before = id;
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	is_next(b.bus, &id, "adopt", "\"channel\":\"a\"");
	is_next(b.bus, &id, "start", "\"id\":");
	ck_assert_int_gt(id, before);
	t_bus_end(&b);
}

TEST(what_is_gone_is_counted)
{
	char json[RINGBUS_EVENT_SIZE];
	struct t_bus b;
	int64_t id = 0, first;

	t_bus_begin(&b, "slots: 64");
	ck_assert_int_eq(ringbus_event_next(b.bus, &id, json, sizeof(json)), 1);
	first = number(json, "id");
	ck_assert_int_eq(id, first + 1);
	for (int i = 0; i < KEPT / 2 + 10; i++) {
		t_ok(ringbus_pause(b.bus, "a"));
		t_ok(ringbus_resume(b.bus, "a"));
	}
	ck_assert_int_eq(ringbus_event_next(b.bus, &id, json, sizeof(json)), 1);
	ck_assert_int_eq(number(json, "lost"), number(json, "id") - first - 1);
	ck_assert_int_gt(number(json, "lost"), 0);
	ck_assert_int_eq(ringbus_event_next(b.bus, &id, json, sizeof(json)), 1);
	ck_assert_int_eq(number(json, "lost"), -1);
	id = -1;
	ck_assert_int_eq(ringbus_event_next(b.bus, &id, json, sizeof(json)),
			 -EINVAL);
	id = 0;
	ck_assert_int_eq(ringbus_event_next(b.bus, &id, json, 8), -EINVAL);
	ck_assert_int_eq(id, 0); /* it is there for a larger one */
	t_bus_end(&b);
}

/* As another user. */
static int
sees(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	int64_t id = 0;

	ck_assert_ptr_nonnull(find(bus, &id, "start"));
	id = 0;
	is_next(bus, &id, "pause", "\"channel\":\"open\"");
	ck_assert_ptr_null(find(bus, &id, "pause"));
	ringbus_close(bus);
	return 0;
}

TEST(only_those_of_channels_that_one_may_tap)
{
	struct ringbus *bus;
	struct t_daemon d;

	t_daemon_start_open(&d, "channels: { shut: { access: { tap: [] } }, "
				"open: {}, shut2: { access: { tap: [] } } }");
	bus = t_connect(&d);
	for (int i = 0; i < 50; i++) { /* more than one answer passes over */
		t_ok(ringbus_pause(bus, "shut"));
		t_ok(ringbus_resume(bus, "shut"));
	}
	t_ok(ringbus_pause(bus, "open"));
	t_ok(ringbus_pause(bus, "shut2"));
	ringbus_close(bus);
	t_daemon_approach(&d);
	t_join(t_child_as(&t_alice, sees, &d));
	t_daemon_stop(&d);
}

/* As another user, who has made his own of the name of one that is gone. */
static int
sees_his_own(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	int64_t id = 0;

	t_bus_ok(bus, ringbus_create(bus, "x", NULL));
	t_ok(ringbus_pause(bus, "x"));
	is_next(bus, &id, "create", "by pid ");
	is_next(bus, &id, "pause", "\"channel\":\"x\"");
	id = 0;
	ck_assert_ptr_nonnull(find(bus, &id, "create"));
	ck_assert_ptr_null(find(bus, &id, "create"));
	ringbus_close(bus);
	return 0;
}

TEST(none_of_an_earlier_channel_of_the_same_name)
{
	struct ringbus *bus;
	struct t_daemon d;

	t_daemon_start_open(&d, "dynamic: { allow: any }");
	bus = t_connect(&d);
	t_bus_ok(bus, ringbus_create(bus, "x", NULL));
	t_ok(ringbus_remove(bus, "x"));
	ringbus_close(bus);
	t_daemon_approach(&d);
	t_join(t_child_as(&t_alice, sees_his_own, &d));
	t_daemon_stop(&d);
}

TEST(verb_follows_from_one_daemon_to_the_next)
{
	struct t_ctl run, follow;
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { a: {}, b: {} }");
	t_ok(ringbus_pause(b.bus, "a"));
	t_ok(ringbus_pause(b.bus, "b"));
	t_ctl_run(&run, &b.daemon, NULL, "events a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"event\":\"pause\","
						      "\"channel\":\"a\""));
	ck_assert_ptr_null(strstr(t_ctl_out(&run), "\"channel\":\"b\""));
	t_ctl_start(&follow, &b.daemon, NULL, "events -f");
	t_until(strstr(t_ctl_out(&follow), "\"channel\":\"b\"") != NULL);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	/* The connection to the dead one may end a moment later. */
	t_until(ringbus_resume(b.bus, "b") == 0);
	t_until(strstr(t_ctl_out(&follow), "\"event\":\"resume\"") != NULL);
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&follow), "\"event\":\"adopt\""));
	kill(follow.pid, SIGTERM);
	t_ctl_join_signal(&follow, SIGTERM);
	t_bus_end(&b);
}
