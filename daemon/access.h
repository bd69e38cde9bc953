/* SPDX-License-Identifier: MIT */
/*
 * access.h - who a peer is, and what an access list lets him do
 *
 * The kernel tells who connected: user, groups, process, as they were then. So
 * whoever else speaks over the socket speaks for that one, and one who becomes
 * another user is that user with his next connection. Root and the daemon's own
 * user may do everything.
 */
#ifndef RB_DAEMON_ACCESS_H
#define RB_DAEMON_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"

struct rb_credentials {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	unsigned n_groups;
	gid_t *groups; /* in ascending order */
};

/* Asks a connected socket. 0 or a negative errno. */
int rb_credentials_init(struct rb_credentials *who, int fd);
void rb_credentials_deinit(struct rb_credentials *who);

/* A pidfd of the process that connected; -ESRCH if it is gone. */
int rb_credentials_open_process(const struct rb_credentials *who, int fd);

/* Its process has no pid in our namespace. */
bool rb_credentials_are_foreign(const struct rb_credentials *who);

/* Root or the daemon's own user. */
bool rb_access_is_owner(const struct rb_credentials *who);

/* A list that is not given allows everyone; `creator` is whom the word stands
 * for, or NULL. */
bool rb_access_allows(const struct rb_access_list *list,
		      const struct rb_credentials *who, const uid_t *creator);

#endif
