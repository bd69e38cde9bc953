/* SPDX-License-Identifier: MIT */
/*
 * clear.h - slots that everybody has read become zero before they are free
 *
 * For channels that carry secrets. What in a process is LMAX's last-stage
 * ClearingEventHandler is done here by whichever consumer commits last: after
 * its commit it takes the channel's clearing, zeroes what the whole gating set
 * has read, and only then are producers given room there. They wait for
 * `clear.done` instead of the gating sequences, so nobody zeroes what somebody
 * writes.
 *
 *   owner   0, or 1 + the consumer that is clearing, with RB_CLEAR_ZEROING once
 *           it may have zeroed something. Who finds it taken leaves: the owner
 *           looks again after it has let go
 *   begun   stored before the first byte is zeroed: for taps, for who joins, and
 *           to hold up producers even if by now nobody gates
 *   done    stored after the last
 *
 *   owner := self; read set and minimum; begun := minimum; is the set still
 *   that? owner := self | ZEROING; zero; done := minimum; owner := 0; look again
 *
 * While nobody gates, nothing is cleared and producers run freely. So the daemon
 * says from where on it counts when somebody comes: `skip`, in meta, for what
 * lies before may already be written over on old leave.
 *
 * A consumer that dies as the owner is dispossessed by the daemon, which then
 * clears in its stead; one that is stopped holds producers up as any consumer
 * does that gates, even if it was evicted or parked just then.
 *
 * Producers that wait for room sleep on the first consumer's gate, whoever that
 * is: whoever has cleared wakes them there.
 */
#ifndef RB_CLEAR_H
#define RB_CLEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

#define RB_CLEAR_ZEROING UINT32_C(0x100)

/* The gate that producers sleep on where slots are cleared. */
#define RB_CLEAR_GATE 0

/*
 * Clears what all gating consumers have read, unless somebody else is at it.
 * `self` is a consumer's index; RB_CONSUMERS_MAX is the daemon, for whom it is
 * due after every change of the gating set.
 */
void rb_clear_read(struct rb_channel *channel, unsigned self);

/* The daemon: consumer `index` is dead, or has left; or RB_CONSUMERS_MAX, its
 * own predecessor is. */
void rb_clear_dispossess(struct rb_channel *channel, unsigned index);

/*
 * The daemon: nobody gated, and now somebody will. What is up to `sequence` is
 * not cleared any more: up to the frontier, if there are producers; else up to
 * where the first one begins. Before the new set is published, and again after
 * the membarrier that follows.
 */
void rb_clear_skip(struct rb_channel *channel, int64_t sequence);

/* For gating.c: how far producers may take slots for free, by the clearing
 * alone; and the consumer that is clearing, or -1. */
int64_t rb_clear_bound(const struct rb_channel *channel, bool is_gated);
int rb_clear_owner(const struct rb_channel *channel);

#endif
