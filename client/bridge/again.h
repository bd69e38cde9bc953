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

struct again {
	struct ringbus_journal
		*journal; /* asked first; NULL: not, or no more */
	struct ringbus_tap *tap;
	char *buffer;       /* of the tap */
	int64_t lost;       /* slots, as the tap told last */
	int64_t next, last; /* slots that it is to give; none if next > last */
	bool has_held;
	struct ringbus_event held; /* behind the gap that was told */
};

#define AGAIN_EVENT 1
#define AGAIN_GAP 2 /* sequence..last of the event are lost */

/* Begins with slots first..last of the channel; `journal` is the folder of its
 * journal, or "". */
void again_begin(struct again *a, struct ringbus *bus,
		 const struct ringbus_info *channel, const char *journal,
		 int64_t first, int64_t last);
void again_end(struct again *a);

static inline bool
again_is_on(const struct again *a)
{
	return a->has_held || a->next <= a->last;
}

/* The next of them, good until the next call: AGAIN_EVENT or AGAIN_GAP; 0 behind the
 * last, or a negative errno: -ENOMEM. */
int again_next(struct again *a, struct ringbus_event *ret);

#endif
