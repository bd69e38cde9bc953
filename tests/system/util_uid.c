/* SPDX-License-Identifier: MIT */
/*
 * util_uid.c - see util_uid.h
 */
#include "tests/system/util_uid.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/base.h"

struct errand {
	uid_t uid;
	t_child_fn fn;
	void *arg;
};

struct start {
	const struct t_daemon *daemon;
	uid_t uid;
	mode_t mask;
};

void
t_need_root(void)
{
	if (geteuid() != 0)
		T_SKIP("only root can become another user");
}

void
t_become_uid(uid_t uid)
{
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(uid, uid, uid), 0);
	ck_assert_int_eq(setresuid(uid, uid, uid), 0);
	/* Both went with the change: to die with the parent, and to have a
	 * /proc/self of its own. */
	ck_assert_int_eq(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

static int
run_errand(void *arg)
{
	const struct errand *e = arg;

	t_become_uid(e->uid);
	return e->fn(e->arg);
}

pid_t
t_child_as(uid_t uid, t_child_fn fn, void *arg)
{
	struct errand e = { uid, fn, arg };

	return t_child(run_errand, &e);
}

void
t_daemon_prepare_as(struct t_daemon *daemon, uid_t uid, const char *yaml)
{
	t_daemon_prepare(daemon, yaml);
	snprintf(daemon->shm, sizeof(daemon->shm), "%.1000s/shm", t_shm_dir());
	ck_assert_int_eq(chmod(t_shm_dir(), 0755), 0);
	ck_assert_int_eq(mkdir(daemon->shm, 0755), 0);
	ck_assert_int_eq(chown(daemon->shm, uid, uid), 0);
	ck_assert_int_eq(chmod(daemon->shm, 0755), 0);
	ck_assert_int_eq(chown(t_tmpdir(), uid, uid), 0);
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(daemon->config, 0644), 0);
}

/* The build may lie where others cannot go: the program is opened as root. */
static int
run_as(void *arg)
{
	const struct start *s = arg;
	const struct t_daemon *d = s->daemon;
	int program = open(t_program("ringbusd"), O_RDONLY | O_CLOEXEC);
	int log = open(d->log, O_WRONLY | O_APPEND | O_CLOEXEC);
	const char *const argv[] = {
		"ringbusd", "--config",  d->config, "--socket",
		d->socket,  "--shm-dir", d->shm,    NULL,
	};

	unsetenv("RUNTIME_DIRECTORY");
	if (program < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	umask(s->mask);
	t_become_uid(s->uid);
	fexecve(program, (char *const *)argv, environ);
	return 127;
}

void
t_daemon_launch_as(struct t_daemon *daemon, uid_t uid, mode_t mask)
{
	struct start s = { daemon, uid, mask };

	daemon->pid = t_child(run_as, &s);
}

void
t_daemon_start_as(struct t_daemon *daemon, uid_t uid)
{
	t_daemon_launch_as(daemon, uid, 022);
	t_daemon_await(daemon);
	ck_assert_int_eq(chmod(daemon->socket, 0666), 0);
}

void
t_daemon_stop_as(struct t_daemon *daemon)
{
	t_daemon_stop(daemon);
	ck_assert_int_eq(rmdir(daemon->shm), 0);
}

static unsigned
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* As t_daemon_look(), but that these are still open when it is counted: whether
 * the daemon has seen the end of the last one, nobody knows. */
unsigned
t_daemon_count_fds(const struct t_daemon *daemon)
{
	char path[64];
	int peers[3];
	unsigned n;

	for (int i = 0; i < 3; i++)
		peers[i] = t_peer_greet(daemon);
	snprintf(path, sizeof(path), "/proc/%d/fd", daemon->pid);
	n = count_entries(path);
	for (int i = 0; i < 3; i++)
		close(peers[i]);
	return n;
}
