/* SPDX-License-Identifier: MIT */
/*
 * test_shm_dir.c - the folder of channels lies where others may write: what they
 * plant there, or could put in its place, is refused, and what is made there is
 * the daemon's alone
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define SMALL "channels: { a: { slots: 64, event_size: 8 } }"

#define OWNER 64120 /* of the daemon; ids of nobody else */
#define STRANGER 64121

/* A path below another one. Good for as many calls as a test makes. */
static __attribute__((noinline)) const char *
join(const char *folder, const char *name)
{
	static char paths[32][2 * PATH_MAX];
	static unsigned n;
	char *path = paths[n++ % 32];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void
set_shm(struct t_daemon *d, const char *path)
{
	snprintf(d->shm, sizeof(d->shm), "%.1000s", path);
}

static void
set_socket(struct t_daemon *d, const char *path)
{
	snprintf(d->socket, sizeof(d->socket), "%.100s", path);
}

static void
make(const char *path, mode_t mode)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void
give(const char *path, uid_t uid)
{
	ck_assert_int_eq(lchown(path, uid, uid), 0);
}

static void
make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
is_refused(struct t_daemon *d, const char *said)
{
	t_daemon_launch(d, NULL);
	t_daemon_ends(d, 73);
	if (!t_daemon_said(d, said))
		ck_abort_msg("not said: %s; but: %s", said, t_daemon_log(d));
}

static void
is_served(struct t_daemon *d)
{
	t_daemon_restart(d);
	ck_assert(t_daemon_has(d, "a/meta"));
	t_daemon_stop(d);
}

/* ----------------------------------------------------------------- parents */

TEST(folder_below_one_that_others_may_write_is_refused)
{
	const char *open_one = join(t_shm_dir(), "open");
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	make(open_one, 0777);
	set_shm(&d, join(open_one, "shm"));
	is_refused(&d, "others may write to /");
	ck_assert_int_eq(access(d.shm, F_OK), -1);
	ck_assert_int_eq(chmod(open_one, 0775), 0);
	is_refused(&d, "chmod go-w or chmod +t it");
	/* As /dev/shm itself. */
	ck_assert_int_eq(chmod(open_one, 01777), 0);
	is_served(&d);
	ck_assert_int_eq(rmdir(open_one), 0);
}

TEST(folder_far_below_one_that_others_may_write_is_refused)
{
	const char *open_one = join(t_shm_dir(), "open");
	const char *between = join(open_one, "between");
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	make(open_one, 0777);
	make(between, 0700);
	make(join(between, "shm"), 0755);
	set_shm(&d, join(between, "shm"));
	is_refused(&d, "/open, and so put something else in its place");
	ck_assert_int_eq(chmod(open_one, 0755), 0);
	is_served(&d);
	ck_assert_int_eq(rmdir(between), 0);
	ck_assert_int_eq(rmdir(open_one), 0);
}

TEST(folder_in_one_of_another_user_is_refused)
{
	const char *foreign = join(t_shm_dir(), "foreign");
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare(&d, SMALL);
	make(foreign, 0755);
	give(foreign, STRANGER);
	set_shm(&d, join(foreign, "shm"));
	is_refused(&d, "/foreign belongs to uid 64121");
	ck_assert_int_eq(access(d.shm, F_OK), -1);
	ck_assert_int_eq(rmdir(foreign), 0);
}

/* The link may be followed; where it leads counts. */
TEST(folder_by_way_of_a_link_is_looked_at_where_it_is)
{
	const char *open_one = join(t_shm_dir(), "open");
	const char *way = join(t_tmpdir(), "way");
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	make(open_one, 0777);
	ck_assert_int_eq(symlink(open_one, way), 0);
	set_shm(&d, join(way, "shm"));
	is_refused(&d, "/open, and so put something else in its place");
	ck_assert_int_eq(rmdir(open_one), 0);
}

/* Where the sticky bit is set, whose it is may let it lead elsewhere at any time. */
TEST(link_of_another_user_on_the_way_is_refused)
{
	const char *sticky = join(t_shm_dir(), "sticky");
	const char *way = join(sticky, "way");
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare(&d, SMALL);
	make(sticky, 01777);
	ck_assert_int_eq(symlink(t_tmpdir(), way), 0);
	set_socket(&d, join(way, "s"));
	is_served(&d);
	give(way, STRANGER);
	is_refused(&d, "/way is a link of uid 64121");
	ck_assert_int_eq(unlink(way), 0);
	ck_assert_int_eq(rmdir(sticky), 0);
}

TEST(socket_in_a_folder_that_others_may_write_is_refused)
{
	const char *open_one = join(t_tmpdir(), "open");
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	make(open_one, 0777);
	set_socket(&d, join(open_one, "s"));
	is_refused(&d, "or give another place by --socket");
	ck_assert_int_eq(access(d.socket, F_OK), -1);
	set_socket(&d, join(open_one, "made/s"));
	is_refused(&d, "or give another place by --socket");
	ck_assert_int_eq(access(join(open_one, "made"), F_OK), -1);
	ck_assert_int_eq(chmod(open_one, 01777), 0);
	is_served(&d);
}

TEST(socket_in_a_folder_of_another_user_is_refused)
{
	const char *foreign = join(t_tmpdir(), "foreign");
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare(&d, SMALL);
	make(foreign, 0755);
	give(foreign, STRANGER);
	set_socket(&d, join(foreign, "s"));
	is_refused(&d, "/foreign belongs to uid 64121");
}

/* One with nobody in it but this user. */
static bool
enter_user_namespace(uid_t uid)
{
	char map[64];
	int n = snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	int fd;

	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, map, (size_t)n) == n && geteuid() == uid;
}

