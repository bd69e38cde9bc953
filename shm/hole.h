/* SPDX-License-Identifier: MIT */
/*
 * hole.h - what several producers' consumers wait at: the first slot that is
 * claimed and not published, and whose it is
 *
 * To look at, by anybody. Producers go on meanwhile, so that what is told may
 * have been so a moment ago; what is the same again and again is so.
 */
#ifndef RB_HOLE_H
#define RB_HOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

struct rb_hole {
	int64_t sequence;
	int64_t first; /* of the claim that it is in, as far as that is known */
	int64_t last;
	int producer;               /* whose it is; -1: not known */
	enum rb_intent_state state; /* of that one; IDLE: nobody says so */
	uint64_t claiming; /* bit i: producer i is about to claim, or has */
};

/* True if there is one. Of a single producer there never is. */
bool rb_hole_find(const struct rb_channel *channel, struct rb_hole *ret);

/* Whether something beyond it is published that nobody can read. */
bool rb_hole_is_in_the_way(const struct rb_channel *channel,
			   const struct rb_hole *hole);

/* Whether the lap before has been read: if not, its producer waits as well. */
bool rb_hole_has_room(const struct rb_channel *channel,
		      const struct rb_hole *hole);

#endif
