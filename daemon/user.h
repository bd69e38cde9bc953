/* SPDX-License-Identifier: MIT */
/*
 * user.h - what one user has here, and how much is said about him
 *
 * There is a record for each uid that has anything here, for as long as it does:
 * connections, members, channels that it created. By it a limit of one user is
 * one comparison. What was taken over from an earlier daemon is counted too.
 *
 * What a client can make us say, by being refused or coming and going, it can
 * make us say without end. So each user has an allowance of lines in the log;
 * what is beyond it is left out, and a line says how much that was. Of a user
 * who has gone the record stays until his allowance is whole again.
 *
 * Root and the daemon's own user have neither limits nor an allowance.
 */
#ifndef RB_DAEMON_USER_H
#define RB_DAEMON_USER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/allowance.h"
#include "daemon/log.h"
#include "daemon/loop.h"

struct rb_users;

struct rb_user {
	struct rb_users *all;
	uid_t uid;
	unsigned n_peers;
	unsigned n_greeted; /* of them */
	unsigned n_members;
	unsigned n_channels;
	uint64_t channels_size;
	struct rb_allowance lines;
	unsigned n_left_out;
	bool idle; /* has nothing here, and is remembered */
	LIST_ENTRY(rb_user) of_all;
};

struct rb_users {
	struct rb_watch *tick; /* while somebody has spoken much */
	bool runs;
	unsigned n_idle;
	LIST_HEAD(rb_user_list, rb_user) list;
};

/* 0 or -ENOMEM. */
int rb_users_init(struct rb_users *all, struct rb_loop *loop);

/* Says what was left out. Nobody may have anything here any more. */
void rb_users_deinit(struct rb_users *all);

/* The record of this uid, or NULL. */
struct rb_user *rb_users_find(const struct rb_users *all, uid_t uid);

/* The same, a new one if there is none. The caller counts what he has, or calls
 * rb_user_release(). 0 or -ENOMEM. */
int rb_user_get(struct rb_users *all, uid_t uid, struct rb_user **ret);

/* Frees the record if nothing needs it any more. NULL is fine. */
void rb_user_release(struct rb_user *user);

/* Whether there is a line left in the log for him, which counts as said then; NULL:
 * nobody is its cause. */
bool rb_user_may_speak(struct rb_user *user);

/* A line in the log that this user is the cause of; NULL: nobody is. */
void rb_user_log(struct rb_user *user, int priority, const char *fmt, ...)
	rb_printf_(3, 4);

#endif
