/* SPDX-License-Identifier: MIT */
/*
 * util_stranger.h - other users than the one that runs the daemon
 *
 * The daemon of a test lies in a folder that only its user can walk to. Another
 * user gets to its socket by way of the working directory.
 */
#ifndef T_UTIL_STRANGER_H
#define T_UTIL_STRANGER_H

#include "tests/system/util_peer.h"

/* Users who have nothing else here. */
#define T_STRANGER 65534
#define T_OTHER 54321

/* As t_daemon_start() and t_daemon_restart(), and all users may connect. Skips
 * the test unless it runs as root. */
void t_daemon_start_open(struct t_daemon *daemon, const char *yaml);
void t_daemon_restart_open(struct t_daemon *daemon);

/* In a child: it is this user from now on. */
void t_become(struct t_daemon *daemon, uid_t uid);

/*
 * Runs fn(daemon, arg) in a child that is this user, and waits for its end; or
 * not, if it is to be killed or joined later.
 */
typedef void (*t_stranger_fn)(const struct t_daemon *daemon, const void *arg);
void t_as(const struct t_daemon *daemon, uid_t uid, t_stranger_fn fn,
	  const void *arg);
pid_t t_start_as(const struct t_daemon *daemon, uid_t uid, t_stranger_fn fn,
		 const void *arg);

#endif
