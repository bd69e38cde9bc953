/* SPDX-License-Identifier: MIT */
/*
 * graph.c - see graph.h
 *
 * One that is not there, or for whom nobody waits, is passed over: in its place
 * stand those that it comes after. So a stage that is gone lets nobody pass the
 * stages before it, and relieves none of them from holding producers back.
 */
#include "shm/graph.h"

#include "shm/clear.h"
#include "shm/entry.h"
#include "shm/place.h"

/* Has a sequence that others wait for. */
static bool
is_waited_for(const struct rb_member *m)
{
	uint32_t state = rb_entry_get(&m->state);

	return state != RB_MEMBER_FREE && state != RB_MEMBER_EVICTED &&
	       rb_entry_get(&m->slow) != RB_SLOW_LOSSY &&
	       rb_entry_get(&m->parked) == 0 &&
	       rb_entry_get(&m->worker_of) == 0;
}

static uint64_t
after_of(const struct rb_meta *meta, int index)
{
	return rb_entry_get64(&meta->consumers[index].after);
}

/* Who counts, and who of them may have a dependant that is ahead of it. */
struct sets {
	uint64_t active;
	uint64_t behind;
};

static struct sets
find_sets(const struct rb_meta *meta)
{
	struct sets sets = { 0 };

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = &meta->consumers[i];

		if (!is_waited_for(m))
			continue;
		sets.active |= UINT64_C(1) << i;
		if (rb_entry_get(&m->behind) != 0)
			sets.behind |= UINT64_C(1) << i;
	}
	return sets;
}

/* To wait for one that may be ahead of whom it waits for is not enough. */
static uint64_t
find_deps(const struct rb_meta *meta, unsigned index, struct sets sets)
{
	uint64_t left = after_of(meta, (int)index);
	uint64_t seen = 0;

	for (uint64_t next = left; next != 0; next = left & ~seen) {
		int i = __builtin_ctzll(next);

		seen |= UINT64_C(1) << i;
		if ((sets.active >> i & 1) == 0 ||
		    (after_of(meta, i) & sets.behind) != 0)
			left |= after_of(meta, i);
	}
	return seen & sets.active;
}

static unsigned
place_in_graph(const struct rb_meta *meta, unsigned index)
{
	uint32_t of = rb_entry_get(&meta->consumers[index].worker_of);

	return of == 0 ? index : of - 1;
}

uint64_t
rb_graph_deps(const struct rb_meta *meta, unsigned index)
{
	return find_deps(meta, place_in_graph(meta, index), find_sets(meta));
}

/* The leaves, and who may be behind one that waits for it. */
static uint64_t
find_gating(const struct rb_meta *meta, struct sets sets)
{
	uint64_t gating = sets.active;

	for (uint64_t m = sets.active; m != 0; m &= m - 1)
		gating &= ~find_deps(meta, (unsigned)__builtin_ctzll(m), sets);
	return gating | sets.behind;
}

/* Nobody gates, and from now on somebody does. */
static bool
begins_to_gate(const struct rb_channel *c, uint64_t gating)
{
	return rb_entry_get64(&c->meta->control.gating) == 0 && gating != 0;
}

void
rb_graph_publish(struct rb_channel *channel)
{
	struct rb_meta *meta = channel->meta;
	struct sets sets = find_sets(meta);
	uint64_t gating = find_gating(meta, sets);
	bool skips = channel->clear != RB_CLEAR_NONE &&
		     begins_to_gate(channel, gating);

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		unsigned place = place_in_graph(meta, i);

		/* ORDER(membership, release) - the place of the stage that is
		 * waited for, to the one that waits. */
		rb_word64_store_release(&meta->consumers[i].deps,
					find_deps(meta, place, sets));
	}
	if (skips)
		rb_clear_skip(channel, rb_place_frontier(channel));
	/* ORDER(membership, release) - the places of the consumers in it. */
	rb_word64_store_release(&meta->control.gating, gating);
	/* ORDER(membership, acq_rel) - the set, to producers that look twice. */
	rb_word32_add_acq_rel(&meta->control.version, 1);
	if (rb_membarrier() < 0)
		/* ORDER(membership, seq_cst) - producers of a channel without
		 * membarrier fence on their own. */
		rb_fence_seq_cst();
	if (skips)
		rb_clear_skip(channel, rb_place_frontier(channel));
}

void
rb_graph_bequeath(struct rb_meta *meta, unsigned index)
{
	uint64_t bit = UINT64_C(1) << index;
	uint64_t inherited = after_of(meta, (int)index) & ~bit;

	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		uint64_t after = after_of(meta, i);

		if ((after & bit) != 0)
			rb_entry_put64(&meta->consumers[i].after,
				       (after & ~bit) | inherited);
	}
	/* Last, for a next daemon begins again where somebody still comes after
	 * `index`. */
	rb_entry_put64(&meta->consumers[index].after, 0);
}
