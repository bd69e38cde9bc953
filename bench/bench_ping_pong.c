/* SPDX-License-Identifier: MIT */
/*
 * bench_ping_pong.c - an event there and one back
 *
 * LMAX's PingPong: the next event goes out when the last has come back. Once with
 * both sides awake all the time, and once as they are who may sleep.
 */
#include "bench/contest.h"
#include "bench/pong.h"
#include "bench/rivals.h"
#include "bench/setup.h"

static void
enter(struct bench_entries *entries, const char *id, const char *name,
      const char *wait)
{
	bench_enter(entries, &(struct bench_contestant){
				     .id = id,
				     .name = name,
				     .run_latency = bench_pong_run,
				     .context = (void *)wait,
			     });
}

static void
compete(const char *id, const char *title, const struct bench_entries *entries)
{
	bench_contest_run(&(struct bench_contest){
		.id = id,
		.title = title,
		.unit = "ns",
		.less_is_better = true,
		.contestants = entries->all,
		.n = entries->n,
	});
}

static void
play_spinning(void)
{
	struct bench_entries entries = { .n = 0 };

	bench_enter_trips(&entries, "floor-line", "a bare cache line",
			  floor_line_ping_pong);
	bench_enter_trips(&entries, "floor-lines", "a line for each way",
			  floor_lines_ping_pong);
	enter(&entries, "ringbus", "ringbus, busy_spin", "busy_spin");
	enter(&entries, "ringbus-yielding", "ringbus, yielding", "yielding");
	bench_enter_peers_trips(&entries, true);
	compete("ping-pong", "ping-pong, 8 B, spinning", &entries);
}

static void
play_blocking(void)
{
	struct bench_entries entries = { .n = 0 };

	bench_enter_trips(&entries, "floor-futex", "a bare futex",
			  floor_futex_ping_pong);
	enter(&entries, "ringbus", "ringbus, blocking", "blocking");
	bench_enter_peers_trips(&entries, false);
	compete("ping-pong-blocking", "ping-pong, 8 B, blocking", &entries);
}

int
main(void)
{
	bench_start_daemon("  ping: { slots: 1024, event_size: 8 }\n"
			   "  pong: { slots: 1024, event_size: 8 }\n");
	play_spinning();
	play_blocking();
	return 0;
}
