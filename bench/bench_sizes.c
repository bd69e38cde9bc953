/* SPDX-License-Identifier: MIT */
/*
 * bench_sizes.c - events of 8 B to 64 KiB, one by one, in a ring of 16 MiB
 */
#include <stdio.h>

#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/rivals.h"
#include "bench/setup.h"

#define RING_SIZE ((size_t)16 << 20)

static const size_t sizes[] = { 8, 64, 256, 1024, 4096, 16384, 65536 };

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static char names[N_SIZES][16];
static char floor_names[N_SIZES][32];

static void
start_daemon(void)
{
	char config[N_SIZES * 80] = "";
	size_t at = 0;

	for (unsigned i = 0; i < N_SIZES; i++) {
		snprintf(names[i], sizeof(names[i]), "%zu", sizes[i]);
		snprintf(floor_names[i], sizeof(floor_names[i]), "floor-%zu",
			 sizes[i]);
		at += (size_t)snprintf(
			config + at, sizeof(config) - at,
			"  %s: { slots: %zu, event_size: %zu }\n", names[i],
			RING_SIZE / sizes[i], sizes[i]);
	}
	bench_start_daemon(config);
}

static void
enter(struct bench_entries *entries, struct bench_flow *flow, unsigned i)
{
	*flow = bench_flow_one_to_one(names[i], "busy_spin", sizes[i], 1);
	bench_enter_flow(entries, names[i], "ringbus, busy_spin", flow);
	entries->all[entries->n - 1].x = (double)sizes[i];
	bench_enter_floor(entries, floor_names[i], "an ideal SPSC queue",
			  floor_spsc,
			  (struct bench_stream){ .size = sizes[i],
						 .batch = 1,
						 .ring_size = RING_SIZE });
	entries->all[entries->n - 1].x = (double)sizes[i];
}

int
main(void)
{
	struct bench_entries entries = { .n = 0 };
	struct bench_flow flows[N_SIZES];

	start_daemon();
	for (unsigned i = 0; i < N_SIZES; i++)
		enter(&entries, &flows[i], i);
	bench_contest_run(&(struct bench_contest){
		.id = "sizes",
		.title = "event sizes, unicast, one by one, ring of 16 MiB",
		.unit = "M/s",
		.x_name = "bytes",
		.contestants = entries.all,
		.n = entries.n,
	});
	return 0;
}
