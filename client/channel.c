/* SPDX-License-Identifier: MIT */
/*
 * channel.c - looks at a mapped channel: what it is, who is in it, how far
 * everybody has come
 *
 * Numbers are read one after another while everybody goes on, so they may not
 * belong to the same instant; none of them is ever used as an address.
 */
#include <errno.h>
#include <string.h>

#include "client/internal.h"

static int64_t
cursor_of(const struct rb_channel *c)
{
	/* ORDER(none, relaxed) - to look at, no data is read by it. */
	return rb_channel_is_multi(c)
		       ? rb_seq_load_relaxed(&c->ring->claimed)
		       : rb_seq_load_relaxed(&c->ring->published);
}

static bool
is_gating(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_word64_load_relaxed(&c->meta->control.gating) >> index & 1;
}

static int64_t
sequence_of(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - to look at. */
	return rb_seq_load_relaxed(&c->gates->consumers[index].sequence);
}

int
ringbus_channel_info(const struct ringbus_channel *channel,
		     struct ringbus_info *ret)
{
	const struct rb_channel *c = &channel->shm;
	const struct rb_geometry *g = &c->geometry;
	struct ringbus_info info = { .size = sizeof(info) };

	if (ret->size != sizeof(info))
		return -EINVAL;
	memcpy(info.name, c->meta->header.name, sizeof(info.name));
	info.name[sizeof(info.name) - 1] = '\0';
	info.generation = c->generation;
	info.slots = g->slots;
	info.slot_size = g->slot_size;
	info.event_size = g->event_size;
	info.history = g->history;
	info.memory = rb_geometry_total(g);
	info.framing = (int)g->framing;
	info.producers = (int)g->producers;
	info.wait = (int)c->wait + 1;
	/* ORDER(none, relaxed) - to look at. */
	info.ended = rb_word32_load_relaxed(&c->meta->control.stream) !=
		     RB_STREAM_OPEN;
	info.cursor = cursor_of(c);
	info.gating = info.cursor;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (is_gating(c, i) && sequence_of(c, i) < info.gating)
			info.gating = sequence_of(c, i);
	*ret = info;
	return 0;
}

static int
public_state(const struct rb_member *m)
{
	/* ORDER(membership, acquire) - who is shown as attached misses nothing
	 * that is published afterwards. */
	uint32_t state = rb_word32_load_acquire(&m->state);
	/* ORDER(none, relaxed) - to look at. */
	bool declared = rb_word32_load_relaxed(&m->declared) != 0;

	switch (state) {
	case RB_MEMBER_ATTACHED:
		return RINGBUS_MEMBER_ATTACHED;
	case RB_MEMBER_ABSENT:
		return RINGBUS_MEMBER_ABSENT;
	case RB_MEMBER_DYING:
		return RINGBUS_MEMBER_DYING;
	default:
		return declared ? RINGBUS_MEMBER_DECLARED : 0;
	}
}

/* What producers and consumers have in common; 0 if nobody is there. */
static int
describe(const struct rb_member *m, unsigned index, int role,
	 struct ringbus_member *ret)
{
	*ret = (struct ringbus_member){ .size = sizeof(*ret) };
	ret->state = public_state(m);
	if (ret->state == 0)
		return 0;
	memcpy(ret->name, m->name, sizeof(ret->name));
	ret->name[sizeof(ret->name) - 1] = '\0';
	ret->index = index;
	ret->role = role;
	ret->sequence = RB_SEQUENCE_INITIAL;
	/* ORDER(none, relaxed) - to look at. */
	ret->pid = rb_word32_load_relaxed(&m->pid);
	ret->after = rb_word64_load_relaxed(&m->after);
	return 1;
}

/* Both are other people's words: a difference may not fit. */
static int64_t
lag_of(int64_t cursor, int64_t sequence)
{
	uint64_t lag = (uint64_t)cursor - (uint64_t)sequence;

	return lag < INT64_MAX ? (int64_t)lag : INT64_MAX;
}

int
rb_describe_consumer(const struct rb_channel *c, unsigned index,
		     struct ringbus_member *ret)
{
	const struct rb_gate *gate = &c->gates->consumers[index];
	int64_t cursor = cursor_of(c);

	if (!describe(&c->meta->consumers[index], index, RINGBUS_CONSUMER, ret))
		return 0;
	ret->gates = is_gating(c, index);
	ret->sequence = sequence_of(c, index);
	if (cursor > ret->sequence && ret->sequence >= RB_SEQUENCE_INITIAL &&
	    ret->state != RINGBUS_MEMBER_DECLARED)
		ret->lag = lag_of(cursor, ret->sequence);
	/* ORDER(none, relaxed) - statistics. */
	ret->sleeps = rb_word64_load_relaxed(&gate->sleeps);
	ret->missed = rb_word64_load_relaxed(&gate->missed);
	ret->wakes = rb_word64_load_relaxed(&gate->wakes);
	return 1;
}

static int
describe_producer(const struct rb_channel *c, unsigned index,
		  struct ringbus_member *ret)
{
	const struct rb_handle *handle = &c->ring->handles[index];

	if (!describe(&c->meta->producers[index], index, RINGBUS_PRODUCER, ret))
		return 0;
	if (!rb_channel_is_multi(c))
		ret->sequence = cursor_of(c);
	/* ORDER(none, relaxed) - statistics. */
	ret->sleeps = rb_word64_load_relaxed(&handle->sleeps);
	ret->missed = rb_word64_load_relaxed(&handle->missed);
	ret->wakes = rb_word64_load_relaxed(&handle->wakes);
	return 1;
}

int
ringbus_channel_member(const struct ringbus_channel *channel, int role,
		       unsigned index, struct ringbus_member *ret)
{
	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (role == RINGBUS_CONSUMER)
		return index < RB_CONSUMERS_MAX
			       ? rb_describe_consumer(&channel->shm, index, ret)
			       : 0;
	if (role != RINGBUS_PRODUCER)
		return -EINVAL;
	return index < RB_PRODUCERS_MAX
		       ? describe_producer(&channel->shm, index, ret)
		       : 0;
}
