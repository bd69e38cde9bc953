/* SPDX-License-Identifier: MIT */
/*
 * deliver.c - a message of the stream into the channel
 *
 * Slots of the channel are slots of the stream, one for one, so that how many of a
 * message are there already is a subtraction.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/bridge/importer.h"
#include "client/bridge/log.h"
#include "client/bridge/wake.h"

#define TICK_NS INT64_C(1000000000)

/* The ring is full, or we were woken: whether to try again. */
static int
may_try_again(struct importer *m, int64_t err)
{
	importer_tick(m);
	if (wake_is_stopped())
		return -ECANCELED;
	if (err == -EAGAIN || err == -ETIMEDOUT || err == -ECANCELED)
		return 0;
	m->has_ended = err == -ESHUTDOWN;
	if (!m->has_ended)
		log_error("cannot publish: %s", ringbus_strerror(err));
	return (int)err;
}

/* Waits for room for one slot, then takes what there is, up to n. Returns the highest,
 * or an errno. */
static int64_t
claim(struct importer *m, int64_t n, int64_t *ret_lowest)
{
	for (;;) {
		int64_t last = ringbus_producer_claim_available(
			m->producer, n < m->capacity ? n : m->capacity,
			ret_lowest);
		int err;

		if (last == -EAGAIN) {
			last = ringbus_producer_claim(m->producer, 1, TICK_NS);
			*ret_lowest = last;
		}
		if (last >= 0)
			return last;
		err = may_try_again(m, last);
		if (err < 0)
			return err;
	}
}

static void
copy_events(struct importer *m, const char *from, int64_t lowest, int64_t n)
{
	size_t size = m->kind.size;
	char *slot = ringbus_producer_slot(m->producer, lowest);

	if (m->slot_size == size) {
		memcpy(slot, from, (size_t)n * size);
		return;
	}
	for (; n > 0; n--, slot += m->slot_size, from += size)
		memcpy(slot, from, size);
}

static void
note_published(struct importer *m, int64_t last)
{
	m->source_slot += last - m->published;
	m->published = last;
}

/* Events from the `at`th on. */
static int
deliver_fixed(struct importer *m, const struct frame *f, natsMsg *msg,
	      int64_t at)
{
	while (at < f->count) {
		int64_t lowest, last = claim(m, f->count - at, &lowest);
		int err;

		if (last < 0)
			return (int)last;
		copy_events(m, natsMsg_GetData(msg) + (size_t)at * f->kind.size,
			    lowest, last - lowest + 1);
		err = ringbus_producer_publish(m->producer, lowest, last);
		if (err < 0)
			return may_try_again(m, err);
		at += last - lowest + 1;
		note_published(m, last);
	}
	return 0;
}

static int
deliver_event(struct importer *m, const void *data, size_t size)
{
	void *room = NULL;
	int64_t sequence;
	int err;

	for (;;) {
		sequence = ringbus_producer_claim_event(m->producer, size,
							TICK_NS, &room);
		if (sequence >= 0)
			break;
		err = may_try_again(m, sequence);
		if (err < 0)
			return err;
	}
	if (size > 0)
		memcpy(room, data, size);
	err = ringbus_producer_publish_event(m->producer, sequence);
	if (err < 0)
		return may_try_again(m, err);
	note_published(m, sequence + frame_event_slots(&m->kind, size) - 1);
	return 0;
}

/* Events from that on which has `skip` slots in front of it. */
static int
deliver_framed(struct importer *m, const struct frame *f, natsMsg *msg,
	       int64_t skip)
{
	const void *data;
	size_t at = 0, size;
	int err = 0;

	while (err == 0 && frame_next(f, msg, &at, &data, &size) > 0) {
		int64_t slots = frame_event_slots(&f->kind, size);

		if (skip <= 0)
			err = deliver_event(m, data, size);
		else if (skip < slots)
			err = -EBADMSG;
		skip -= slots;
	}
	if (err == -EBADMSG)
		log_error("the channel has half of an event of the stream: it "
			  "was not filled from this stream alone");
	return err;
}

/* Events of the one are events of the other. */
static int
check_kind(const struct importer *m, const struct frame *f)
{
	const struct frame_kind *theirs = &f->kind, *ours = &m->kind;
	bool is_framed = ours->framing == RINGBUS_FRAMED;

	if (theirs->framing != ours->framing || theirs->size != ours->size)
		log_error("the stream has %s %" PRIu64
			  ", the channel %s %" PRIu64 ": make them the same",
			  theirs->framing == RINGBUS_FRAMED
				  ? "framed events, slot_size:"
				  : "fixed events, event_size:",
			  theirs->size,
			  is_framed ? "framed events, slot_size:"
				    : "fixed events, event_size:",
			  ours->size);
	else if (theirs->type[0] != '\0' && ours->type[0] != '\0' &&
		 strcmp(theirs->type, ours->type) != 0)
		log_error("the stream has events of type %s, the channel of "
			  "type %s",
			  theirs->type, ours->type);
	else
		return 0;
	return -EINVAL;
}

