/* SPDX-License-Identifier: MIT */
/*
 * test_setting.c - what a program that takes a channel outside learns from the daemon
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

/* The value of a key of a channel, good until the next call. */
static const char *
setting_of(struct ringbus *bus, const char *channel, const char *key)
{
	static char value[RINGBUS_SETTING_SIZE];
	int r = ringbus_setting(bus, channel, key, value, sizeof(value));

	ck_assert_msg(r == 0, "%s: %d, %s", key, r, ringbus_error(bus));
	return value;
}

static void
assert_setting(struct ringbus *bus, const char *key, const char *wanted)
{
	const char *is = setting_of(bus, "a", key);

	ck_assert_msg(strcmp(is, wanted) == 0, "%s is %s, not %s", key, is,
		      wanted);
}

TEST(given_values_in_base_units)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, event_size: 8, "
			"journal: { dir: /var/j, consumer: disk, "
			"sync: interval, sync_interval: 7ms, "
			"segment_size: 2MiB, retain_for: 1m, direct: false }, "
			"bridge: { servers: [nats://a:1, tls://b], "
			"window: 9, linger: 3us, tls: true }");
	assert_setting(b.bus, "journal", "true");
	assert_setting(b.bus, "journal.dir", "/var/j");
	assert_setting(b.bus, "journal.consumer", "disk");
	assert_setting(b.bus, "journal.sync", "interval");
	assert_setting(b.bus, "journal.sync_interval", "7000000");
	assert_setting(b.bus, "journal.segment_size", "2097152");
	assert_setting(b.bus, "journal.retain_for", "60000000000");
	assert_setting(b.bus, "journal.direct", "false");
	assert_setting(b.bus, "bridge", "true");
	assert_setting(b.bus, "bridge.servers", "nats://a:1,tls://b");
	assert_setting(b.bus, "bridge.window", "9");
	assert_setting(b.bus, "bridge.linger", "3000");
	assert_setting(b.bus, "bridge.tls", "true");
	t_bus_end(&b);
}

static void
assert_defaults(struct ringbus *bus, const char *channel)
{
	char subject[128];

	snprintf(subject, sizeof(subject), "ringbus.%s", channel);
	ck_assert_str_eq(setting_of(bus, channel, "journal"), "false");
	ck_assert_str_eq(setting_of(bus, channel, "bridge"), "false");
	ck_assert_str_eq(setting_of(bus, channel, "journal.sync"), "always");
	ck_assert_str_eq(setting_of(bus, channel, "journal.segment_size"),
			 "268435456");
	ck_assert_str_eq(setting_of(bus, channel, "bridge.subject"), subject);
	ck_assert_str_eq(setting_of(bus, channel, "bridge.stream"), channel);
	ck_assert_str_eq(setting_of(bus, channel, "bridge.nkey"), "");
}

TEST(channel_without_blocks_has_defaults)
{
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }\n"
			     "channels: { a: { slots: 64 } }");
	assert_defaults(b.bus, "a");
	t_bus_ok(b.bus, ringbus_create(b.bus, "mine", NULL));
	assert_defaults(b.bus, "mine");
	t_bus_end(&b);
}

#define BOTH                                                                   \
	"channels: { a: { slots: 64, journal: {}, bridge: "                    \
	"{ direction: import } } }"

TEST(system_keeps_its_files_below_var_lib)
{
	struct t_bus b;

	t_need_root();
	t_bus_begin_with(&b, BOTH);
	assert_setting(b.bus, "journal.dir", "/var/lib/ringbus/journal/a");
	assert_setting(b.bus, "bridge.state", "/var/lib/ringbus/bridge/a");
	t_bus_end(&b);
}

/* Of a user's daemon, with these in its environment if they are given. */
static void
assert_places(const char *home, const char *state_home, const char *journal,
	      const char *state)
{
	struct ringbus *bus;
	struct t_daemon d;

	unsetenv("HOME");
	unsetenv("XDG_STATE_HOME");
	if (home != NULL)
		setenv("HOME", home, 1);
	if (state_home != NULL)
		setenv("XDG_STATE_HOME", state_home, 1);
	t_daemon_prepare_as(&d, &t_alice, BOTH);
	t_daemon_start_as(&d, &t_alice);
	bus = t_connect(&d);
	assert_setting(bus, "journal.dir", journal);
	assert_setting(bus, "bridge.state", state);
	ringbus_close(bus);
	t_daemon_stop_as(&d);
}

