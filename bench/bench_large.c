/* SPDX-License-Identifier: MIT */
/*
 * bench_large.c - one producer, one consumer, events of 1 KiB and 4 KiB
 *
 * They are written and read where they lie, in a ring of 16 MiB. Beside them the
 * same stream without all that a ring is besides, through rings of many sizes: what
 * is best depends on where a line is when its reader comes.
 */
#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/rivals.h"
#include "bench/setup.h"

static void
enter_streams(struct bench_entries *entries, size_t size)
{
	static const struct {
		const char *id, *name;
		size_t size;
	} rings[] = {
		{ "floor-stream-16m", "a stream, ring of 16 MiB", 16 << 20 },
		{ "floor-stream-128k", "a stream, ring of 128 KiB", 128 << 10 },
		{ "floor-stream-1m", "a stream, ring of 1 MiB", 1 << 20 },
		{ "floor-stream-2m", "a stream, ring of 2 MiB", 2 << 20 },
		{ "floor-stream-4m", "a stream, ring of 4 MiB", 4 << 20 },
		{ "floor-stream-8m", "a stream, ring of 8 MiB", 8 << 20 },
		{ "floor-stream-64m", "a stream, ring of 64 MiB", 64 << 20 },
	};

	for (unsigned i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		bench_enter_floor(
			entries, rings[i].id, rings[i].name, floor_stream,
			(struct bench_stream){ .size = size,
					       .batch = 1,
					       .ring_size = rings[i].size });
}

static void
send(const char *id, const char *title, const char *channel, size_t size)
{
	struct bench_flow flow = bench_flow_one_to_one(channel, "busy_spin",
						       size, 1);
	struct bench_entries entries = { .n = 0 };

	enter_streams(&entries, size);
	bench_enter_flow(&entries, "ringbus", "ringbus, busy_spin", &flow);
	bench_enter_peers(&entries, size);
	bench_compete(&entries, id, title);
}

int
main(void)
{
	bench_start_daemon("  1k: { slots: 16384, event_size: 1024 }\n"
			   "  4k: { slots: 4096, event_size: 4096 }\n");
	send("unicast-1k", "unicast, 1 KiB, written in place", "1k", 1024);
	send("unicast-4k", "unicast, 4 KiB, written in place", "4k", 4096);
	return 0;
}
