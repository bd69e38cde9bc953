/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_scarce.c - descriptors: that the daemon has none of, that clients
 * send it, and that they do not take
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_holding.h"
#include "tests/system/util_peer.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define PLENTY 256

#define CONFIG                                                                 \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }\n"                                          \
	"channels: { a: { slots: 64, event_size: 8 } }"

/* With nobody connected, not even who has looked whether it answers. */
static void
start(struct t_daemon *d)
{
	t_daemon_start(d, CONFIG);
	t_until(!t_daemon_watches(d, getpid()));
}

static bool
is_same(struct t_holding before, struct t_holding now)
{
	return now.n_fds == before.n_fds &&
	       now.n_mappings == before.n_mappings &&
	       now.n_entries == before.n_entries;
}

/* --------------------------------------------------------- that run out */

/* One more each time, until there are enough. Returns how many that were. */
static unsigned
ask_with_few(const struct t_daemon *d, int peer, struct rb_control request)
{
	struct t_holding before = t_daemon_holds(d);

	for (unsigned n = 0;; n++) {
		struct rb_control m = request;
		int result;

		t_daemon_spare_fds(d, n);
		result = t_peer_ask(peer, &m, NULL);
		if (result == 0)
			return n;
		ck_assert_int_eq(result, -EMFILE);
		ck_assert_ptr_nonnull(strstr(m.text, "Too many open files"));
		/* What it had opened it closes after the answer. */
		t_until(is_same(before, t_daemon_holds(d)));
	}
}

TEST(attach_without_descriptors_is_refused_and_leaves_nothing)
{
	struct rb_control wish = t_attach_message("a", RB_ROLE_CONSUMER, "c");
	struct t_daemon d;
	int peer;

	start(&d);
	peer = t_peer_greet(&d);
	ck_assert_uint_eq(ask_with_few(&d, peer, wish), RB_FDS);
	close(peer);
	t_daemon_stop(&d);
}

TEST(create_without_descriptors_is_refused_and_leaves_nothing)
{
	struct t_daemon d;
	int peer;

	start(&d);
	peer = t_peer_greet(&d);
	ck_assert_uint_ge(ask_with_few(&d, peer, t_create_message("x", 0)), 4);
	ck_assert(t_daemon_has(&d, "x/ring"));
	close(peer);
	t_daemon_stop(&d);
}

TEST(channels_are_removed_without_descriptors)
{
	struct rb_control remove = t_message(RB_CONTROL_REMOVE, "x");
	struct rb_control prepare = t_create_message("y", RB_CONTROL_PREPARE);
	struct rb_control create = t_create_message("x", 0);
	struct t_holding before;
	struct t_daemon d;
	int peer;

	start(&d);
	before = t_daemon_holds(&d);
	peer = t_peer_greet(&d);
	t_ok(t_peer_ask(peer, &create, NULL));
	t_ok(t_peer_ask(peer, &prepare, NULL));
	t_daemon_spare_fds(&d, 0);
	t_ok(t_peer_ask(peer, &remove, NULL));
	t_daemon_spare_fds(&d, 0); /* those of the channel are free */
	close(peer);               /* and with it "y" goes */
	t_until(t_daemon_holds(&d).n_entries == before.n_entries);
	ck_assert(!t_daemon_said(&d, "cannot remove"));
	t_daemon_spare_fds(&d, PLENTY);
	t_daemon_stop(&d);
}

TEST(members_die_and_leave_without_descriptors)
{
	struct rb_control wish = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	struct rb_control held, left, answer;
	struct t_daemon d;
	pid_t holder;
	int peer;

	start(&d);
	holder = t_holder(&d, &wish, false, &held);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, NULL, &left));
	t_daemon_spare_fds(&d, 0);
	t_kill(holder);
	t_until(t_daemon_said(&d, "producer producer"));
	t_ok(t_peer_detach(peer, &left));
	t_daemon_spare_fds(&d, PLENTY);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	close(peer);
	t_daemon_stop(&d);
}

/* User and system time so far, in ticks. */
static unsigned long
cpu_ticks(pid_t pid)
{
	unsigned long user, sys;

	ck_assert_int_eq(sscanf(t_stat_of(pid),
				"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
				" %lu %lu",
				&user, &sys),
			 2);
	return user + sys;
}

#define N_WAITING 32

/* The span is fixed, since what is measured is the time it takes of it. */
TEST(who_has_no_descriptors_does_not_spin)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peers[N_WAITING], greeted;
	unsigned n_served = 0;
	unsigned long ticks;
	struct t_daemon d;

	start(&d);
	greeted = t_peer_greet(&d);
	t_daemon_spare_fds(&d, 0);
	for (unsigned i = 0; i < N_WAITING; i++)
		peers[i] = t_peer_connect(&d);
	t_until(t_daemon_said(&d, "cannot take connections"));
	ticks = cpu_ticks(d.pid);
	sleep(2);
	ticks = cpu_ticks(d.pid) - ticks;
	printf("%lu ms of CPU in 2 s without descriptors\n", ticks * 10);
	ck_assert_uint_le(ticks, 20);
	t_ok(t_peer_ask(greeted, &ping, NULL)); /* and who is there is served */
	t_daemon_spare_fds(&d, PLENTY);
	for (unsigned i = 0; i < N_WAITING; i++) {
		struct rb_control m = hello;

		n_served += t_peer_ask(peers[i], &m, NULL) == 0;
		close(peers[i]);
	}
	/* There may have been one for the connection, and none to watch its
	 * process with. */
	ck_assert_uint_ge(n_served, N_WAITING - 1);
	close(greeted);
	t_daemon_stop(&d);
}

