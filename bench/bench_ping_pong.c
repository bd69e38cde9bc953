/* SPDX-License-Identifier: MIT */
/*
 * bench_ping_pong.c - an event there and one back, between two processes
 *
 * LMAX's PingPong: two channels, one event under way at a time. The median
 * round trip of each round; the floor is a bare cache line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/common.h"
#include "bench/probe.h"

#define TRIPS 20000

struct side {
	struct ringbus *bus;
	struct ringbus_producer *out;
	struct ringbus_consumer *in;
};

static void
open_side(struct side *side, const char *out, const char *in, const char *wait)
{
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;

	side->bus = bench_connect();
	po.wait = co.wait = ringbus_wait_by_name(wait);
	co.name = "player";
	bench_check("consumer",
		    ringbus_consumer_open(side->bus, in, &co, &side->in));
	bench_check("producer",
		    ringbus_producer_open(side->bus, out, &po, &side->out));
}

static void
hit(struct side *side, int64_t value)
{
	int64_t s = bench_check(
		"claim", ringbus_producer_claim(side->out, 1, RINGBUS_FOREVER));

	*(int64_t *)ringbus_producer_slot(side->out, s) = value;
	ringbus_producer_publish(side->out, s, s);
}

static int64_t
receive(struct side *side)
{
	struct ringbus_event event;
	int64_t value;

	bench_check("wait", ringbus_consumer_wait(side->in, RINGBUS_FOREVER));
	if (ringbus_consumer_next(side->in, &event) != 1)
		exit(1);
	value = *(const int64_t *)event.data;
	ringbus_consumer_commit(side->in);
	return value;
}

static int
play_back(void *context)
{
	struct side side;

	open_side(&side, "pong", "ping", context);
	for (int i = 0; i < TRIPS; i++)
		hit(&side, receive(&side));
	ringbus_close(side.bus);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
await_partner(const struct side *side)
{
	struct ringbus_member member = { .size = sizeof(member) };

	while (ringbus_channel_member(ringbus_producer_channel(side->out),
				      RINGBUS_CONSUMER, 0, &member) == 0 ||
	       member.state != RINGBUS_MEMBER_ATTACHED)
		;
}

static double
run(void *context)
{
	static int64_t trips[TRIPS];
	pid_t child = bench_child(BENCH_CONSUMER_CPU, play_back, context);
	struct side side;

	bench_pin(BENCH_PRODUCER_CPU);
	open_side(&side, "ping", "pong", context);
	await_partner(&side);
	for (int i = 0; i < TRIPS; i++) {
		int64_t start = bench_clock_ns();

		hit(&side, i);
		if (receive(&side) != i)
			exit(1);
		trips[i] = bench_clock_ns() - start;
	}
	bench_join(child);
	ringbus_close(side.bus);
	qsort(trips, TRIPS, sizeof(trips[0]), compare);
	return (double)trips[TRIPS / 2];
}

static double
run_line(void *context)
{
	(void)context;
	return bench_probe_ns();
}

int
main(void)
{
	const struct bench_contestant contestants[] = {
		{ "a cache line, two threads", run_line, NULL },
		{ "ringbus, busy_spin", run, (void *)"busy_spin" },
		{ "ringbus, yielding", run, (void *)"yielding" },
		{ "ringbus, blocking", run, (void *)"blocking" },
	};

	bench_start_daemon("  ping: { slots: 1024, event_size: 8 }\n"
			   "  pong: { slots: 1024, event_size: 8 }\n");
	bench_rounds("ping-pong: median round trip of 8-byte events", "ns",
		     contestants, sizeof(contestants) / sizeof(contestants[0]));
	return 0;
}
