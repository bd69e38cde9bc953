/* SPDX-License-Identifier: MIT */
/*
 * backlog.c - what the journal has for a consumer that starts there
 *
 * In the journal a sequence that is in no event and in no hole was a tombstone.
 * Beyond what every consumer before us has read nothing is handed out: what is no
 * longer in the ring, producers have overwritten, so all have read it; from then on
 * the place that is held tells.
 *
 * What is not there yet, whoever writes the journal owes: his gate says how far he
 * is. If he is not there for a while, or is beyond it, that is an error and no gap.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/replay.h"
#include "shm/base.h"

/* So long a journal may be gone: as a service manager takes to start it again. */
#define PATIENCE_NS INT64_C(2000000000)

/* An event of the ring lies in a line of its own; so does its copy. */
#define COPY_ALIGN 64

int
rb_replay_fail(struct rb_replay *r, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
	return err;
}

/* ----------------------------------------------------------- from the journal */

/* The first segment of the channel's generation, of those that can be read. 1, 0 or
 * an errno. */
static int
find_epoch(struct rb_replay *r, uint64_t generation,
	   struct ringbus_segment *ret)
{
	int found;

	for (unsigned i = 0;; i++) {
		*ret = (struct ringbus_segment){ .size = sizeof(*ret) };
		found = ringbus_journal_segment(r->journal, i, ret);
		if (found == -EBADMSG || found == -EPROTONOSUPPORT)
			continue; /* what was there will be missing */
		if (found <= 0 || ret->generation == generation)
			return found;
	}
}

int64_t
rb_replay_open_journal(struct rb_replay *r, const char *dir,
		       uint64_t generation)
{
	struct ringbus_segment first;
	int found = 0;

	if (r->journal == NULL)
		found = ringbus_journal_open(dir, &r->journal);
	if (found < 0)
		return rb_replay_fail(r, found,
				      "%s: no journal to begin in: %s", dir,
				      ringbus_strerror(found));
	found = find_epoch(r, generation, &first);
	if (found < 0)
		return rb_replay_fail(r, found, "%s",
				      ringbus_journal_error(r->journal));
	if (found == 0)
		return rb_replay_fail(r, -ENODATA,
				      "%s: nothing in this journal is of the "
				      "channel as it is now, which was made "
				      "anew: `ringbusctl journal replay` reads "
				      "what was before",
				      dir);
	r->epoch = first.epoch;
	return first.first;
}

/* Whether what the journal says next is of our epoch still. */
static bool
is_ours(struct rb_replay *r)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };

	return ringbus_journal_place(r->journal, &place) == 0 &&
	       place.epoch == r->epoch;
}

/* 1; 0 at the end for now; or an errno. */
static int
read_on(struct rb_replay *r, struct rb_range *ret)
{
	int found;

	do
		found = ringbus_journal_next(r->journal, &ret->slots);
	while (found == RINGBUS_JOURNAL_EPOCH && is_ours(r));
	switch (found) {
	case RINGBUS_JOURNAL_EVENT:
		ret->kind = 1;
		return 1;
	case RINGBUS_JOURNAL_HOLE:
		ret->kind = RB_STEP_LOST;
		return 1;
	case RINGBUS_JOURNAL_EPOCH: /* the channel was made anew */
		r->is_over = true;
		return 0;
	case RINGBUS_JOURNAL_DAMAGE:
		found = -EBADMSG;
		break;
	default:
		break;
	}
	return found == 0 ? 0
			  : rb_replay_fail(r, found, "%s",
					   ringbus_journal_error(r->journal));
}

/* Whether there is something ahead that is not all before `at`, nor an event that
 * begins before it. */
static bool
is_ahead(struct rb_replay *r)
{
	const struct ringbus_event *e = &r->ahead.slots;

	if (r->is_ahead && r->ahead.kind == 1 && e->sequence < r->at &&
	    e->last >= r->at)
		r->at = e->last + 1;
	r->is_ahead = r->is_ahead && e->last >= r->at;
	return r->is_ahead;
}

/* What lies at `at`, up to `limit`; an event may end behind it. As read_on(). */
static int
next_range(struct rb_replay *r, int64_t limit, struct rb_range *ret)
{
	struct ringbus_event *e = &ret->slots;
	int found = 1;

	while (!is_ahead(r) && r->at <= limit) {
		if (r->is_over)
			return 0;
		found = read_on(r, &r->ahead);
		if (found <= 0)
			return found;
		r->is_ahead = true;
	}
	if (r->at > limit)
		return 0;
	*ret = r->ahead;
	if (e->sequence > r->at) {
		ret->kind = RB_STEP_GAP;
		e->last = e->sequence - 1;
	}
	e->sequence = r->at;
	if (ret->kind != 1 && e->last > limit)
		e->last = limit;
	r->at = e->last + 1;
	return 1;
}

static int
keep_copy(struct ringbus_consumer *c, struct ringbus_event *event)
{
	const struct rb_geometry *g = &c->attachment.channel.shm.geometry;
	struct rb_replay *r = c->replay;
	char *copy = r->bytes + r->used;

	if (event->size > g->event_size)
		return rb_replay_fail(r, -EBADMSG,
				      "the journal has an event of %zu bytes, "
				      "and the channel none above %llu",
				      event->size,
				      (unsigned long long)g->event_size);
	memcpy(copy, event->data, event->size);
	event->data = copy;
	r->used += rb_round_up(event->size, COPY_ALIGN);
	return 0;
}

