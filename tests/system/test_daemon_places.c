/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_places.c - ringbusd's folders, socket and lock: whose they are,
 * and what is left of them
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_user.h"

#define SMALL "channels: { a: { slots: 64, event_size: 8 } }"

/* Makes a path of the daemon's a longer one. */
static void
append(char *path, const char *more)
{
	memcpy(path + strlen(path), more, strlen(more) + 1);
}

/* Of the daemon's folder of channels. */
static void
make_in_shm(const struct t_daemon *d, const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", d->shm, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void
remove_in_shm(const struct t_daemon *d, const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", d->shm, name);
	ck_assert_int_eq(rmdir(path), 0);
}

/* Restarts the daemon under another umask. */
static void
restart_under_umask(struct t_daemon *d, mode_t mask)
{
	mode_t before = umask(mask);

	t_daemon_launch(d, NULL);
	umask(before);
	t_daemon_await(d);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

TEST(shm_folder_is_made_and_removed)
{
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	append(d.shm, "/made");
	t_daemon_restart(&d);
	ck_assert(t_daemon_has(&d, "a"));
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	t_daemon_stop(&d);
	ck_assert_int_eq(access(d.shm, F_OK), -1);
}

TEST(folder_of_the_socket_is_made_and_removed)
{
	struct t_daemon d;
	char parent[sizeof(d.socket)];

	t_daemon_prepare(&d, SMALL);
	*strrchr(d.socket, '/') = '\0';
	append(d.socket, "/made");
	memcpy(parent, d.socket, sizeof(parent));
	append(d.socket, "/s");
	restart_under_umask(&d, 0777);
	ck_assert_uint_eq(mode_of(parent), geteuid() == 0 ? 0755 : 0700);
	t_daemon_stop(&d);
	ck_assert_int_eq(access(parent, F_OK), -1);
}

TEST(folder_of_the_socket_that_cannot_be_made_is_named)
{
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	memset(d.socket, 0, sizeof(d.socket));
	append(d.socket, "/proc/nothing/s");
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "/proc/nothing: cannot make the folder: "
				    "No such file"));
}

#define OWNER 65533 /* of nothing but the folder */

static int
start_by_defaults(void *arg)
{
	const struct t_daemon *d = arg;
	const char *const argv[] = { "ringbusd",  "--config", "/dev/null",
				     "--shm-dir", d->shm,     NULL };

	if (setenv("XDG_RUNTIME_DIR", "", 1) < 0)
		return 127;
	return t_daemon_execute_as(d, T_USER(OWNER), argv);
}

/* By the folder of the channels, beside channels of any name. */
TEST(empty_runtime_folder_is_none)
{
	struct t_daemon d;

	t_need_root();
	t_daemon_prepare(&d, "");
	ck_assert_int_eq(chown(d.shm, OWNER, OWNER), 0);
	d.pid = t_child(start_by_defaults, &d);
	snprintf(d.socket, sizeof(d.socket), "%.80s/.control.sock", d.shm);
	t_daemon_await(&d);
	t_daemon_stop(&d);
}

TEST(channels_may_be_called_as_files_of_the_daemon)
{
	struct t_daemon d;

	t_daemon_prepare(&d, "channels:\n"
			     "  lock: { slots: 64, event_size: 8 }\n"
			     "  control.sock: { slots: 64, event_size: 8 }\n");
	snprintf(d.socket, sizeof(d.socket), "%.80s/.control.sock", d.shm);
	t_daemon_restart(&d);
	ck_assert(t_daemon_has(&d, "lock/meta"));
	ck_assert(t_daemon_has(&d, "control.sock/meta"));
	ck_assert(t_daemon_has(&d, ".lock"));
	t_daemon_kill(&d);
	t_daemon_restart(&d);
	t_daemon_stop(&d);
	ck_assert_int_eq(access(d.shm, F_OK), -1);
}

TEST(second_daemon_is_refused)
{
	struct t_daemon d, second;
	char pid[32];

	t_daemon_start(&d, SMALL);
	snprintf(pid, sizeof(pid), "(pid %d)", d.pid);
	second = d;
	append(second.socket, "2");
	t_daemon_launch(&second, NULL);
	t_daemon_ends(&second, 75);
	ck_assert(t_daemon_said(&d, pid));
	ck_assert(t_daemon_has(&d, "a/meta"));
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

TEST(socket_of_a_living_daemon_is_not_taken)
{
	struct t_daemon d, second;

	t_daemon_start(&d, SMALL);
	second = d;
	append(second.shm, "/other");
	t_daemon_launch(&second, NULL);
	t_daemon_ends(&second, 75);
	ck_assert(t_daemon_said(&d, "listens on"));
	ck_assert_int_eq(access(second.shm, F_OK), -1);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

TEST(stale_socket_is_replaced)
{
	struct t_daemon d;

	t_daemon_start(&d, SMALL);
	t_daemon_kill(&d);
	ck_assert_int_eq(access(d.socket, F_OK), 0);
	t_daemon_launch(&d, NULL);
	t_daemon_await(&d);
	close(t_peer_greet(&d));
	t_daemon_stop(&d);
}

TEST(file_in_place_of_the_socket_is_left_alone)
{
	struct t_daemon d;
	FILE *file;

	t_daemon_prepare(&d, SMALL);
	file = fopen(d.socket, "we");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "is no socket"));
	ck_assert_int_eq(access(d.socket, F_OK), 0);
}

