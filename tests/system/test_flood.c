/* SPDX-License-Identifier: MIT */
/*
 * test_flood.c - thousands of connections that are given up at every stage, in
 * every way, by several users: nothing of them stays in the daemon
 *
 * Each process goes with one connection after the other to each stage of what
 * can be said, and then ends, as all its kind do, by closing, by exiting, by
 * being killed, or by being stopped first. What the daemon holds is counted
 * before and after, and printed: descriptors, mappings, memory, folders, places
 * of channels, and what it believes each user to have, which his limits tell.
 * FLOOD_CONNECTIONS makes it longer.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_holding.h"
#include "tests/system/util_program.h"
#include "tests/system/util_user.h"

#define CONFIG                                                                 \
	"daemon: { drain: 1ms, max_clients_per_user: 200,"                     \
	"          max_members_per_user: 60 }\n"                               \
	"dynamic: { allow: [any], max_channels_per_user: 12,"                  \
	"           max_channels: 100 }\n"                                     \
	"channels: { a: { slots: 64, event_size: 8, producers: multi } }\n"

#define N_CONNECTIONS 5000
#define N_AT_ONCE 4
#define RSS_MARGIN_KIB 1024

/* ----------------------------------------------------------------- stages */

/* They take a connection that is greeted. */
typedef void (*stage_fn)(int peer);

static void
send_only(int peer, const struct rb_control *m)
{
	ck_assert_int_eq(send(peer, m, sizeof(*m), MSG_NOSIGNAL),
			 RB_CONTROL_SIZE);
}

/* Those before may not be gone yet; then there is no place. */
static int
try(int peer, struct rb_control *m, int fds[RB_FDS])
{
	int result = t_peer_ask(peer, m, fds);

	ck_assert(result == 0 || result == -EUSERS);
	return result;
}

static void
stay(int peer)
{
	(void)peer;
}

static void
ask_to_attach(int peer)
{
	struct rb_control m = t_attach_message("a", RB_ROLE_CONSUMER, NULL);

	send_only(peer, &m);
}

static void
attach(int peer, enum rb_role role)
{
	struct rb_control m = t_attach_message("a", role, NULL);

	try(peer, &m, NULL);
}

static void
attach_tap(int peer)
{
	attach(peer, RB_ROLE_TAP);
}

static void
attach_producer(int peer)
{
	attach(peer, RB_ROLE_PRODUCER);
}

static void
attach_consumer(int peer)
{
	attach(peer, RB_ROLE_CONSUMER);
}

static void
arrive(int peer, enum rb_role role, struct rb_control *ret)
{
	int fds[RB_FDS];

	*ret = t_attach_message("a", role, NULL);
	if (try(peer, ret, fds) == 0)
		t_peer_arrive(ret, fds);
}

static void
arrive_as_producer(int peer)
{
	struct rb_control attached;

	arrive(peer, RB_ROLE_PRODUCER, &attached);
}

static void
arrive_as_consumer(int peer)
{
	struct rb_control attached;

	arrive(peer, RB_ROLE_CONSUMER, &attached);
}

static void
ask_to_detach(int peer)
{
	struct rb_control m, attached;

	arrive(peer, RB_ROLE_CONSUMER, &attached);
	m = t_message(RB_CONTROL_DETACH, "a");
	m.role = attached.role;
	m.index = attached.index;
	m.epoch = attached.epoch;
	m.generation = attached.generation;
	send_only(peer, &m);
}

static void
plan(int peer)
{
	struct rb_control m = t_message(RB_CONTROL_PLAN, NULL);

	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		snprintf(m.name, sizeof(m.name), "c%d", i);
		t_ok(t_peer_ask(peer, &m, NULL));
	}
}

static struct rb_control
prepare_message(const char *prefix)
{
	char name[RB_NAME_SIZE];

	snprintf(name, sizeof(name), "%s-%d", prefix, getpid());
	return t_create_message(name, RB_CONTROL_PREPARE);
}

static void
prepare(int peer)
{
	struct rb_control m = prepare_message("of");

	if (try(peer, &m, NULL) < 0)
		return;
	m = t_attach_message(m.channel, RB_ROLE_PRODUCER, NULL);
	t_ok(t_peer_come(peer, &m));
}

static void
ask_to_prepare(int peer)
{
	struct rb_control m = prepare_message("asked");

	send_only(peer, &m);
}

static const stage_fn stages[] = {
	stay,
	ask_to_attach,
	attach_tap,
	attach_producer,
	attach_consumer,
	arrive_as_producer,
	arrive_as_consumer,
	ask_to_detach,
	plan,
	prepare,
	ask_to_prepare,
};

/* And three before: connected; HELLO sent; half of a message sent. */
#define N_EARLY 3
#define N_STAGES (N_EARLY + RB_ARRAY_SIZE(stages))

static int
go_to_stage(const struct t_daemon *d, unsigned stage)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int peer;

	if (stage >= N_EARLY) {
		peer = t_peer_greet(d);
		stages[stage - N_EARLY](peer);
		return peer;
	}
	peer = t_peer_connect(d);
	if (stage == 1)
		send_only(peer, &hello);
	else if (stage == 2)
		ck_assert_int_eq(send(peer, &hello, RB_CONTROL_SIZE / 2, 0),
				 RB_CONTROL_SIZE / 2);
	return peer;
}

/* ------------------------------------------------------------------- ends */

enum end {
	END_CLOSE,
	END_EXIT,
	END_KILL,
	END_STOP,
	N_ENDS
};

