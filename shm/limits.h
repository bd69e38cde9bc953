/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the bounds of everything that two processes share
 *
 * The configuration checks what a human wrote against these, the daemon what a
 * client asked for, and the library what it finds in a segment. One number,
 * one place.
 */
#ifndef RB_LIMITS_H
#define RB_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* Names of channels and members, the terminating NUL included. */
#define RB_NAME_SIZE 64

/* Members of one channel. Consumer sets are 64-bit masks, hence the 64. */
#define RB_CONSUMERS_MAX 64
#define RB_PRODUCERS_MAX 64

/* Channels of one daemon. */
#define RB_CHANNELS_MAX 1024

/* Slots of one channel: a power of two. */
#define RB_SLOTS_MIN 2
#define RB_SLOTS_MAX (INT64_C(1) << 31)

/* Bytes of one slot, before rounding. */
#define RB_SLOT_SIZE_MIN 1
#define RB_SLOT_SIZE_MAX (INT64_C(16) << 20)

/* Bytes of one slot of a framed channel: a power of two. */
#define RB_FRAME_SLOT_SIZE_MIN 16

/* Bytes of all slots of one channel. */
#define RB_RING_SIZE_MAX (INT64_C(1) << 40)

/* CPUs and nodes of the machine that a channel may name: 0 up to this. */
#define RB_CPUS_MAX 1024

/* Bytes of the pattern that new slots are filled with. */
#define RB_FILL_SIZE 64

/*
 * True for a name that is a safe file name and reads well in a table: 1 to 63
 * of A-Z a-z 0-9 . _ - and neither a dot nor a dash in front.
 */
bool rb_name_is_valid(const char *name);

#endif
