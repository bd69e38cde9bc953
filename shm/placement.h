/* SPDX-License-Identifier: MIT */
/*
 * placement.h - where the memory of a channel is, and which CPUs are near it
 *
 * Wishes of the configuration. Each is granted, or is not and nothing else changes:
 * then the channel works without, and says why. The daemon writes down in `meta` what
 * became of each, one word for each kind:
 *
 *   bit 0       it was asked for
 *   bit 1       it was granted
 *   bits 8..23  a number that belongs to it: the node
 *   bits 32..   the errno, if it was not
 *
 * and the CPUs as a bitmap. Nothing of it is needed to use the channel.
 */
#ifndef RB_SHM_PLACEMENT_H
#define RB_SHM_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"

struct rb_placed {
	bool asked;
	bool granted;
	unsigned number;
	int err; /* negative */
};

/* As in the configuration. */
extern const char *const rb_placement_names[RB_PLACEMENTS];

/* What was written down; anything may stand there. */
struct rb_placed rb_placement_read(const struct rb_meta_placement *at,
				   enum rb_placement kind);
void rb_placement_write(struct rb_meta_placement *at, enum rb_placement kind,
			const struct rb_placed *placed);

/* The CPUs, RB_CPUS_MAX / 64 words. */
void rb_placement_read_cpus(const struct rb_meta_placement *at,
			    uint64_t ret[RB_CPUS_MAX / 64]);
void rb_placement_write_cpus(struct rb_meta_placement *at,
			     const uint64_t cpus[RB_CPUS_MAX / 64]);

/* Why it was not granted, and what helps, for people. */
const char *rb_placement_why(enum rb_placement kind, int err);

#endif
