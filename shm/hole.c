/* SPDX-License-Identifier: MIT */
/*
 * hole.c - see hole.h
 */
#include "shm/hole.h"

#include "shm/claim.h"
#include "shm/gating.h"
#include "shm/sequencer.h"

/* Producers may fill a hole while we look whose it is; so often we look again. */
#define TRIES 16

static int64_t
claimed_of(const struct rb_channel *c)
{
	/* ORDER(intent, acquire) - before the records: whoever claimed up to
	 * here has said so in his. */
	return rb_seq_bounded(rb_seq_load_acquire(&c->ring->claimed));
}

static bool
is_producer(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - to look at. */
	uint32_t state = rb_word32_load_relaxed(
		&c->meta->producers[index].state);

	return state == RB_MEMBER_ATTACHED || state == RB_MEMBER_DYING;
}

static bool
is_in(const struct rb_claim *claim, int64_t sequence)
{
	return claim->state == RB_INTENT_CLAIMED && sequence >= claim->lo &&
	       sequence <= claim->hi;
}

/* Whose is it? One that has claimed and not yet written down what is only known
 * for it if it is the only one. */
static struct rb_hole
find_owner(const struct rb_channel *c, int64_t sequence)
{
	struct rb_hole hole = { .sequence = sequence,
				.first = sequence,
				.last = sequence,
				.producer = -1 };

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++) {
		struct rb_claim claim;

		if (!is_producer(c, i))
			continue;
		claim = rb_claim_read(c, i);
		if (is_in(&claim, sequence)) {
			hole.producer = (int)i;
			hole.state = RB_INTENT_CLAIMED;
			hole.first = claim.lo;
			hole.last = claim.hi;
		}
		if (claim.state == RB_INTENT_CLAIMING)
			hole.claiming |= UINT64_C(1) << i;
	}
	if (hole.producer >= 0 || hole.claiming == 0)
		return hole;
	hole.state = RB_INTENT_CLAIMING;
	if ((hole.claiming & (hole.claiming - 1)) == 0)
		hole.producer = __builtin_ctzll(hole.claiming);
	return hole;
}

bool
rb_hole_find(const struct rb_channel *channel, struct rb_hole *ret)
{
	if (!rb_channel_is_multi(channel))
		return false;
	for (int i = 0; i < TRIES; i++) {
		int64_t claimed = claimed_of(channel);
		int64_t frontier = rb_multi_frontier(
			channel, RB_SEQUENCE_INITIAL, claimed);

		if (frontier >= claimed)
			return false;
		*ret = find_owner(channel, frontier + 1);
		if (!rb_multi_is_stamped(channel, frontier + 1))
			return true;
	}
	return false;
}

bool
rb_hole_is_in_the_way(const struct rb_channel *channel,
		      const struct rb_hole *hole)
{
	int64_t claimed = claimed_of(channel);
	int64_t limit = hole->sequence + (int64_t)channel->geometry.slots;

	for (int64_t i = hole->last + 1; i <= claimed && i < limit; i++)
		if (rb_multi_is_stamped(channel, i))
			return true;
	return false;
}

bool
rb_hole_has_room(const struct rb_channel *channel, const struct rb_hole *hole)
{
	const struct rb_geometry *g = &channel->geometry;
	int blocker;
	int64_t minimum = rb_gating_minimum(channel, RB_SEQUENCE_INITIAL,
					    hole->sequence - 1, &blocker);

	return hole->last - minimum <= (int64_t)(g->slots - g->history);
}
