/* SPDX-License-Identifier: MIT */
/*
 * latency.c - see latency.h
 */
#include "bench/latency.h"

#include <math.h>

/* The first 256 buckets hold one value each; from there on an octave has 128. */
static int
find_bucket(int64_t ns)
{
	uint64_t value = ns < 0 ? 0 : (uint64_t)ns;
	int shift = 0, bucket;

	if (value >= 256)
		shift = 56 - __builtin_clzll(value);
	bucket = shift > 33 ? BENCH_LATENCY_BUCKETS - 1
			    : shift * 128 + (int)(value >> shift);
	return bucket;
}

/* The middle of a bucket. */
static double
value_of(int bucket)
{
	int shift = bucket < 256 ? 0 : bucket / 128 - 1;
	double lowest = ldexp(bucket - shift * 128, shift);

	return lowest + (ldexp(1, shift) - 1) / 2;
}

static void
count(struct bench_latency *latency, int64_t ns)
{
	latency->counts[find_bucket(ns)]++;
	latency->n++;
}

void
bench_latency_add(struct bench_latency *latency, int64_t ns,
		  int64_t expected_ns)
{
	count(latency, ns);
	if (expected_ns <= 0)
		return;
	for (ns -= expected_ns; ns >= expected_ns; ns -= expected_ns)
		count(latency, ns);
}

void
bench_latency_merge(struct bench_latency *latency,
		    const struct bench_latency *other)
{
	for (int i = 0; i < BENCH_LATENCY_BUCKETS; i++)
		latency->counts[i] += other->counts[i];
	latency->n += other->n;
}

double
bench_latency_at(const struct bench_latency *latency, double percent)
{
	double wanted = ceil((double)latency->n * percent / 100);
	int64_t seen = 0;

	if (latency->n == 0)
		return 0;
	if (wanted < 1)
		wanted = 1;
	for (int i = 0; i < BENCH_LATENCY_BUCKETS; i++) {
		seen += latency->counts[i];
		if ((double)seen >= wanted)
			return value_of(i);
	}
	return value_of(BENCH_LATENCY_BUCKETS - 1);
}
