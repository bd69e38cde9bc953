/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_access.c - what a role may write, and what another user may do
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_user.h"

/* Nobody here leaves before the end. */
#define QUICK "daemon: { drain: 1ms }\n"
#define SINGLE QUICK "channels: { a: { slots: 64, event_size: 8 } }"

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

/* One user, in another group. */
static const gid_t groups[] = { 4242, 4243 };
static const struct t_user in_4242 = { T_STRANGER, T_STRANGER, 1, &groups[0] };
static const struct t_user in_4243 = { T_STRANGER, T_STRANGER, 1, &groups[1] };

/* arg: the results, by role. */
static void
try_roles(const struct t_daemon *d, const void *arg)
{
	const int *expected = arg;
	int peer = t_peer_greet(d);
	struct rb_control answer;

	for (int r = RB_ROLE_TAP; r <= RB_ROLE_CONSUMER; r++)
		ck_assert_int_eq(t_peer_attach(peer, "a", r, NULL, &answer),
				 expected[r]);
	close(peer);
}

TEST(absent_lists_let_everyone_in)
{
	const int expected[RB_ROLE_CONSUMER + 1] = { 0 };
	struct t_daemon d;

	t_daemon_start_open(&d, SINGLE);
	t_as(&d, &in_4242, try_roles, expected);
	t_daemon_stop(&d);
}

TEST(lists_decide_by_user_and_group)
{
	int expected[RB_ROLE_CONSUMER + 1] = { 0 };
	struct t_daemon d;

	expected[RB_ROLE_PRODUCER] = -EACCES;
	t_daemon_start_open(&d,
			    QUICK "channels: { a: { slots: 64, event_size: 8,"
				  " access: { publish: ['user:0'],"
				  " consume: ['group:4242'],"
				  " tap: ['user:65534'] } } }");
	t_as(&d, &in_4242, try_roles, expected);
	expected[RB_ROLE_CONSUMER] = -EACCES;
	t_as(&d, &in_4243, try_roles, expected);
	ck_assert(t_daemon_said(&d, "may not publish"));
	t_daemon_stop(&d);
}

static void
list_nothing(const struct t_daemon *d, const void *arg)
{
	struct rb_control list = t_message(RB_CONTROL_LIST, NULL);
	struct rb_control end = t_message(RB_CONTROL_CLOSE, "a");
	int peer = t_peer_greet(d);

	ck_assert_int_eq(t_peer_ask(peer, &list, NULL), -ENOENT);
	ck_assert_int_eq(t_peer_ask(peer, &end, NULL), -EACCES);
	close(peer);
	(void)arg;
}

TEST(empty_lists_let_nobody_in_but_the_owner)
{
	const int expected[] = { -EACCES, -EACCES, -EACCES };
	struct rb_control answer;
	struct t_daemon d;
	int peer;

	t_daemon_start_open(&d,
			    QUICK "channels: { a: { slots: 64, event_size: 8,"
				  " access: { publish: [], consume: [],"
				  " tap: [] } } }");
	t_as(&d, &in_4242, try_roles, expected);
	t_as(&d, &in_4242, list_nothing, NULL);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_PRODUCER, NULL, &answer));
	close(peer);
	t_daemon_stop(&d);
}

static void
reopen_writable(const struct t_daemon *d, const void *arg)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	int fds[RB_FDS] = { -1, -1, -1, -1 };
	int peer = t_peer_greet(d);
	char path[64];
	struct stat st;

	t_ok(t_peer_ask(peer, &tap, fds));
	for (int i = 0; i < RB_FDS; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(open(path, O_RDWR | O_CLOEXEC), -1);
		ck_assert_int_eq(errno, EACCES);
		close(fds[i]);
	}
	close(peer);
	(void)arg;
}

TEST(read_only_descriptors_cannot_be_opened_again_for_writing)
{
	struct t_daemon d;

	t_daemon_start_open(&d, SINGLE);
	t_as(&d, &in_4242, reopen_writable, NULL);
	t_daemon_stop(&d);
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
