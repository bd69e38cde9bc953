/* SPDX-License-Identifier: MIT */
/*
 * util_user.h - other users than the one that runs the test
 *
 *	t_daemon_start_open(&d, "channels: { a: { access: ... } }");
 *	t_as(&d, &t_alice, try_to_read, NULL);
 *	m = t_attach_message("a", RB_ROLE_TAP, NULL);
 *	ck_assert_int_eq(t_user_asks(&d, &t_bob, &m), -EACCES);
 *
 * They need no entry in /etc/passwd. Only root can become one: t_need_root(), or
 * t_daemon_start_open(), skips the test if it cannot.
 */
#ifndef T_UTIL_USER_H
#define T_UTIL_USER_H

#include "tests/system/util_peer.h"

struct t_user {
	uid_t uid;
	gid_t gid;
	unsigned n_groups;
	const gid_t *groups;
};

#define T_ALICE 40001
#define T_BOB 40002
#define T_CAROL 40003
#define T_TEAM 40100 /* a group that the three are not in */

extern const struct t_user t_alice, t_bob, t_carol;

/* Two more, who are in root's group: that gives them nothing. */
#define T_STRANGER 65534
#define T_OTHER 54321

extern const struct t_user t_stranger, t_other;

/* One with this uid, a group of the same number, and no other. */
#define T_USER(uid_) (&(const struct t_user){ (uid_), (uid_), 0, NULL })

/* Skips the test unless it runs as root. */
void t_need_root(void);

/*
 * For good: without capabilities, without other groups; the process goes on to
 * die with the test. `daemon`, if given, is approached first.
 */
void t_become(const struct t_user *user, struct t_daemon *daemon);

/* t_child(), which becomes that user first. */
pid_t t_child_as(const struct t_user *user, t_child_fn fn, void *arg);

/*
 * Runs fn(daemon, arg) in a child that is that user and has approached the
 * daemon, and waits for its end; or not, if it is to be killed or joined later.
 */
typedef void (*t_user_fn)(const struct t_daemon *daemon, const void *arg);
void t_as(const struct t_daemon *daemon, const struct t_user *user,
	  t_user_fn fn, const void *arg);
pid_t t_start_as(const struct t_daemon *daemon, const struct t_user *user,
		 t_user_fn fn, const void *arg);

/* ------------------------------------------------- what a daemon says to him */

/*
 * As t_peer_ask(), by a process of that user with a connection of its own, which
 * is gone when this returns.
 */
int t_user_asks(const struct t_daemon *d, const struct t_user *user,
		struct rb_control *message);

/* The same about a role in a channel, or a channel alone; the result is all. */
int t_user_attaches(const struct t_daemon *d, const struct t_user *user,
		    const char *channel, enum rb_role role);
int t_user_requests(const struct t_daemon *d, const struct t_user *user,
		    const char *channel, enum rb_control_type type);

/* Fails unless it is refused with -EACCES, and the reason has this text in it,
 * as the log has. */
void t_user_is_refused(const struct t_daemon *d, const struct t_user *user,
		       struct rb_control *message, const char *text);

/* Creates a dynamic channel of many producers. */
int t_user_creates(const struct t_daemon *d, const struct t_user *user,
		   const char *channel);

/* The channels that LIST shows him, in its order, with blanks between. Good
 * until the next call. */
const char *t_user_lists(const struct t_daemon *d, const struct t_user *user);

/*
 * A process of that user that attaches and, if it was let in, waits to be killed
 * with t_kill(). *ret is the answer.
 */
pid_t t_user_holds(const struct t_daemon *d, const struct t_user *user,
		   const struct rb_control *attach, struct rb_control *ret);

#endif
