/* SPDX-License-Identifier: MIT */
/*
 * again.c - see again.h
 *
 * The journal gives all it has in one piece; where that ends, for whatever reason, the
 * tap goes on. Between two events may lie tombstones, which both pass over as a
 * consumer does, and what was overwritten, which the tap counts.
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
open_journal(struct again *a, const char *folder, uint64_t generation)
{
	struct ringbus_journal_info info = { .size = sizeof(info) };
	int err = ringbus_journal_open(folder, &a->journal);

	if (err == 0)
		err = ringbus_journal_info(a->journal, &info);
	if (err == 0 && info.generation != generation)
		err = -ESTALE;
	if (err == 0)
		err = ringbus_journal_seek(a->journal, 0, a->next);
	if (err == 0)
		return;
	log_warning("the journal in %s does not help: %s", folder,
		    ringbus_strerror(err));
	ringbus_journal_close(a->journal);
	a->journal = NULL;
}

void
again_begin(struct again *a, struct ringbus *bus,
	    const struct ringbus_info *channel, const char *journal,
	    int64_t first, int64_t last)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	int err;

	again_end(a);
	a->next = first;
	a->last = last;
	if (journal[0] != '\0')
		open_journal(a, journal, channel->generation);
	o.from = first;
	err = ringbus_tap_open(bus, channel->name, &o, &a->tap);
	if (err < 0)
		log_warning("cannot look at what was exported: %s",
			    ringbus_strerror(err));
}

/* The next event there: 0; or -ENODATA, and then no more is asked of it. */
static int
read_journal(struct again *a, struct ringbus_event *ret)
{
	int found = a->journal == NULL ? RINGBUS_JOURNAL_END
				       : ringbus_journal_next(a->journal, ret);

	if (found == RINGBUS_JOURNAL_EVENT && ret->sequence >= a->next &&
	    ret->last <= a->last)
		return 0;
	ringbus_journal_close(a->journal);
	a->journal = NULL;
	return -ENODATA;
}

/* The next event at or behind `next`: 0, or -ENODATA if there is no more. */
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
	do
		sequence = ringbus_tap_read(a->tap, a->buffer, info.event_size,
					    &size, RINGBUS_NOW);
	while (sequence >= 0 && sequence < a->next);
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

static int
next_of_tap(struct again *a, struct ringbus_event *ret)
{
	int64_t lost = a->lost;
	bool is_first = a->buffer == NULL;
	int err = read_tap(a, &a->held);

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

int
again_next(struct again *a, struct ringbus_event *ret)
{
	if (a->has_held)
		return tell_event(a, ret);
	if (!again_is_on(a))
		return 0;
	if (read_journal(a, &a->held) == 0)
		return tell_event(a, ret);
	return next_of_tap(a, ret);
}
