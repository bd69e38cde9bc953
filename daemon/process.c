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
#include <sys/syscall.h>

#include "shm/base.h"

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

int
rb_process_start_time(uint32_t pid, uint64_t *ret)
{
	rb_cleanup_(rb_closep) int fd = -1;
	char path[32], stat[1024];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, stat, sizeof(stat) - 1);
	if (n < 0)
		return -errno;
	stat[n] = '\0';
	return parse_start_time(stat, ret);
}

static bool
is_readable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) != 0;
}

/* The pidfd first: from then on the pid cannot change its meaning unseen. */
int
rb_process_open(uint32_t pid, uint64_t start_time)
{
	rb_cleanup_(rb_closep) int fd = -1;
	uint64_t found;
	int err;

	if (pid == 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return -errno;
	err = rb_process_start_time(pid, &found);
	if (err < 0)
		return err;
	if (found != start_time || is_readable(fd))
		return -ESRCH;
	return rb_take_fd(&fd);
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

static struct rb_process *
find(struct rb_processes *all, uint32_t pid, uint64_t start_time)
{
	struct rb_process *process;

	LIST_FOREACH(process, &all->list, of_all)
	if (process->pid == pid && process->start_time == start_time &&
	    !process->dead)
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
