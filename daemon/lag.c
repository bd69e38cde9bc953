/* SPDX-License-Identifier: MIT */
/*
 * lag.c - see lag.h
 */
#include "daemon/lag.h"

#include "daemon/entry.h"
#include "shm/sequencer.h"

int64_t
rb_lag_sequence(const struct rb_channel *channel, unsigned index)
{
	/* ORDER(none, relaxed) - a figure to judge by. */
	return rb_seq_bounded(rb_seq_load_relaxed(
		&channel->gates->consumers[index].sequence));
}

static int64_t
claimed(const struct rb_channel *channel)
{
	/* ORDER(none, relaxed) - only bounds what can be there. */
	return rb_seq_bounded(rb_seq_load_relaxed(&channel->ring->claimed));
}

/* All that is published, of several producers from `known` on up to `limit`. */
static int64_t
published(const struct rb_channel *channel, int64_t known, int64_t limit)
{
	int64_t last;

	if (!rb_channel_is_multi(channel))
		/* ORDER(publish, acquire) - before the consumer's sequence is
		 * read, so that it is never too far behind. */
		return rb_seq_bounded(
			rb_seq_load_acquire(&channel->ring->published));
	last = claimed(channel);
	return rb_seq_bounded(
		rb_multi_frontier(channel, known, last < limit ? last : limit));
}

/* How far those that it waits for have come. */
static int64_t
slowest(const struct rb_channel *channel, uint64_t deps)
{
	int64_t minimum = claimed(channel);

	for (; deps != 0; deps &= deps - 1) {
		int i = __builtin_ctzll(deps);
		/* ORDER(commit, acquire) - before the dependant's sequence is
		 * read, as above. */
		int64_t sequence = rb_seq_bounded(rb_seq_load_acquire(
			&channel->gates->consumers[i].sequence));

		if (sequence < minimum)
			minimum = sequence;
	}
	return minimum;
}

/* Looks no further than `limit` where that takes long. */
static int64_t
measure(const struct rb_channel *channel, unsigned index, int64_t limit)
{
	uint64_t deps = rb_entry_deps(&channel->meta->consumers[index]);
	int64_t known = rb_lag_sequence(channel, index);
	int64_t available = deps != 0 ? slowest(channel, deps)
				      : published(channel, known, limit);
	int64_t sequence = rb_lag_sequence(channel, index);
	/* What was published behind it nobody may read.
	 * ORDER(none, relaxed) - only bounds what can be there. */
	int64_t end = rb_seq_load_relaxed(&channel->meta->control.end);

	if (available > end)
		available = end;
	return available > sequence ? available - sequence : 0;
}

int64_t
rb_lag(const struct rb_channel *channel, unsigned index)
{
	return measure(channel, index, RB_SEQUENCE_MAX);
}

bool
rb_lag_exceeds(const struct rb_channel *channel, unsigned index, int64_t n)
{
	int64_t sequence = rb_lag_sequence(channel, index);

	if (claimed(channel) - sequence <= n)
		return false;
	/* What it reads meanwhile only makes us look at too little. */
	return measure(channel, index, sequence + n + 1) > n;
}

int64_t
rb_lag_published(const struct rb_channel *channel)
{
	return published(channel, RB_SEQUENCE_INITIAL, RB_SEQUENCE_MAX);
}
