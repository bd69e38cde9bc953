/* SPDX-License-Identifier: MIT */
/*
 * claim.h - what a producer's handle says that it has claimed, read by others
 *
 * The owner writes its record in two words while others read them, and a killed
 * one may have got to any point of it; multi.c has the states.
 */
#ifndef RB_CLAIM_H
#define RB_CLAIM_H

#include "shm/channel.h"

/* A claim as a record tells it. */
struct rb_claim {
	enum rb_intent_state state;
	int64_t lo; /* if CLAIMED */
	int64_t hi;
};

/* A handle that moves all the time is taken for one that is claiming. */
struct rb_claim rb_claim_read(const struct rb_channel *channel, unsigned index);

#endif
