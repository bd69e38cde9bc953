/* SPDX-License-Identifier: MIT */
/*
 * test_access.c - what the kernel says of a peer, against an access list
 */
#include "daemon/access.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/base.h"
#include "tests/system/util_user.h"

#define SOMEBODY 40001

static bool
is_let_in(const struct rb_credentials *who, enum rb_access_kind kind,
	  uint32_t id, const uid_t *creator)
{
	const struct rb_access_list list = { .given = true,
					     .n_entries = 1,
					     .entries = { { kind, id } } };

	return rb_access_allows(&list, who, creator);
}

TEST(creator_is_who_is_said_to_be)
{
	const struct rb_credentials who = { .uid = SOMEBODY };
	const uid_t same = SOMEBODY, other = SOMEBODY + 1;

	ck_assert(is_let_in(&who, RB_ACCESS_CREATOR, 0, &same));
	ck_assert(!is_let_in(&who, RB_ACCESS_CREATOR, 0, &other));
	ck_assert(!is_let_in(&who, RB_ACCESS_CREATOR, 0, NULL));
	ck_assert(!is_let_in(&who, RB_ACCESS_USER, other, &same));
}

/* ------------------------------------------------------------------ groups */

struct stage {
	int ready[2];
	int go[2];
};

/* The kernel sorts groups by the ids that it has itself. In a user namespace
 * they can be others, in another order. */
static int
look_in_a_namespace(void *arg)
{
	const gid_t groups[] = { 40100, 40200, 40300 };
	const struct t_user member = { 0, SOMEBODY, RB_ARRAY_SIZE(groups),
				       groups };
	struct stage *s = arg;
	struct rb_credentials who;
	int pair[2];
	char byte;

	t_become(&member, NULL);
	t_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	t_ok(unshare(CLONE_NEWUSER));
	ck_assert_int_eq(write(s->ready[1], "", 1), 1);
	ck_assert_int_eq(read(s->go[0], &byte, 1), 1);
	t_ok(rb_credentials_init(&who, pair[0]));
	ck_assert_uint_eq(who.n_groups, 3);
	who.uid = SOMEBODY; /* not ours, who may do everything */
	for (gid_t g = 1; g <= 3; g++)
		ck_assert(is_let_in(&who, RB_ACCESS_GROUP, g, NULL));
	ck_assert(!is_let_in(&who, RB_ACCESS_GROUP, 4, NULL));
	ck_assert(!is_let_in(&who, RB_ACCESS_GROUP, 40100, NULL));
	rb_credentials_deinit(&who);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void
map_groups(pid_t pid)
{
	static const char map[] = "3 40100 1\n2 40200 1\n1 40300 1\n";
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, map, sizeof(map) - 1), sizeof(map) - 1);
	close(fd);
}

TEST(groups_are_found_in_whatever_order_they_come)
{
	struct stage s;
	char byte;
	pid_t pid;

	if (geteuid() != 0)
		T_SKIP("only root can join groups");
	t_ok(pipe2(s.ready, O_CLOEXEC));
	t_ok(pipe2(s.go, O_CLOEXEC));
	pid = t_child(look_in_a_namespace, &s);
	ck_assert_int_eq(read(s.ready[0], &byte, 1), 1);
	map_groups(pid);
	ck_assert_int_eq(write(s.go[1], "", 1), 1);
	t_join(pid);
	for (int i = 0; i < 2; i++) {
		close(s.ready[i]);
		close(s.go[i]);
	}
}
