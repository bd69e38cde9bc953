/* SPDX-License-Identifier: MIT */
/*
 * process.h - a client's process: who it is, and whether it still lives
 *
 * A process is its pid and its start time, as pids are used again. Its pidfd
 * tells the daemon of its death. A record exists once per process, for as long
 * as the process has connections or memberships; it may have memberships and no
 * connection (adopted from an earlier daemon, or the socket was closed), and a
 * closed connection is not a death.
 *
 * What outlives the daemon is pid and start time, which is counted in ticks of
 * 10 ms: a pid that is used again within one would pass for the same. So there is
 * the inode of the pidfd as well, which Linux gives to no other process until the
 * next boot (since 6.9; before, all pidfds share one).
 */
#ifndef RB_DAEMON_PROCESS_H
#define RB_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/loop.h"
#include "daemon/membership.h"

struct rb_processes;

struct rb_process {
	struct rb_processes *all;
	uint32_t pid;
	uint64_t start_time; /* clock ticks since boot */
	uint64_t inode;      /* of its pidfd, or 0 */
	int pidfd;
	bool dead;
	unsigned n_peers;
	unsigned n_memberships;
	struct rb_memberships memberships;
	struct rb_watch *death;
	LIST_ENTRY(rb_process) of_all;
};

/* Called once per process; it has to take all memberships away. */
typedef void (*rb_process_died_fn)(void *context, struct rb_process *process);

struct rb_processes {
	struct rb_loop *loop;
	rb_process_died_fn died;
	void *context;
	LIST_HEAD(rb_process_list, rb_process) list;
};

void rb_processes_init(struct rb_processes *all, struct rb_loop *loop,
		       rb_process_died_fn died, void *context);
void rb_processes_deinit(struct rb_processes *all);

/*
 * When the process of a pidfd was started, which had this pid. -ESRCH if it is
 * dead, as the pid may be another's by now; -EACCES if /proc does not show it;
 * or another negative errno.
 */
int rb_process_start_time(uint32_t pid, int pidfd, uint64_t *ret);

/* Whose process that is, of a pidfd which had this pid: the effective user, as
 * when it connects. Errors as above. */
int rb_process_uid(uint32_t pid, int pidfd, uid_t *ret);

/*
 * A pidfd of the process that had this pid, start time and, if they are known
 * then and now, inode of its pidfd. -ESRCH if it is dead, or its pid another's;
 * any other negative errno leaves it open whether it lives.
 */
int rb_process_open(uint32_t pid, uint64_t start_time, uint64_t inode);

/* 0; -EXDEV if /proc shows the pids of another namespace than ours; or another
 * negative errno. */
int rb_process_check_proc(void);

/* The inode of our PID namespace, or 0. */
uint64_t rb_process_namespace(void);

/*
 * The record of the process, a new one if there is none. The pidfd is taken in
 * any case. The caller adds a connection or a membership, or calls
 * rb_process_release().
 */
int rb_process_get(struct rb_processes *all, uint32_t pid, uint64_t start_time,
		   int pidfd, struct rb_process **ret);

/* Frees the record if nothing needs it any more. */
void rb_process_release(struct rb_process *process);

#endif
