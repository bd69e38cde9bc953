/* SPDX-License-Identifier: MIT */
/*
 * latency.h - how long events take from their publish to a consumer's commit
 *
 * Of a channel with `latency` each slot has a time beside it, which its producer
 * writes before the publish makes both visible. A consumer that commits looks at
 * the clock once and counts what it commits, slot by slot, into a histogram of its
 * own in `gates`. The buckets are log-linear: of each power of two eight, so that a
 * bucket is at most an eighth of its values wide; up to RB_LATENCY_EXACT each value
 * has its own.
 *
 * Only events count: no tombstones, which have no time, and of a framed event its
 * first slot. Readers that may be overtaken do not take part, as the time that they
 * would read may be a later event's. Times are CLOCK_MONOTONIC's, so that processes
 * have to be of one time namespace; what lies in the future counts as nothing.
 */
#ifndef RB_LATENCY_H
#define RB_LATENCY_H

#include "shm/channel.h"

/* The bucket of a time in nanoseconds, whatever it is. */
static inline unsigned
rb_latency_bucket(int64_t ns)
{
	unsigned exponent;

	if (ns < RB_LATENCY_EXACT)
		return ns > 0 ? (unsigned)ns : 0;
	exponent = 63 - (unsigned)__builtin_clzll((uint64_t)ns);
	if (exponent > RB_LATENCY_EXPONENT_MAX)
		return RB_LATENCY_BUCKETS - 1;
	return (exponent - 2) * 8 + ((unsigned)(ns >> (exponent - 3)) & 7);
}

/* The largest time in this bucket; of the last one INT64_MAX. */
int64_t rb_latency_bound(unsigned bucket);

/* Slots lo..hi are about to be published. */
void rb_latency_stamp(const struct rb_channel *channel, int64_t lo, int64_t hi);

/* The events in lo..hi, which nobody may overwrite yet, are about to be committed
 * by consumer `index`. */
void rb_latency_note(const struct rb_channel *channel, unsigned index,
		     int64_t lo, int64_t hi);

void rb_latency_reset(const struct rb_channel *channel, unsigned index);

#endif
