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

struct t_user;

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

/* Both, and all users may connect. Skips the test unless it runs as root. */
void t_daemon_start_open(struct t_daemon *daemon, const char *yaml);
void t_daemon_restart_open(struct t_daemon *daemon);
void t_daemon_let_all_in(const struct t_daemon *daemon);

/* From now on this process gets to the socket by way of the working directory,
 * as another user can also if the folder lies where he cannot walk to. */
void t_daemon_approach(struct t_daemon *daemon);

/* SIGHUP with this configuration, until the log has said this once more. */
void t_daemon_reload(const struct t_daemon *daemon, const char *yaml,
		     const char *said);

/* SIGTERM, and it has to exit with 0. */
void t_daemon_stop(struct t_daemon *daemon);

/* SIGKILL: what is in shared memory stays. */
void t_daemon_kill(struct t_daemon *daemon);

/* Its end, when it is expected to end by itself. */
void t_daemon_ends(struct t_daemon *daemon, int exit_code);

/* What it has written to stderr so far. The caller frees it. */
char *t_daemon_log(const struct t_daemon *daemon);

/*
 * A daemon that runs as that user. Its folder of channels, daemon->shm, is made
 * here and stays, in a folder that it may not write to. Once it has been started,
 * its socket is open to everybody.
 */
void t_daemon_prepare_as(struct t_daemon *daemon, const struct t_user *user,
			 const char *yaml);
void t_daemon_launch_as(struct t_daemon *daemon, const struct t_user *user,
			mode_t mask);
void t_daemon_start_as(struct t_daemon *daemon, const struct t_user *user);

/* Stops it, and removes the folder, which has to be empty. */
void t_daemon_stop_as(struct t_daemon *daemon);

/*
 * In a child: becomes that user and executes ringbusd with these arguments. The
 * build may lie where he cannot go: the program is opened before. Returns an exit
 * code.
 */
int t_daemon_execute_as(const struct t_daemon *daemon,
			const struct t_user *user, const char *const argv[]);

/* How often the log has this text in it; and true if it has. */
unsigned t_daemon_count(const struct t_daemon *daemon, const char *text);
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
