/* SPDX-License-Identifier: MIT */
/*
 * place.h - which rounds agree on where the two cores are
 *
 * A virtual core may move in the middle of a run. What is known of it are the
 * probes. Each place that was seen is tried, and the rounds ordered by the probe of
 * theirs that is farthest from it: where the seventh is nearest, most rounds were.
 */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

#include <stdbool.h>

#include "bench/results.h"

/* Puts the BENCH_ROUNDS rounds first that agree best, by n_probes of each; says
 * whether that is good enough. */
bool bench_place_settle(struct bench_results *results, unsigned n_probes);

#endif
