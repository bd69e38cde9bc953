/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_attach.c - how many may connect, and who gets which place
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_holding.h"
#include "tests/system/util_user.h"

/* Nobody here leaves before the end. */
#define QUICK "daemon: { drain: 1ms }\n"
#define SINGLE QUICK "channels: { a: { slots: 64, event_size: 8 } }"
#define MULTI                                                                  \
	QUICK "channels: { a: { slots: 64, event_size: 8, producers: multi,"   \
	      " max_producers: 2, max_consumers: 2 } }"

/* ------------------------------------------------------------- connections */

TEST(a_peer_that_does_not_read_is_disconnected)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	while (send(peer, &ping, sizeof(ping), MSG_NOSIGNAL) > 0)
		;
	ck_assert(t_daemon_said(&d, "does not read"));
	close(peer);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

/* Fails while the daemon has not yet seen the end of an earlier connection. */
static int
try_greet(const struct t_daemon *d, int *peer)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int result;

	*peer = t_peer_connect(d);
	result = t_peer_ask(*peer, &hello, NULL);
	if (result < 0)
		close(*peer);
	return result;
}

TEST(too_many_connections_are_told)
{
	struct t_daemon d;
	int first, second;

	t_daemon_start(&d, "daemon: { max_clients: 1 }\n"
			   "channels: { a: { slots: 64, event_size: 8 } }");
	t_until(try_greet(&d, &first) == 0);
	ck_assert_int_eq(try_greet(&d, &second), -EUSERS);
	close(first);
	t_until(try_greet(&d, &second) == 0);
	close(second);
	t_daemon_stop(&d);
}

static void
expect_refusal(const struct t_daemon *d, const char *why)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peer = t_peer_connect(d);

	ck_assert_int_eq(t_peer_ask(peer, &hello, NULL), -EUSERS);
	ck_assert_ptr_nonnull(strstr(hello.text, why));
	close(peer);
}

static void
take_all_of_one_user(const struct t_daemon *d, const void *arg)
{
	int peers[8];

	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		peers[i] = t_peer_greet(d);
	expect_refusal(d, "uid 65534 has 8");
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		close(peers[i]);
	(void)arg;
}

static void
find_only_the_reserve(const struct t_daemon *d, const void *arg)
{
	(void)arg;
	expect_refusal(d, "18 connections are there");
}

TEST(one_user_cannot_take_all_connections)
{
	struct t_daemon d;
	int mine[20];

	t_daemon_start_open(&d,
			    "daemon: { max_clients: 20 }\n"
			    "channels: { a: { slots: 64, event_size: 8 } }");
	t_as(&d, &t_stranger, take_all_of_one_user, NULL);
	for (unsigned i = 0; i < 18; i++)
		t_until(try_greet(&d, &mine[i]) == 0);
	t_as(&d, &t_stranger, find_only_the_reserve, NULL);
	for (unsigned i = 18; i < RB_ARRAY_SIZE(mine); i++)
		t_until(try_greet(&d, &mine[i]) == 0);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(mine); i++)
		close(mine[i]);
	t_daemon_stop(&d);
}

TEST(descriptors_that_run_out_are_waited_for)
{
	struct t_daemon d;
	int peers[32];
	char *log, *first;

	t_daemon_start(&d, SINGLE);
	t_daemon_spare_fds(&d, 4);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		peers[i] = t_peer_connect(&d);
	t_until(t_daemon_said(&d, "cannot take connections"));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		close(peers[i]);
	close(t_peer_greet(&d));
	log = t_daemon_log(&d);
	first = strstr(log, "cannot take connections");
	ck_assert_ptr_null(strstr(first + 1, "cannot take connections"));
	free(log);
	t_daemon_stop(&d);
}

/* What is missing may be one for a connection, or for the process of one. */
TEST(connections_wait_for_their_turn_at_the_last_descriptors)
{
	struct rb_control hello;
	struct t_daemon d;
	int peers[8];

	for (unsigned n_left = 3; n_left <= 5; n_left++) {
		t_daemon_start(&d, SINGLE);
		t_daemon_spare_fds(&d, n_left);
		for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
			peers[i] = t_peer_connect(&d);
		for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++) {
			hello = t_message(RB_CONTROL_HELLO, NULL);
			t_ok(t_peer_ask(peers[i], &hello, NULL));
			close(peers[i]);
		}
		t_daemon_stop(&d);
	}
}