TEST(user_keeps_them_at_home)
{
	t_need_root();
	assert_places("/home/u", "/state", "/state/ringbus/journal/a",
		      "/state/ringbus/bridge/a");
	assert_places("/home/u", NULL, "/home/u/.local/state/ringbus/journal/a",
		      "/home/u/.local/state/ringbus/bridge/a");
}

TEST(relative_state_folder_is_none)
{
	t_need_root();
	assert_places("/home/u", "state",
		      "/home/u/.local/state/ringbus/journal/a",
		      "/home/u/.local/state/ringbus/bridge/a");
	assert_places(NULL, NULL, "", "");
}

TEST(reload_is_told_from_then_on)
{
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { a: { slots: 64, journal: {} } }");
	assert_setting(b.bus, "journal.sync", "always");
	t_daemon_configure(&b.daemon, "channels: { a: { slots: 64, journal: "
				      "{ sync: none }, bridge: {} } }");
	t_bus_ok(b.bus, ringbus_reload(b.bus, 0));
	assert_setting(b.bus, "journal.sync", "none");
	assert_setting(b.bus, "bridge", "true");
	t_daemon_configure(&b.daemon, "channels: { a: { slots: 64 } }");
	t_bus_ok(b.bus, ringbus_reload(b.bus, 0));
	assert_setting(b.bus, "journal", "false");
	t_bus_end(&b);
}

TEST(reload_says_who_goes_by_it)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, 40);
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 16, event_size: 8, "
			"journal: {} } }",
			"channels.a.journal: added");
	ck_assert(t_daemon_said(&b.daemon, "its program asks for it when it "
					   "starts"));
	t_until(t_daemon_said(&b.daemon,
			      "channels.a.consumers.journal: added"));
	t_until(t_daemon_said(&b.daemon, "reloaded: 1 channels, 2 changes"));
	/* From then on nothing gets lost. */
	t_put_all(p, 41, 56);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, 0), -EAGAIN);
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 16, event_size: 8, "
			"journal: { sync: none }, bridge: {} } }",
			"channels.a.journal.sync: always -> none");
	ck_assert(t_daemon_said(&b.daemon, "for the next start of "
					   "ringbus-journal"));
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 16, event_size: 8, "
			"journal: { sync: none }, bridge: { window: 9 } } }",
			"channels.a.bridge.window: 256 -> 9");
	ck_assert(t_daemon_said(&b.daemon, "for the next start of "
					   "ringbus-bridge"));
	t_daemon_reload(&b.daemon,
			"channels: { a: { slots: 16, event_size: 8 } }",
			"channels.a.bridge: removed");
	t_until(t_daemon_said(&b.daemon, "consumers.journal: removed"));
	t_put_all(p, 57, 200);
	t_bus_end(&b);
}

#define WITH_JOURNAL                                                           \
	"channels: { a: { slots: 16, event_size: 8, journal: {} } }"

/* Its place is no journal's, and nobody is told so behind his back. */
TEST(name_that_a_client_has_is_not_taken_from_him)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	t_daemon_reload(&b.daemon, WITH_JOURNAL,
			"a client has one of this name");
	t_until(t_daemon_said(&b.daemon, "was not reloaded"));
	assert_setting(b.bus, "journal", "false");
	ringbus_consumer_close(c);
	t_daemon_reload(&b.daemon, WITH_JOURNAL, "was reloaded");
	assert_setting(b.bus, "journal", "true");
	t_bus_end(&b);
}

/* Producers wait for what has yet to be written, whoever is there. */
TEST(journal_gates_before_it_runs)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, journal: {}");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, 16);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, 0), -EAGAIN);
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_RESUME);
	t_take(c, 1, 16);
	ringbus_consumer_close(c);
	t_put_all(p, 17, 32);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, 0), -EAGAIN);
	t_bus_end(&b);
}

/* ---------------------------------------------------------------- refusals */

