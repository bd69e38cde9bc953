/* SPDX-License-Identifier: MIT */
/*
 * attacks_handshake.c - strangers who come in the wrong order, too often, in
 * silence, or leave in the middle
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/presence.h"
#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

static void
hello_again(const struct arena *arena)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);

	for (unsigned i = 0; i < 20 * arena->harder; i++)
		saw_closed_by(arena, true, &hello, sizeof(hello));
}

static void
no_hello(const struct arena *arena)
{
	for (unsigned type = RB_CONTROL_ATTACH; type <= RB_CONTROL_LAST;
	     type++) {
		struct rb_control m = t_message(type, "flow");

		saw_closed_by(arena, false, &m, sizeof(m));
	}
}

static void
half_close(const struct arena *arena)
{
	for (unsigned i = 0; i < 20 * arena->harder; i++) {
		int peer = i % 2 ? t_peer_greet(&arena->daemon)
				 : t_peer_connect(&arena->daemon);

		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
		saw_closed(peer);
	}
}

/* As many as one user may have; the daemon has more patience than t_until(). */
static void
silence(const struct arena *arena)
{
	int peers[32];

	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		peers[i] = t_peer_connect(&arena->daemon);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(peers); i++)
		saw_closed(peers[i]);
}

/* Never reads an answer. */
static void
deaf(const struct arena *arena)
{
	const struct rb_control ping = t_message(RB_CONTROL_PING, NULL);

	for (unsigned k = 0; k < arena->harder; k++) {
		int peer = t_peer_greet(&arena->daemon);
		ssize_t sent = 0;

		for (int i = 0; i < 10000 && sent >= 0; i++)
			sent = send(peer, &ping, sizeof(ping), MSG_NOSIGNAL);
		saw("%s", sent < 0 ? "closed" : "served");
		close(peer);
	}
}

/* -------------------------------------------------------------------- stages */

enum stage {
	CONNECTED,
	HELLO_SENT,
	GREETED,
	ATTACH_SENT,
	TAPS,
	PRODUCES,
	CONSUMES,
	ARRIVED,
	DETACH_SENT,
	PLANNED,
	PREPARES,
	STAGES,
};

struct approach {
	const struct arena *arena;
	enum stage stage;
};

static void
say(int peer, const struct rb_control *message)
{
	ck_assert_int_gt(send(peer, message, sizeof(*message), MSG_NOSIGNAL),
			 0);
}

static struct rb_control
wish(enum stage stage)
{
	struct rb_control m = t_message(RB_CONTROL_CREATE, "half");

	if (stage == TAPS)
		return t_attach_message("other", RB_ROLE_TAP, NULL);
	if (stage == PRODUCES)
		return t_attach_message("other", RB_ROLE_PRODUCER, NULL);
	if (stage == CONSUMES || stage == ARRIVED || stage == DETACH_SENT)
		return t_attach_message("other", RB_ROLE_CONSUMER, NULL);
	m.flags = RB_CONTROL_PREPARE;
	m.slots = 16;
	m.slot_size = 64;
	return m;
}

/* What is said at this stage, and whether the answer is awaited. */
static void
speak(int peer, enum stage stage)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct rb_control plan = t_message(RB_CONTROL_PLAN, NULL);
	struct rb_control attach = wish(CONSUMES);
	struct rb_control m = wish(stage);
	int fds[RB_FDS] = { -1, -1, -1, -1 };

	if (stage == CONNECTED)
		return;
	say(peer, &hello);
	if (stage == HELLO_SENT)
		return;
	recv(peer, &hello, sizeof(hello), 0);
	if (stage == ATTACH_SENT)
		say(peer, &attach);
	snprintf(plan.name, RB_NAME_SIZE, "planned");
	if (stage == PLANNED)
		say(peer, &plan);
	if (stage == GREETED || stage == ATTACH_SENT || stage == PLANNED)
		return;
	if (t_peer_ask(peer, &m, fds) < 0) /* another may be preparing it */
		return;
	if (stage == ARRIVED || stage == DETACH_SENT)
		t_peer_arrive(&m, fds);
	m.type = RB_CONTROL_DETACH;
	memset(m.text, 0, sizeof(m.text));
	if (stage == DETACH_SENT)
		say(peer, &m);
}

