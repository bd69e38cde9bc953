/* SPDX-License-Identifier: MIT */
/*
 * again.c - see again.h
 *
 * The journal gives all it has in one piece; where that ends, for whatever reason, the
 * tap goes on. Around the events may lie tombstones, which both pass over as a consumer
 * does, and what was overwritten, which the tap counts.
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
	ringbus_journal_close(a->journal);
	ringbus_tap_close(a->tap);
	free(a->buffer);
	memset(a, 0, sizeof(*a));
	a->last = -1;
}

/* At `next` of that generation; or there is no journal to ask. */
static void
open_journal(struct again *a)
{
	struct ringbus_journal_info info = { .size = sizeof(info) };
	int err = ringbus_journal_open(a->from.journal, &a->journal);

	if (err == 0)
		err = ringbus_journal_info(a->journal, &info);
	if (err == 0 && info.generation != a->from.generation)
		err = -ESTALE;
	if (err == 0)
		err = ringbus_journal_seek(a->journal, 0, a->next);
	if (err == 0)
		return;
	log_warning("the journal in %s does not help: %s", a->from.journal,
		    ringbus_strerror(err));
	ringbus_journal_close(a->journal);
	a->journal = NULL;
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

/* What is left has no events. */
static int
tell_end(struct again *a)
{
	a->next = a->last + 1;
	return 0;
}

/* AGAIN_EVENT; or 0, and then no more is asked of it. */
static int
next_of_journal(struct again *a, struct ringbus_event *ret)
{
	int found = a->journal == NULL
			    ? RINGBUS_JOURNAL_END
			    : ringbus_journal_next(a->journal, &a->held);

	if (found == RINGBUS_JOURNAL_EVENT && a->held.sequence >= a->next &&
	    a->held.last <= a->last)
		return tell_event(a, ret);
	ringbus_journal_close(a->journal);
	a->journal = NULL;
	return found == RINGBUS_JOURNAL_EVENT && a->held.sequence > a->last
		       ? tell_end(a)
		       : 0;
}

/* No earlier than it is asked, so that all that it loses is what we want. */
static int
open_tap(struct again *a)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	int err;

	if (a->tap != NULL)
		return 0;
	o.from = a->next;
	err = ringbus_tap_open(a->from.bus, a->from.channel, &o, &a->tap);
	if (err < 0)
		log_warning("cannot look at what was exported: %s",
			    ringbus_strerror(err));
	return err;
}

/* The next event: 0; -ENODATA if there is none up to `last`, or another errno. */
static int
read_tap(struct again *a, struct ringbus_event *ret)
{
	struct ringbus_info info = { .size = sizeof(info) };
	struct frame_kind kind;
	size_t size = 0;
	int64_t sequence;
	int err = open_tap(a);

	if (err < 0)
		return err;
	ringbus_channel_info(ringbus_tap_channel(a->tap), &info);
	if (a->buffer == NULL)
		a->buffer = malloc(info.event_size);
	if (a->buffer == NULL)
		return -ENOMEM;
	sequence = ringbus_tap_read(a->tap, a->buffer, info.event_size, &size,
				    RINGBUS_NOW);
	if (sequence > a->last || sequence == -EAGAIN || sequence == -ESHUTDOWN)
		return -ENODATA;
	if (sequence < 0)
		return (int)sequence;
	frame_kind_of(&info, &kind);
	*ret = (struct ringbus_event){ a->buffer, size, sequence, sequence };
	if (kind.framing == RINGBUS_FRAMED)
		ret->last += frame_event_slots(&kind, size) - 1;
	return 0;
}

static int
next_of_tap(struct again *a, struct ringbus_event *ret)
{
	int64_t lost = a->lost;
	int err = read_tap(a, &a->held);

	if (err == -ENOMEM)
		return err;
	a->lost = a->tap != NULL ? ringbus_tap_lost(a->tap) : 0;
	if (err == -ENODATA && a->lost == lost)
		return tell_end(a);
	if (err < 0)
		return tell_gap(a, a->last, ret);
	a->has_held = true;
	return a->held.sequence > a->next && a->lost > lost
		       ? tell_gap(a, a->held.sequence - 1, ret)
		       : tell_event(a, ret);
}

int
again_next(struct again *a, struct ringbus_event *ret)
{
	int found;

	if (a->is_ahead) {
		a->is_ahead = false;
		*ret = a->ahead;
		return a->ahead_found;
	}
	if (a->has_held)
		return tell_event(a, ret);
	found = again_is_on(a) ? next_of_journal(a, ret) : 0;
	return found == 0 && again_is_on(a) ? next_of_tap(a, ret) : found;
}

bool
again_begin(struct again *a, const struct again_source *from, int64_t first,
	    int64_t last)
{
	again_end(a);
	a->from = *from;
	a->next = first;
	a->last = last;
	if (from->journal[0] != '\0')
		open_journal(a);
	a->ahead_found = again_next(a, &a->ahead);
	a->is_ahead = a->ahead_found != 0;
	return a->is_ahead;
}
