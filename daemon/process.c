/* SPDX-License-Identifier: MIT */
/*
 * process.c - see process.h
 */
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "shm/base.h"

/* Linux 6.9; absent from the headers of some builders. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

void
rb_processes_init(struct rb_processes *all, struct rb_loop *loop,
		  rb_process_died_fn died, void *context)
{
	all->loop = loop;
	all->died = died;
	all->context = context;
	LIST_INIT(&all->list);
}

static void
destroy(struct rb_process *process)
{
	LIST_REMOVE(process, of_all);
	rb_watch_free(process->death);
	rb_closep(&process->pidfd);
	free(process);
}

void
rb_processes_deinit(struct rb_processes *all)
{
	struct rb_process *process;

	while ((process = LIST_FIRST(&all->list)) != NULL) {
		while (!LIST_EMPTY(&process->memberships))
			rb_membership_free(LIST_FIRST(&process->memberships));
		destroy(process);
	}
}

/* Field 22 of /proc/PID/stat; the second one, the name, may hold anything. */
static int
parse_start_time(const char *stat, uint64_t *ret)
{
	const char *at = strrchr(stat, ')');

	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	return at != NULL && sscanf(at, "%" SCNu64, ret) == 1 ? 0 : -EBADMSG;
}

/* /proc/PID/NAME, the beginning of it. */
static int
read_file(uint32_t pid, const char *name, char *text, size_t size)
{
	rb_cleanup_(rb_closep) int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

static int
read_start_time(uint32_t pid, uint64_t *ret)
{
	char stat[1024];
	int err = read_file(pid, "stat", stat, sizeof(stat));

	return err < 0 ? err : parse_start_time(stat, ret);
}

/* The real one comes first. A name in front of it has no line of its own. */
static int
read_uid(uint32_t pid, uid_t *ret)
{
	char status[2048];
	const char *at;
	int err = read_file(pid, "status", status, sizeof(status));

	if (err < 0)
		return err;
	at = strstr(status, "\nUid:");
	return at != NULL && sscanf(at, "\nUid: %*u %u", ret) == 1 ? 0
								   : -EBADMSG;
}

static bool
is_dead(int pidfd)
{
	struct pollfd look = { .fd = pidfd, .events = POLLIN };

	return poll(&look, 1, 0) != 0;
}

/* Who is alive after the reading had the pid while it was read. */
static int
judge_reading(int pidfd, int err)
{
	if (is_dead(pidfd))
		return -ESRCH;
	return err == -ESRCH ? -EACCES : err;
}

int
rb_process_start_time(uint32_t pid, int pidfd, uint64_t *ret)
{
	return judge_reading(pidfd, read_start_time(pid, ret));
}

int
rb_process_uid(uint32_t pid, int pidfd, uid_t *ret)
{
	return judge_reading(pidfd, read_uid(pid, ret));
}

static uint64_t
inode_of(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PID_FS_MAGIC ||
	    fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

/* 0, or why the process of the pidfd is not the one that is looked for. */
static int
compare(int pidfd, uint32_t pid, uint64_t start_time, uint64_t inode)
{
	uint64_t found = inode_of(pidfd);
	int err;

	if (is_dead(pidfd))
		return -ESRCH;
	if (inode != 0 && found != 0)
		return inode == found ? 0 : -ESRCH;
	err = rb_process_start_time(pid, pidfd, &found);
	if (err < 0)
		return err;
	return found == start_time ? 0 : -ESRCH;
}

/* The pidfd first: from then on the pid cannot change its meaning unseen. */
int
rb_process_open(uint32_t pid, uint64_t start_time, uint64_t inode)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int err;

	if (pid == 0 || pid > INT32_MAX)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		/* What is no thread group's leader never was a member. */
		return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
	err = compare(fd, pid, start_time, inode);
	return err < 0 ? err : rb_take_fd(&fd);
}

int
rb_process_check_proc(void)
{
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
		return -errno;
	return strtol(self, NULL, 10) == getpid() ? 0 : -EXDEV;
}

uint64_t
rb_process_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

static void
on_death(void *context, int result)
{
	struct rb_process *process = context;

	if (result < 0) {
		rb_watch_poll(process->death, process->pidfd);
		return;
	}
	process->dead = true;
	process->all->died(process->all->context, process);
	rb_process_release(process);
}

/* One that is dead has not told yet, and its pid may be another's by now. */
static struct rb_process *
find(struct rb_processes *all, uint32_t pid, uint64_t start_time)
{
	struct rb_process *process;

	LIST_FOREACH(process, &all->list, of_all)
	if (process->pid == pid && process->start_time == start_time &&
	    !process->dead && !is_dead(process->pidfd))
		return process;
	return NULL;
}

int
rb_process_get(struct rb_processes *all, uint32_t pid, uint64_t start_time,
	       int pidfd, struct rb_process **ret)
{
	rb_cleanup_(rb_closep) int fd = pidfd;
	struct rb_process *process = find(all, pid, start_time);

	if (process != NULL) {
		*ret = process;
		return 0;
	}
	process = calloc(1, sizeof(*process));
	if (process == NULL)
		return -ENOMEM;
	if (rb_watch_new(all->loop, on_death, process, &process->death) < 0) {
		free(process);
		return -ENOMEM;
	}
	process->all = all;
	process->pid = pid;
	process->start_time = start_time;
	process->inode = inode_of(fd);
	process->pidfd = rb_take_fd(&fd);
	LIST_INIT(&process->memberships);
	LIST_INSERT_HEAD(&all->list, process, of_all);
	rb_watch_poll(process->death, process->pidfd);
	*ret = process;
	return 0;
}

void
rb_process_release(struct rb_process *process)
{
	if (process->n_peers == 0 && process->n_memberships == 0)
		destroy(process);
}
