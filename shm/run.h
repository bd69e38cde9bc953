/* SPDX-License-Identifier: MIT */
/*
 * run.h - a run of slots of which each belongs to a whole event
 *
 * For who moves slots as they lie in the ring, many at a time, and must not move
 * with them what was never published. As in event.h the slots may be read because
 * a wait said so, and what says how long an event is was written by another.
 */
#ifndef RB_RUN_H
#define RB_RUN_H

#include <stdint.h>

#include "shm/event.h"

/*
 * The whole events from `sequence` on, up to the next tombstone, that end within
 * `available` and take at most `max` slots; or one, if that takes more. 0 and the
 * last slot of them; or as rb_event_at() if no event begins at `sequence`. A lie
 * further on ends the run before it.
 */
int rb_run_at(const struct rb_channel *channel, int64_t sequence,
	      int64_t available, int64_t max, int64_t *ret_last);

/* In the middle of an event that began earlier, as far as is published. */
bool rb_run_cuts(const struct rb_channel *channel, int64_t sequence);

#endif
