/* SPDX-License-Identifier: MIT */
/*
 * test_access_process.c - whose rights count: those of the process that
 * connected, as it was then, whoever speaks and whatever he says
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define FOR_ALICE                                                              \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, producers: multi, "        \
	"access: { publish: ['user:40001'] } } }"

struct scene {
	struct t_daemon d;
	int pair[2]; /* a socket pair between two processes */
};

static int
publishes(int peer)
{
	struct rb_control attached;

	return t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &attached);
}

static void
scene_begin(struct scene *s)
{
	t_daemon_start_open(&s->d, FOR_ALICE);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s->pair), 0);
}

static void
scene_end(struct scene *s)
{
	close(s->pair[0]);
	close(s->pair[1]);
	t_daemon_stop(&s->d);
}

/* ------------------------------------------------- a connection that is handed on */

union rights {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void
hand_over(int to, int fd)
{
	union rights control = { 0 };
	struct iovec part = { (char[]){ 0 }, 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	ck_assert_int_eq(sendmsg(to, &header, 0), 1);
}

static int
take_over(int from)
{
	union rights control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	int fd;

	ck_assert_int_eq(recvmsg(from, &header, MSG_CMSG_CLOEXEC), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
	return fd;
}

/* Connects as this user, hands the connection on, and stays until told. */
static void
connect_and_hand_over(struct scene *s, const struct t_user *user)
{
	char byte;
	int peer;

	close(s->pair[0]);
	t_become(user, &s->d);
	peer = t_peer_greet(&s->d);
	hand_over(s->pair[1], peer);
	ck_assert_int_eq(recv(s->pair[1], &byte, 1, 0), 1);
	close(peer);
}

static int
hand_over_alices(void *arg)
{
	connect_and_hand_over(arg, &t_alice);
	return 0;
}

static int
hand_over_bobs(void *arg)
{
	connect_and_hand_over(arg, &t_bob);
	return 0;
}

static int
publish_over_alices(void *arg)
{
	struct scene *s = arg;
	int peer = take_over(s->pair[0]);

	t_become(&t_bob, &s->d);
	t_ok(publishes(peer));
	close(peer);
	peer = t_peer_greet(&s->d);
	ck_assert_int_eq(publishes(peer), -EACCES);
	close(peer);
	return 0;
}

static int
publish_over_bobs(void *arg)
{
	struct scene *s = arg;
	int peer = take_over(s->pair[0]);

	t_become(&t_alice, &s->d);
	ck_assert_int_eq(publishes(peer), -EACCES);
	close(peer);
	peer = t_peer_greet(&s->d);
	t_ok(publishes(peer));
	close(peer);
	return 0;
}

static const struct rb_member *
first_producer(struct rb_channel *channel, const struct t_daemon *d)
{
	t_daemon_map(d, "a", RB_ROLE_DAEMON, channel);
	return &channel->meta->producers[0];
}

/* What he attaches is a member of the process that connected, and ends with that
 * one, though bob is gone before. */
TEST(who_was_handed_a_connection_acts_as_the_one_that_connected)
{
	const struct rb_member *entry;
	struct rb_channel channel;
	struct scene s;
	pid_t alice;

	scene_begin(&s);
	alice = t_child(hand_over_alices, &s);
	t_join(t_child(publish_over_alices, &s));
	t_daemon_look(&s.d);
	entry = first_producer(&channel, &s.d);
	ck_assert_uint_eq(t_member_state(entry), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(rb_word32_load_acquire(&entry->pid), (unsigned)alice);
	ck_assert_int_eq(send(s.pair[0], "", 1, 0), 1);
	t_join(alice);
	t_until(t_member_state(entry) == RB_MEMBER_FREE);
	rb_channel_detach(&channel);
	scene_end(&s);
}

TEST(connection_of_another_lends_no_rights_of_ones_own)
{
	struct scene s;
	pid_t bob;

	scene_begin(&s);
	bob = t_child(hand_over_bobs, &s);
	t_join(t_child(publish_over_bobs, &s));
	ck_assert(t_daemon_said(&s.d, "uid 40002 may not publish"));
	ck_assert(!t_daemon_said(&s.d, "uid 40001 may not publish"));
	ck_assert_int_eq(send(s.pair[0], "", 1, 0), 1);
	t_join(bob);
	scene_end(&s);
}

/* ------------------------------------------------------------------- another uid */

/* As root without being it for the kernel: only the effective ids count. */
static int
change_user(void *arg)
{
	struct scene *s = arg;
	int as_alice, as_bob;

	ck_assert_int_eq(setgroups(0, NULL), 0);
	t_daemon_approach(&s->d);
	ck_assert_int_eq(seteuid(T_ALICE), 0);
	as_alice = t_peer_greet(&s->d);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(seteuid(T_BOB), 0);
	as_bob = t_peer_greet(&s->d);
	t_ok(publishes(as_alice));
	ck_assert_int_eq(publishes(as_bob), -EACCES);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(publishes(as_bob), -EACCES);
	ck_assert_int_eq(setresuid(T_BOB, T_BOB, T_BOB), 0);
	t_ok(publishes(as_alice));
	close(as_alice);
	close(as_bob);
	return 0;
}

TEST(connection_stays_the_users_who_connected)
{
	struct scene s;

	scene_begin(&s);
	t_join(t_child(change_user, &s));
	scene_end(&s);
}

/* Sends a request with credentials beside it that root may make up. */
static int
ask_as(int peer, struct rb_control *m, const struct ucred *cred)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(*cred))];
	} control = { 0 };
	struct iovec part = { m, sizeof(*m) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(*cred));
	memcpy(CMSG_DATA(c), cred, sizeof(*cred));
	ck_assert_int_eq(sendmsg(peer, &header, 0), sizeof(*m));
	ck_assert_int_eq(recv(peer, m, sizeof(*m), 0), sizeof(*m));
	return m->result;
}

