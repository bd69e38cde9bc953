/* SPDX-License-Identifier: MIT */
/*
 * util_uid.h - other users: a daemon that runs as one, and children that do
 *
 * The users need no entry in /etc/passwd. Whoever becomes one has no capability
 * left, no other group, and dies with the test as any child. For tests that run
 * as root; others skip.
 */
#ifndef T_UTIL_UID_H
#define T_UTIL_UID_H

#include "tests/system/util_daemon.h"

/* Skips the test unless it runs as root. */
void t_need_root(void);

/* For good. */
void t_become_uid(uid_t uid);

/* t_child(), which becomes that user first. */
pid_t t_child_as(uid_t uid, t_child_fn fn, void *arg);

/*
 * A daemon that runs as `uid`. Its folder of channels, daemon->shm, is made here
 * and stays, in a folder that it may not write to. Once it has been started, its
 * socket is open to everybody.
 */
void t_daemon_prepare_as(struct t_daemon *daemon, uid_t uid, const char *yaml);
void t_daemon_launch_as(struct t_daemon *daemon, uid_t uid, mode_t mask);
void t_daemon_start_as(struct t_daemon *daemon, uid_t uid);

/* How many descriptors a daemon has once it has seen all that happened before,
 * with those by which this is made sure. */
unsigned t_daemon_count_fds(const struct t_daemon *daemon);

/* Stops it, and removes the folder, which has to be empty. */
void t_daemon_stop_as(struct t_daemon *daemon);

#endif