/* A socket of another kind that somebody has. */
TEST(socket_of_another_program_is_not_taken)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int kinds[] = { SOCK_STREAM, SOCK_DGRAM };
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	memcpy(address.sun_path, d.socket, sizeof(address.sun_path));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(kinds); i++) {
		int fd = socket(AF_UNIX, kinds[i] | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
				      sizeof(address)),
				 0);
		if (kinds[i] == SOCK_STREAM)
			ck_assert_int_eq(listen(fd, 1), 0);
		t_daemon_launch(&d, NULL);
		t_daemon_ends(&d, 75);
		ck_assert(t_daemon_said(&d, "another program has the socket"));
		ck_assert_int_eq(unlink(d.socket), 0);
		close(fd);
	}
}

static int
count_entries(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);

	ck_assert_int_ge(n, 2);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n - 2;
}

TEST(full_shm_leaves_nothing_behind)
{
	struct t_daemon d;

	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare(&d, "channels:\n"
			     "  fits: { slots: 64, event_size: 8 }\n"
			     "  large: { slots: 65536, event_size: 64 }\n");
	append(d.shm, "/small");
	ck_assert_int_eq(mkdir(d.shm, 0755), 0);
	ck_assert_int_eq(mount("small", d.shm, "tmpfs", 0, "size=1m,mode=0755"),
			 0);
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "channel large: "));
	ck_assert(t_daemon_said(&d, "bytes of shared memory needed"));
	ck_assert(!t_daemon_has(&d, "fits"));
	ck_assert_int_eq(count_entries(d.shm), 0);
	ck_assert_int_eq(umount(d.shm), 0);
	ck_assert_int_eq(rmdir(d.shm), 0);
}

/* The lock's pid is the first that does not fit. */
TEST(shm_without_room_for_the_lock_leaves_nothing_behind)
{
	struct t_daemon d;
	char small[sizeof(d.shm)], full[2 * PATH_MAX];

	if (!t_own_mounts())
		T_SKIP("cannot mount a tmpfs of its own");
	t_daemon_prepare(&d, SMALL);
	append(d.shm, "/small");
	memcpy(small, d.shm, sizeof(small));
	ck_assert_int_eq(mkdir(small, 0755), 0);
	ck_assert_int_eq(mount("small", small, "tmpfs", 0, "size=64k"), 0);
	snprintf(full, sizeof(full), "dd if=/dev/zero of=%s/full 2>/dev/null",
		 small);
	ck_assert_int_ne(system(full), 0);
	append(d.shm, "/made");
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "cannot lock"));
	ck_assert_int_eq(count_entries(small), 1);
	ck_assert_int_eq(umount(small), 0);
	ck_assert_int_eq(rmdir(small), 0);
}

TEST(folder_that_others_may_write_is_refused)
{
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	ck_assert_int_eq(chmod(d.shm, 0777), 0);
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
	ck_assert(t_daemon_said(&d, "others may write"));
}

TEST(link_in_place_of_the_folder_is_refused)
{
	struct t_daemon d;
	char link[sizeof(d.shm)];

	t_daemon_prepare(&d, SMALL);
	snprintf(link, sizeof(link), "%.1000s/link", t_tmpdir());
	ck_assert_int_eq(symlink(d.shm, link), 0);
	memcpy(d.shm, link, sizeof(link));
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, 73);
}

TEST(leftovers_go_and_strangers_stay)
{
	struct t_daemon d;

	t_daemon_prepare(&d, SMALL);
	make_in_shm(&d, ".a.1.new");
	make_in_shm(&d, ".a.2.new");
	make_in_shm(&d, ".a.2.new/more");
	make_in_shm(&d, ".a.3.old");
	make_in_shm(&d, ".a.3.old/ring");
	make_in_shm(&d, ".a.new");
	make_in_shm(&d, ".note");
	make_in_shm(&d, "notes");
	make_in_shm(&d, "notes/todo");
	make_in_shm(&d, "empty");
	t_daemon_restart(&d);
	ck_assert(!t_daemon_has(&d, ".a.1.new"));
	ck_assert(t_daemon_said(&d, ".a.2.new: more than a channel is in it"));
	ck_assert(t_daemon_said(&d, ".a.3.old: more than a channel is in it"));
	ck_assert(t_daemon_said(&d, ".a.new is no channel"));
	ck_assert(t_daemon_said(&d, ".note is no channel"));
	ck_assert(t_daemon_said(&d, "notes is no channel"));
	ck_assert(t_daemon_said(&d, "empty is no channel"));
	t_daemon_stop(&d);
	remove_in_shm(&d, ".a.2.new/more");
	remove_in_shm(&d, ".a.2.new");
	remove_in_shm(&d, ".a.3.old/ring");
	remove_in_shm(&d, ".a.3.old");
	remove_in_shm(&d, ".a.new");
	remove_in_shm(&d, ".note");
	remove_in_shm(&d, "notes/todo");
	remove_in_shm(&d, "notes");
	remove_in_shm(&d, "empty");
}

TEST(what_else_is_in_a_channels_folder_stays)
{
	struct t_daemon d;
	char command[3 * PATH_MAX];

	t_daemon_start(&d, SMALL);
	make_in_shm(&d, "a/more");
	t_daemon_stop(&d);
	ck_assert(t_daemon_said(&d, "more than a channel is in it"));
	ck_assert(!t_daemon_has(&d, "a"));
	t_daemon_restart(&d);
	make_in_shm(&d, "a/more");
	t_daemon_stop(&d);
	snprintf(command, sizeof(command), "rmdir %s/.a.*.old/more %s/.a.*.old",
		 d.shm, d.shm);
	ck_assert_int_eq(system(command), 0);
}

TEST(files_are_the_daemons_own)
{
	struct t_daemon d;
	char path[2 * PATH_MAX];
	struct stat st;

	t_daemon_start(&d, SMALL);
	snprintf(path, sizeof(path), "%s/a", d.shm);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	append(path, "/ring");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(d.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, geteuid() == 0 ? 0660 : 0600);
	t_daemon_stop(&d);
}