TEST(too_few_descriptors_for_all_clients_are_told)
{
	struct rlimit few = { 512, 512 };
	struct t_daemon d;

	t_daemon_prepare(&d, CONFIG);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, "max_clients: 1024 takes up to 2176"));
	t_daemon_stop(&d);
	t_daemon_configure(&d, "daemon: { max_clients: 100 }");
	t_daemon_launch(&d, NULL);
	t_daemon_await(&d);
	ck_assert(!t_daemon_said(&d, "max_clients: 100 takes"));
	t_daemon_stop(&d);
}

/* ---------------------------------------------------- that clients send */

/* Whether the kernel can keep them away: since Linux 6.16. */
static bool
can_be_refused(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), no = 0;
	bool can = setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no)) ==
		   0;

	close(fd);
	return can;
}

static void
send_all(const struct t_daemon *d, const int *fds, unsigned n)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	bool refused = can_be_refused();

	for (int i = 0; i < 200; i++) {
		int early = t_peer_connect(d), late = t_peer_greet(d);

		ck_assert_int_eq(t_peer_send_fds(early, &hello, fds, n),
				 refused ? -1 : RB_CONTROL_SIZE);
		ck_assert_int_eq(t_peer_send_fds(late, &ping, fds, n),
				 refused ? -1 : RB_CONTROL_SIZE);
		if (refused)
			ck_assert_int_eq(errno, EPERM);
		close(early);
		close(late);
	}
}

TEST(descriptors_that_clients_send_do_not_stay)
{
	struct t_holding before;
	struct t_daemon d;
	int fds[253], witness;

	start(&d);
	witness = t_daemon_witness(&d);
	before = t_daemon_holds(&d);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(fds); i++)
		fds[i] = STDERR_FILENO;
	send_all(&d, fds, 1);
	send_all(&d, fds, 253);
	t_until(t_daemon_holds(&d).n_fds == before.n_fds);
	close(witness);
	t_daemon_stop(&d);
}

static int
listen_at(struct sockaddr_in *ret)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(at);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*ret = at;
	return fd;
}

/* A connection with bytes to send that nobody reads, whose last close waits a
 * minute for that. */
static int
lingering_socket(const struct sockaddr_in *at)
{
	static const char bytes[4096];
	struct linger linger = { 1, 60 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)at, sizeof(*at)),
			 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
				    sizeof(linger)),
			 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

struct lingerer {
	struct t_daemon d;
	struct sockaddr_in at;
};

static int
send_lingering(void *arg)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	const struct lingerer *l = arg;
	int peer = t_peer_greet(&l->d);
	int fd = lingering_socket(&l->at);

	t_peer_send_fds(peer, &ping, &fd, 1); /* may be refused */
	return 0;                             /* who ends does not wait */
}

/* Who receives such a one and drops it waits for it, in a plain recv(2). */
TEST(descriptor_that_lingers_does_not_stop_the_daemon)
{
	struct lingerer l;
	int listener;

	start(&l.d);
	listener = listen_at(&l.at);
	t_join(t_child(send_lingering, &l));
	close(t_peer_greet(&l.d));
	close(listener);
	t_daemon_stop(&l.d);
}

/* -------------------------------------------------- that are not taken */

TEST(descriptors_are_not_sent_to_who_does_not_take_them)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct t_daemon d;
	int peer;

	start(&d);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(send(peer, &tap, sizeof(tap), 0), RB_CONTROL_SIZE);
	ck_assert_int_eq(send(peer, &tap, sizeof(tap), MSG_NOSIGNAL),
			 RB_CONTROL_SIZE);
	t_until(t_daemon_said(&d, "does not read its answers"));
	close(peer);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

/* Without these nobody may have more of them on their way than open. */
static void
drop_capabilities(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE), 0);
	ck_assert_int_eq(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN), 0);
}

#define N_PEERS 30

/* Answers that are on their way to others are in the way for a while. */
TEST(attach_is_refused_while_too_many_descriptors_are_on_their_way)
{
	struct rb_control wish = t_attach_message("a", RB_ROLE_CONSUMER, "c");
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct rlimit few = { 64, 64 };
	int peers[N_PEERS], peer;
	struct t_daemon d;

	drop_capabilities();
	start(&d);
	peer = t_peer_greet(&d);
	for (unsigned i = 0; i < N_PEERS; i++)
		peers[i] = t_peer_greet(&d);
	ck_assert_int_eq(prlimit(d.pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (unsigned i = 0; i < N_PEERS; i++)
		ck_assert_int_eq(send(peers[i], &tap, sizeof(tap), 0),
				 RB_CONTROL_SIZE);
	t_until(t_daemon_said(&d, "on their way"));
	ck_assert_int_eq(t_peer_refuses(peer, &wish, "try again"), -EUSERS);
	for (unsigned i = 0; i < N_PEERS; i++)
		close(peers[i]);
	t_until(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "c", &wish) == 0);
	close(peer);
	t_daemon_stop(&d);
}