static int
tell_loss(struct importer *m, int64_t n, const char *why)
{
	log_error("LOST: %" PRId64 " slots of stream %s: %s; going on behind "
		  "them with slot %" PRId64 " of the channel",
		  n, m->setup->stream, why, m->published + 1);
	m->errors++;
	return 0;
}

/* Whether the slots of the source tell how many are missing before this message: of
 * the same generation, *ret of them; less than 0, so many are there already. */
static bool
count_missing(const struct importer *m, const struct frame *f, int64_t *ret)
{
	if (m->source_slot < 0 || m->source != f->kind.generation)
		return false;
	*ret = f->first - m->source_slot;
	return true;
}

/* What comes next is this message, but for so many slots of it. */
static int
go_on_in(struct importer *m, const struct frame *f, int64_t skip)
{
	return locate_rebase(m, f->index + skip, f->kind.generation,
			     f->first + skip);
}

/* The first message of a stream that we do not know. */
static int
begin_with(struct importer *m, const struct frame *f)
{
	int64_t n = 0;

	count_missing(m, f, &n);
	if (n > 0)
		tell_loss(m, n, "they are not in the new stream");
	return go_on_in(m, f, n < 0 ? -n : 0);
}

/* A message that lies behind what has to come, and nothing is between. */
static int
pass_hole(struct importer *m, const struct frame *f, uint64_t sequence)
{
	int64_t n = f->index - importer_index(m), by_source = n;

	/* One that exports may not have known which index comes next. */
	if (count_missing(m, f, &by_source)) {
		if (by_source < n)
			n = by_source;
	} else if (f->index == frame_index_unknown(sequence)) {
		log_warning("stream %s was empty when another generation of "
			    "the exported channel began, %" PRIx64 ": whether "
			    "all that was removed is here cannot be told",
			    m->setup->stream, f->kind.generation);
		n = 0;
	}
	if (n > 0)
		tell_loss(
			m, n,
			"the messages were removed, or became too old, before "
			"they were imported");
	return go_on_in(m, f, n < 0 ? -n : 0);
}

/* What was lost before it came to the stream; we may have some of that. */
static int
pass_gap(struct importer *m, const struct frame *f)
{
	tell_loss(m, f->index + frame_slots(f) - importer_index(m),
		  "the exporting side had lost them");
	return go_on_in(m, f, frame_slots(f));
}

/* Lost by a server that had not synced it, as the ring that it came from was. */
static int
pass_reuse(struct importer *m, const struct frame *f, int64_t done)
{
	int64_t lost = importer_index(m) - f->index - done;

	if (lost > 0)
		log_warning("stream %s has lost %" PRId64 " slots that are "
			    "here, and has others in their place: going on "
			    "with slot %" PRId64 " of generation %" PRIx64,
			    m->setup->stream, lost, f->first + done,
			    f->kind.generation);
	return go_on_in(m, f, done);
}

/* It is the one that has to come, in whole or from somewhere in it on. */
static int
deliver_from(struct importer *m, const struct frame *f, natsMsg *msg)
{
	int64_t done = importer_index(m) - f->index;
	int err = check_kind(m, f);

	if (err < 0)
		return err;
	if (f->is_gap)
		return pass_gap(m, f);
	/* Whose it is has to be known of all that is published. */
	if (f->kind.generation != m->source)
		err = go_on_in(m, f, done);
	if (err < 0)
		return err;
	m->source_slot = f->first + done;
	m->is_exact = true;
	m->bytes += natsMsg_GetDataLength(msg);
	m->messages++;
	return f->kind.framing == RINGBUS_FIXED
		       ? deliver_fixed(m, f, msg, done)
		       : deliver_framed(m, f, msg, done);
}

/* Where it does not say what we have come to: 0; or as deliver(). */
static int
come_to(struct importer *m, const struct frame *f, uint64_t sequence,
	bool is_first)
{
	int64_t done;

	if (!m->has_base)
		return begin_with(m, f);
	if (locate_is_reused(m, f, &done))
		return pass_reuse(m, f, done);
	if (f->index <= importer_index(m))
		return 0;
	/* Between two messages one may have been lost on the way. */
	return is_first ? pass_hole(m, f, sequence) : -EAGAIN;
}

int
deliver(struct importer *m, natsMsg *msg, uint64_t sequence)
{
	struct frame f;
	const char *wrong;
	bool is_first = m->is_first;
	int err;

	if (frame_read(msg, &f, &wrong) < 0) {
		stream_trouble("stream %s: message %" PRIu64
			       " is none of a bridge: %s: waiting until it is "
			       "removed",
			       m->setup->stream, sequence, wrong);
		return -EAGAIN;
	}
	m->is_first = false;
	if (f.index + frame_slots(&f) > m->stream_end)
		m->stream_end = f.index + frame_slots(&f);
	err = come_to(m, &f, sequence, is_first);
	if (err < 0)
		return err;
	m->next = sequence + 1;
	return locate_is_published(m, &f) ? 0 : deliver_from(m, &f, msg);
}
