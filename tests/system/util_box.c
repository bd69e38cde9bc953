/* SPDX-License-Identifier: MIT */
/*
 * util_box.c - see util_box.h
 */
#include "tests/system/util_box.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES                                                             \
	(CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |            \
	 CLONE_NEWUTS | CLONE_NEWCGROUP)

/* A folder that is there, and that anybody may walk to. */
#define ROOT "/mnt"

/* Exit code of what could not be made here. */
#define CANNOT 77

/* ---------------------------------------------------------------- the root */

static bool
make_folders(void)
{
	return mkdir(ROOT "/run", 0755) == 0 &&
	       mkdir(ROOT "/run/ringbus", 0755) == 0 &&
	       mkdir(ROOT "/proc", 0755) == 0 &&
	       mkdir(ROOT "/dev", 0755) == 0 &&
	       mkdir(ROOT "/dev/shm", 01777) == 0;
}

/* In a user namespace what the mount it is a part of forbids stays forbidden. */
static unsigned long
locked_flags(void)
{
	struct statvfs fs;

	return statvfs(".", &fs) < 0
		       ? 0
		       : fs.f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

/* Of the working directory: that has come along, whoever may walk to it. */
static bool
bind_folder(void)
{
	return mount(".", ROOT "/run/ringbus", NULL, MS_BIND, NULL) == 0 &&
	       mount(NULL, ROOT "/run/ringbus", NULL,
		     MS_REMOUNT | MS_BIND | MS_RDONLY | locked_flags(),
		     NULL) == 0;
}

static bool
enter(void)
{
	return chdir(ROOT) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
	       umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

static bool
make_root(void)
{
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("root", ROOT, "tmpfs", 0, "mode=755") == 0 &&
	       make_folders() && bind_folder() &&
	       mount("shm", ROOT "/dev/shm", "tmpfs", 0, NULL) == 0 &&
	       mount("proc", ROOT "/proc", "proc", 0, NULL) == 0 && enter();
}

/* ----------------------------------------------------------------- its users */

static bool
write_map(pid_t pid, const char *name, uid_t from)
{
	char path[64], line[64];
	int n = snprintf(line, sizeof(line), "0 %u 65536\n", from);
	int fd;
	bool done;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, line, (size_t)n) == n;
	close(fd);
	return done;
}

/* Who says what the users of a namespace are is outside of it: so this is a
 * process that stays there, and waits for a byte. */
static bool
map_users(uid_t from, int from_parent)
{
	char byte;

	return read(from_parent, &byte, 1) == 1 &&
	       write_map(getppid(), "uid_map", from) &&
	       write_map(getppid(), "gid_map", from);
}

static bool
unshare_users(uid_t from)
{
	int pipes[2], status;
	bool done;
	pid_t mapper;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return false;
	mapper = fork();
	if (mapper == 0)
		_exit(map_users(from, pipes[0]) ? 0 : CANNOT);
	done = mapper > 0 && unshare(CLONE_NEWUSER | NAMESPACES) == 0;
	done = write(pipes[1], &done, 1) == 1 && done;
	close(pipes[0]);
	close(pipes[1]);
	return mapper > 0 && waitpid(mapper, &status, 0) == mapper &&
	       status == 0 && done && setresgid(0, 0, 0) == 0 &&
	       setresuid(0, 0, 0) == 0;
}

/* -------------------------------------------------------------- its processes */

static int
exit_code(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The first process of a namespace. */
static int
run_init(struct t_box *box)
{
	pid_t program;

	if (!make_root() || sethostname("box", 3) < 0)
		return CANNOT;
	unsetenv("RINGBUS_SOCKET");
	unsetenv("XDG_RUNTIME_DIR");
	program = fork();
	if (program == 0)
		_exit(box->run(box->arg));
	return program < 0 ? CANNOT : exit_code(program);
}

static int
run_box(void *arg)
{
	struct t_box *box = arg;
	char folder[PATH_MAX];
	pid_t init;

	snprintf(folder, sizeof(folder), "%s", box->daemon->socket);
	*strrchr(folder, '/') = '\0';
	if (chdir(folder) < 0)
		return CANNOT;
	if (box->uid != 0 ? !unshare_users(box->uid) : unshare(NAMESPACES) < 0)
		return CANNOT;
	init = fork();
	if (init == 0) {
		/* Our parent has no pid in here, so getppid() cannot tell. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run_init(box));
	}
	t_store(box->init, (uint64_t)init);
	return init < 0 ? CANNOT : exit_code(init);
}

void
t_box_start(struct t_box *box, t_child_fn run, void *arg)
{
	box->run = run;
	box->arg = arg;
	box->init = t_counter();
	box->pid = t_child(run_box, box);
}

void
t_box_kill(struct t_box *box)
{
	t_until(t_read(box->init) != 0);
	ck_assert_int_eq(kill((pid_t)t_read(box->init), SIGKILL), 0);
	t_join_exit(box->pid, 128 + SIGKILL);
}

void
t_box_join(struct t_box *box)
{
	t_join(box->pid);
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

void
t_box_need(void)
{
	struct t_daemon d;
	struct t_box box = { .daemon = &d, .uid = 100000 };
	char why[128];

	if (geteuid() != 0)
		T_SKIP("only root can make a container");
	t_box_prepare(&d, "channels: {}");
	t_box_start(&box, do_nothing, NULL);
	if (!t_ended(box.pid, 0, why, sizeof(why)))
		T_SKIP("no container can be made here");
}

/* ------------------------------------------------------------------ its daemon */

void
t_box_prepare(struct t_daemon *daemon, const char *yaml)
{
	char folder[PATH_MAX];

	t_daemon_prepare(daemon, yaml);
	snprintf(folder, sizeof(folder), "%s/run", t_tmpdir());
	ck_assert(mkdir(folder, 0755) == 0 || errno == EEXIST);
	snprintf(daemon->socket, sizeof(daemon->socket), "%.80s/control.sock",
		 folder);
}

struct ringbus *
t_box_connect(void)
{
	struct ringbus *bus = NULL;

	if (ringbus_connect(NULL, &bus) < 0)
		dprintf(STDERR_FILENO, "box: %s\n", ringbus_error(NULL));
	return bus;
}
