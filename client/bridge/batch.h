/* SPDX-License-Identifier: MIT */
/*
 * batch.h - the message that is being filled: events of the ring, one after another
 *
 * It is full when the next event would make it too long, would not follow in the next
 * slot, or is one too many.
 */
#ifndef BRIDGE_BATCH_H
#define BRIDGE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ringbus.h"

struct batch {
	int framing;
	int64_t max_events;
	size_t max_bytes;
	/* Of what is in it. */
	int64_t first, last, count;
	size_t used, room;
	char *bytes;
};

/* Empties it. */
static inline void
batch_clear(struct batch *b)
{
	b->count = 0;
	b->used = 0;
}

/* Takes the event: 1, or 0 if it has to wait for the next message, or -ENOMEM. One that
 * is too long for any is alone in its own. */
int batch_add(struct batch *b, const struct ringbus_event *event);

/* Nothing more would be taken. */
bool batch_is_full(const struct batch *b);

void batch_deinit(struct batch *b);

#endif
