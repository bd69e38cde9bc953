/* SPDX-License-Identifier: MIT */
/*
 * bench_unicast.c - one producer, one consumer, beside all that does the same
 *
 * LMAX's OneToOneSequenced and OneToOneSequencedBatch: 64 Ki slots, the consumer
 * takes all there is, the producer publishes one by one or in batches of ten.
 */
#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/rivals.h"
#include "bench/setup.h"

static void
send_8(void)
{
	struct bench_flow spinning = bench_flow_one_to_one("8", "busy_spin", 8,
							   1);
	struct bench_flow blocking = bench_flow_one_to_one("8", "blocking", 8,
							   1);
	struct bench_flow multi = bench_flow_one_to_one("8-multi", "busy_spin",
							8, 1);
	struct bench_entries entries = { .n = 0 };

	bench_enter_floor(&entries, "floor-spsc", "an ideal SPSC queue",
			  floor_spsc, (struct bench_stream){ .size = 8 });
	bench_enter_flow(&entries, "ringbus", "ringbus, busy_spin", &spinning);
	bench_enter_flow(&entries, "ringbus-blocking", "ringbus, blocking",
			 &blocking);
	bench_enter_flow(&entries, "ringbus-multi",
			 "ringbus, busy_spin, producers: multi", &multi);
	bench_enter_peers(&entries, 8);
	bench_compete(&entries, "unicast-8", "unicast, 8 B, one by one");
}

static void
send_8_in_tens(void)
{
	struct bench_flow tens = bench_flow_one_to_one("8", "busy_spin", 8, 10);
	struct bench_entries entries = { .n = 0 };

	bench_enter_floor(&entries, "floor-spsc",
			  "an ideal SPSC queue, one by one", floor_spsc,
			  (struct bench_stream){ .size = 8 });
	bench_enter_floor(&entries, "floor-stream-16",
			  "a stream, published every 16", floor_stream,
			  (struct bench_stream){ .size = 8,
						 .batch = 16,
						 .ring_size = 1 << 20 });
	bench_enter_flow(&entries, "ringbus", "ringbus, busy_spin", &tens);
	bench_enter_peer(&entries, "boost-spsc",
			 (struct bench_stream){ .size = 8, .batch = 10 });
	bench_compete(&entries, "unicast-8-batch", "unicast, 8 B, in tens");
}

static void
send_64(void)
{
	struct bench_flow spinning = bench_flow_one_to_one("64", "busy_spin",
							   64, 1);
	struct bench_entries entries = { .n = 0 };

	bench_enter_floor(&entries, "floor-spsc", "an ideal SPSC queue",
			  floor_spsc, (struct bench_stream){ .size = 64 });
	bench_enter_flow(&entries, "ringbus", "ringbus, busy_spin", &spinning);
	bench_enter_peers(&entries, 64);
	bench_compete(&entries, "unicast-64", "unicast, 64 B, one by one");
}

int
main(void)
{
	bench_start_daemon(
		"  8: { slots: 65536, event_size: 8 }\n"
		"  8-multi: { slots: 65536, event_size: 8, producers: multi }\n"
		"  64: { slots: 65536, event_size: 64 }\n");
	send_8();
	send_8_in_tens();
	send_64();
	return 0;
}
