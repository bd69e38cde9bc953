/* SPDX-License-Identifier: MIT */
/*
 * repair.h - what a dead producer left claimed
 *
 * For the daemon, and only after the producer's pidfd has fired: nothing alive
 * is ever repaired. Every step may be repeated, so a daemon that dies in the
 * middle is followed by one that starts again.
 */
#ifndef RB_REPAIR_H
#define RB_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

struct rb_repair {
	bool only_looks;     /* stores nothing, and only counts */
	uint64_t tombstones; /* slots marked as never to come */
	int64_t first;       /* the lowest of them, if any */
	int64_t last;        /* the highest */
};

/*
 * Fills the holes of producer handle `index`, whose process is dead. Adds to
 * *report. Returns 0 when nothing is left to do, or 1 if it must be called
 * again later: a slot's last lap is not yet read by everybody, or a live handle
 * is just claiming. With `only_looks` it tells what it would do, however little
 * is read.
 */
int rb_repair_producer(struct rb_channel *channel, unsigned index,
		       struct rb_repair *report);

/*
 * Strict channels: the stream stops before `sequence`, the lowest that a dead
 * producer had claimed; RB_SEQUENCE_MAX: it goes on. Wakes all if that is news.
 */
void rb_repair_set_broken(struct rb_channel *channel, int64_t sequence);

#endif
