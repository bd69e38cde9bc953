/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_log.c - how much is said about one user
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_user.h"

/* Nobody here leaves before the end. */
#define QUICK "daemon: { drain: 1ms }\n"
#define MULTI "{ slots: 64, event_size: 8, producers: multi }"
#define TWO_CHANNELS "channels: { a: " MULTI ", b: " MULTI " }\n"

/* Lines that stand in the log, and those that are said to have been left out. */
static unsigned
count_left_out(const struct t_daemon *d)
{
	char *log = t_daemon_log(d);
	unsigned n = 0, more;

	for (const char *at = log; (at = strstr(at, "uid 65534: ")) != NULL;
	     at++)
		if (sscanf(at, "uid 65534: %u more", &more) == 1)
			n += more;
	free(log);
	return n;
}

#define N_REFUSALS 3000

static void
be_refused(const struct t_daemon *d, const void *arg)
{
	unsigned n = *(const unsigned *)arg;
	struct rb_control attach;
	int peer = -1;

	for (unsigned i = 0; i < n; i++) {
		if (i % 100 == 0 && peer >= 0) /* a new one is not better */
			close(peer);
		if (i % 100 == 0)
			peer = t_peer_greet(d);
		attach = t_attach_message("none", RB_ROLE_TAP, NULL);
		ck_assert_int_eq(t_peer_ask(peer, &attach, NULL), -ENOENT);
	}
	close(peer);
}

/* Every one is either there or counted; and none is lost of another user. */
TEST(log_lines_about_a_user_are_limited)
{
	unsigned many = N_REFUSALS, few = 15;
	struct t_daemon d;
	int64_t began_ns = t_now_ns(), seconds;

	t_daemon_start_open(&d, QUICK);
	t_as(&d, &t_stranger, be_refused, &many);
	t_as(&d, &t_other, be_refused, &few);
	t_until(count_left_out(&d) +
			t_daemon_count(&d, "(uid 65534): channel none") ==
		N_REFUSALS);
	seconds = (t_now_ns() - began_ns) / INT64_C(1000000000) + 1;
	ck_assert_uint_ge(t_daemon_count(&d, "(uid 65534)"), 20);
	ck_assert_uint_le(t_daemon_count(&d, "(uid 65534)"), 20 + 10 * seconds);
	ck_assert_uint_eq(t_daemon_count(&d, "(uid 54321)"), few);
	t_daemon_stop(&d);
}

TEST(log_lines_about_the_owner_are_not_limited)
{
	unsigned n = 200;
	struct t_daemon d;

	t_daemon_start(&d, QUICK);
	be_refused(&d, &n);
	ck_assert_uint_eq(t_daemon_count(&d, "channel none"), n);
	t_daemon_stop(&d);
}

/* What he did before the end is told at the end. */
TEST(what_was_left_out_is_told_when_the_daemon_stops)
{
	unsigned many = 1000;
	struct t_daemon d;

	t_daemon_start_open(&d, QUICK);
	t_as(&d, &t_stranger, be_refused, &many);
	t_daemon_stop(&d);
	ck_assert_uint_eq(count_left_out(&d) +
				  t_daemon_count(&d,
						 "(uid 65534): channel none"),
			  many);
}

static void
come_and_die(const struct t_daemon *d, const void *arg)
{
	struct rb_control answer;
	int peer = t_peer_greet(d);

	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &answer));
	t_ok(t_peer_attach(peer, "b", RB_ROLE_PRODUCER, NULL, &answer));
	(void)arg;
}

TEST(log_lines_about_deaths_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d, QUICK TWO_CHANNELS);
	for (int i = 0; i < 100; i++)
		t_as(&d, &t_stranger, come_and_die, NULL);
	t_until(count_left_out(&d) + t_daemon_count(&d, "died") == 200);
	ck_assert_uint_gt(count_left_out(&d), 0);
	t_daemon_stop(&d);
}

static void
say_nonsense(const struct t_daemon *d, const void *arg)
{
	for (int i = 0; i < 200; i++) {
		int peer = t_peer_connect(d);

		ck_assert_int_eq(send(peer, "", 1, MSG_NOSIGNAL), 1);
		ck_assert(t_peer_is_closed(peer));
		close(peer);
	}
	(void)arg;
}

TEST(log_lines_about_disconnections_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d, QUICK);
	t_as(&d, &t_stranger, say_nonsense, NULL);
	t_until(count_left_out(&d) + t_daemon_count(&d, "wrong length") == 200);
	ck_assert_uint_gt(count_left_out(&d), 0);
	t_daemon_stop(&d);
}

/* ------------------------------------------------- of what is done to channels */

/* Over more rounds than a slow machine needs to have some left out. */
#define ROUNDS 10
#define N_ROUND 60

static bool
leaves_some_out(const struct t_daemon *d, t_user_fn once, const char *what)
{
	for (unsigned n = 1; n <= ROUNDS * N_ROUND; n++) {
		t_as(d, &t_stranger, once, NULL);
		if (n % N_ROUND == 0)
			t_daemon_look(d);
		if (n % N_ROUND == 0 && t_daemon_count(d, what) < n)
			return true;
	}
	return false;
}

/* His own: as he can begin anew, he could do so for ever. */
static void
truncate_own(const struct t_daemon *d, const void *arg)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, "own");
	struct rb_control p = t_attach_message("own", RB_ROLE_PRODUCER, NULL);
	struct rb_control tap = t_attach_message("own", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(d), fds[RB_FDS];

	m.slots = 8;
	m.slot_size = 8;
	t_ok(t_peer_ask(peer, &m, NULL));
	t_ok(t_peer_ask(peer, &p, fds));
	t_ok(ftruncate(fds[RB_FILE_RING], 0));
	t_until(t_peer_ask(peer, &tap, NULL) == -EBADMSG);
	t_ok(t_peer_detach(peer, &p));
	m = t_message(RB_CONTROL_REMOVE, "own");
	t_ok(t_peer_ask(peer, &m, NULL));
	(void)arg;
}

TEST(log_lines_about_broken_channels_of_a_user_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d, QUICK "dynamic: { allow: [any] }");
	ck_assert(leaves_some_out(&d, truncate_own, "a client has truncated"));
	t_daemon_stop(&d);
}

/* Who may publish may mend it as well, and do it again. */
static void
stop_and_mend(const struct t_daemon *d, const void *arg)
{
	struct ringbus *bus = t_connect(d);
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		bus = t_connect(d);
		t_ok(ringbus_producer_claim(t_produce(bus, NULL), 1,
					    RINGBUS_NOW));
		_exit(0);
	}
	t_join(pid);
	t_until(ringbus_mend(bus, "a") == 1);
	(void)arg;
}

TEST(log_lines_about_stopped_streams_are_limited)
{
	struct t_daemon d;

	t_daemon_start_open(&d, QUICK "channels: { a: { slots: 64, event_size: "
				      "8, producers: multi, strict: true } }");
	ck_assert(leaves_some_out(&d, stop_and_mend, "its stream stops there"));
	t_daemon_stop(&d);
}
