/* SPDX-License-Identifier: MIT */
/*
 * test_producer_open.c - who is let in, and what those are told who are not
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define NOBODY 65534

static int
open_producer(struct ringbus *bus, const char *channel)
{
	struct ringbus_producer *p = NULL;
	int err = ringbus_producer_open(bus, channel, NULL, &p);

	ck_assert(err == 0 || p == NULL);
	return err;
}

static int
open_consumer(struct ringbus *bus, const char *channel, const char *name)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c = NULL;
	int err;

	o.name = name;
	err = ringbus_consumer_open(bus, channel, &o, &c);
	ck_assert(err == 0 || c == NULL);
	return err;
}

static int
open_tap(struct ringbus *bus, const char *channel)
{
	struct ringbus_tap *tap = NULL;
	int err = ringbus_tap_open(bus, channel, NULL, &tap);

	ck_assert(err == 0 || tap == NULL);
	return err;
}

/* The last refusal mentions this. */
static void
said(const struct ringbus *bus, const char *what)
{
	if (strstr(ringbus_error(bus), what) == NULL)
		ck_abort_msg("not '%s' in: %s", what, ringbus_error(bus));
}

TEST(an_unknown_channel_is_named)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(open_producer(b.bus, "ordres"), -ENOENT);
	said(b.bus, "ordres");
	ck_assert_int_eq(open_consumer(b.bus, "ordres", NULL), -ENOENT);
	said(b.bus, "ordres");
	ck_assert_int_eq(open_tap(b.bus, "ordres"), -ENOENT);
	said(b.bus, "ordres");
	ck_assert_int_eq(ringbus_end(b.bus, "ordres"), -ENOENT);
	said(b.bus, "ordres");
	ck_assert_int_eq(ringbus_remove(b.bus, "ordres"), -ENOENT);
	said(b.bus, "ordres");
	t_bus_ok(b.bus, ringbus_ping(b.bus));
	ck_assert_str_eq(ringbus_error(b.bus), "");
	t_bus_end(&b);
}

TEST(a_second_single_producer_is_told_who_is_first)
{
	struct ringbus_producer *p;
	struct t_bus b;
	char pid[16];

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(open_producer(b.bus, "a"), -EBUSY);
	snprintf(pid, sizeof(pid), "%d", getpid());
	said(b.bus, pid);
	said(b.bus, "a");
	ringbus_producer_close(p);
	ck_assert_int_eq(open_producer(b.bus, "a"), 0);
	t_bus_end(&b);
}

TEST(a_second_consumer_of_a_name_is_told_who_is_first)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	char pid[16];

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	ck_assert_int_eq(open_consumer(b.bus, "a", "app"), -EBUSY);
	snprintf(pid, sizeof(pid), "%d", getpid());
	said(b.bus, pid);
	said(b.bus, "app");
	ck_assert_int_eq(open_consumer(b.bus, "a", "other"), 0);
	ringbus_consumer_close(c);
	ck_assert_int_eq(open_consumer(b.bus, "a", "app"), 0);
	t_bus_end(&b);
}

/* Starts a daemon that everybody can reach, and does something as nobody. */
static void
as_nobody(const char *yaml, t_child_fn fn)
{
	struct t_bus b;

	t_need_root();
	t_bus_begin_with(&b, yaml);
	t_daemon_let_all_in(&b.daemon);
	t_join(t_child_as(T_USER(NOBODY), fn, &b.daemon));
	t_bus_end(&b);
}

static int
try_three_roles(void *arg)
{
	struct ringbus *bus = t_connect(arg);

	ck_assert_int_eq(open_producer(bus, "p"), -EACCES);
	said(bus, "publish");
	ck_assert_int_eq(ringbus_end(bus, "p"), -EACCES);
	said(bus, "p");
	ck_assert_int_eq(open_consumer(bus, "c", NULL), -EACCES);
	said(bus, "consume");
	ck_assert_int_eq(open_tap(bus, "t"), -EACCES);
	said(bus, "tap");
	ck_assert_int_eq(open_producer(bus, "c"), 0);
	ck_assert_int_eq(open_consumer(bus, "t", NULL), 0);
	ck_assert_int_eq(open_tap(bus, "p"), 0);
	ringbus_close(bus);
	return 0;
}

TEST(the_access_lists_decide_role_by_role)
{
	as_nobody("channels: {"
		  " p: { access: { publish: [] } },"
		  " c: { access: { consume: [] } },"
		  " t: { access: { tap: [] } } }",
		  try_three_roles);
}

static int
try_as_nobody(void *arg)
{
	struct ringbus *bus = t_connect(arg);

	ck_assert_int_eq(open_producer(bus, "a"), -EACCES);
	ck_assert_int_eq(open_consumer(bus, "a", "x"), 0);
	ck_assert_int_eq(open_tap(bus, "a"), -EACCES);
	ck_assert_int_eq(ringbus_create(bus, "mine", NULL), -EACCES);
	said(bus, "mine");
	ringbus_close(bus);
	return 0;
}

TEST(the_access_lists_tell_users_apart)
{
	as_nobody("channels: { a: { access: { publish: [user:0],"
		  " consume: [user:65534], tap: [group:0] } } }",
		  try_as_nobody);
}

