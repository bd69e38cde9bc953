/* SPDX-License-Identifier: MIT */
/*
 * bench_scaling.c - what an event costs, by how many take part and by the ring
 *
 * Each contest varies one thing: consumers, side by side and in a chain;
 * producers; the ring, from what fits into the innermost cache to what fits into
 * none. Who is more than there are cores takes turns, and what grows is the work
 * for each. By the size of the event: bench_sizes.c. Where the curves bend and
 * why: docs/performance.md.
 */
#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/setup.h"

/* As a cost: ns for each event. */
static double
run_cost(void *flow, int64_t n)
{
	return 1e3 / bench_flow_run(flow, n);
}

#define COST(id_, name_, x_, ...)                                              \
	{                                                                      \
		.id = (id_), .name = (name_), .x = (x_), .run = run_cost,      \
		.context = &(struct bench_flow)                                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

static void
run_series(const char *id, const char *title, const char *x_name,
	   const struct bench_contestant *contestants, unsigned n)
{
	bench_contest_run(&(struct bench_contest){
		.id = id,
		.title = title,
		.unit = "ns",
		.less_is_better = true,
		.x_name = x_name,
		.contestants = contestants,
		.n = n,
	});
}

#define RUN_SERIES(id, title, x_name, contestants)                             \
	run_series(id, title, x_name, contestants,                             \
		   sizeof(contestants) / sizeof((contestants)[0]))

/* --------------------------------------------------------------- consumers */

#define CONSUMERS(id_, name_, channel_, n_, together_)                         \
	COST(id_, name_, n_, .channel = (channel_), .wait = "yielding",        \
	     .size = 8, .batch = 1, .n_producers = 1, .n_consumers = (n_),     \
	     .consumers = { "a", "b", "c", "d", "e", "f", "g", "h" },          \
	     .is_on_one_core = (together_))

#define APART "side by side"
#define CHAIN "each after the one before"
#define ALONE "side by side, all on one core"

static void
run_consumers(void)
{
	const struct bench_contestant contestants[] = {
		CONSUMERS("apart-1", APART, "single", 1, false),
		CONSUMERS("apart-2", APART, "single", 2, false),
		CONSUMERS("apart-4", APART, "single", 4, false),
		CONSUMERS("apart-8", APART, "single", 8, false),
		CONSUMERS("chain-2", CHAIN, "chain", 2, false),
		CONSUMERS("chain-4", CHAIN, "chain", 4, false),
		CONSUMERS("chain-8", CHAIN, "chain", 8, false),
		CONSUMERS("alone-1", ALONE, "single", 1, true),
		CONSUMERS("alone-2", ALONE, "single", 2, true),
		CONSUMERS("alone-4", ALONE, "single", 4, true),
		CONSUMERS("alone-8", ALONE, "single", 8, true),
	};

	RUN_SERIES("scaling-consumers", "an event of 8 B, by consumers",
		   "consumers", contestants);
}

/* --------------------------------------------------------------- producers */

#define PRODUCERS(id_, name_, channel_, n_, batch_)                            \
	COST(id_, name_, n_, .channel = (channel_), .wait = "yielding",        \
	     .size = 8, .batch = (batch_), .n_producers = (n_),                \
	     .n_consumers = 1, .consumers = { "a" })

#define SINGLE "producers: single"
#define MULTI "producers: multi"
#define TENS "producers: multi, in tens"

static void
run_producers(void)
{
	const struct bench_contestant contestants[] = {
		PRODUCERS("single-1", SINGLE, "single", 1, 1),
		PRODUCERS("multi-1", MULTI, "multi", 1, 1),
		PRODUCERS("multi-2", MULTI, "multi", 2, 1),
		PRODUCERS("multi-4", MULTI, "multi", 4, 1),
		PRODUCERS("tens-1", TENS, "multi", 1, 10),
		PRODUCERS("tens-2", TENS, "multi", 2, 10),
		PRODUCERS("tens-4", TENS, "multi", 4, 10),
	};

	RUN_SERIES("scaling-producers", "an event of 8 B, by producers",
		   "producers", contestants);
}

/* ---------------------------------------------------------------- the ring */

#define RING(id_, name_, kib_, channel_, size_, together_)                     \
	COST(id_, name_, kib_, .channel = (channel_),                          \
	     .wait = (together_) ? "yielding" : "busy_spin", .size = (size_),  \
	     .batch = 1, .n_producers = 1, .n_consumers = 1,                   \
	     .consumers = { "a" }, .is_on_one_core = (together_))

#define SMALL "8 B"
#define LINE "64 B"
#define LARGE "1 KiB"
#define LINE_ALONE "64 B, both on one core"

static void
run_rings(void)
{
	const struct bench_contestant contestants[] = {
		RING("8-512b", SMALL, 0.5, "8x64", 8, false),
		RING("8-512k", SMALL, 512, "single", 8, false),
		RING("8-32m", SMALL, 32768, "8x4Mi", 8, false),
		RING("64-4k", LINE, 4, "64x64", 64, false),
		RING("64-64k", LINE, 64, "64x1Ki", 64, false),
		RING("64-1m", LINE, 1024, "64x16Ki", 64, false),
		RING("64-64m", LINE, 65536, "64x1Mi", 64, false),
		RING("1k-64k", LARGE, 64, "1Kix64", 1024, false),
		RING("1k-1m", LARGE, 1024, "1Kix1Ki", 1024, false),
		RING("1k-16m", LARGE, 16384, "1Kix16Ki", 1024, false),
		RING("1k-128m", LARGE, 131072, "1Kix128Ki", 1024, false),
		RING("alone-4k", LINE_ALONE, 4, "64x64", 64, true),
		RING("alone-64k", LINE_ALONE, 64, "64x1Ki", 64, true),
		RING("alone-1m", LINE_ALONE, 1024, "64x16Ki", 64, true),
		RING("alone-64m", LINE_ALONE, 65536, "64x1Mi", 64, true),
	};

	RUN_SERIES("scaling-ring", "an event, by the size of its ring",
		   "ring, KiB", contestants);
}

int
main(void)
{
	bench_start_daemon(
		"  single:    { slots: 65536, event_size: 8 }\n"
		"  multi:     { slots: 65536, event_size: 8, producers: multi"
		" }\n"
		"  chain:     { slots: 65536, event_size: 8, consumers: { a: "
		"{},"
		" b: { after: [a] }, c: { after: [b] }, d: { after: [c] },"
		" e: { after: [d] }, f: { after: [e] }, g: { after: [f] },"
		" h: { after: [g] } } }\n"
		"  8x64:      { slots: 64, event_size: 8 }\n"
		"  8x4Mi:     { slots: 4194304, event_size: 8 }\n"
		"  64x64:     { slots: 64, event_size: 64 }\n"
		"  64x1Ki:    { slots: 1024, event_size: 64 }\n"
		"  64x16Ki:   { slots: 16384, event_size: 64 }\n"
		"  64x1Mi:    { slots: 1048576, event_size: 64 }\n"
		"  1Kix64:    { slots: 64, event_size: 1024 }\n"
		"  1Kix1Ki:   { slots: 1024, event_size: 1024 }\n"
		"  1Kix16Ki:  { slots: 16384, event_size: 1024 }\n"
		"  1Kix128Ki: { slots: 131072, event_size: 1024 }\n");
	run_consumers();
	run_producers();
	run_rings();
	return 0;
}
