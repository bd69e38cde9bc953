/* SPDX-License-Identifier: MIT */
/*
 * test_shm_modes.c - who may open what the daemon makes: neither the umask of who
 * starts it nor an ACL of the folder above changes it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/system/util_peer.h"
#include "tests/system/util_user.h"

#define CHANNELS                                                               \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }"

#define OWNER 64120 /* of the daemon; ids of nobody else */
#define STRANGER 64121

#define TMPFS 0x01021994

/* Good until the next call. */
static const char *
below(const struct t_daemon *d, const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", d->shm, name);
	return path;
}

static void
has_mode(const char *path, mode_t mode)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	if ((st.st_mode & 07777) != mode)
		ck_abort_msg("%s has mode %04o, not %04o", path,
			     st.st_mode & 07777, mode);
}

static void
modes_are_as_ever(const struct t_daemon *d)
{
	has_mode(d->shm, 0755);
	has_mode(below(d, ".lock"), 0600);
	has_mode(below(d, "a"), 0700);
	has_mode(below(d, "a/meta"), 0600);
	has_mode(below(d, "a/ring"), 0600);
	has_mode(below(d, "a/gates"), 0600);
	has_mode(below(d, "a/bell"), 0644);
	has_mode(d->socket, 0600);
}

static void
is_of_use(const struct t_daemon *d)
{
	struct rb_control answer;
	int peer = t_peer_greet(d);

	for (int role = RB_ROLE_TAP; role <= RB_ROLE_CONSUMER; role++) {
		t_ok(t_peer_attach(peer, "a", role, NULL, &answer));
		t_ok(t_peer_detach(peer, &answer));
	}
	close(peer);
}

/* The folder of channels is the daemon's to make, in one that is its own. */
static void
prepare(struct t_daemon *d, char *parent, size_t size)
{
	t_need_root();
	t_daemon_prepare_as(d, T_USER(OWNER), CHANNELS);
	snprintf(parent, size, "%s", d->shm);
	snprintf(d->shm, sizeof(d->shm), "%.1000s/made", parent);
}

static void
start_under(struct t_daemon *d, mode_t mask)
{
	t_daemon_launch_as(d, T_USER(OWNER), mask);
	t_daemon_await(d);
	modes_are_as_ever(d);
	is_of_use(d);
}

/* What was made under one is taken over under the other. */
TEST(umask_of_who_starts_it_makes_no_difference)
{
	static const mode_t masks[] = { 0777, 0, 0777, 022 };
	char parent[PATH_MAX];
	struct t_daemon d;

	prepare(&d, parent, sizeof(parent));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(masks); i++) {
		start_under(&d, masks[i]);
		if (i < RB_ARRAY_SIZE(masks) - 1)
			t_daemon_kill(&d);
	}
	ck_assert(t_daemon_said(&d, "channel a: taken over"));
	t_daemon_stop(&d);
	ck_assert_int_eq(rmdir(parent), 0);
}

/* -------------------------------------------------------------------- ACLs */

/* All rights to the stranger, in the form that the kernel takes; `owner` of what
 * is made there, or of the folder. */
static int
let_stranger(const char *path, const char *which, unsigned owner)
{
	const struct {
		uint32_t version;
		struct {
			uint16_t tag, leave;
			uint32_t id;
		} entries[5];
	} acl = { 2,
		  { { 1, (uint16_t)owner, ~0U }, /* owner */
		    { 2, 7, STRANGER },
		    { 4, 7, ~0U },      /* group */
		    { 16, 7, ~0U },     /* mask */
		    { 32, 7, ~0U } } }; /* others */

	return setxattr(path, which, &acl, sizeof(acl), 0);
}

static int
open_nothing(void *arg)
{
	const struct t_daemon *d = arg;
	static const char *const names[] = { "a",       "a/meta", "a/ring",
					     "a/gates", "a/bell", ".lock" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(open(below(d, names[i]), O_RDONLY | O_CLOEXEC),
				 -1);
		ck_assert_int_eq(errno, EACCES);
	}
	ck_assert_int_eq(mkdir(below(d, "mine"), 0700), -1);
	return 0;
}

/* An administrator has let somebody into all that is made in /dev/shm. */
TEST(acl_for_what_is_made_above_gives_others_nothing)
{
	char parent[PATH_MAX];
	struct t_daemon d;

	prepare(&d, parent, sizeof(parent));
	if (let_stranger(parent, "system.posix_acl_default", 7) < 0)
		T_SKIP("no ACLs in /dev/shm");
	start_under(&d, 022);
	t_join(t_child_as(T_USER(STRANGER), open_nothing, &d));
	t_daemon_stop(&d);
	ck_assert_int_eq(rmdir(parent), 0);
}

TEST(acl_on_the_folder_for_what_is_made_in_it_gives_others_nothing)
{
	char parent[PATH_MAX];
	struct t_daemon d;

	prepare(&d, parent, sizeof(parent));
	ck_assert_int_eq(mkdir(d.shm, 0755), 0);
	ck_assert_int_eq(chown(d.shm, OWNER, OWNER), 0);
	if (let_stranger(d.shm, "system.posix_acl_default", 5) < 0)
		T_SKIP("no ACLs in /dev/shm");
	start_under(&d, 022);
	t_join(t_child_as(T_USER(STRANGER), open_nothing, &d));
	t_daemon_stop(&d);
	ck_assert_int_eq(rmdir(parent), 0);
}

TEST(acl_that_lets_others_write_to_the_folder_is_seen)
{
	char parent[PATH_MAX];
	struct t_daemon d;

	prepare(&d, parent, sizeof(parent));
	ck_assert_int_eq(mkdir(d.shm, 0755), 0);
	ck_assert_int_eq(chown(d.shm, OWNER, OWNER), 0);
	if (let_stranger(d.shm, "system.posix_acl_access", 7) < 0)
		T_SKIP("no ACLs in /dev/shm");
	t_daemon_launch_as(&d, T_USER(OWNER), 022);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "others may write to "));
	/* What it says to do is enough. */
	ck_assert_int_eq(chmod(d.shm, 0755), 0);
	start_under(&d, 022);
	t_join(t_child_as(T_USER(STRANGER), open_nothing, &d));
	t_daemon_stop(&d);
	ck_assert_int_eq(rmdir(parent), 0);
}

/* -------------------------------------------------------------- no tmpfs */

TEST(folder_on_a_disk_is_warned_of)
{
	struct statfs fs;
	struct t_daemon d;

	t_daemon_prepare(&d, CHANNELS);
	ck_assert_int_eq(statfs(t_tmpdir(), &fs), 0);
	if (fs.f_type == TMPFS)
		T_SKIP("the folder for temporary files is on a tmpfs");
	t_daemon_restart(&d);
	ck_assert(!t_daemon_said(&d, "is on no tmpfs"));
	t_daemon_stop(&d);
	snprintf(d.shm, sizeof(d.shm), "%.1000s/shm", t_tmpdir());
	t_daemon_restart(&d);
	is_of_use(&d);
	ck_assert(t_daemon_said(&d, "/shm is on no tmpfs"));
	t_daemon_stop(&d);
}
