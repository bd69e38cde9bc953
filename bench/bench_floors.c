/* SPDX-License-Identifier: MIT */
/*
 * bench_floors.c - the floors alone
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/floor.h"

#define TRIPS 200000
#define WAKES 4000

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
show_trips(const char *name, void (*trips)(int64_t *ret_ns, int n, size_t size),
	   int n, size_t size)
{
	static int64_t ns[TRIPS];

	trips(ns, n, size);
	qsort(ns, (size_t)n, sizeof(ns[0]), compare);
	printf("%-24s %6zu B  p50 %8" PRId64 " ns  p99 %8" PRId64 " ns\n", name,
	       size, ns[n / 2], ns[n - n / 100 - 1]);
}

static void
show(const char *name, double (*run)(const struct bench_stream *),
     struct bench_stream stream)
{
	double figures[5];

	for (int i = 0; i < 5; i++)
		figures[i] = run(&stream);
	printf("%-24s %6zu B  batch %4" PRId64 "  ring %9zu  %8.2f %8.2f %8.2f"
	       " %8.2f %8.2f M/s\n",
	       name, stream.size, stream.batch, stream.ring_size, figures[0],
	       figures[1], figures[2], figures[3], figures[4]);
}

int
main(void)
{
	show_trips("line", floor_line_ping_pong, TRIPS, 8);
	show_trips("line", floor_line_ping_pong, TRIPS, 64);
	show_trips("futex", floor_futex_ping_pong, WAKES, 8);
	show("spsc", floor_spsc, (struct bench_stream){ 20000000, 8, 1, 0 });
	show("spsc", floor_spsc, (struct bench_stream){ 10000000, 64, 1, 0 });
	show("claim", floor_claim, (struct bench_stream){ 6000000, 8, 1, 0 });
	show("claim", floor_claim, (struct bench_stream){ 6000000, 56, 1, 0 });
	show("stream", floor_stream,
	     (struct bench_stream){ 40000000, 8, 16, 1 << 20 });
	for (size_t ring = 128 << 10; ring <= 64 << 20; ring *= 2)
		for (int64_t batch = 1; batch <= 16; batch *= 16)
			show("stream", floor_stream,
			     (struct bench_stream){ 300000, 1024, batch,
						    ring });
	return 0;
}