static int
approach(const struct arena *arena, enum stage stage)
{
	int peer = t_peer_connect(&arena->daemon);

	speak(peer, stage);
	return peer;
}

/* A descriptor that the answer brought stays open in the processes below, whose
 * end is near. */
static int
approach_and_close(void *arg)
{
	const struct arena *arena = arg;

	for (unsigned i = 0; i < 10 * STAGES * arena->harder; i++) {
		int peer = approach(arena, i % STAGES);

		close(peer);
		for (int fd = peer + 1; fd <= peer + RB_FDS; fd++)
			close(fd);
	}
	return 0;
}

static void
closes_anywhere(const struct arena *arena)
{
	pid_t pid = fork_off(approach_and_close, (void *)arena);
	int status = -1;

	waitpid(pid, &status, 0);
	saw("%s", status == 0 ? "ok" : "not served");
}

static int
approach_and_die(void *arg)
{
	const struct approach *a = arg;

	approach(a->arena, a->stage);
	die();
}

static void
dies_anywhere(const struct arena *arena)
{
	for (unsigned i = 0; i < 10 * STAGES * arena->harder; i++) {
		struct approach a = { arena, i % STAGES };

		await_end(fork_off(approach_and_die, &a));
		saw("gone");
	}
}

static int
approach_and_stop(void *arg)
{
	const struct approach *a = arg;

	approach(a->arena, a->stage);
	kill(getpid(), SIGSTOP);
	return 0;
}

static void
stops_anywhere(const struct arena *arena)
{
	pid_t pids[STAGES];
	int status;

	for (int i = 0; i < STAGES; i++) {
		struct approach a = { arena, i };

		pids[i] = fork_off(approach_and_stop, &a);
		waitpid(pids[i], &status, WUNTRACED);
		saw("%s", WIFSTOPPED(status) ? "stopped" : "died");
	}
	STORM(arena)
	sched_yield();
	for (int i = 0; i < STAGES; i++)
		kill_off(pids[i]);
}

/* -------------------------------------------------------------------- floods */

static void
reconnects(const struct arena *arena)
{
	for (unsigned i = 0; i < 2000 * arena->harder; i++) {
		close(t_peer_connect(&arena->daemon));
		saw("ok");
	}
}

static int
greet_and_die(void *arg)
{
	const struct arena *arena = arg;

	t_peer_greet(&arena->daemon);
	die();
}

static void
forks_and_dies(const struct arena *arena)
{
	pid_t pids[16];

	for (unsigned i = 0; i < 16 * arena->harder; i++) {
		for (int k = 0; k < 16; k++)
			pids[k] = fork_off(greet_and_die, (void *)arena);
		for (int k = 0; k < 16; k++)
			await_end(pids[k]);
		saw("gone");
	}
}

/* Until it is told to stop; those who come still later are just closed. */
static void
connects_for_ever(const struct arena *arena)
{
	int peers[128], err = 0;
	unsigned n = 0;

	while (n < RB_ARRAY_SIZE(peers) && err == 0) {
		struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);

		peers[n] = t_peer_connect(&arena->daemon);
		err = t_peer_ask(peers[n++], &hello, NULL);
	}
	saw_result(err);
	STORM(arena)
	close(t_peer_connect(&arena->daemon));
	while (n > 0)
		close(peers[--n]);
}

/* ---------------------------------------------------------- who is it, really */

struct heirloom {
	const struct arena *arena;
	int ends[2];
};

static int
ask_by(int peer)
{
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);

	return t_peer_ask(peer, &ping, NULL);
}

/* Connects, gives the connection away by its death. */
static int
bequeath(void *arg)
{
	struct heirloom *h = arg;
	char byte = 0;
	int peer = t_peer_greet(&h->arena->daemon);
	pid_t heir = fork();

	if (heir > 0) {
		ck_assert_int_eq(read(h->ends[0], &byte, 1), 1);
		die();
	}
	saw_result(ask_by(peer));
	ck_assert_int_eq(write(h->ends[1], &byte, 1), 1);
	while (ask_by(peer) == 0)
		sched_yield();
	saw("closed");
	ck_assert_int_eq(write(h->ends[1], &byte, 1), 1);
	return 0;
}

static void
inherits(const struct arena *arena)
{
	struct heirloom h = { .arena = arena };
	char byte;

	ck_assert_int_eq(pipe2(h.ends, O_CLOEXEC), 0);
	await_end(fork_off(bequeath, &h));
	ck_assert_int_eq(read(h.ends[0], &byte, 1), 1);
}

