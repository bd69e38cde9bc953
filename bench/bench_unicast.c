/* SPDX-License-Identifier: MIT */
/*
 * bench_unicast.c - one producer, one consumer
 *
 * LMAX's OneToOneSequenced and OneToOneSequencedBatch: 64 Ki slots, the consumer
 * takes all there is, the producer publishes one by one or in batches of ten.
 */
#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/setup.h"

#define FLOW(channel_, wait_, size_, batch_)                                   \
	&(struct bench_flow)                                                   \
	{                                                                      \
		.channel = channel_, .wait = wait_, .size = size_,             \
		.batch = batch_, .n_producers = 1, .n_consumers = 1,           \
		.consumers = {                                                 \
			"sink"                                                 \
		}                                                              \
	}

static void
run_8(void)
{
	const struct bench_contestant contestants[] = {
		{ .id = "ringbus",
		  .name = "ringbus, busy_spin",
		  .run = bench_flow_run,
		  .context = FLOW("single-8", "busy_spin", 8, 1) },
		{ .id = "ringbus-batch",
		  .name = "ringbus, tens, busy_spin",
		  .run = bench_flow_run,
		  .context = FLOW("single-8", "busy_spin", 8, 10) },
		{ .id = "ringbus-blocking",
		  .name = "ringbus, blocking",
		  .run = bench_flow_run,
		  .context = FLOW("single-8", "blocking", 8, 1) },
	};
	const struct bench_contest contest = {
		.id = "unicast-8",
		.title = "unicast, 8 B, one by one",
		.unit = "M/s",
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	};

	bench_contest_run(&contest);
}

int
main(void)
{
	bench_start_daemon("  single-8: { slots: 65536, event_size: 8 }\n");
	run_8();
	return 0;
}