static bool
has_room(const struct ringbus_consumer *c)
{
	const struct rb_replay *r = c->replay;

	return r->n_items < RB_REPLAY_ITEMS &&
	       r->bytes_size - r->used >=
		       c->attachment.channel.shm.geometry.event_size;
}

/* 1 if something was read, 0, or an errno, which may be behind something. */
static int
fill_from_journal(struct ringbus_consumer *c, int64_t limit)
{
	struct rb_replay *r = c->replay;
	int found = 1;

	if (r->at != c->next) {
		found = ringbus_journal_seek(r->journal, r->epoch, c->next);
		if (found == -ERANGE) /* the journal is not there yet */
			return 0;
		if (found < 0)
			return rb_replay_fail(
				r, found, "%s",
				ringbus_journal_error(r->journal));
		r->at = c->next;
		r->is_ahead = false;
		r->is_over = false;
		found = 1;
	}
	while (found > 0 && has_room(c)) {
		struct rb_range *item = &r->items[r->n_items];

		found = next_range(r, limit, item);
		if (found > 0 && item->kind == 1)
			found = keep_copy(c, &item->slots) < 0 ? -EBADMSG : 1;
		r->n_items += found > 0;
	}
	return found < 0 ? found : r->n_items > 0;
}

/* --------------------------------------------------------------- what is owing */

/* Whoever writes the journal, as this channel knows him. */
static bool
find_writer(const struct ringbus_consumer *c, struct ringbus_member *ret)
{
	*ret = (struct ringbus_member){ .size = sizeof(*ret) };
	return ringbus_channel_find(&c->attachment.channel, RINGBUS_CONSUMER,
				    c->replay->writer, ret) == 1;
}

/* The slots up to `limit` that stand as tombstones in the ring: who writes the
 * journal has nothing to write for them before the next event comes. */
static int
pass_tombstones(struct ringbus_consumer *c, int64_t limit)
{
	const struct rb_channel *channel = &c->attachment.channel.shm;
	struct rb_replay *r = c->replay;
	int64_t last = c->next - 1;

	/* ORDER(stamp, acquire) - as in barrier.c. */
	while (channel->stamps != NULL && last < limit &&
	       rb_word64_load_acquire(rb_channel_stamp(channel, last + 1)) ==
		       rb_stamp(last + 1, RB_STAMP_TOMBSTONE))
		last++;
	if (last < c->next)
		return 0;
	r->items[r->n_items++] = (struct rb_range){
		.kind = RB_STEP_GAP,
		.slots = { .sequence = c->next, .last = last },
	};
	r->at = last + 1;
	return 1;
}

/* It commits what it drops while its disk is full; the hole gets into the file with
 * the next segment that can be written. */
static bool
is_in_trouble(const struct ringbus_consumer *c,
	      const struct ringbus_member *writer)
{
	struct ringbus_io io = { .size = sizeof(io) };

	return ringbus_channel_io(&c->attachment.channel, RINGBUS_CONSUMER,
				  writer->index, &io) == 1 &&
	       io.up == 0;
}

/* The journal has not got what comes next, and `writer` said before that we
 * looked: 0 if it is to be waited for. */
static int
await_writer(struct ringbus_consumer *c, const struct ringbus_member *writer)
{
	bool is_there = writer->state == RINGBUS_MEMBER_ATTACHED ||
			writer->state == RINGBUS_MEMBER_PARKED;
	struct rb_replay *r = c->replay;
	int64_t now = rb_clock_ns();

	if (is_there &&
	    (writer->sequence < c->next || is_in_trouble(c, writer))) {
		r->absent_ns = 0;
		return 0;
	}
	if (r->absent_ns == 0)
		r->absent_ns = now;
	if (now - r->absent_ns < PATIENCE_NS)
		return 0;
	r->absent_ns = 0;
	if (is_there)
		return rb_replay_fail(
			r, -ENODATA,
			"consumer %s is beyond sequence %lld, and "
			"the journal has not got it: is this the "
			"folder that it writes?",
			r->writer, (long long)c->next);
	return rb_replay_fail(r, -ENODATA,
			      "the journal ends before sequence %lld, which is "
			      "no longer in the ring, and nobody is there as "
			      "consumer %s to write it: start ringbus-journal",
			      (long long)c->next, r->writer);
}

/* How far the journal is to be read now. */
static int64_t
find_limit(const struct ringbus_consumer *c)
{
	const struct rb_replay *r = c->replay;
	struct rb_event event;
	int64_t oldest, bound;

	if (!r->is_held) {
		oldest = rb_tap_oldest(&c->attachment.channel.shm);
		return oldest > c->next ? oldest - 1 : c->next;
	}
	/* ORDER(membership, acquire) - as in barrier.c. */
	if (rb_word64_load_acquire(&r->barrier.member->deps) == 0)
		return r->ring_from - 1;
	bound = rb_barrier_bound(&r->barrier, c->next, &event);
	return rb_min_i64(bound, r->ring_from - 1);
}

int
rb_backlog_fill(struct ringbus_consumer *c)
{
	struct rb_replay *r = c->replay;
	int64_t limit = find_limit(c);
	struct ringbus_member writer;
	int found;

	if (limit < c->next) /* those before us are not done */
		return 0;
	/* What it has committed is in the file, so this comes first. */
	if (!find_writer(c, &writer))
		writer.sequence = -1;
	found = fill_from_journal(c, limit);
	if (found == 0 && writer.sequence >= c->next)
		found = pass_tombstones(c, rb_min_i64(limit, writer.sequence));
	if (found == 0)
		return await_writer(c, &writer);
	r->absent_ns = 0;
	return found;
}
