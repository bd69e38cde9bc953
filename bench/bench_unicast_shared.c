/* SPDX-License-Identifier: MIT */
/*
 * bench_unicast_shared.c - the same through the shared library, of which programs
 * have what ringbus.h inlines
 */
#include "bench/rivals.h"
#include "bench/setup.h"

int
main(void)
{
	struct bench_flow one = bench_flow_one_to_one("8", "busy_spin", 8, 1);
	struct bench_flow tens = bench_flow_one_to_one("8", "busy_spin", 8, 10);
	struct bench_entries entries = { .n = 0 };

	bench_start_daemon("  8: { slots: 65536, event_size: 8 }\n");
	bench_enter_floor(&entries, "floor-spsc", "an ideal SPSC queue",
			  floor_spsc,
			  (struct bench_stream){ .size = 8, .batch = 1 });
	bench_enter_flow(&entries, "ringbus", "ringbus, one by one", &one);
	bench_enter_flow(&entries, "ringbus-batch", "ringbus, in tens", &tens);
	bench_compete(&entries, "unicast-8-shared",
		      "unicast, 8 B, through the shared library");
	return 0;
}
