/* SPDX-License-Identifier: MIT */
/*
 * attacks_file.c - strangers who go for the files themselves: those that are there,
 * and those that a daemon is about to make
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

#define PATH_SIZE (2 * PATH_MAX)

/* Good until the next call but one. */
static const char *
in_shm(const struct arena *arena, const char *name)
{
	static char paths[2][PATH_SIZE];
	static unsigned n;
	char *path = paths[n++ % 2];

	snprintf(path, PATH_SIZE, "%s/%s", arena->daemon.shm, name);
	return path;
}

static void
plants(const struct arena *arena)
{
	static const char *const names[] = { "mine", ".mine.0.new",
					     ".flow.0.old", "flow/mine" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++) {
		const char *path = in_shm(arena, names[i]);

		saw_call(mkdir(path, 0777));
		saw_call(symlink("/etc/passwd", path));
		saw_call(mkfifo(path, 0666));
		saw_call(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
	}
}

static void
opens(const struct arena *arena)
{
	static const char *const names[] = { "flow/meta",   "flow/ring",
					     "flow/gates",  "flow/bell",
					     "secret/meta", ".lock" };

	for (unsigned i = 0; i < RB_ARRAY_SIZE(names); i++) {
		saw_call(open(in_shm(arena, names[i]), O_RDONLY | O_CLOEXEC));
		saw_call(open(in_shm(arena, names[i]), O_RDWR | O_CLOEXEC));
		saw_call(truncate(in_shm(arena, names[i]), 0));
		saw_call(access(in_shm(arena, names[i]), R_OK));
	}
}

/* `flow` is a folder: EACCES comes before what that makes wrong. */
static void
removes(const struct arena *arena)
{
	saw_call(unlink(in_shm(arena, "flow/ring")));
	saw_call(rmdir(in_shm(arena, "flow")));
	saw_call(rename(in_shm(arena, "flow"), in_shm(arena, "mine")));
	saw_call(chmod(in_shm(arena, "flow"), 0777));
	saw_call(chmod(arena->daemon.shm, 0777));
	saw_call(chown(arena->daemon.shm, getuid(), getgid()));
}

/* The daemon's socket, by another one. */
static void
replaces_socket(const struct arena *arena)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const char *path = arena->daemon.socket;
	char beside[128];

	snprintf(beside, sizeof(beside), "%.100s.old", path);
	saw_call(unlink(path));
	saw_call(rename(path, beside));
	saw_call(symlink("/tmp", beside));
	memcpy(to.sun_path, path, sizeof(to.sun_path));
	saw("%s", bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? "in use"
								   : "bound");
	snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", beside);
	saw_call(bind(fd, (struct sockaddr *)&to, sizeof(to)));
	close(fd);
}

/* Names that are no paths: who knows the path does not come there. */
static void
abstract_names(const struct arena *arena)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	const char *path = arena->daemon.socket;
	size_t n = strlen(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int peer;

	memcpy(to.sun_path + 1, path, n);
	saw_call(bind(
		fd, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
	saw_call(listen(fd, 8));
	peer = t_peer_greet(&arena->daemon);
	saw_result(t_peer_ask(peer, &ping, NULL));
	saw("%s",
	    ping.pid == (uint32_t)arena->daemon.pid ? "the daemon" : "another");
	close(peer);
	close(fd);
}

/* -------------------------------------------- the folder of a user's own daemon */

/* What a stranger puts where the daemon of another user makes its folder. */
struct trap {
	char path[64];
	char target[PATH_MAX];
	void (*set)(const struct trap *trap);
};

static void
set_folder(const struct trap *trap)
{
	ck_assert_int_eq(mkdir(trap->path, 0777), 0);
	ck_assert_int_eq(chmod(trap->path, 0777), 0);
}

static void
set_file(const struct trap *trap)
{
	int fd = open(trap->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* To a folder of the victim's own, so that its owner is as it should be. */
static void
set_link(const struct trap *trap)
{
	ck_assert_int_eq(symlink(trap->target, trap->path), 0);
}

static void
set_dangling_link(const struct trap *trap)
{
	ck_assert_int_eq(symlink("/dev/shm/ringbus-nobody", trap->path), 0);
}

static int
set_trap(void *arg)
{
	const struct trap *trap = arg;

	arena_become(UID_STRANGER);
	trap->set(trap);
	return 0;
}

static int
walk_into(void *arg)
{
	const char *const argv[] = { "ringbusd", "--config", "/dev/null",
				     NULL };

	dup2(*(const int *)arg, STDERR_FILENO);
	unsetenv("RUNTIME_DIRECTORY");
	return arena_exec_daemon(UID_VICTIM, argv);
}

/* It refuses, and says what is in its way. */
static void
walk_into_trap(struct trap *trap)
{
	char said[1024] = "";
	struct stat st;
	int ends[2], status;
	pid_t pid;

	await_end(fork_off(set_trap, trap));
	ck_assert_int_eq(lstat(trap->path, &st), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork_off(walk_into, &ends[1]);
	waitpid(pid, &status, 0);
	close(ends[1]);
	ck_assert_int_gt(read(ends[0], said, sizeof(said) - 1), 0);
	close(ends[0]);
	saw("exit code %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	saw("%s", strstr(said, trap->path) != NULL ? "told" : "not told");
	ck_assert_int_eq(remove(trap->path), 0);
}

static void
traps(const struct arena *arena)
{
	static void (*const sets[])(const struct trap *) = {
		set_folder, set_file, set_link, set_dangling_link
	};
	struct trap trap;

	(void)arena;
	snprintf(trap.path, sizeof(trap.path), "/dev/shm/ringbus-%d",
		 UID_VICTIM);
	snprintf(trap.target, sizeof(trap.target), "%s/victim", t_tmpdir());
	remove(trap.path); /* of a run that was interrupted */
	ck_assert_int_eq(mkdir(trap.target, 0700), 0);
	ck_assert_int_eq(chown(trap.target, UID_VICTIM, UID_VICTIM), 0);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(sets); i++) {
		trap.set = sets[i];
		walk_into_trap(&trap);
	}
	saw("%s", rmdir(trap.target) == 0 ? "empty" : "used");
}

#define A_STRANGER OTHER_NONE, UID_STRANGER

const struct attack attacks_file[] = {
	{ "plants", "files, folders, links where the daemon has its own",
	  "EACCES", plants, A_STRANGER },
	{ "opens", "opens the files of channels by their paths", "EACCES",
	  opens, A_STRANGER },
	{ "removes", "removes, renames, and takes the folders", "EACCES, EPERM",
	  removes, A_STRANGER },
	{ "replaces_socket", "puts another socket in the place of ours",
	  "EACCES, in use", replaces_socket, A_STRANGER },
	{ "abstract_names", "listens at our path as an abstract name",
	  "ok, the daemon", abstract_names, A_STRANGER },
	{ "traps", "is first at /dev/shm/ringbus-UID of another user",
	  "exit code 73, told, empty", traps, OTHER_NONE, UID_ROOT },
	{ 0 },
};
