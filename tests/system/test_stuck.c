/* SPDX-License-Identifier: MIT */
/*
 * test_stuck.c - `stuck: kill`: who holds others up for too long is killed, and
 * nobody else is
 *
 * That somebody is not killed is shown by another, on the same terms and later,
 * who is.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_hole.h"
#include "tests/system/util_user.h"

#define SHAPE_OF "slots: 16, event_size: 8, producers: multi"
#define KILLING SHAPE_OF ", stuck: kill, stuck_after: 50ms"

static struct ringbus_producer *
open_producer(struct ringbus *bus, const char *channel, const char *name)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_producer *p = NULL;

	o.name = name;
	t_bus_ok(bus, ringbus_producer_open(bus, channel, &o, &p));
	return p;
}

static bool
has_claimed(const struct ringbus_producer *p, int64_t sequence)
{
	return t_info(ringbus_producer_channel(p)).cursor == sequence;
}

/* On "a": it is killed, its slots become tombstones, and the rest is read. */
static void
expect_killed(const struct t_bus *b, bool stops)
{
	struct ringbus_consumer *c = t_consume(b->bus, NULL);
	struct ringbus_producer *p = t_produce(b->bus, NULL);
	pid_t feed;

	feed = t_feed(b, "a", 3);
	if (stops)
		ck_assert_int_eq(kill(feed, SIGSTOP), 0);
	t_put(p, 7);
	t_join_signal(feed, SIGKILL);
	t_take(c, 7, 7);
	ck_assert(t_daemon_said(&b->daemon, "channel a: producer feed"));
	ck_assert(t_daemon_said(&b->daemon, "killed (stuck: kill)"));
	t_until(t_daemon_said(&b->daemon, "3 tombstones in 0..2"));
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
}

TEST(one_that_does_not_publish_is_killed)
{
	struct t_bus b;

	t_bus_begin(&b, KILLING);
	expect_killed(&b, false);
	t_bus_end(&b);
}

TEST(one_that_is_stopped_is_killed)
{
	struct t_bus b;

	t_bus_begin(&b, KILLING);
	expect_killed(&b, true);
	t_bus_end(&b);
}

/* Somewhere between its claim and the record of it: nobody says whose the slot
 * is, but it is the only one that claims. */
TEST(one_that_is_stuck_in_its_claim_is_killed)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct rb_channel map;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, KILLING);
	c = t_consume(b.bus, NULL);
	feed = t_feed(&b, "a", 0);
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &map);
	rb_word64_store_release(&map.ring->handles[0].intent,
				RB_INTENT_CLAIMING);
	rb_seq_add_acq_rel(&map.ring->claimed, 1);
	p = t_produce(b.bus, NULL);
	t_put(p, 2);
	t_join_signal(feed, SIGKILL);
	t_take(c, 0, 0);
	t_take(c, 2, 2);
	rb_channel_detach(&map);
	t_bus_end(&b);
}

static int
claim_as_stranger(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus *bus = t_connect(&b->daemon);
	struct ringbus_producer *p = open_producer(bus, "a", "feed");

	t_become(&t_stranger, NULL);
	t_ok(ringbus_producer_claim(p, 3, RINGBUS_NOW));
	for (;;)
		pause();
}

/* Of another user, by a daemon without CAP_KILL: it says so, and waits. */
TEST(one_that_may_not_be_killed_is_waited_for)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t feed;

	if (geteuid() != 0 || prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0) < 0)
		T_SKIP("needs root");
	t_bus_begin(&b, KILLING);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	feed = t_child(claim_as_stranger, &b);
	t_until(has_claimed(p, 2));
	t_put(p, 7);
	t_until(t_daemon_said(&b.daemon, "cannot be killed (stuck: kill)"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	t_kill(feed);
	t_take(c, 7, 7);
	t_bus_end(&b);
}

/* Also where the channel was made by request, and by the next daemon. */
TEST(a_created_channel_kills_under_the_next_daemon)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus *before;
	struct ringbus_consumer *c;
	struct t_bus b;

	o.slots = 16;
	o.slot_size = 8;
	o.producers = RINGBUS_MULTI;
	o.stuck_after_ns = 50 * T_MS;
	t_bus_begin_with(&b, "dynamic: { allow: any }");
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	c = t_consume_as(b.bus, "keeps", RINGBUS_FROM_NOW);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(c)).stuck_after_ns,
			 50 * T_MS);
	before = b.bus;
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	b.bus = t_connect(&b.daemon);
	expect_killed(&b, false);
	ringbus_close(before);
	t_bus_end(&b);
}

/* Of a taken over channel the configuration says how long, as it is now. */
TEST(the_next_configuration_says_how_long)
{
	struct ringbus_consumer *c;
	struct ringbus *before;
	struct t_bus b;

	t_bus_begin(&b, SHAPE_OF);
	before = b.bus;
	c = t_consume_as(b.bus, "keeps", RINGBUS_FROM_NOW);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(c)).stuck_after_ns, 0);
	t_daemon_kill(&b.daemon);
	t_daemon_prepare(&b.daemon, "channels: { a: { " KILLING " } }");
	t_daemon_restart(&b.daemon);
	ck_assert_int_eq(t_info(ringbus_consumer_channel(c)).stuck_after_ns,
			 50 * T_MS);
	b.bus = t_connect(&b.daemon);
	expect_killed(&b, false);
	ringbus_close(before);
	t_bus_end(&b);
}

