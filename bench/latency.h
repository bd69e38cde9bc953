/* SPDX-License-Identifier: MIT */
/*
 * latency.h - times as a histogram whose buckets are at most 0.8 % wide, as those
 * of HdrHistogram
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/* Values up to 2^40 ns: eighteen minutes. */
#define BENCH_LATENCY_BUCKETS (34 * 128 + 128)

struct bench_latency {
	int64_t n;
	int64_t counts[BENCH_LATENCY_BUCKETS];
};

/*
 * Adds a time. If more than expected_ns, also all those that nobody could measure
 * meanwhile: one that was due expected_ns after the first and so would have taken
 * so much less, and so on (HdrHistogram's correction for coordinated omission).
 * Not with expected_ns 0.
 */
void bench_latency_add(struct bench_latency *latency, int64_t ns,
		       int64_t expected_ns);

/* Adds all of another. */
void bench_latency_merge(struct bench_latency *latency,
			 const struct bench_latency *other);

/* The time that `percent` of all don't exceed; 0 if there are none. */
double bench_latency_at(const struct bench_latency *latency, double percent);

#endif
