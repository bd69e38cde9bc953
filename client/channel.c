/* SPDX-License-Identifier: MIT */
/*
 * channel.c - looks at a mapped channel: what it is and how far it has come
 *
 * Numbers are read one after another while everybody goes on, so they may not
 * belong to the same instant; none of them is ever used as an address.
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"
#include "shm/count.h"
#include "shm/hole.h"

int64_t
rb_cursor_of(const struct rb_channel *c)
{
	/* ORDER(none, relaxed) - to look at, no data is read by it. */
	return rb_seq_bounded(
		rb_channel_is_multi(c)
			? rb_seq_load_relaxed(&c->ring->claimed)
			: rb_seq_load_relaxed(&c->ring->published));
}

bool
rb_is_gating(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_word64_load_relaxed(&c->meta->control.gating) >> index & 1;
}

int64_t
rb_sequence_of(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_seq_bounded(
		rb_seq_load_relaxed(&c->gates->consumers[index].sequence));
}

/* The slowest gating consumer; where slots are cleared before they are free, how
 * far that has come. */
static int64_t
gating_of(const struct rb_channel *c, int64_t cursor)
{
	int64_t gating = cursor;
	bool gates = false;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		if (!rb_is_gating(c, i))
			continue;
		gates = true;
		if (rb_sequence_of(c, i) < gating)
			gating = rb_sequence_of(c, i);
	}
	if (!gates || c->clear == RB_CLEAR_NONE)
		return gating;
	/* ORDER(none, relaxed) - to look at. */
	return rb_seq_bounded(rb_seq_load_relaxed(&c->gates->clear.done));
}

static int64_t
broken_of(const struct rb_channel *c)
{
	int64_t sequence = rb_channel_broken_at(c);

	return sequence == RB_SEQUENCE_MAX ? -1 : sequence;
}

/* Never 0 while it is paused. */
static int64_t
paused_ns_of(const struct rb_channel *c)
{
	/* ORDER(none, relaxed) - to look at. */
	int64_t ns = (int64_t)rb_word64_load_relaxed(
		&c->meta->control.paused_ns);

	return ns > 0 ? ns : 1;
}

int
ringbus_channel_hole(const struct ringbus_channel *channel,
		     struct ringbus_hole *ret)
{
	static const int states[] = {
		[RB_INTENT_IDLE] = RINGBUS_HOLE_UNKNOWN,
		[RB_INTENT_CLAIMING] = RINGBUS_HOLE_CLAIMING,
		[RB_INTENT_CLAIMED] = RINGBUS_HOLE_CLAIMED,
	};
	struct rb_hole hole;

	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (channel->shm.disinherited)
		return -ECHILD;
	if (!rb_hole_find(&channel->shm, &hole))
		return 0;
	*ret = (struct ringbus_hole){ .size = sizeof(*ret),
				      .sequence = hole.sequence,
				      .first = hole.first,
				      .last = hole.last,
				      .producer = hole.producer,
				      .state = states[hole.state] };
	return 1;
}

int
ringbus_channel_info(const struct ringbus_channel *channel,
		     struct ringbus_info *ret)
{
	const struct rb_channel *c = &channel->shm;
	const struct rb_geometry *g = &c->geometry;
	struct ringbus_info info = { .size = sizeof(info) };
	uint32_t stream;

	if (ret->size != sizeof(info))
		return -EINVAL;
	if (c->disinherited)
		return -ECHILD;
	rb_copy_name(info.name, c->meta->header.name);
	rb_copy_name(info.type, c->meta->header.type);
	info.type_version = c->meta->header.type_version;
	info.generation = c->generation;
	info.slots = g->slots;
	info.slot_size = g->slot_size;
	info.event_size = g->event_size;
	info.history = g->history;
	info.memory = rb_geometry_total(g);
	info.framing = (int)g->framing;
	info.producers = (int)g->producers;
	info.wait = (int)c->wait + 1;
	info.clear = c->clear != RB_CLEAR_NONE;
	/* ORDER(none, relaxed) - to look at. */
	stream = rb_word32_load_relaxed(&c->meta->control.stream);
	info.ended = !rb_stream_is_open(stream);
	if (stream == RB_STREAM_PAUSED)
		info.paused_ns = paused_ns_of(c);
	info.strict = c->strict;
	info.latency = c->times != NULL;
	info.isolation = (int)c->isolation;
	info.broken = broken_of(c);
	info.repairs = rb_count_of(&c->meta->control.counters.repairs);
	info.tombstones = rb_count_of(&c->meta->control.counters.tombstones);
	/* ORDER(none, relaxed) - to look at. */
	info.stuck_after_ns = (int64_t)rb_word64_load_relaxed(
		&c->meta->control.stuck_after_ns);
	info.cursor = rb_cursor_of(c);
	info.gating = gating_of(c, info.cursor);
	info.damaged = rb_channel_is_broken(c);
	info.ended |= info.damaged;
	*ret = info;
	return 0;
}
