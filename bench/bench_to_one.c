/* SPDX-License-Identifier: MIT */
/*
 * bench_to_one.c - LMAX's ThreeToOne, and two to one: several producers
 *
 * Two producers stand beside the least that any two must do: a fetch-add on one
 * line, and a line each to a third process. On two cores the producers share one.
 */
#include <stdio.h>

#include "bench/contest.h"
#include "bench/flow.h"
#include "bench/rivals.h"
#include "bench/setup.h"

static struct bench_flow
to_one(int n_producers, int64_t batch)
{
	return (struct bench_flow){
		.channel = "multi",
		.wait = bench_wait_for_crowd(n_producers + 1),
		.size = 8,
		.batch = batch,
		.n_producers = n_producers,
		.n_consumers = 1,
		.consumers = { "sink" },
	};
}

static void
compete(const char *id, const char *title, const struct bench_flow *flow,
	const struct bench_entries *entries)
{
	char full_title[128];

	snprintf(full_title, sizeof(full_title), "%s, 8 B; %s", title,
		 flow->wait);
	bench_compete(entries, id, full_title);
}

static void
send_from_two(void)
{
	struct bench_flow flow = to_one(2, 1), tens = to_one(2, 10);
	struct bench_entries entries = { .n = 0 };

	bench_enter_floor(&entries, "floor-claim", "fetch-add, and a line each",
			  floor_claim, (struct bench_stream){ .size = 8 });
	bench_enter_flow(&entries, "ringbus", "ringbus, one by one", &flow);
	bench_enter_flow(&entries, "ringbus-batch", "ringbus, in tens", &tens);
	compete("two-to-one", "two to one", &flow, &entries);
}

static void
send_from_three(void)
{
	struct bench_flow one = to_one(1, 1), three = to_one(3, 1);
	struct bench_entries entries = { .n = 0 };

	one.wait = three.wait;
	bench_enter_flow(&entries, "pair-apart", "one of them alone", &one);
	bench_enter_flow(&entries, "ringbus", "ringbus", &three);
	compete("three-to-one", "three to one, one by one", &three, &entries);
}

static void
send_from_three_in_tens(void)
{
	struct bench_flow one = to_one(1, 10), three = to_one(3, 10);
	struct bench_entries entries = { .n = 0 };

	one.wait = three.wait;
	bench_enter_flow(&entries, "pair-apart", "one of them alone", &one);
	bench_enter_flow(&entries, "ringbus", "ringbus", &three);
	compete("three-to-one-batch", "three to one, in tens", &three,
		&entries);
}

int
main(void)
{
	bench_start_daemon(
		"  multi: { slots: 65536, event_size: 8, producers: multi }\n");
	send_from_two();
	send_from_three();
	send_from_three_in_tens();
	return 0;
}
