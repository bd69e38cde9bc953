/* SPDX-License-Identifier: MIT */
/*
 * stage.h - a channel for lies: made once, and as new before each input
 *
 * It has two producers (one, if single) and a consumer of each kind, all let in
 * and with some events published. Each role has a mapping of its own with the
 * rights that the daemon would give it, so that a write which it may not do
 * faults; and around each mapping nothing is mapped, so that a step outside does
 * too.
 */
#ifndef FUZZ_STAGE_H
#define FUZZ_STAGE_H

#include "shm/channel.h"
#include "shm/member.h"
#include "tests/fuzz/fuzz.h"

/* Whose entry of the member table is which. */
enum seat {
	SEAT_FIRST,   /* gates */
	SEAT_SECOND,  /* comes after it */
	SEAT_LOSSY,   /* is overtaken */
	SEAT_SLOW,    /* is parked, or where slots are cleared evicted */
	SEAT_GROUP,   /* of two workers */
	SEAT_KEYED,   /* of one worker, by key */
	SEAT_WORKER,  /* of the first group */
	SEAT_WORKER2, /* likewise */
	SEAT_KEY_WORKER,
	SEATS
};

#define STAGE_PRODUCERS 2

struct stage {
	int fds[RB_FDS];
	struct rb_channel channels[RB_ROLE_DAEMON + 1]; /* by role */
	char *images[RB_FILES];                         /* as new */
	uint32_t producer_epochs[STAGE_PRODUCERS];
	uint32_t epochs[SEATS];
};

#define STAGE_SHAPES 12

/* As new. */
struct stage *stage_get(unsigned shape);

/* Maps a channel whose descriptors these are in this role, as above. What
 * rb_channel_attach() returns. */
int stage_attach(struct rb_channel *channel, const int fds[RB_FDS],
		 enum rb_role role);

/* New, zeroed files of a channel of such a shape, formatted and open, and the
 * daemon's mapping of them. */
void stage_make(unsigned shape, int fds[RB_FDS], struct rb_channel *ret);

/* All of it lies in the slots of this mapping. */
bool stage_has(const struct rb_channel *channel, const void *data,
	       uint64_t size);

#endif
