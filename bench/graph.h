/* SPDX-License-Identifier: MIT */
/*
 * graph.h - one producer and three consumers in some order, beside the pairs that
 * it is made of
 *
 * No event can pass through four processes faster than through the slowest two of
 * them. On a machine with fewer than four cores, some of them share one: so there
 * is a pair apart, on two cores, and a pair together, on one.
 */
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H

/*
 * Runs the contest. `consumers` is the YAML of the channel's consumers, whose
 * names are first, second and third; 8 Ki slots, as LMAX has them.
 */
void bench_graph_run(const char *id, const char *title, const char *consumers);

#endif
