/* SPDX-License-Identifier: MIT */
/*
 * again.c - see again.h
 *
 * Between two events may lie tombstones, which the tap passes over as a consumer does,
 * and what was overwritten, which it counts.
 */
#include "client/bridge/again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/bridge/frame.h"
#include "client/bridge/log.h"

void
again_end(struct again *a)
{
	ringbus_tap_close(a->tap);
	free(a->buffer);
	memset(a, 0, sizeof(*a));
	a->last = -1;
}

void
again_begin(struct again *a, struct ringbus *bus, const char *channel,
	    int64_t first, int64_t last)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	int err;

	again_end(a);
	a->next = first;
	a->last = last;
	o.from = first;
	err = ringbus_tap_open(bus, channel, &o, &a->tap);
	if (err < 0)
		log_warning("cannot look at what was exported: %s",
			    ringbus_strerror(err));
}

/* Reads what lies at or behind `next`: 0, or -ENODATA if there is no more. */
static int
read_tap(struct again *a, struct ringbus_event *ret)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct frame_kind kind;
	size_t size = 0;
	int64_t sequence;

	if (a->tap == NULL)
		return -ENODATA;
	ringbus_channel_info(ringbus_tap_channel(a->tap), &info);
	if (a->buffer == NULL)
		a->buffer = malloc(info.event_size);
	if (a->buffer == NULL)
		return -ENOMEM;
	sequence = ringbus_tap_read(a->tap, a->buffer, info.event_size, &size,
				    RINGBUS_NOW);
	if (sequence < 0 || sequence > a->last)
		return -ENODATA;
	frame_kind_of(&info, &kind);
	*ret = (struct ringbus_event){ a->buffer, size, sequence, sequence };
	if (kind.framing == RINGBUS_FRAMED)
		ret->last += frame_event_slots(&kind, size) - 1;
	return 0;
}

static int
tell_gap(struct again *a, int64_t last, struct ringbus_event *ret)
{
	*ret = (struct ringbus_event){ .sequence = a->next, .last = last };
	a->next = last + 1;
	return AGAIN_GAP;
}

static int
tell_event(struct again *a, struct ringbus_event *ret)
{
	*ret = a->held;
	a->has_held = false;
	a->next = ret->last + 1;
	return AGAIN_EVENT;
}

int
again_next(struct again *a, struct ringbus_event *ret)
{
	int64_t lost = a->lost;
	bool is_first = a->buffer == NULL;
	int err;

	if (a->has_held)
		return tell_event(a, ret);
	if (!again_is_on(a))
		return 0;
	err = read_tap(a, &a->held);
	if (err == -ENODATA)
		return tell_gap(a, a->last, ret);
	if (err < 0)
		return err;
	a->has_held = true;
	a->lost = ringbus_tap_lost(a->tap);
	if (a->held.sequence > a->next && (is_first || a->lost > lost))
		return tell_gap(a, a->held.sequence - 1, ret);
	return tell_event(a, ret);
}