static int
run_in_user_namespace(void *arg)
{
	const struct t_daemon *d = arg;
	int program = t_program_fd("ringbusd");
	const char *const argv[] = {
		"ringbusd", "--config",  d->config, "--socket",
		d->socket,  "--shm-dir", d->shm,    NULL,
	};
	int log = open(d->log, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (dup2(log, STDERR_FILENO) < 0)
		return 127;
	t_become(T_USER(OWNER), NULL);
	if (!enter_user_namespace(OWNER))
		return 126;
	fexecve(program, (char *const *)argv, environ);
	return 127;
}

/* There nobody knows whose / is. */
TEST(users_that_are_not_known_are_no_strangers)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare_as(&d, T_USER(OWNER), SMALL);
	d.pid = t_child(run_in_user_namespace, &d);
	t_daemon_await(&d);
	t_daemon_stop_as(&d);
}

/* ----------------------------------------------- a name that others know before */

/* Below /dev/shm, in a user's own name: --shm-dir is not given. */
static int
run_by_default(void *arg)
{
	const struct t_daemon *d = arg;
	const char *const argv[] = { "ringbusd", "--config", d->config,
				     "--socket", d->socket,  NULL };

	return t_daemon_execute_as(d, T_USER(OWNER), argv);
}

#define SQUAT "/dev/shm/ringbus-64120"

static void
squat_is_refused(struct t_daemon *d, const char *said)
{
	d->pid = t_child(run_by_default, d);
	t_daemon_ends(d, 73);
	if (!t_daemon_said(d, said))
		ck_abort_msg("not said: %s; but: %s", said, t_daemon_log(d));
}

/* A /dev/shm of its own, for whoever sees it. */
static void
prepare_default(struct t_daemon *d)
{
	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare_as(d, T_USER(OWNER), SMALL);
	ck_assert_int_eq(mount("squat", "/dev/shm", "tmpfs", 0, "mode=1777"),
			 0);
}

static void
end_default(struct t_daemon *d)
{
	ck_assert_int_eq(umount("/dev/shm"), 0);
	ck_assert_int_eq(rmdir(d->shm), 0);
}

