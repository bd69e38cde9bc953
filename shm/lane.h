/* SPDX-License-Identifier: MIT */
/*
 * lane.h - which worker of a group has the events of which keys
 *
 * The hash of an event's key picks one of RB_LANES lanes, and one worker at a
 * time has a lane: its number stands in the lane's word. Who should have it is
 * who wins a draw that only lane and worker decide (rendezvous hashing): so all
 * workers agree without talking, and one that comes or goes changes nothing
 * between the others.
 *
 *            CAS by who should have it
 *   free ------------------------------> held
 *     ^                                   |
 *     +-----------------------------------+
 *       CAS by who has it and should not,
 *       while it has no event of the lane;
 *       by the daemon for a dead worker
 *
 * A lane that is free has no event that somebody is at: this is what keeps the
 * events of a key in order when workers come and go.
 */
#ifndef RB_LANE_H
#define RB_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"

/* A set of lanes. */
struct rb_lane_set {
	uint64_t bits[RB_LANES / 64];
};

static inline bool
rb_lane_is_in(const struct rb_lane_set *set, unsigned lane)
{
	return set->bits[lane / 64] >> lane % 64 & 1;
}

static inline void
rb_lane_add(struct rb_lane_set *set, unsigned lane)
{
	set->bits[lane / 64] |= UINT64_C(1) << lane % 64;
}

static inline void
rb_lane_remove(struct rb_lane_set *set, unsigned lane)
{
	set->bits[lane / 64] &= ~(UINT64_C(1) << lane % 64);
}

/* What one worker knows of its lanes. All zeroes at first. */
struct rb_lanes {
	uint64_t workers;        /* for whom they were dealt */
	struct rb_lane_set due;  /* those that we should have then */
	struct rb_lane_set held; /* those that we have */
	struct rb_lane_set busy; /* those that we have an event of */
};

/* The lane of a key of so many bytes. */
unsigned rb_lane_of(const void *key, uint64_t size);

/* Who of `workers` should have a lane: a consumer's index, -1 if they are
 * none. */
int rb_lane_owner(unsigned lane, uint64_t workers);

/*
 * Gives up lanes that are not due to us, worker `self` of `workers`, unless they
 * are busy, and takes those that are due and free. Returns which of it happened.
 */
#define RB_LANES_GIVEN 1
#define RB_LANES_TAKEN 2

int rb_lanes_settle(struct rb_lanes *lanes, struct rb_group *group,
		    unsigned self, uint64_t workers);

/* The daemon: worker `self` is dead, and its work is returned. */
void rb_lanes_free(struct rb_group *group, unsigned self);

#endif
