/* SPDX-License-Identifier: MIT */
/*
 * util_daemon.h - a real ringbusd for a test, and raw talk with it
 *
 *	struct t_daemon d;
 *
 *	t_daemon_start(&d, "channels: { a: { slots: 8, event_size: 8 } }");
 *	...                                   connect to d.socket
 *	t_daemon_stop(&d);
 *
 * Its configuration, socket and log lie in t_tmpdir(), its shared memory in
 * t_shm_dir(), which is empty again once it has been stopped. Everything that
 * goes wrong fails the test, with the daemon's log as the message.
 */
#ifndef T_UTIL_DAEMON_H
#define T_UTIL_DAEMON_H

#include <limits.h>
#include <sys/types.h>

#include "shm/channel.h"
#include "shm/control.h"
#include "shm/member.h"
#include "tests/t.h"

struct t_daemon {
	pid_t pid;
	char config[PATH_MAX];
	char socket[108];
	char shm[PATH_MAX];
	char log[PATH_MAX];
};

/* Fills in the paths and writes the configuration; starts nothing. */
void t_daemon_prepare(struct t_daemon *daemon, const char *yaml);

/* Another configuration, for the next start or reload. */
void t_daemon_configure(const struct t_daemon *daemon, const char *yaml);

/* Starts ringbusd without waiting for anything; `extra` may be NULL. */
void t_daemon_launch(struct t_daemon *daemon, const char *extra);

/* Waits until the socket answers; fails if the daemon ends first. */
void t_daemon_await(const struct t_daemon *daemon);

/* The three of them: the usual beginning. */
void t_daemon_start(struct t_daemon *daemon, const char *yaml);

/* After a kill, or with another configuration: launch and await. */
void t_daemon_restart(struct t_daemon *daemon);

/* SIGTERM, and it has to exit with 0. */
void t_daemon_stop(struct t_daemon *daemon);

/* SIGKILL: what is in shared memory stays. */
void t_daemon_kill(struct t_daemon *daemon);

/* Its end, when it is expected to end by itself. */
void t_daemon_ends(struct t_daemon *daemon, int exit_code);

/* What it has written to stderr so far. The caller frees it. */
char *t_daemon_log(const struct t_daemon *daemon);

/* True if the log has this text in it. */
bool t_daemon_said(const struct t_daemon *daemon, const char *text);

/* True if this file or folder is in its shared memory folder. */
bool t_daemon_has(const struct t_daemon *daemon, const char *name);

/* A connection without HELLO, or with; -1 is never returned. */
int t_peer_connect(const struct t_daemon *daemon);
int t_peer_greet(const struct t_daemon *daemon);

/* The daemon has seen all that happened before this when it returns. */
void t_daemon_look(const struct t_daemon *daemon);

/* True if the daemon has a pidfd of this process. */
bool t_daemon_watches(const struct t_daemon *daemon, pid_t pid);

/* Maps a channel by its files, as the daemon does: this test has its uid. */
void t_daemon_map(const struct t_daemon *daemon, const char *channel,
		  enum rb_role role, struct rb_channel *ret);

/* On a channel that is mapped as by the daemon, with nobody else publishing:
 * everything up to `sequence` is published, and committed by a consumer. */
void t_publish(struct rb_channel *channel, int64_t sequence);
void t_commit(struct rb_channel *channel, unsigned index, int64_t sequence);

/* Reads of the member table that t_until() can poll. */
uint32_t t_member_state(const struct rb_member *member);

#endif