/* A process that has pid 1, but not for the daemon. */
static int
be_the_first(void *arg)
{
	struct seat seat;

	saw("pid %d", getpid());
	saw_result(seat_take(arg, "other", RB_ROLE_PRODUCER, NULL, &seat));
	saw_result(seat_take(arg, "flow", RB_ROLE_PRODUCER, NULL, &seat));
	return 0;
}

static int
leave_the_namespace(void *arg)
{
	if (unshare(CLONE_NEWPID) < 0)
		return 1;
	arena_become(UID_STRANGER);
	await_end(fork_off(be_the_first, arg));
	return 0;
}

static void
other_pids(const struct arena *arena)
{
	await_end(fork_off(leave_the_namespace, (void *)arena));
}

static void
write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(write(fd, text, strlen(text)), 0);
	close(fd);
}

struct realm {
	const struct arena *arena;
	int told[2];
	int mapped[2];
};

/* Root in a namespace of its own, which root outside has mapped to a stranger. */
static int
be_root_inside(void *arg)
{
	struct realm *realm = arg;
	struct seat seat;
	char byte = 0;

	ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
	ck_assert_int_eq(write(realm->told[1], &byte, 1), 1);
	ck_assert_int_eq(read(realm->mapped[0], &byte, 1), 1);
	ck_assert_int_eq(setresgid(0, 0, 0), 0);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	saw("uid %u", getuid());
	saw_result(
		seat_take(realm->arena, "flow", RB_ROLE_PRODUCER, NULL, &seat));
	saw_result(seat_take(realm->arena, "secret", RB_ROLE_TAP, NULL, &seat));
	return 0;
}

static void
other_users(const struct arena *arena)
{
	struct realm realm = { .arena = arena };
	char map[64], byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(realm.told, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(realm.mapped, O_CLOEXEC), 0);
	pid = fork_off(be_root_inside, &realm);
	ck_assert_int_eq(read(realm.told[0], &byte, 1), 1);
	snprintf(map, sizeof(map), "0 %d 1\n", UID_STRANGER);
	write_map(pid, "uid_map", map);
	snprintf(map, sizeof(map), "0 %d 1\n", UID_DAEMON);
	write_map(pid, "gid_map", map);
	ck_assert_int_eq(write(realm.mapped[1], &byte, 1), 1);
	await_end(pid);
}

#define A_STRANGER OTHER_NONE, UID_STRANGER

const struct attack attacks_handshake[] = {
	{ "hello_again", "HELLO twice", "closed", hello_again, A_STRANGER },
	{ "no_hello", "each request before HELLO", "closed", no_hello,
	  A_STRANGER },
	{ "half_close", "says that it will say no more", "closed", half_close,
	  A_STRANGER },
	{ "silence", "connects and says nothing", "closed", silence,
	  A_STRANGER },
	{ "deaf", "10,000 requests, and reads no answer", "closed", deaf,
	  A_STRANGER },
	{ "closes_anywhere", "closes at each stage of a handshake", "ok",
	  closes_anywhere, OTHER_MULTI, UID_STRANGER },
	{ "dies_anywhere", "is killed at each stage of a handshake", "gone",
	  dies_anywhere, OTHER_MULTI, UID_STRANGER },
	{ "stops_anywhere", "stays stopped at each stage of a handshake",
	  "stopped", stops_anywhere, OTHER_MULTI, UID_STRANGER },
	{ "reconnects", "connects and closes, 2,000 times", "ok", reconnects,
	  A_STRANGER },
	{ "forks_and_dies", "256 processes that say HELLO and are killed",
	  "gone", forks_and_dies, A_STRANGER },
	{ "connects_for_ever", "more connections than a user may have",
	  "EUSERS", connects_for_ever, A_STRANGER },
	{ "inherits", "speaks for a dead one, by its socket", "ok, closed",
	  inherits, A_STRANGER },
	{ "other_pids", "comes as pid 1 of a namespace", "pid 1, ok, EACCES",
	  other_pids, OTHER_MULTI, UID_ROOT },
	{ "other_users", "comes as root of a namespace", "uid 0, EACCES",
	  other_users, OTHER_NONE, UID_ROOT },
	{ 0 },
};
