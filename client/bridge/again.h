/* SPDX-License-Identifier: MIT */
/*
 * again.h - slots that were exported, and that the stream has lost since
 *
 * A server that did not sync before its power failed has fewer messages than it
 * acknowledged. What was in the others is in the journal of the channel, if it has
 * one, or may be in the ring still, behind the consumer's place, where a tap can read
 * it.
 */
#ifndef BRIDGE_AGAIN_H
#define BRIDGE_AGAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ringbus.h"

struct again_source {
	struct ringbus *bus;
	const char *channel, *journal; /* its folder, or "" */
	uint64_t generation;
};

struct again {
	struct again_source from;
	struct ringbus_journal
		*journal; /* asked first; NULL: not, or no more */
	struct ringbus_tap *tap;
	char *buffer;       /* of the tap */
	int64_t lost;       /* slots, as the tap told last */
	int64_t next, last; /* slots that it is to give; none if next > last */
	bool has_held, is_ahead;
	struct ringbus_event held;  /* behind the gap that was told */
	struct ringbus_event ahead; /* what comes first, and as what */
	int ahead_found;
};

#define AGAIN_EVENT 1
#define AGAIN_GAP 2 /* sequence..last of the event are lost */

/* Begins with slots first..last of the channel: false if there were only tombstones. What
 * it is given stays the caller's. */
bool again_begin(struct again *a, const struct again_source *from,
		 int64_t first, int64_t last);
void again_end(struct again *a);

static inline bool
again_is_on(const struct again *a)
{
	return a->is_ahead || a->has_held || a->next <= a->last;
}

/* The next of them, good until the next call: AGAIN_EVENT or AGAIN_GAP; 0 behind the
 * last, or a negative errno: -ENOMEM. */
int again_next(struct again *a, struct ringbus_event *ret);

#endif