TEST(names_that_cannot_be_are_refused)
{
	static const char *const names[] = {
		"",    ".hidden",          "-x", "a/b", "..", "a b", "\xc3\xa4",
		"a\n", "../../etc/passwd",
	};
	char longest[65];
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ck_assert_int_eq(open_producer(b.bus, names[i]), -EINVAL);
		ck_assert_int_eq(open_consumer(b.bus, names[i], NULL), -EINVAL);
		ck_assert_int_eq(open_consumer(b.bus, "a", names[i]), -EINVAL);
		ck_assert_int_eq(open_tap(b.bus, names[i]), -EINVAL);
		ck_assert_int_eq(ringbus_create(b.bus, names[i], NULL),
				 -EINVAL);
		ck_assert_int_eq(ringbus_remove(b.bus, names[i]), -EINVAL);
		ck_assert_int_eq(ringbus_end(b.bus, names[i]), -EINVAL);
	}
	memset(longest, 'n', sizeof(longest));
	longest[64] = '\0';
	ck_assert_int_eq(open_consumer(b.bus, "a", longest), -EINVAL);
	longest[63] = '\0';
	ck_assert_int_eq(open_consumer(b.bus, "a", longest), 0);
	t_bus_end(&b);
}

/* What an earlier refusal said is not said of this one. */
TEST(a_refusal_by_the_library_itself_does_not_quote_the_last_one)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(open_producer(b.bus, "missing"), -ENOENT);
	ck_assert_int_eq(open_producer(b.bus, "/"), -EINVAL);
	ck_assert(strstr(ringbus_error(b.bus), "missing") == NULL);
	t_bus_end(&b);
}

TEST(options_of_another_size_are_refused)
{
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_tap_options to = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_producer *p = NULL;
	struct ringbus_consumer *c = NULL;
	struct ringbus_tap *tap = NULL;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	for (size_t off = 0; off < 2; off++) {
		po.size = off == 0 ? 0 : sizeof(po) + 8;
		co.size = off == 0 ? 0 : sizeof(co) + 8;
		to.size = off == 0 ? 0 : sizeof(to) + 8;
		o.size = off == 0 ? 0 : sizeof(o) + 8;
		ck_assert_int_eq(ringbus_producer_open(b.bus, "a", &po, &p),
				 -EINVAL);
		ck_assert_int_eq(ringbus_consumer_open(b.bus, "a", &co, &c),
				 -EINVAL);
		ck_assert_int_eq(ringbus_tap_open(b.bus, "a", &to, &tap),
				 -EINVAL);
		ck_assert_int_eq(ringbus_create(b.bus, "b", &o), -EINVAL);
	}
	t_bus_end(&b);
}

/* A refused one must not hold a place: the single producer's is free. */
TEST(options_that_cannot_be_leave_nobody_in)
{
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_tap_options to = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_producer *p = NULL;
	struct ringbus_consumer *c = NULL;
	struct ringbus_tap *tap = NULL;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	for (int wait = -1; wait <= 6; wait += 7) {
		po.wait = co.wait = to.wait = wait;
		co.name = "c";
		ck_assert_int_eq(ringbus_producer_open(b.bus, "a", &po, &p),
				 -EINVAL);
		ck_assert_int_eq(ringbus_consumer_open(b.bus, "a", &co, &c),
				 -EINVAL);
		ck_assert_int_eq(ringbus_tap_open(b.bus, "a", &to, &tap),
				 -EINVAL);
	}
	co.wait = to.wait = 0;
	co.from = -4;
	ck_assert_int_eq(ringbus_consumer_open(b.bus, "a", &co, &c), -EINVAL);
	to.from = -3;
	ck_assert_int_eq(ringbus_tap_open(b.bus, "a", &to, &tap), -EINVAL);
	ck_assert_int_eq(open_producer(b.bus, "a"), 0);
	ck_assert_int_eq(open_consumer(b.bus, "a", "c"), 0);
	t_bus_end(&b);
}

TEST(places_are_limited)
{
	struct t_bus b;

	t_bus_begin(&b, "producers: multi, max_producers: 2, max_consumers: 2");
	ck_assert_int_eq(open_producer(b.bus, "a"), 0);
	ck_assert_int_eq(open_producer(b.bus, "a"), 0);
	ck_assert_int_eq(open_producer(b.bus, "a"), -EUSERS);
	said(b.bus, "a");
	ck_assert_int_eq(open_consumer(b.bus, "a", "x"), 0);
	ck_assert_int_eq(open_consumer(b.bus, "a", "y"), 0);
	ck_assert_int_eq(open_consumer(b.bus, "a", "z"), -EUSERS);
	said(b.bus, "a");
	ck_assert_int_eq(open_tap(b.bus, "a"), 0);
	t_bus_end(&b);
}

TEST(an_ended_stream_lets_no_producer_in)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_eq(open_producer(b.bus, "a"), -ESHUTDOWN);
	said(b.bus, "a");
	t_bus_end(&b);
}

TEST(the_name_is_for_people)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	const struct ringbus_channel *channel;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	o.name = "feed.1";
	p = t_produce(b.bus, &o);
	channel = ringbus_producer_channel(p);
	ck_assert_int_eq(t_member(channel, RINGBUS_PRODUCER, "feed.1").pid,
			 getpid());
	ringbus_producer_close(p);
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	t_member(channel, RINGBUS_PRODUCER, "producer");
	t_bus_end(&b);
}

TEST(a_consumer_without_a_name_is_called_by_its_pid)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	char name[32];

	t_bus_begin(&b, "slots: 16");
	c = t_consume(b.bus, NULL);
	snprintf(name, sizeof(name), "consumer-%d", getpid());
	t_member(ringbus_consumer_channel(c), RINGBUS_CONSUMER, name);
	t_bus_end(&b);
}
