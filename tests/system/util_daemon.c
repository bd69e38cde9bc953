/* SPDX-License-Identifier: MIT */
/*
 * util_daemon.c - see util_daemon.h
 */
#include "tests/system/util_daemon.h"

#include "tests/system/util_peer.h"
#include "tests/system/util_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/presence.h"

struct launch {
	const struct t_daemon *daemon;
	const char *extra;
};

struct launch_as {
	const struct t_daemon *daemon;
	const struct t_user *user;
	mode_t mask;
};

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

void
t_daemon_prepare(struct t_daemon *daemon, const char *yaml)
{
	*daemon = (struct t_daemon){ 0 };
	snprintf(daemon->config, sizeof(daemon->config), "%s/ringbus.yaml",
		 t_tmpdir());
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/control.sock",
		 t_tmpdir());
	snprintf(daemon->log, sizeof(daemon->log), "%s/log", t_tmpdir());
	snprintf(daemon->shm, sizeof(daemon->shm), "%s", t_shm_dir());
	write_file(daemon->config, yaml);
	write_file(daemon->log, "");
}

void
t_daemon_configure(const struct t_daemon *daemon, const char *yaml)
{
	write_file(daemon->config, yaml);
}

static int
run_daemon(void *arg)
{
	const struct launch *launch = arg;
	const struct t_daemon *d = launch->daemon;
	int log = open(d->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	execl(t_program("ringbusd"), "ringbusd", "--config", d->config,
	      "--socket", d->socket, "--shm-dir", d->shm, launch->extra, NULL);
	return 127;
}

void
t_daemon_launch(struct t_daemon *daemon, const char *extra)
{
	struct launch launch = { daemon, extra };

	daemon->pid = t_child(run_daemon, &launch);
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) <
		       0 ||
	       info.si_pid != 0;
}

static int
try_connect(const struct t_daemon *daemon)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(address.sun_path, daemon->socket, sizeof(address.sun_path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
fail_with_log(const struct t_daemon *daemon, const char *what)
{
	char *log = t_daemon_log(daemon);
	size_t n = strlen(log);

	/* The library under the tests takes 4 KiB and no more. */
	ck_abort_msg("%s; it said:\n%s", what, log + (n > 3000 ? n - 3000 : 0));
}

/* The socket of a killed one accepts for some milliseconds more: only the pid
 * tells who answers. */
static bool
answers(const struct t_daemon *daemon)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	struct rb_control ping = t_message(RB_CONTROL_PING, NULL);
	int peer = try_connect(daemon);
	bool yes;

	if (peer < 0)
		return false;
	yes = t_peer_ask(peer, &hello, NULL) == 0 &&
	      t_peer_ask(peer, &ping, NULL) == 0 &&
	      ping.pid == (uint32_t)daemon->pid;
	close(peer);
	return yes;
}

void
t_daemon_await(const struct t_daemon *daemon)
{
	struct t_deadline deadline = t_deadline(T_PATIENCE);

	while (!answers(daemon)) {
		if (has_ended(daemon->pid))
			fail_with_log(daemon, "ringbusd has ended");
		if (!t_deadline_nap(&deadline))
			fail_with_log(daemon, "ringbusd does not answer");
	}
}

void
t_daemon_start(struct t_daemon *daemon, const char *yaml)
{
	t_daemon_prepare(daemon, yaml);
	t_daemon_restart(daemon);
}

void
t_daemon_restart(struct t_daemon *daemon)
{
	t_daemon_launch(daemon, NULL);
	t_daemon_await(daemon);
}

void
t_daemon_start_open(struct t_daemon *daemon, const char *yaml)
{
	t_need_root();
	t_daemon_prepare(daemon, yaml);
	t_daemon_restart_open(daemon);
}

void
t_daemon_restart_open(struct t_daemon *daemon)
{
	t_daemon_restart(daemon);
	t_daemon_let_all_in(daemon);
}

void
t_daemon_let_all_in(const struct t_daemon *daemon)
{
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(daemon->socket, 0666), 0);
}

void
t_daemon_approach(struct t_daemon *daemon)
{
	ck_assert_int_eq(chdir(t_tmpdir()), 0);
	memset(daemon->socket, 0, sizeof(daemon->socket));
	snprintf(daemon->socket, sizeof(daemon->socket), "control.sock");
}

void
t_daemon_reload(const struct t_daemon *daemon, const char *yaml,
		const char *said)
{
	unsigned n = t_daemon_count(daemon, said);

	t_daemon_configure(daemon, yaml);
	ck_assert_int_eq(kill(daemon->pid, SIGHUP), 0);
	t_until(t_daemon_count(daemon, said) > n);
}

void
t_daemon_prepare_as(struct t_daemon *daemon, const struct t_user *user,
		    const char *yaml)
{
	t_daemon_prepare(daemon, yaml);
	snprintf(daemon->shm, sizeof(daemon->shm), "%.1000s/shm", t_shm_dir());
	ck_assert_int_eq(chmod(t_shm_dir(), 0755), 0);
	ck_assert_int_eq(mkdir(daemon->shm, 0755), 0);
	ck_assert_int_eq(chown(daemon->shm, user->uid, user->gid), 0);
	ck_assert_int_eq(chmod(daemon->shm, 0755), 0);
	ck_assert_int_eq(chown(t_tmpdir(), user->uid, user->gid), 0);
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(daemon->config, 0644), 0);
}

