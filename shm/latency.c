/* SPDX-License-Identifier: MIT */
/*
 * latency.c - see latency.h
 */
#include "shm/latency.h"

#include "shm/count.h"

int64_t
rb_latency_bound(unsigned bucket)
{
	unsigned exponent;

	if (bucket < RB_LATENCY_EXACT)
		return (int64_t)bucket;
	if (bucket >= RB_LATENCY_BUCKETS - 1)
		return INT64_MAX;
	exponent = bucket / 8 + 2;
	return (((int64_t)(bucket % 8) + 9) << (exponent - 3)) - 1;
}

void
rb_latency_stamp(const struct rb_channel *channel, int64_t lo, int64_t hi)
{
	uint64_t now = (uint64_t)rb_clock_ns();

	for (int64_t i = lo; i <= hi; i++)
		/* ORDER(none, relaxed) - comes with the slot's bytes. */
		rb_word64_store_relaxed(rb_channel_time(channel, i), now);
}

static bool
is_event(const struct rb_channel *c, int64_t sequence)
{
	if (c->stamps == NULL)
		return true;
	/* ORDER(none, relaxed) - the wait has acquired it. */
	return rb_word64_load_relaxed(rb_channel_stamp(c, sequence)) ==
	       rb_stamp(sequence, RB_STAMP_EVENT);
}

void
rb_latency_note(const struct rb_channel *channel, unsigned index, int64_t lo,
		int64_t hi)
{
	struct rb_latency *latency = &channel->latencies[index];
	int64_t now = rb_clock_ns();
	uint64_t sum = 0;

	for (int64_t i = lo; i <= hi; i++) {
		int64_t ns;

		if (!is_event(channel, i))
			continue;
		/* ORDER(none, relaxed) - as the slot's bytes. */
		ns = now - rb_seq_bounded((int64_t)rb_word64_load_relaxed(
				   rb_channel_time(channel, i)));
		rb_count_add(&latency->counts[rb_latency_bucket(ns)], 1);
		sum += ns > 0 ? (uint64_t)ns : 0;
	}
	rb_count_add(&latency->sum_ns, sum);
}

void
rb_latency_reset(const struct rb_channel *channel, unsigned index)
{
	struct rb_latency *latency = &channel->latencies[index];

	rb_count_set(&latency->sum_ns, 0);
	for (unsigned i = 0; i < RB_LATENCY_BUCKETS; i++)
		rb_count_set(&latency->counts[i], 0);
}
