/* SPDX-License-Identifier: MIT */
/*
 * bench_ping_pong.c - an event there and one back
 *
 * LMAX's PingPong, spinning and blocking; the next event goes out when the last
 * has come back.
 */
#include "bench/contest.h"
#include "bench/pong.h"
#include "bench/setup.h"

static void
run_spinning(void)
{
	const struct bench_contestant contestants[] = {
		{ .id = "ringbus",
		  .name = "ringbus, busy_spin",
		  .run_latency = bench_pong_run,
		  .context = (void *)"busy_spin" },
		{ .id = "ringbus-yielding",
		  .name = "ringbus, yielding",
		  .run_latency = bench_pong_run,
		  .context = (void *)"yielding" },
	};
	const struct bench_contest contest = {
		.id = "ping-pong",
		.title = "ping-pong, 8 B, spinning",
		.unit = "ns",
		.less_is_better = true,
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	};

	bench_contest_run(&contest);
}

static void
run_blocking(void)
{
	const struct bench_contestant contestants[] = {
		{ .id = "ringbus",
		  .name = "ringbus, blocking",
		  .run_latency = bench_pong_run,
		  .context = (void *)"blocking" },
	};
	const struct bench_contest contest = {
		.id = "ping-pong-blocking",
		.title = "ping-pong, 8 B, blocking",
		.unit = "ns",
		.less_is_better = true,
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	};

	bench_contest_run(&contest);
}

int
main(void)
{
	bench_start_daemon("  ping: { slots: 1024, event_size: 8 }\n"
			   "  pong: { slots: 1024, event_size: 8 }\n");
	run_spinning();
	run_blocking();
	return 0;
}