int
t_daemon_execute_as(const struct t_daemon *daemon, const struct t_user *user,
		    const char *const argv[])
{
	int program = t_program_fd("ringbusd");
	int log = open(daemon->log, O_WRONLY | O_APPEND | O_CLOEXEC);

	unsetenv("RUNTIME_DIRECTORY");
	if (program < 0 || log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 127;
	t_become(user, NULL);
	fexecve(program, (char *const *)argv, environ);
	return 127;
}

static int
run_daemon_as(void *arg)
{
	const struct launch_as *launch = arg;
	const struct t_daemon *d = launch->daemon;
	const char *const argv[] = {
		"ringbusd", "--config",  d->config, "--socket",
		d->socket,  "--shm-dir", d->shm,    NULL,
	};

	umask(launch->mask);
	return t_daemon_execute_as(d, launch->user, argv);
}

void
t_daemon_launch_as(struct t_daemon *daemon, const struct t_user *user,
		   mode_t mask)
{
	struct launch_as launch = { daemon, user, mask };

	daemon->pid = t_child(run_daemon_as, &launch);
}

void
t_daemon_start_as(struct t_daemon *daemon, const struct t_user *user)
{
	t_daemon_launch_as(daemon, user, 022);
	t_daemon_await(daemon);
	t_daemon_let_all_in(daemon);
}

void
t_daemon_stop_as(struct t_daemon *daemon)
{
	t_daemon_stop(daemon);
	ck_assert_int_eq(rmdir(daemon->shm), 0);
}

void
t_daemon_ends(struct t_daemon *daemon, int exit_code)
{
	char why[128];

	if (!t_ended(daemon->pid, exit_code << 8, why, sizeof(why)))
		fail_with_log(daemon, why);
	daemon->pid = 0;
}

void
t_daemon_stop(struct t_daemon *daemon)
{
	ck_assert_int_eq(kill(daemon->pid, SIGTERM), 0);
	t_daemon_ends(daemon, 0);
}

void
t_daemon_kill(struct t_daemon *daemon)
{
	t_kill(daemon->pid);
	daemon->pid = 0;
}

char *
t_daemon_log(const struct t_daemon *daemon)
{
	FILE *file = fopen(daemon->log, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(file);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(file);
	ck_assert_ptr_nonnull(text);
	return text;
}

unsigned
t_daemon_count(const struct t_daemon *daemon, const char *text)
{
	char *log = t_daemon_log(daemon);
	unsigned n = 0;

	for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
		n++;
	free(log);
	return n;
}

bool
t_daemon_said(const struct t_daemon *daemon, const char *text)
{
	return t_daemon_count(daemon, text) > 0;
}

bool
t_daemon_has(const struct t_daemon *daemon, const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", daemon->shm, name);
	return access(path, F_OK) == 0;
}

int
t_peer_connect(const struct t_daemon *daemon)
{
	int fd = try_connect(daemon);

	if (fd < 0)
		fail_with_log(daemon, "cannot connect to ringbusd");
	return fd;
}

int
t_peer_greet(const struct t_daemon *daemon)
{
	struct rb_control hello = t_message(RB_CONTROL_HELLO, NULL);
	int fd = t_peer_connect(daemon);

	t_ok(t_peer_ask(fd, &hello, NULL));
	return fd;
}

void
t_daemon_look(const struct t_daemon *daemon)
{
	for (int i = 0; i < 3; i++)
		close(t_peer_greet(daemon));
}

static bool
is_pidfd_of(int dirfd, const char *name, pid_t pid)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	char text[1024], line[32];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	snprintf(line, sizeof(line), "\nPid:\t%d\n", pid);
	return strstr(text, line) != NULL;
}

bool
t_daemon_watches(const struct t_daemon *daemon, pid_t pid)
{
	struct dirent *entry;
	bool watches = false;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", daemon->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		watches |= is_pidfd_of(dirfd(dir), entry->d_name, pid);
	closedir(dir);
	return watches;
}

void
t_daemon_map(const struct t_daemon *daemon, const char *channel,
	     enum rb_role role, struct rb_channel *ret)
{
	char path[2 * PATH_MAX];
	int fds[RB_FILES];
	int dir;

	snprintf(path, sizeof(path), "%s/%s", daemon->shm, channel);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	for (int i = 0; i < RB_FILES; i++) {
		fds[i] = rb_segment_open(dir, rb_file_names[i],
					 rb_role_writes(role, i,
							RB_CLEAR_ZERO));
		t_ok(fds[i]);
	}
	t_ok(rb_channel_attach(ret, fds, role));
	for (int i = 0; i < RB_FILES; i++)
		close(fds[i]);
	close(dir);
}

/* Both words, as if there was a producer; of several its stamps too. */
void
t_publish(struct rb_channel *channel, int64_t sequence)
{
	int64_t first = rb_seq_load_acquire(&channel->ring->claimed) + 1;

	rb_seq_store_release(&channel->ring->claimed, sequence);
	rb_seq_store_release(&channel->ring->published, sequence);
	for (; channel->stamps != NULL && first <= sequence; first++)
		rb_word64_store_release(rb_channel_stamp(channel, first),
					rb_stamp(first, RB_STAMP_EVENT));
}

void
t_commit(struct rb_channel *channel, unsigned index, int64_t sequence)
{
	rb_seq_store_release(&channel->gates->consumers[index].sequence,
			     sequence);
}

uint32_t
t_member_state(const struct rb_member *member)
{
	return rb_word32_load_acquire(&member->state);
}
