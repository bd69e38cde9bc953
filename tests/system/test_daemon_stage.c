/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_stage.c - peers that stop in the middle of what is to be said, at
 * each stage, and frames of each length: nobody else waits for them
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

#define CONFIG                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }\n"                                          \
	"channels: { a: { slots: 64, event_size: 8, producers: multi } }\n"

static void
expect_service(const struct t_daemon *d)
{
	struct rb_control answer;
	int peer = t_peer_greet(d);

	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &answer));
	t_ok(t_peer_detach(peer, &answer));
	close(peer);
}

/* ---------------------------------------------------------------- lengths */

/* One of this length, be it of zeroes or the beginning of a good one. */
static void
send_length(const struct t_daemon *d, size_t size, bool greeted)
{
	struct rb_control m = t_message(
		greeted ? RB_CONTROL_PING : RB_CONTROL_HELLO, NULL);
	char bytes[RB_CONTROL_SIZE + 64] = { 0 };
	int peer = greeted ? t_peer_greet(d) : t_peer_connect(d);

	memcpy(bytes, &m, sizeof(m));
	ck_assert_int_eq(send(peer, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
	if (size == RB_CONTROL_SIZE)
		ck_assert_int_eq(recv(peer, bytes, sizeof(bytes), 0),
				 RB_CONTROL_SIZE);
	else
		ck_assert(t_peer_is_closed(peer));
	close(peer);
}

TEST(frames_of_one_length_alone_are_answered)
{
	struct t_daemon d;

	t_daemon_start(&d, CONFIG);
	for (size_t size = 0; size <= RB_CONTROL_SIZE + 64; size++) {
		send_length(&d, size, false);
		send_length(&d, size, true);
	}
	expect_service(&d);
	t_daemon_stop(&d);
}

/* Larger than any buffer that the daemon has for it. */
TEST(largest_frame_that_can_be_sent_disconnects)
{
	static char bytes[128 * 1024];
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, CONFIG);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(send(peer, bytes, sizeof(bytes), MSG_NOSIGNAL),
			 sizeof(bytes));
	ck_assert(t_peer_is_closed(peer));
	close(peer);
	expect_service(&d);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------- half a talk */

TEST(who_closes_one_direction_is_disconnected)
{
	const int ways[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct t_daemon d;

	t_daemon_start(&d, CONFIG);
	for (unsigned i = 0; i < 2 * RB_ARRAY_SIZE(ways); i++) {
		int peer = i % 2 == 0 ? t_peer_greet(&d) : t_peer_connect(&d);

		ck_assert_int_eq(shutdown(peer, ways[i / 2]), 0);
		if (ways[i / 2] == SHUT_RD) /* it sees that at its answer */
			send(peer, &ping, sizeof(ping), MSG_NOSIGNAL);
		t_until(send(peer, &ping, sizeof(ping), MSG_NOSIGNAL) < 0);
		close(peer);
	}
	expect_service(&d);
	t_daemon_stop(&d);
}

/* The answer to what was sent before that is still there. */
TEST(who_has_said_all_gets_his_answer)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, CONFIG);
	peer = t_peer_connect(&d);
	ck_assert_int_eq(send(peer, &hello, sizeof(hello), 0), RB_CONTROL_SIZE);
	ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	ck_assert_int_eq(recv(peer, &hello, sizeof(hello), 0), RB_CONTROL_SIZE);
	t_ok(hello.result);
	ck_assert(t_peer_is_closed(peer));
	close(peer);
	t_daemon_stop(&d);
}

/* The one that says nothing at all tells when the patience is over. */
TEST(who_has_said_hello_may_be_silent)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct t_daemon d;
	int greeted, silent;

	t_daemon_start(&d, CONFIG);
	greeted = t_peer_greet(&d);
	silent = t_peer_connect(&d);
	ck_assert(t_peer_is_closed(silent));
	ck_assert(t_daemon_said(&d, "said nothing"));
	t_ok(t_peer_ask(greeted, &ping, NULL));
	close(silent);
	close(greeted);
	t_daemon_stop(&d);
}

/* Requests by the thousand: those that are there go in turns. */
TEST(who_asks_without_end_keeps_nobody_waiting)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct t_daemon d;
	int noisy;

	t_daemon_start(&d, CONFIG);
	noisy = t_peer_greet(&d);
	for (int i = 0; i < 100; i++) {
		for (int j = 0; j < 50; j++) /* fewer than it may not read */
			ck_assert_int_eq(send(noisy, &ping, sizeof(ping), 0),
					 RB_CONTROL_SIZE);
		expect_service(&d);
		for (int j = 0; j < 50; j++)
			ck_assert_int_eq(recv(noisy, &ping, sizeof(ping), 0),
					 RB_CONTROL_SIZE);
	}
	close(noisy);
	t_daemon_stop(&d);
}

/* -------------------------------------------------------------- stopped */

enum stage {
	CONNECTED,
	ASKED,
	GREETED,
	ATTACH_ASKED,
	ATTACHED,
	N_STAGES
};

struct stopped {
	const struct t_daemon *d;
	enum stage stage;
};

static int
go_and_stop(void *arg)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER, "c");
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	const struct stopped *s = arg;
	int peer = s->stage < GREETED ? t_peer_connect(s->d)
				      : t_peer_greet(s->d);

	if (s->stage == ASKED)
		send(peer, &hello, sizeof(hello), 0);
	if (s->stage == ATTACH_ASKED)
		send(peer, &attach, sizeof(attach), 0);
	if (s->stage == ATTACHED)
		t_ok(t_peer_come(peer, &attach));
	raise(SIGSTOP);
	return 0;
}

/* One that has sent nothing is not waited for; the others are there, and hold
 * nobody up. */
TEST(who_is_stopped_holds_up_nobody)
{
	struct t_daemon d;
	pid_t pids[N_STAGES];

	t_daemon_start(&d, CONFIG);
	for (int i = 0; i < N_STAGES; i++) {
		struct stopped s = { .d = &d, .stage = (enum stage)i };

		if (i == ATTACHED) { /* of the same name as the one before */
			t_kill(pids[ATTACH_ASKED]);
			t_until(!t_daemon_watches(&d, pids[ATTACH_ASKED]));
		}
		pids[i] = t_child(go_and_stop, &s);
		t_until(t_stat_of(pids[i])[0] == 'T');
		expect_service(&d);
	}
	t_until(!t_daemon_watches(&d, pids[CONNECTED]));
	for (int i = 0; i < N_STAGES; i++) {
		if (i != CONNECTED)
			ck_assert_int_eq(t_daemon_watches(&d, pids[i]),
					 i != ATTACH_ASKED);
		if (i != ATTACH_ASKED)
			t_kill(pids[i]);
		t_until(!t_daemon_watches(&d, pids[i]));
	}
	expect_service(&d);
	t_daemon_stop(&d);
}
