/* SPDX-License-Identifier: MIT */
/*
 * gating.c - see gating.h
 */
#include "shm/gating.h"

#include "shm/clear.h"

/* A minimum and the set that it was taken of. */
struct snapshot {
	int64_t minimum;
	int blocker;
	uint64_t mask;
	uint32_t version;
};

static void
take_minimum(const struct rb_channel *channel, int64_t floor,
	     struct snapshot *ret)
{
	ret->minimum = floor;
	ret->blocker = RB_NOBODY;
	for (uint64_t mask = ret->mask; mask != 0; mask &= mask - 1) {
		int i = __builtin_ctzll(mask);
		/* ORDER(commit, acquire) - the consumer's reads of the slots up
		 * to here are done before we write them again; pairs with
		 * rb_barrier_commit(). */
		int64_t sequence = rb_seq_load_acquire(
			&channel->gates->consumers[i].sequence);

		if (sequence < ret->minimum) {
			ret->minimum = sequence;
			ret->blocker = i;
		}
	}
}

static struct snapshot
take_snapshot(const struct rb_channel *channel, int64_t floor)
{
	const struct rb_meta_control *control = &channel->meta->control;
	struct snapshot s;
	uint32_t after;

	/* ORDER(membership, acquire) - the set belongs to this version; pairs
	 * with rb_graph_publish(). */
	after = rb_word32_load_acquire(&control->version);
	do {
		s.version = after;
		/* ORDER(membership, acquire) - before the sequences are read. */
		s.mask = rb_word64_load_acquire(&control->gating);
		take_minimum(channel, floor, &s);
		/* ORDER(membership, acquire) - after they were read: had one
		 * joined meanwhile, the others' progress must not count. */
		after = rb_word32_load_acquire(&control->version);
	} while (rb_unlikely(after != s.version));
	return s;
}

/* Somebody to name who is not at fault, but near. */
static int
who_clears(const struct rb_channel *channel, const struct snapshot *s)
{
	int owner = rb_clear_owner(channel);

	if (owner >= 0)
		return owner;
	return s->mask != 0 ? __builtin_ctzll(s->mask) : 0;
}

static void
bound_by_clearing(const struct rb_channel *channel, struct snapshot *s)
{
	int64_t cleared = rb_clear_bound(channel, s->mask != 0);

	if (cleared >= s->minimum)
		return;
	s->minimum = cleared;
	s->blocker = who_clears(channel, s);
}

int64_t
rb_gating_minimum(const struct rb_channel *channel, int64_t known,
		  int64_t floor, int *ret_blocker)
{
	struct snapshot s = take_snapshot(channel, floor);

	if (rb_unlikely(channel->clear != RB_CLEAR_NONE))
		bound_by_clearing(channel, &s);
	*ret_blocker = s.blocker;
	return s.minimum > known ? s.minimum : known;
}

int64_t
rb_gating_read(const struct rb_channel *channel, uint32_t *ret_version)
{
	struct snapshot s = take_snapshot(channel, RB_SEQUENCE_MAX);

	*ret_version = s.version;
	return s.blocker == RB_NOBODY ? RB_SEQUENCE_INITIAL : s.minimum;
}

static bool
is_failed(const struct rb_channel *channel, int index)
{
	/* ORDER(none, relaxed) - it tells, nothing depends on it. */
	return rb_word32_load_relaxed(&channel->gates->consumers[index].run) ==
	       RB_RUN_FAILED;
}

static bool
has_failed(const struct rb_channel *channel, unsigned index)
{
	/* ORDER(none, relaxed) - as above. */
	uint64_t workers = rb_word64_load_relaxed(
		&channel->meta->consumers[index].workers);

	if (workers == 0)
		return is_failed(channel, (int)index);
	for (; workers != 0; workers &= workers - 1)
		if (!is_failed(channel, __builtin_ctzll(workers)))
			return false;
	return true;
}

static int64_t
sequence_of(const struct rb_channel *channel, unsigned index)
{
	/* ORDER(none, relaxed) - as above. */
	return rb_seq_load_relaxed(&channel->gates->consumers[index].sequence);
}

bool
rb_gating_is_stuck(const struct rb_channel *channel, unsigned index)
{
	uint64_t left = UINT64_C(1) << index, seen = 0;

	for (; left != 0; left &= ~seen) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		seen |= UINT64_C(1) << i;
		if (sequence_of(channel, i) > sequence_of(channel, index))
			continue; /* that one does not stop it */
		if (has_failed(channel, i))
			return true;
		/* ORDER(none, relaxed) - as above. */
		left |= rb_word64_load_relaxed(
			&channel->meta->consumers[i].deps);
	}
	return false;
}
