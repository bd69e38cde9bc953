/* SPDX-License-Identifier: MIT */
/*
 * presence.h - whether a member's client has come, and whether it has left
 *
 * The daemon may die between any two instructions: after it has let a client in
 * and before the client has its answer; or it may be gone when a client wants to
 * say that it leaves. Either way a live process would be a member for good that
 * it does not know of, and a consumer of that kind stops a channel. So a client
 * also says in shared memory, in a word of its own, that it is there, and that it
 * is no more:
 *
 *   presence = epoch << 2 | NEVER, HERE, LEFT or FORGET
 *
 *   client, which has its answer          daemon, with nobody to ask
 *     presence := HERE, fence               presence is not of this epoch:
 *     recalled is our epoch?                  recalled := epoch, fence
 *       then we are not let in                presence is still not:
 *       (LEFT, and ask again)                   it leaves
 *
 * so that at least one of the two sees the other. A client that leaves says so
 * before it tries to reach the daemon; a daemon looks after it has begun to
 * listen. So a leave is either seen or heard of.
 *
 * Writer of `presence`: the client, by CAS and never over a later epoch, since one
 * that comes late may find its entry given to another, and the daemon before it has
 * one; of `recalled`: the daemon.
 */
#ifndef RB_PRESENCE_H
#define RB_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

enum rb_presence {
	RB_PRESENCE_NEVER, /* has not come, or not yet */
	RB_PRESENCE_HERE,
	RB_PRESENCE_LEFT,
	RB_PRESENCE_FORGET, /* left, and its place is not to be kept */
};

/*
 * The client of member `index`, let in under `epoch`, has mapped the channel.
 * False if the daemon has given it up meanwhile: then it is no member, has to
 * say that it left, and may ask again.
 */
bool rb_presence_arrive(struct rb_channel *channel, enum rb_role role,
			unsigned index, uint32_t epoch);

/* It will touch nothing of the channel any more. */
void rb_presence_leave(struct rb_channel *channel, enum rb_role role,
		       unsigned index, uint32_t epoch, bool forget);

/*
 * Daemon: what a member says whose process lives, but may not have been able to
 * tell. It was let in under `epoch`; 0: nobody knows which any more. After NEVER
 * it cannot come any more, so that the daemon may have it leave.
 */
enum rb_presence rb_presence_of(struct rb_channel *channel, enum rb_role role,
				unsigned index, uint32_t epoch);

/* Daemon: before a client is let in, whatever the one before it has left. */
void rb_presence_reset(struct rb_channel *channel, enum rb_role role,
		       unsigned index);

#endif