static int
claim_to_be_alice(void *arg)
{
	const struct ucred alice = { getpid(), T_ALICE, T_ALICE };
	struct scene *s = arg;
	struct rb_control m = t_attach_message("a", RB_ROLE_PRODUCER, NULL);
	int peer;

	ck_assert_int_eq(chdir(t_tmpdir()), 0);
	memset(s->d.socket, 0, sizeof(s->d.socket));
	memcpy(s->d.socket, "control.sock", 12);
	ck_assert_int_eq(seteuid(T_BOB), 0);
	peer = t_peer_greet(&s->d);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(ask_as(peer, &m, &alice), -EACCES);
	close(peer);
	return 0;
}

TEST(credentials_in_a_message_do_not_count)
{
	struct scene s;

	scene_begin(&s);
	t_join(t_child(claim_to_be_alice, &s));
	ck_assert(t_daemon_said(&s.d, "uid 40002 may not publish"));
	scene_end(&s);
}

/* ------------------------------------------------------------------------ forks */

/* Attaches, and leaves its connection to a child: the child speaks when the
 * parent is known to be dead. */
static int
leave_to_a_child(void *arg)
{
	struct scene *s = arg;
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	char byte;
	int peer;

	t_become(&t_alice, &s->d);
	peer = t_peer_greet(&s->d);
	t_ok(publishes(peer));
	if (fork() > 0)
		_exit(0);
	close(s->pair[0]);
	ck_assert_int_eq(recv(s->pair[1], &byte, 1, 0), 1);
	_exit(t_peer_ask(peer, &ping, NULL) == -ECONNRESET &&
			      send(s->pair[1], "", 1, 0) == 1
		      ? 0
		      : 1);
}

TEST(child_that_outlives_who_connected_is_hung_up_on)
{
	const struct rb_member *entry;
	struct rb_channel channel;
	struct scene s;
	char byte;

	scene_begin(&s);
	t_join(t_child(leave_to_a_child, &s));
	entry = first_producer(&channel, &s.d);
	t_until(t_member_state(entry) == RB_MEMBER_FREE);
	ck_assert_int_eq(send(s.pair[0], "", 1, 0), 1);
	close(s.pair[1]);
	ck_assert_int_eq(recv(s.pair[0], &byte, 1, 0), 1);
	ck_assert(t_daemon_said(&s.d, "is dead and yet speaks: disconnected"));
	rb_channel_detach(&channel);
	close(s.pair[0]);
	t_daemon_stop(&s.d);
}

/* As long as the parent lives, the child speaks for it. */
static int
speak_through_a_child(void *arg)
{
	struct scene *s = arg;
	pid_t child;
	int peer;

	t_become(&t_alice, &s->d);
	peer = t_peer_greet(&s->d);
	child = fork();
	if (child == 0)
		_exit(publishes(peer) == 0 ? 0 : 1);
	t_join(child);
	t_ok(publishes(peer));
	close(peer);
	return 0;
}

TEST(child_speaks_for_its_living_parent)
{
	struct scene s;

	scene_begin(&s);
	t_join(t_child(speak_through_a_child, &s));
	scene_end(&s);
}

/* ----------------------------------------------------------------------- groups */

#define MANY 65536 /* as many as Linux lets a process have */

#define FOR_TEAM                                                               \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8, producers: multi, "        \
	"access: { publish: ['group:40100'], consume: ['group:300000'], "      \
	"tap: ['group:365535'] } } }"

/* 300000 and so on, in no order, with `one` among them. */
static gid_t *
many_groups(gid_t one)
{
	gid_t *groups = calloc(MANY, sizeof(*groups));

	ck_assert_ptr_nonnull(groups);
	for (unsigned i = 0; i < MANY; i++)
		groups[i] = 300000 + (i * 40503u) % MANY;
	groups[MANY / 2] = one;
	return groups;
}

TEST(all_groups_of_a_user_count)
{
	gid_t *with = many_groups(T_TEAM);
	gid_t *without = many_groups(T_TEAM + 1);
	const struct t_user member = { T_ALICE, T_ALICE, MANY, with };
	const struct t_user other = { T_BOB, T_BOB, MANY, without };
	const struct t_user first = { T_CAROL, T_TEAM, 0, NULL };
	struct t_daemon d;

	t_daemon_start_open(&d, FOR_TEAM);
	t_ok(t_user_attaches(&d, &member, "a", RB_ROLE_PRODUCER));
	t_ok(t_user_attaches(&d, &member, "a", RB_ROLE_CONSUMER));
	t_ok(t_user_attaches(&d, &member, "a", RB_ROLE_TAP));
	t_ok(t_user_attaches(&d, &first, "a", RB_ROLE_PRODUCER));
	ck_assert_int_eq(t_user_attaches(&d, &other, "a", RB_ROLE_PRODUCER),
			 -EACCES);
	ck_assert_int_eq(t_user_attaches(&d, &t_alice, "a", RB_ROLE_CONSUMER),
			 -EACCES);
	free(with);
	free(without);
	t_daemon_stop(&d);
}
