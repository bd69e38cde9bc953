/* SPDX-License-Identifier: MIT */
/*
 * bench_fan_out.c - one producer, and 1, 2, 4 and 8 consumers that read all
 */
#include <stdio.h>

#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/setup.h"

#define N_POINTS 4

int
main(void)
{
	const char *wait = bench_wait_for_crowd(1 << (N_POINTS - 1));
	struct bench_contestant contestants[N_POINTS];
	struct bench_flow flows[N_POINTS];
	static const char *const ids[] = { "1", "2", "4", "8" };
	char name[64];

	snprintf(name, sizeof(name), "ringbus, %s", wait);
	for (int i = 0; i < N_POINTS; i++) {
		flows[i] = (struct bench_flow){
			.channel = "fan",
			.wait = wait,
			.size = 8,
			.batch = 1,
			.n_producers = 1,
			.n_consumers = 1 << i,
			.consumers = { "a", "b", "c", "d", "e", "f", "g", "h" },
		};
		contestants[i] = (struct bench_contestant){
			.id = ids[i],
			.name = name,
			.run = bench_flow_run,
			.context = &flows[i],
			.x = flows[i].n_consumers,
		};
	}
	bench_start_daemon("  fan: { slots: 8192, event_size: 8 }\n");
	bench_contest_run(&(struct bench_contest){
		.id = "fan-out",
		.title = "fan-out, 8 B, one by one",
		.unit = "M/s",
		.x_name = "consumers",
		.contestants = contestants,
		.n = N_POINTS,
	});
	return 0;
}
