/* SPDX-License-Identifier: MIT */
/*
 * frame.h - what a message of a stream says: its headers, and the events in it
 *
 * docs/bridge.md has it for other programs. A message is a run of events whose slots
 * follow each other, so that their number is last - first + 1 on a channel of either
 * framing, and `index`, the slots of all messages before it, tells where in the stream
 * an event is, whatever the source called it. One without events (`is_gap`) takes the
 * place of events that are lost.
 *
 * Payload. Fixed: the events, one behind the other. Framed: each with its length in
 * front, 4 bytes, the low ones first.
 */
#ifndef BRIDGE_FRAME_H
#define BRIDGE_FRAME_H

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ringbus.h"

#define FRAME_LENGTH 4 /* bytes in front of a framed event */
#define FRAME_TYPE_SIZE (RINGBUS_NAME_SIZE + 16)
/* What its headers take, at most. */
#define FRAME_HEADERS_SIZE 1024

/* What events are, the same in all messages of a generation. */
struct frame_kind {
	uint64_t generation;
	int framing;
	uint64_t size;              /* of an event, or framed of a slot */
	char type[FRAME_TYPE_SIZE]; /* "name/version", or "" */
};

struct frame {
	struct frame_kind kind;
	int64_t first, last; /* slots, by the sequences of the source */
	int64_t count;       /* events */
	int64_t index;
	bool is_gap;
};

void frame_kind_of(const struct ringbus_info *info, struct frame_kind *ret);

/* Slots that it takes of the stream. */
static inline int64_t
frame_slots(const struct frame *frame)
{
	return frame->last - frame->first + 1;
}

/* The index of message `sequence` of a stream that does not tell what was before it:
 * above all that can have been, as a message has fewer slots. */
static inline int64_t
frame_index_unknown(uint64_t sequence)
{
	return (int64_t)sequence << 24;
}

/* Slots of a framed event. */
static inline int64_t
frame_event_slots(const struct frame_kind *kind, uint64_t size)
{
	return (int64_t)((size + 8 + kind->size - 1) / kind->size);
}

#define FRAME_ID_SIZE 64

/* What a message is called: one of the same name has the same events. */
void frame_name(const struct frame *frame, char id[FRAME_ID_SIZE]);

/* Fills in the headers of a message that is to be the one after stream sequence
 * `expected`, which is called `follows`; "": whatever it is called. */
natsStatus frame_set_headers(natsMsg *msg, const struct frame *frame,
			     const char *stream, uint64_t expected,
			     const char *follows);

/*
 * What a message says, from its headers, each of them checked: 0, or -EBADMSG with the
 * first that cannot be in *ret_wrong. The payload has as many bytes as they say.
 */
int frame_read(natsMsg *msg, struct frame *ret, const char **ret_wrong);

/* The event at `*at` of a payload, and *at behind it: 1, or 0 at the end. The payload
 * is one that frame_read() has passed. */
int frame_next(const struct frame *frame, natsMsg *msg, size_t *at,
	       const void **ret_data, size_t *ret_size);

#endif
