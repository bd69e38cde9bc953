/* SPDX-License-Identifier: MIT */
/*
 * gating.c - see gating.h
 */
#include "shm/gating.h"

static int64_t
minimum_of(const struct rb_channel *channel, uint64_t mask, int64_t floor,
	   int *ret_blocker)
{
	int64_t minimum = floor;

	*ret_blocker = RB_NOBODY;
	while (mask != 0) {
		int i = __builtin_ctzll(mask);
		/* ORDER(commit, acquire) - the consumer's reads of the slots up
		 * to here are done before we write them again; pairs with
		 * rb_barrier_commit(). */
		int64_t sequence = rb_seq_load_acquire(
			&channel->gates->consumers[i].sequence);

		if (sequence < minimum) {
			minimum = sequence;
			*ret_blocker = i;
		}
		mask &= mask - 1;
	}
	return minimum;
}

int64_t
rb_gating_minimum(const struct rb_channel *channel, int64_t known,
		  int64_t floor, int *ret_blocker)
{
	const struct rb_meta_control *control = &channel->meta->control;
	uint32_t before, after;
	int64_t minimum;

	/* ORDER(membership, acquire) - the set belongs to this version; pairs
	 * with publish_graph() in member.c. */
	after = rb_word32_load_acquire(&control->version);
	do {
		uint64_t mask;

		before = after;
		/* ORDER(membership, acquire) - before the sequences are read. */
		mask = rb_word64_load_acquire(&control->gating);
		minimum = minimum_of(channel, mask, floor, ret_blocker);
		/* ORDER(membership, acquire) - after they were read: had one
		 * joined meanwhile, the others' progress must not count. */
		after = rb_word32_load_acquire(&control->version);
	} while (rb_unlikely(after != before));
	return minimum > known ? minimum : known;
}
