/* SPDX-License-Identifier: MIT */
/*
 * test_access_reload.c - access lists that are changed while everything runs:
 * what holds from then on, and for whom
 */
#include <errno.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

#define QUICK "daemon: { drain: 1ms }\n"
#define CHANNEL "slots: 256, event_size: 8, producers: multi"
#define A(access) QUICK "channels: { a: { " CHANNEL ", access: " access " } }"
#define OTHER QUICK "channels: { b: { " CHANNEL " } }"

#define FOR_ALICE A("{ publish: ['user:40001'] }")
#define FOR_BOB A("{ publish: ['user:40002'] }")

/* ------------------------------------------------------------- who is in, stays */

struct insider {
	struct t_daemon d;
	struct rb_word64 *turn; /* what he is to do next */
	struct rb_word64 *done;
};

static void
await_turn(const struct insider *in, uint64_t turn)
{
	t_store(in->done, turn - 1);
	t_until(t_read(in->turn) == turn);
}

static void
give_turn(const struct insider *in, uint64_t turn)
{
	t_store(in->turn, turn);
	t_until(t_read(in->done) == turn);
}

static int
publish_through_reloads(void *arg)
{
	struct insider *in = arg;
	struct ringbus_producer *p, *q;
	struct ringbus *bus;

	t_become(&t_alice, &in->d);
	bus = t_connect(&in->d);
	p = t_produce(bus, NULL);
	t_put_all(p, 0, 99);
	await_turn(in, 2);
	t_put_all(p, 100, 199);
	ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &q), -EACCES);
	ck_assert_ptr_nonnull(
		strstr(ringbus_error(bus), "publish lets in user:40002"));
	ck_assert_int_eq(ringbus_end(bus, "a"), -EACCES);
	t_put_all(p, 200, 249);
	await_turn(in, 3);
	t_bus_ok(bus, ringbus_producer_open(bus, "a", NULL, &q));
	t_put_all(q, 250, 299);
	t_bus_ok(bus, ringbus_end(bus, "a"));
	ringbus_close(bus);
	t_store(in->done, 3);
	return 0;
}

/* Over the connection that he has, and with the producer that he has. */
TEST(who_is_taken_off_the_list_stays_in_and_is_not_let_in_again)
{
	struct insider in = { .turn = t_counter(), .done = t_counter() };
	struct ringbus_consumer *c;
	struct ringbus *bus;
	pid_t alice;

	t_daemon_start_open(&in.d, FOR_ALICE);
	bus = t_connect(&in.d);
	c = t_consume(bus, NULL);
	alice = t_child(publish_through_reloads, &in);
	t_take(c, 0, 99);
	t_until(t_read(in.done) == 1);
	t_daemon_reload(&in.d, FOR_BOB, "reloaded");
	t_ok(t_user_attaches(&in.d, &t_bob, "a", RB_ROLE_PRODUCER));
	give_turn(&in, 2);
	t_take(c, 100, 249);
	t_daemon_reload(&in.d, FOR_ALICE, "reloaded");
	ck_assert_int_eq(t_user_attaches(&in.d, &t_bob, "a", RB_ROLE_PRODUCER),
			 -EACCES);
	give_turn(&in, 3);
	t_take(c, 250, 299);
	t_join(alice);
	ringbus_close(bus);
	t_daemon_stop(&in.d);
}

static int
end_what_is_no_longer_ours(void *arg)
{
	struct insider *in = arg;
	struct rb_control m = t_message(RB_CONTROL_CLOSE, "new");
	struct rb_control attached;
	int peer;

	t_become(&t_bob, &in->d);
	peer = t_peer_greet(&in->d);
	t_ok(t_peer_attach(peer, "new", RB_ROLE_PRODUCER, NULL, &attached));
	await_turn(in, 2);
	ck_assert_int_eq(t_peer_refuses(peer, &m, "may not end it"), -EACCES);
	await_turn(in, 3);
	m = t_message(RB_CONTROL_CLOSE, "new");
	t_ok(t_peer_ask(peer, &m, NULL));
	close(peer);
	t_store(in->done, 3);
	return 0;
}

/* A producer on a dynamic channel is its user's right to end it, as long as that
 * user may have one. */