static void
assert_refused(struct ringbus *bus, const char *channel, const char *key,
	       int err)
{
	char value[RINGBUS_SETTING_SIZE] = "untouched";
	int r = ringbus_setting(bus, channel, key, value, sizeof(value));

	ck_assert_msg(r == err, "%s: %d, not %d", key, r, err);
	ck_assert_str_eq(value, "untouched");
	ck_assert_str_ne(ringbus_error(bus), "");
}

TEST(what_is_not_there)
{
	static const char *const keys[] = {
		"",         "sync",          "journal.",     "journal.synk",
		"journals", "journal.sync.", "bridge.sync",  ".",
		"access",   "slots",         "journal sync", "Journal",
	};
	char longer[RINGBUS_NAME_SIZE + 1];
	struct t_bus b;

	t_bus_begin(&b, "slots: 64, journal: {}");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_refused(b.bus, "a", keys[i], -ENOENT);
	memset(longer, 'j', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_refused(b.bus, "a", longer, -ENOENT);
	assert_refused(b.bus, "b", "journal", -ENOENT);
	assert_refused(b.bus, "no name", "journal", -EINVAL);
	assert_refused(b.bus, NULL, "journal", -EINVAL);
	assert_refused(b.bus, "a", NULL, -EINVAL);
	ck_assert_int_eq(ringbus_setting(b.bus, "a", "journal", NULL, 9),
			 -EINVAL);
	t_bus_end(&b);
}

TEST(too_little_room)
{
	char value[8] = "before";
	struct t_bus b;

	t_bus_begin(&b, "slots: 64");
	ck_assert_int_eq(ringbus_setting(b.bus, "a", "journal.sync", value, 6),
			 -ENOSPC);
	ck_assert_str_eq(value, "before");
	ck_assert_int_eq(ringbus_setting(b.bus, "a", "journal.sync", value, 0),
			 -ENOSPC);
	ck_assert_int_eq(ringbus_setting(b.bus, "a", "journal.sync", value, 7),
			 0);
	ck_assert_str_eq(value, "always");
	t_bus_end(&b);
}

static struct rb_control
ask_for_sync(void)
{
	struct rb_control m = t_message(RB_CONTROL_SETTING, "a");

	memcpy(m.name, "journal.sync", sizeof("journal.sync"));
	return m;
}

/* The channel with nobody in its lists, but this in one of them. */
static void
configure(const struct t_daemon *d, const char *list, const char *who)
{
	static const char *const all[] = { "publish", "consume", "tap",
					   "admin" };
	char yaml[512];
	int used = snprintf(yaml, sizeof(yaml),
			    "channels: { a: { slots: 64, access: {");

	for (unsigned i = 0; i < 4; i++)
		used += snprintf(yaml + used, sizeof(yaml) - (size_t)used,
				 "%s %s: [%s]", i > 0 ? "," : "", all[i],
				 strcmp(all[i], list) == 0 ? who : "");
	snprintf(yaml + used, sizeof(yaml) - (size_t)used, " } } }\n");
	t_daemon_configure(d, yaml);
}

TEST(who_may_do_anything_there_may_ask)
{
	static const char *const lists[] = { "publish", "consume", "tap",
					     "admin" };
	struct rb_control m = ask_for_sync();
	struct ringbus *bus;
	struct t_daemon d;

	t_daemon_start_open(&d, "channels: { a: { slots: 64 } }");
	ck_assert_int_eq(t_user_asks(&d, &t_bob, &m), 0);
	ck_assert_str_eq(m.text, "always");
	bus = t_connect(&d);
	for (unsigned i = 0; i < 4; i++) {
		configure(&d, lists[i], "'user:40001'");
		t_bus_ok(bus, ringbus_reload(bus, 0));
		m = ask_for_sync();
		ck_assert_int_eq(t_user_asks(&d, &t_alice, &m), 0);
		ck_assert_str_eq(m.text, "always");
		m = ask_for_sync();
		t_user_is_refused(&d, &t_bob, &m,
				  "uid 40002 may not see its settings");
	}
	configure(&d, "tap", "");
	t_bus_ok(bus, ringbus_reload(bus, 0));
	m = ask_for_sync();
	t_user_is_refused(&d, &t_alice, &m,
			  "tap, as the other lists, lets in "
			  "nobody");
	assert_setting(bus, "journal.sync", "always");
	ringbus_close(bus);
	t_daemon_stop(&d);
}
