/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_access.c - what a role may write, and what another user may do
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_peer.h"

/* Nobody here leaves before the end. */
#define QUICK "daemon: { drain: 1ms }\n"
#define SINGLE QUICK "channels: { a: { slots: 64, event_size: 8 } }"

#define STRANGER 65534 /* a uid without rights */

/* ------------------------------------------------------------ descriptors */

static void
check_fd(int fd, bool writable)
{
	void *p;

	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE,
			 writable ? O_RDWR : O_RDONLY);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	munmap(p, 4096);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (writable) {
		ck_assert_ptr_ne(p, MAP_FAILED);
		munmap(p, 4096);
	} else {
		ck_assert_ptr_eq(p, MAP_FAILED);
		ck_assert_int_eq(errno, EACCES);
	}
}

TEST(descriptors_are_writable_only_where_the_role_writes)
{
	const enum rb_role roles[] = { RB_ROLE_TAP, RB_ROLE_PRODUCER,
				       RB_ROLE_CONSUMER };
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	for (unsigned r = 0; r < RB_ARRAY_SIZE(roles); r++) {
		struct rb_control m = t_attach_message("a", roles[r], NULL);
		int fds[RB_FDS] = { -1, -1, -1, -1 };

		t_ok(t_peer_ask(peer, &m, fds));
		for (int i = 0; i < RB_FILES; i++)
			check_fd(fds[i],
				 rb_role_writes(roles[r], i, RB_CLEAR_NONE));
		check_fd(fds[RB_FD_BELL], false);
		for (int i = 0; i < RB_FDS; i++)
			close(fds[i]);
	}
	close(peer);
	t_daemon_stop(&d);
}

/* ---------------------------------------------------------------- strangers */

struct stranger {
	struct t_daemon d;
	gid_t group;
	int expected[RB_ROLE_CONSUMER + 1];
};

/* Connects as another user, to a socket in a folder that root alone can walk
 * to: by way of the working directory. */
static int
connect_as_stranger(struct stranger *s)
{
	ck_assert_int_eq(chdir(t_tmpdir()), 0);
	memset(s->d.socket, 0, sizeof(s->d.socket));
	snprintf(s->d.socket, sizeof(s->d.socket), "control.sock");
	ck_assert_int_eq(setgroups(1, &s->group), 0);
	ck_assert_int_eq(setresgid(STRANGER, STRANGER, STRANGER), 0);
	ck_assert_int_eq(setresuid(STRANGER, STRANGER, STRANGER), 0);
	return t_peer_greet(&s->d);
}

static int
try_roles(void *arg)
{
	struct stranger *s = arg;
	int peer = connect_as_stranger(s);
	struct rb_control answer;

	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++)
		ck_assert_int_eq(t_peer_attach(peer, "a", r, NULL, &answer),
				 s->expected[r]);
	close(peer);
	return 0;
}

static void
open_to_strangers(struct stranger *s, const char *yaml)
{
	if (geteuid() != 0)
		T_SKIP("only root can become another user");
	t_daemon_start(&s->d, yaml);
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(s->d.socket, 0666), 0);
}

TEST(absent_lists_let_everyone_in)
{
	struct stranger s = { .group = 4242 };

	open_to_strangers(&s, SINGLE);
	t_join(t_child(try_roles, &s));
	t_daemon_stop(&s.d);
}

TEST(lists_decide_by_user_and_group)
{
	struct stranger s = { .group = 4242 };

	s.expected[RB_ROLE_PRODUCER] = -EACCES;
	open_to_strangers(&s, QUICK "channels: { a: { slots: 64, event_size: 8,"
				    " access: { publish: ['user:0'],"
				    " consume: ['group:4242'],"
				    " tap: ['user:65534'] } } }");
	t_join(t_child(try_roles, &s));
	s.group = 4243;
	s.expected[RB_ROLE_CONSUMER] = -EACCES;
	t_join(t_child(try_roles, &s));
	ck_assert(t_daemon_said(&s.d, "may not publish"));
	t_daemon_stop(&s.d);
}

static int
list_nothing(void *arg)
{
	struct rb_control list = t_message(RB_CONTROL_LIST, NULL);
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	int peer = connect_as_stranger(arg);

	ck_assert_int_eq(t_peer_ask(peer, &list, NULL), -ENOENT);
	ck_assert_int_eq(t_peer_ask(peer, &end, NULL), -EACCES);
	close(peer);
	return 0;
}

TEST(empty_lists_let_nobody_in_but_the_owner)
{
	struct stranger s = { .group = 4242,
			      .expected = { -EACCES, -EACCES, -EACCES } };
	struct rb_control answer;
	int peer;

	open_to_strangers(&s, QUICK "channels: { a: { slots: 64, event_size: 8,"
				    " access: { publish: [], consume: [],"
				    " tap: [] } } }");
	t_join(t_child(try_roles, &s));
	t_join(t_child(list_nothing, &s));
	peer = t_peer_greet(&s.d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	close(peer);
	t_daemon_stop(&s.d);
}

static int
reopen_writable(void *arg)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	int peer = connect_as_stranger(arg);
	int fds[RB_FDS] = { -1, -1, -1, -1 };
	char path[64];
	struct stat st;

	/* Else nothing below /proc/self could be opened, for another reason. */
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	t_ok(t_peer_ask(peer, &tap, fds));
	for (int i = 0; i < RB_FDS; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(open(path, O_RDWR | O_CLOEXEC), -1);
		ck_assert_int_eq(errno, EACCES);
		close(fds[i]);
	}
	close(peer);
	return 0;
}

TEST(read_only_descriptors_cannot_be_opened_again_for_writing)
{
	struct stranger s = { .group = 4242 };

	open_to_strangers(&s, SINGLE);
	t_join(t_child(reopen_writable, &s));
	t_daemon_stop(&s.d);
}

/* A client of its own making says what the library would not. */
TEST(invalid_names_do_not_reach_the_log)
{
	struct rb_control m = t_message(RB_CONTROL_CLOSE, "x\nforged: \x1b[1m");
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, SINGLE);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_ask(peer, &m, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(m.text, "this is no name"));
	t_until(t_daemon_said(&d, "this is no name"));
	ck_assert(!t_daemon_said(&d, "forged"));
	ck_assert(!t_daemon_said(&d, "\x1b"));
	close(peer);
	t_daemon_stop(&d);
}