TEST(default_folder_that_somebody_else_has_made_is_refused)
{
	struct t_daemon d;

	prepare_default(&d);
	make(SQUAT, 0755);
	give(SQUAT, STRANGER);
	squat_is_refused(&d, SQUAT " belongs to uid 64121, not to us");
	ck_assert_int_eq(rmdir(SQUAT), 0);
	ck_assert_int_eq(symlink(d.shm, SQUAT), 0);
	give(SQUAT, STRANGER);
	squat_is_refused(&d, "cannot open " SQUAT " as a folder");
	ck_assert_int_eq(unlink(SQUAT), 0);
	ck_assert_int_eq(symlink("/dev/shm/nowhere", SQUAT), 0);
	squat_is_refused(&d, "cannot open " SQUAT " as a folder");
	ck_assert_int_eq(access("/dev/shm/nowhere", F_OK), -1);
	ck_assert_int_eq(unlink(SQUAT), 0);
	ck_assert_int_eq(mkfifo(SQUAT, 0666), 0);
	squat_is_refused(&d, "cannot open " SQUAT " as a folder");
	ck_assert_int_eq(unlink(SQUAT), 0);
	make_file(SQUAT, 0666);
	squat_is_refused(&d, "cannot open " SQUAT " as a folder");
	ck_assert_int_eq(unlink(SQUAT), 0);
	end_default(&d);
}

/* It is gone with a daemon that stops, and so free for everybody. */
TEST(default_folder_that_was_exchanged_between_two_runs_is_refused)
{
	struct t_daemon d;

	prepare_default(&d);
	d.pid = t_child(run_by_default, &d);
	t_daemon_await(&d);
	ck_assert_uint_eq(mode_of(SQUAT), 0755);
	t_daemon_stop(&d);
	ck_assert_int_eq(access(SQUAT, F_OK), -1);
	make(SQUAT, 0755);
	give(SQUAT, STRANGER);
	squat_is_refused(&d, SQUAT " belongs to uid 64121, not to us");
	end_default(&d);
}

TEST(link_with_a_slash_behind_it_is_refused_too)
{
	const char *link = join(t_tmpdir(), "link");
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	ck_assert_int_eq(symlink(d.shm, link), 0);
	set_shm(&d, join(link, "/"));
	is_refused(&d, "cannot open ");
}

/* -------------------------------------------------------------------- the lock */

/* The folder was open to all once, and has been closed as the daemon had asked. */
static void
planted_lock_is_refused(struct t_daemon *d, const char *said)
{
	const char *lock = join(d->shm, ".lock");

	is_refused(d, said);
	ck_assert_int_eq(remove(lock), 0);
	is_served(d);
	make(d->shm, 0755);
}

TEST(lock_that_somebody_else_has_planted_is_refused)
{
	struct t_daemon d;
	const char *lock;

	t_need_root();
	t_daemon_prepare(&d, SMALL);
	lock = join(d.shm, ".lock");
	make_file(lock, 0666);
	give(lock, STRANGER);
	planted_lock_is_refused(&d, ".lock is no lock of ours (uid 64121");
	make_file(lock, 0666);
	planted_lock_is_refused(&d, ".lock is no lock of ours (uid 0");
	ck_assert_int_eq(mkfifo(lock, 0600), 0);
	planted_lock_is_refused(&d, ".lock is no lock of ours");
	ck_assert_int_eq(symlink("/dev/shm/nothing", lock), 0);
	planted_lock_is_refused(&d, "cannot lock");
	make(lock, 0700);
	planted_lock_is_refused(&d, "cannot lock");
}

/* Else it would have the daemon's pid in it afterwards. */
TEST(file_of_ours_under_the_name_of_the_lock_stays_as_it_is)
{
	struct t_daemon d;
	char text[16] = "";
	const char *mine;
	int fd;

	t_daemon_prepare(&d, SMALL);
	mine = join(d.shm, ".mine");
	fd = open(mine, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "precious", 8), 8);
	ck_assert_int_eq(link(mine, join(d.shm, ".lock")), 0);
	is_refused(&d, ".lock is no lock of ours");
	ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 8);
	ck_assert_str_eq(text, "precious");
	close(fd);
	ck_assert_int_eq(unlink(mine), 0);
	ck_assert_int_eq(unlink(join(d.shm, ".lock")), 0);
}
