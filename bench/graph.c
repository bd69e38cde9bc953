/* SPDX-License-Identifier: MIT */
/*
 * graph.c - see graph.h
 */
#include "bench/graph.h"

#include <stdio.h>

#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/setup.h"

#define N_MEMBERS 4

static void
start_daemon(const char *consumers)
{
	char config[512];

	snprintf(config, sizeof(config),
		 "  pair: { slots: 8192, event_size: 8 }\n"
		 "  graph: { slots: 8192, event_size: 8, consumers: { %s } }\n",
		 consumers);
	bench_start_daemon(config);
}

void
bench_graph_run(const char *id, const char *title, const char *consumers)
{
	static const char *const names[] = { "first", "second", "third" };
	const char *wait = bench_wait_for_crowd(N_MEMBERS);
	struct bench_flow apart = bench_flow_one_to_one("pair", wait, 8, 1);
	struct bench_flow together = apart;
	struct bench_flow graph = apart;
	struct bench_contestant contestants[] = {
		{ .id = "pair-apart",
		  .name = "a pair, a core each",
		  .run = bench_flow_run,
		  .context = &apart },
		{ .id = "pair-together",
		  .name = "a pair on one core",
		  .run = bench_flow_run,
		  .context = &together },
		{ .id = "ringbus",
		  .name = "ringbus, four processes",
		  .run = bench_flow_run,
		  .context = &graph },
	};
	char full_title[128];

	together.is_on_one_core = true;
	graph.channel = "graph";
	graph.n_consumers = 3;
	for (int i = 0; i < 3; i++)
		graph.consumers[i] = names[i];
	snprintf(full_title, sizeof(full_title),
		 "%s, 8 B, one by one; four processes on %d cores, %s", title,
		 bench_n_cpus() < N_MEMBERS ? bench_n_cpus() : N_MEMBERS, wait);
	start_daemon(consumers);
	bench_contest_run(&(struct bench_contest){
		.id = id,
		.title = full_title,
		.unit = "M/s",
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	});
}