TEST(list_goes_through_all_channels)
{
	struct rb_control list = t_message(RB_CONTROL_LIST, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, "channels:\n"
			   "  a: { slots: 64, event_size: 8 }\n"
			   "  b: { slots: 64, event_size: 8 }\n");
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &list, NULL));
	ck_assert_str_eq(list.channel, "a");
	list.index = 1;
	t_ok(t_peer_ask(peer, &list, NULL));
	ck_assert_str_eq(list.channel, "b");
	list.index = 2;
	ck_assert_int_eq(t_peer_ask(peer, &list, NULL), -ENOENT);
	close(peer);
	t_daemon_stop(&d);
}

/* ------------------------------------------------------------------- places */

TEST(single_producer_holds_a_lease)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER,
						    "feed");
	struct rb_control held, answer;
	struct t_daemon d;
	char pid[32];
	pid_t holder;
	int peer;

	t_daemon_start(&d, SINGLE);
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	snprintf(pid, sizeof(pid), "(pid %d)", holder);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "feed",
				       &answer),
			 -EBUSY);
	ck_assert_ptr_nonnull(strstr(answer.text, "channel a: producer feed"));
	ck_assert_ptr_nonnull(strstr(answer.text, pid));
	t_kill(holder);
	t_until(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, "feed", &answer) ==
		0);
	ck_assert_uint_ne(answer.epoch, held.epoch);
	close(peer);
	t_daemon_stop(&d);
}

TEST(lease_is_freed_by_detach)
{
	struct rb_control first, second;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &first));
	t_ok(t_peer_detach(peer, &first));
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &second));
	ck_assert_int_eq(t_peer_detach(peer, &first), -ESTALE);
	close(peer);
	t_daemon_stop(&d);
}

TEST(all_places_taken)
{
	const enum rb_role roles[] = { RB_ROLE_PRODUCER, RB_ROLE_CONSUMER };
	struct rb_control answer;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, MULTI);
	peer = t_peer_greet(&d);
	for (unsigned r = 0; r < RB_ARRAY_SIZE(roles); r++) {
		t_ok(t_peer_attach(peer, "a", roles[r], NULL, &answer));
		t_ok(t_peer_attach(peer, "a", roles[r], NULL, &answer));
		ck_assert_int_eq(t_peer_attach(peer, "a", roles[r], NULL,
					       &answer),
				 -EUSERS);
		ck_assert_ptr_nonnull(strstr(answer.text, "all 2 places"));
	}
	close(peer);
	t_daemon_stop(&d);
}

TEST(consumer_names_are_held_once)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");
	struct rb_control held, answer;
	struct t_daemon d;
	char pid[32];
	pid_t holder;
	int peer;

	t_daemon_start(&d, SINGLE);
	holder = t_holder(&d, &attach, false, &held);
	t_ok(held.result);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "app",
				       &answer),
			 -EBUSY);
	snprintf(pid, sizeof(pid), "(pid %d)", holder);
	ck_assert_ptr_nonnull(strstr(answer.text, pid));
	/* Nor may anybody else detach it. */
	ck_assert_int_eq(t_peer_detach(peer, &held), -ESTALE);
	t_kill(holder);
	close(peer);
	t_daemon_stop(&d);
}

TEST(names_are_given_to_those_who_have_none)
{
	struct rb_control producer, first, second;
	struct t_daemon d;
	char name[RB_NAME_SIZE];
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &producer));
	ck_assert_str_eq(producer.name, "producer");
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &first));
	snprintf(name, sizeof(name), "consumer-%d", getpid());
	ck_assert_str_eq(first.name, name);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &second));
	ck_assert_uint_ne(second.index, first.index);
	close(peer);
	t_daemon_stop(&d);
}

TEST(memberships_of_a_process_are_limited)
{
	struct rb_control answer;
	struct t_daemon d;
	char yaml[1024];
	int n = 0, peer;

	n = snprintf(yaml, sizeof(yaml), QUICK "channels:\n");
	for (int i = 0; i < 5; i++)
		n += snprintf(yaml + n, sizeof(yaml) - (size_t)n,
			      "  c%d: { slots: 64, event_size: 8 }\n", i);
	t_daemon_start(&d, yaml);
	peer = t_peer_greet(&d);
	for (int i = 0; i < 256; i++) {
		char channel[] = { 'c', (char)('0' + i / 64), '\0' };

		t_ok(t_peer_attach(peer, channel, RB_ROLE_CONSUMER, NULL,
				   &answer));
	}
	ck_assert_int_eq(t_peer_attach(peer, "c4", RB_ROLE_CONSUMER, NULL,
				       &answer),
			 -EUSERS);
	close(peer);
	t_daemon_stop(&d);
}

TEST(ended_stream_takes_no_producers)
{
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	struct rb_control answer;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &end, NULL));
	ck_assert_int_eq(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL,
				       &answer),
			 -ESHUTDOWN);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &answer));
	close(peer);
	t_daemon_stop(&d);
}