static void
abandon_all(const struct t_daemon *d, const void *arg)
{
	enum end end = *(const enum end *)arg;
	int peers[N_STAGES];

	for (unsigned i = 0; i < N_STAGES; i++)
		peers[i] = go_to_stage(d, i);
	if (end == END_EXIT)
		_exit(0);
	if (end == END_KILL)
		raise(SIGKILL);
	if (end == END_STOP)
		raise(SIGSTOP);
	for (unsigned i = 0; i < N_STAGES; i++)
		close(peers[i]);
}

static void
see_end(pid_t pid, enum end end)
{
	if (end == END_STOP) {
		t_until(t_stat_of(pid)[0] == 'T');
		t_kill(pid);
	} else if (end == END_KILL) {
		t_join_signal(pid, SIGKILL);
	} else {
		t_join(pid);
	}
}

/* Returns how many connections there were. */
static unsigned
flood(const struct t_daemon *d, unsigned n_connections)
{
	static const struct t_user root;
	static const struct t_user *const users[] = { &root, &t_stranger,
						      &t_other };
	enum end ends[N_AT_ONCE];
	pid_t pids[N_AT_ONCE];
	unsigned n = 0;

	for (unsigned turn = 0; n < n_connections; turn++) {
		for (unsigned i = 0; i < N_AT_ONCE; i++) {
			ends[i] = (enum end)((turn / 3 + i) % N_ENDS);
			pids[i] = t_start_as(d, users[(turn + i) % 3],
					     abandon_all, &ends[i]);
		}
		for (unsigned i = 0; i < N_AT_ONCE; i++)
			see_end(pids[i], ends[i]);
		n += N_AT_ONCE * N_STAGES;
	}
	return n;
}

/* --------------------------------------------------------------- counting */

static unsigned
count_taken(const struct rb_channel *channel)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		n += t_member_state(&channel->meta->consumers[i]) !=
		     RB_MEMBER_FREE;
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		n += t_member_state(&channel->meta->producers[i]) !=
		     RB_MEMBER_FREE;
	return n;
}

static void
expect_count(int peer, struct rb_control m, const char *why)
{
	ck_assert_int_eq(t_peer_refuses(peer, &m, why), -EUSERS);
}

/* To the last one he has all that he may have; and no more. */
static void
have_all(const struct t_daemon *d, const void *arg)
{
	struct rb_control create = prepare_message("of");
	int peers[201];

	for (unsigned i = 0; i < 200; i++)
		peers[i] = t_peer_greet(d);
	peers[200] = t_peer_connect(d);
	expect_count(peers[200], t_message(RB_CONTROL_HELLO, NULL),
		     "200 connections");
	for (unsigned i = 0; i < 60; i++) {
		struct rb_control m = t_attach_message(
			"a", i % 2 == 0 ? RB_ROLE_CONSUMER : RB_ROLE_PRODUCER,
			NULL);

		t_ok(t_peer_come(peers[0], &m));
	}
	expect_count(peers[0], t_attach_message("a", RB_ROLE_CONSUMER, NULL),
		     "60 handles");
	create.flags = RB_CONTROL_PREPARE;
	for (unsigned i = 0; i < 12; i++) {
		struct rb_control m = create;

		snprintf(m.channel, sizeof(m.channel), "x%u", i);
		t_ok(t_peer_ask(peers[0], &m, NULL));
	}
	expect_count(peers[0], create, "12 channels");
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		close(peers[i]);
	(void)arg;
}

static bool
is_as_before(struct t_holding before, struct t_holding now)
{
	return now.n_fds == before.n_fds &&
	       now.n_mappings == before.n_mappings &&
	       now.n_entries == before.n_entries;
}

static void
print(const char *when, struct t_holding h, unsigned n_taken)
{
	printf("%-7s %3u descriptors, %3u mappings, %u folders, %u places, "
	       "%u KiB\n",
	       when, h.n_fds, h.n_mappings, h.n_entries, n_taken, h.rss_kib);
}

static unsigned
n_connections(void)
{
	const char *more = getenv("FLOOD_CONNECTIONS");

	return more != NULL ? (unsigned)atoi(more) : N_CONNECTIONS;
}

/* Those who look for accesses keep what is freed for a while, to find late ones;
 * they tell of leaks themselves. */
static bool
gives_memory_back(void)
{
#ifdef SANITIZED
	return false;
#else
	return getenv("T_VALGRIND") == NULL;
#endif
}

TEST_TIMEOUT(abandoned_connections_leave_nothing, 600)
{
	struct t_holding before;
	struct rb_channel channel;
	struct t_daemon d;
	unsigned n;
	int witness;

	t_daemon_start_open(&d, CONFIG);
	t_daemon_map(&d, "a", RB_ROLE_TAP, &channel);
	witness = t_daemon_witness(&d);
	before = t_daemon_holds(&d);
	flood(&d, n_connections() / 10); /* what it allocates once */
	t_until(is_as_before(before, t_daemon_holds(&d)));
	before = t_daemon_holds(&d);
	print("before", before, count_taken(&channel));
	n = flood(&d, n_connections());
	t_until(count_taken(&channel) == 0);
	t_until(is_as_before(before, t_daemon_holds(&d)));
	print("after", t_daemon_holds(&d), count_taken(&channel));
	printf("%u connections\n", n);
	if (gives_memory_back())
		ck_assert_uint_le(t_daemon_holds(&d).rss_kib,
				  before.rss_kib + RSS_MARGIN_KIB);
	t_as(&d, &t_stranger, have_all, NULL);
	t_until(is_as_before(before, t_daemon_holds(&d)));
	t_as(&d, &t_other, have_all, NULL);
	close(witness);
	rb_channel_detach(&channel);
	t_daemon_stop(&d);
}
