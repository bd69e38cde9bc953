/* SPDX-License-Identifier: MIT */
/*
 * event.h - what lies at a sequence: an event, or nothing, and how long it is
 *
 * For whoever may read a range of slots, because a wait said so. Length and
 * kind come from shared memory: they are copied once and checked against the
 * range, so that a lie is an error and not a read outside.
 */
#ifndef RB_EVENT_H
#define RB_EVENT_H

#include <errno.h>
#include <stdint.h>

#include "shm/channel.h"

/* Why a slot that may be read starts no event. */
#define RB_NO_EVENT_TOMBSTONE 1
#define RB_NO_EVENT_REST 2 /* of one that began before its reader did */

struct rb_event_view {
	const void *data; /* in the ring */
	uint64_t size;    /* bytes */
	int64_t last;     /* its last slot */
};

static inline int
rb_no_event_at(int64_t sequence, uint64_t stamp)
{
	if (stamp == rb_stamp(sequence, RB_STAMP_TOMBSTONE))
		return RB_NO_EVENT_TOMBSTONE;
	return stamp == rb_stamp(sequence, RB_STAMP_REST) ? RB_NO_EVENT_REST
							  : -EBADMSG;
}

/*
 * The event that starts at `sequence`, which is at most `available`. Returns 0;
 * or RB_NO_EVENT_*, only `last` counts then; or -EBADMSG if there is no event
 * that ends within `available`.
 */
static inline int
rb_event_at(const struct rb_channel *channel, int64_t sequence,
	    int64_t available, struct rb_event_view *ret)
{
	const struct rb_frame *frame;
	uint64_t size;

	ret->last = sequence;
	if (channel->stamps != NULL) {
		/* ORDER(none, relaxed) - a wait has acquired it already. */
		uint64_t stamp = rb_word64_load_relaxed(
			rb_channel_stamp(channel, sequence));

		if (rb_unlikely(stamp != rb_stamp(sequence, RB_STAMP_EVENT)))
			return rb_no_event_at(sequence, stamp);
	}
	ret->data = rb_channel_slot(channel, sequence);
	ret->size = channel->geometry.event_size;
	if (!rb_channel_is_framed(channel))
		return 0;
	frame = ret->data;
	/* ORDER(none, relaxed) - acquired as above; copied once, then checked. */
	size = rb_word32_load_relaxed(&frame->size);
	if (rb_unlikely(size > channel->geometry.event_size))
		return -EBADMSG;
	ret->size = size;
	ret->data = frame + 1;
	ret->last = sequence +
		    rb_geometry_frame_slots(&channel->geometry, size) - 1;
	return rb_likely(ret->last <= available) ? 0 : -EBADMSG;
}

#endif