TEST(producer_who_may_no_longer_publish_may_not_end_the_stream)
{
	struct insider in = { .turn = t_counter(), .done = t_counter() };
	pid_t bob;

	t_daemon_start_open(&in.d, QUICK "dynamic: { allow: any }");
	t_ok(t_user_creates(&in.d, &t_alice, "new"));
	bob = t_child(end_what_is_no_longer_ours, &in);
	t_until(t_read(in.done) == 1);
	t_daemon_reload(&in.d,
			QUICK "dynamic: { allow: any, access: { "
			      "publish: creator } }",
			"reloaded");
	give_turn(&in, 2);
	t_daemon_reload(&in.d, QUICK "dynamic: { allow: any }", "reloaded");
	give_turn(&in, 3);
	t_join(bob);
	t_daemon_stop(&in.d);
}

/* ------------------------------------------------------------ what holds then */

static int
try_twice(void *arg)
{
	struct insider *in = arg;
	struct rb_control attached;
	int peer;

	t_become(&t_bob, &in->d);
	peer = t_peer_greet(&in->d);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL,
				       &attached),
			 -EACCES);
	await_turn(in, 2);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached));
	close(peer);
	t_store(in->done, 2);
	return 0;
}

TEST(who_is_added_is_let_in_over_his_old_connection)
{
	struct insider in = { .turn = t_counter(), .done = t_counter() };
	pid_t bob;

	t_daemon_start_open(&in.d, FOR_ALICE);
	bob = t_child(try_twice, &in);
	t_until(t_read(in.done) == 1);
	t_daemon_reload(&in.d, FOR_BOB, "reloaded");
	give_turn(&in, 2);
	t_join(bob);
	t_daemon_stop(&in.d);
}

TEST(mistake_leaves_the_lists_as_they_are)
{
	struct t_daemon d;

	t_daemon_start_open(&d, FOR_ALICE);
	t_daemon_reload(&d, A("{ publish: ['user:40002'], tapp: [] }"),
			"reloaded");
	ck_assert(t_daemon_said(&d, "was not reloaded"));
	t_ok(t_user_attaches(&d, &t_alice, "a", RB_ROLE_PRODUCER));
	ck_assert_int_eq(t_user_attaches(&d, &t_bob, "a", RB_ROLE_PRODUCER),
			 -EACCES);
	t_daemon_stop(&d);
}

static void
expect_owners_only(const struct t_daemon *d)
{
	static const enum rb_control_type admins_do[] = { RB_CONTROL_MEND,
							  RB_CONTROL_PAUSE,
							  RB_CONTROL_CLOSE,
							  RB_CONTROL_REMOVE };
	struct rb_control m;

	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++) {
		m = t_attach_message("a", r, NULL);
		t_user_is_refused(d, &t_alice, &m,
				  "it is no longer in the configuration, only "
				  "root and the daemon's user may");
	}
	for (unsigned i = 0; i < RB_ARRAY_SIZE(admins_do); i++) {
		m = t_message(admins_do[i], "a");
		t_user_is_refused(d, &t_alice, &m, "no longer in the");
	}
	ck_assert_str_eq(t_user_lists(d, &t_alice), "b");
}

TEST(channel_that_is_taken_out_is_the_owners_until_it_is_put_back)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);
	struct t_daemon d;
	pid_t holder;
	int peer;

	t_daemon_start_open(&d, A("{}"));
	holder = t_user_holds(&d, &t_alice, &m, &m);
	t_ok(m.result);
	t_daemon_reload(&d, OTHER, "reloaded");
	expect_owners_only(&d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_TAP, NULL, &m));
	close(peer);
	t_daemon_reload(&d, A("{ tap: ['user:40001'], admin: ['user:40002'] }"),
			"reloaded");
	t_ok(t_user_attaches(&d, &t_alice, "a", RB_ROLE_TAP));
	ck_assert_int_eq(t_user_attaches(&d, &t_bob, "a", RB_ROLE_TAP),
			 -EACCES);
	t_ok(t_user_requests(&d, &t_bob, "a", RB_CONTROL_CLOSE));
	t_kill(holder);
	t_daemon_stop(&d);
}
