/* SPDX-License-Identifier: MIT */
/*
 * pong.c - see pong.h
 */
#include "bench/pong.h"

#include "bench/setup.h"

#define N_WARM_UP 1000 /* trips before those that count */

struct run {
	const char *wait;
	int64_t n;
	int *n_arrived;
};

struct side {
	struct ringbus *bus;
	struct ringbus_producer *out;
	struct ringbus_consumer *in;
};

static void
open_side(struct side *side, const char *out, const char *in,
	  const struct run *run)
{
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;

	side->bus = bench_connect();
	po.wait = co.wait = ringbus_wait_by_name(run->wait);
	co.name = "player";
	bench_check("consumer",
		    ringbus_consumer_open(side->bus, in, &co, &side->in));
	bench_check("producer",
		    ringbus_producer_open(side->bus, out, &po, &side->out));
	bench_meet(run->n_arrived, 2);
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
		bench_fail("pong: nothing to read");
	value = *(const int64_t *)event.data;
	ringbus_consumer_commit(side->in);
	return value;
}

static int
play_back(void *context)
{
	const struct run *run = context;
	struct side side;

	open_side(&side, "pong", "ping", run);
	for (int64_t i = 0; i < run->n + N_WARM_UP; i++)
		hit(&side, receive(&side));
	ringbus_close(side.bus);
	return 0;
}

static void
play(struct side *side, int64_t first, int64_t n, int64_t *ret_ns)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t start = bench_clock_ns();

		hit(side, first + i);
		if (receive(side) != first + i)
			bench_fail("pong: another event came back");
		ret_ns[i] = bench_clock_ns() - start;
	}
}

int
bench_pong_run(void *wait, int64_t n, int64_t *ret_ns)
{
	struct run run = { .wait = wait, .n = n };
	int64_t warm_up_ns[N_WARM_UP];
	struct side side;
	pid_t child;

	run.n_arrived = bench_share(sizeof(*run.n_arrived));
	child = bench_child(BENCH_CONSUMER_CPU, play_back, &run);
	bench_pin(BENCH_PRODUCER_CPU);
	open_side(&side, "ping", "pong", &run);
	play(&side, 0, N_WARM_UP, warm_up_ns);
	play(&side, N_WARM_UP, n, ret_ns);
	bench_join(child);
	ringbus_close(side.bus);
	bench_unshare(run.n_arrived, sizeof(*run.n_arrived));
	return 0;
}