/* ------------------------------------------------------- who is not killed */

struct claimer {
	struct t_daemon d;
	const struct t_user *user;
	const char *channel;
	int told[2];
};

static int
claim_as_user(void *arg)
{
	struct claimer *c = arg;

	t_become(c->user, &c->d);
	t_ok(ringbus_producer_claim(open_producer(t_connect(&c->d), c->channel,
						  "feed"),
				    3, RINGBUS_NOW));
	if (write(c->told[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* Returns when it has claimed. */
static pid_t
start_claimer(const struct t_daemon *d, const struct t_user *user,
	      const char *channel)
{
	struct claimer c = { .d = *d, .user = user, .channel = channel };
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(c.told), 0);
	pid = t_child(claim_as_user, &c);
	close(c.told[1]);
	ck_assert_int_eq(read(c.told[0], &byte, 1), 1);
	close(c.told[0]);
	return pid;
}

static void
create_killing(const struct t_daemon *d, const struct t_user *user,
	       const char *channel)
{
	struct rb_control m = t_create_message(channel, 0);

	m.slots = 16;
	m.producers = RB_MULTI;
	m.stuck_after_ns = 50 * T_MS;
	ck_assert_int_eq(t_user_asks(d, user, &m), 0);
}

/* The daemon could, and who has created the channel could not. */
TEST(created_channel_kills_nobody_of_another_user)
{
	struct t_bus b;
	pid_t alice, bob;

	t_daemon_start_open(&b.daemon, "daemon: { drain: 1ms }\n"
				       "dynamic: { allow: any }");
	create_killing(&b.daemon, &t_alice, "a");
	create_killing(&b.daemon, &t_alice, "b");
	bob = start_claimer(&b.daemon, &t_bob, "a");
	alice = start_claimer(&b.daemon, &t_alice, "b");
	b.bus = t_connect(&b.daemon);
	t_put(open_producer(b.bus, "a", "other"), 7);
	t_put(open_producer(b.bus, "b", "other"), 7);
	t_join_signal(alice, SIGKILL);
	t_until(t_daemon_said(&b.daemon, "kills no process of another user"));
	t_daemon_look(&b.daemon);
	ck_assert_int_eq(waitpid(bob, NULL, WNOHANG), 0);
	t_kill(bob);
	t_bus_end(&b);
}

struct pair {
	struct t_bus b;
	struct ringbus_producer *p; /* of "b" */
};

/* "a" as expect_killed() has it, and "b" with a feed that has to survive that. */
static void
begin_pair(struct pair *s, const char *b_keys)
{
	t_bus_begin_with(&s->b, t_words("channels: { a: { " KILLING " },"
					" b: { %s } }",
					b_keys));
	s->p = open_producer(s->b.bus, "b", "other");
}

static void
expect_alive(struct pair *s, pid_t feed)
{
	expect_killed(&s->b, false);
	ck_assert_int_eq(kill(feed, 0), 0);
	ck_assert(!t_daemon_said(&s->b.daemon, "channel b: producer feed"));
}

TEST(one_that_holds_nobody_up_is_not_killed)
{
	struct pair s;
	pid_t feed;

	begin_pair(&s, KILLING);
	feed = t_feed(&s.b, "b", 3);
	expect_alive(&s, feed);
	t_kill(feed);
	t_bus_end(&s.b);
}

TEST(nobody_is_killed_by_default)
{
	struct pair s;
	pid_t feed;

	begin_pair(&s, SHAPE_OF);
	feed = t_feed(&s.b, "b", 3);
	t_put(s.p, 7);
	expect_alive(&s, feed);
	t_kill(feed);
	t_bus_end(&s.b);
}

static int
write_one(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus *bus = t_connect(&b->daemon);
	struct ringbus_producer *p = open_producer(bus, "b", "feed");
	uint64_t value = 16;

	t_ok(ringbus_producer_write(p, &value, sizeof(value), RINGBUS_FOREVER));
	return 0;
}

/* It has claimed, and the slot is the slowest consumer's still. */
TEST(one_that_waits_for_room_is_not_killed)
{
	struct ringbus_consumer *c = NULL;
	struct pair s;
	pid_t feed;

	begin_pair(&s, KILLING);
	t_bus_ok(s.b.bus, ringbus_consumer_open(s.b.bus, "b", NULL, &c));
	t_put_all(s.p, 0, 15);
	feed = t_child(write_one, &s.b);
	t_until(has_claimed(s.p, 16));
	expect_alive(&s, feed);
	t_take(c, 0, 16);
	t_join(feed);
	t_bus_end(&s.b);
}
