/* SPDX-License-Identifier: MIT */
/*
 * place.c - see place.h
 */
#include "bench/place.h"

#include <math.h>
#include <stdlib.h>

#define DISTANCE_MAX 2.0 /* a probe beside one of the same place: as a ratio */

/* Of the probe that is farthest from the place. */
static double
find_distance(const struct bench_round *round, unsigned n_probes, double place)
{
	double distance = 1;

	for (unsigned i = 0; i < n_probes; i++) {
		double ratio = round->probes_ns[i] / place;

		distance = fmax(distance, fmax(ratio, 1 / ratio));
	}
	return distance;
}

static int
compare(const void *a, const void *b)
{
	double x = ((const struct bench_round *)a)->distance;
	double y = ((const struct bench_round *)b)->distance;

	return (x > y) - (x < y);
}

/* Sorts the rounds by their distance from this place; returns that of the last
 * that would count. */
static double
sort_by_distance(struct bench_results *results, unsigned n_probes, double place)
{
	for (unsigned r = 0; r < results->n_rounds; r++)
		results->rounds[r].distance = find_distance(&results->rounds[r],
							    n_probes, place);
	qsort(results->rounds, results->n_rounds, sizeof(results->rounds[0]),
	      compare);
	return results->rounds[BENCH_ROUNDS - 1].distance;
}

bool
bench_place_settle(struct bench_results *results, unsigned n_probes)
{
	double places[BENCH_ROUNDS_MAX], best = 0, least = INFINITY;

	for (unsigned r = 0; r < results->n_rounds; r++)
		places[r] = results->rounds[r].probes_ns[0];
	for (unsigned r = 0; r < results->n_rounds; r++) {
		double distance = sort_by_distance(results, n_probes,
						   places[r]);

		if (distance < least) {
			least = distance;
			best = places[r];
		}
	}
	return sort_by_distance(results, n_probes, best) <= DISTANCE_MAX;
}
