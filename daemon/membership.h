/* SPDX-License-Identifier: MIT */
/*
 * membership.h - one process's place in one channel
 *
 * Ties an entry of a channel's member table to the process that holds it. What
 * counts is the table, in shared memory; this is how the daemon gets from a
 * death to the entries, and from a channel to who is in it. It exists while the
 * entry is ATTACHED, EVICTED or DYING; in the end the process is gone and
 * `process` is NULL. Taps have none: nobody waits for them.
 */
#ifndef RB_DAEMON_MEMBERSHIP_H
#define RB_DAEMON_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/channel.h"
#include "shm/repair.h"

struct rb_hosted;
struct rb_peer;
struct rb_process;
struct rb_user;

struct rb_membership {
	struct rb_hosted *hosted;
	struct rb_process *process; /* NULL: dead */
	struct rb_user *user;       /* whose limits it counts for, or NULL */
	/* Whose connection asked for it; NULL: has ended. Only to compare. */
	const struct rb_peer *peer;
	enum rb_role role;
	unsigned index;
	uint32_t epoch; /* as the process knows it; 0: evicted before we came,
			 * when its entry's was raised, more than once */
	bool found; /* its place was kept, or its group there, when it came */
	struct rb_repair repair; /* of a dead producer, so far */
	/* Of a dead one on a strict channel: what waits for the operator. */
	struct rb_repair left;
	bool mends;                         /* he has given it up */
	bool condemned;                     /* stuck: we tried to kill it */
	LIST_ENTRY(rb_membership) of_owner; /* the process, or the reaper */
	LIST_ENTRY(rb_membership) of_hosted;
};

LIST_HEAD(rb_memberships, rb_membership);

/*
 * Enters a membership into the lists of the channel and, unless it is NULL, of
 * the process. 0 or -ENOMEM.
 */
int rb_membership_new(struct rb_hosted *hosted, struct rb_process *process,
		      enum rb_role role, unsigned index,
		      struct rb_membership **ret);

/* It is this user's, from now on. */
void rb_membership_charge(struct rb_membership *membership,
			  struct rb_user *user);

/* Takes it out of the lists. Does not touch the member table. */
struct rb_membership *rb_membership_free(struct rb_membership *membership);

/* Takes it away from its dead process; it is in the list of no owner then. */
void rb_membership_orphan(struct rb_membership *membership);

/* Of a dead producer whose claim stops the stream until the operator speaks. */
static inline bool
rb_membership_is_held(const struct rb_membership *membership)
{
	return membership->left.tombstones > 0 && !membership->mends;
}

/* Its entry in the member table. */
const struct rb_member *rb_membership_entry(
	const struct rb_membership *membership);

/* "producer" or "consumer". */
const char *rb_membership_role_name(enum rb_role role);

#endif
