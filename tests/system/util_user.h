/* SPDX-License-Identifier: MIT */
/*
 * util_user.h - other users, for what a daemon makes of them
 *
 *	t_users_start(&d, "channels: { a: { access: ... } }");
 *	m = t_attach_message("a", RB_ROLE_TAP, NULL);
 *	ck_assert_int_eq(t_user_asks(&d, &t_alice, &m), -EACCES);
 *
 * They are uids that nobody has, which only root can become: as another user
 * t_users_start() skips the test.
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

/* A daemon that everybody can reach; and one again, after a kill. */
void t_users_start(struct t_daemon *d, const char *yaml);
void t_users_restart(struct t_daemon *d);

/* From now on this process is that user. The daemon is reached by way of the
 * working directory, as the folder is root's. */
void t_user_become(const struct t_user *user, struct t_daemon *d);

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

/* SIGHUP with this configuration, until the log says so. */
void t_daemon_reload(const struct t_daemon *d, const char *yaml);

#endif
