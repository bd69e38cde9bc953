/* SPDX-License-Identifier: MIT */
/*
 * results.h - what the rounds of a contest have found, on its way from those that
 * run it to those that tell
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "bench/contest.h"
#include "bench/latency.h"
#include "bench/machine.h"

/* By contestant. */
struct bench_round {
	double figures[BENCH_CONTESTANTS_MAX]; /* of latencies the median */
	double p99s[BENCH_CONTESTANTS_MAX];
	/* Of the trips as they were, without those that were late. */
	double p50s_raw[BENCH_CONTESTANTS_MAX];
	double p99s_raw[BENCH_CONTESTANTS_MAX];
	struct bench_latency *latencies[BENCH_CONTESTANTS_MAX]; /* corrected */
	double gains[BENCH_CONTESTANTS_MAX]; /* to BENCH_BEFORE */
	/* Before each run, and after the last. */
	double probes_ns[BENCH_CONTESTANTS_MAX + 1];
	double noises[BENCH_CONTESTANTS_MAX + 1];
	double distance; /* from where most rounds were, see place.h */
};

struct bench_results {
	struct bench_round
		rounds[BENCH_ROUNDS_MAX]; /* those that count first */
	unsigned n_rounds;
	bool is_settled; /* they agree on where the cores are */
	double steal_percent;
	int64_t ns[BENCH_CONTESTANTS_MAX]; /* events in a run; < 0: left out */
	const char *whys[BENCH_CONTESTANTS_MAX];
};

/* Prints the table and records it. */
void bench_results_tell(const struct bench_contest *contest,
			const struct bench_results *results);

#endif
