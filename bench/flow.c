/* SPDX-License-Identifier: MIT */
/*
 * flow.c - see flow.h
 */
#include "bench/flow.h"

#include "bench/payload.h"
#include "bench/setup.h"

/* One run, as its processes see it. */
struct run {
	const struct bench_flow *flow;
	int index; /* of this process, producers first */
	int64_t n; /* events of each producer */
	struct shared *shared;
};

struct shared {
	int n_arrived;
	int64_t start_ns[BENCH_FLOW_MEMBERS_MAX];
	int64_t end_ns[BENCH_FLOW_MEMBERS_MAX];
};

struct bench_flow
bench_flow_one_to_one(const char *channel, const char *wait, size_t size,
		      int64_t batch)
{
	return (struct bench_flow){
		.channel = channel,
		.wait = wait,
		.size = size,
		.batch = batch,
		.n_producers = 1,
		.n_consumers = 1,
		.consumers = { "sink" },
	};
}

static int
count_members(const struct bench_flow *flow)
{
	return flow->n_producers + flow->n_consumers;
}

/* The n-th time. */
static void
meet(const struct run *run, int n)
{
	bench_meet(&run->shared->n_arrived, n * count_members(run->flow));
}

/* Events of each producer that make n in all, in whole batches. */
static int64_t
share_of(const struct bench_flow *flow, int64_t n)
{
	int64_t step = flow->n_producers * flow->batch;

	return (n + step - 1) / step * flow->batch;
}

/* Events of each producer that go once round the ring. */
static int64_t
lap_of(const struct bench_flow *flow, const struct ringbus_channel *channel)
{
	struct ringbus_info info = { .size = sizeof(info) };

	bench_check("info", ringbus_channel_info(channel, &info));
	return share_of(flow, (int64_t)info.slots);
}

/* ---------------------------------------------------------------- members */

/* Size and batch are constants where it is called, as they are in a program; and
 * the slots of a claim are an array. */
static inline __attribute__((always_inline)) void
send_all(struct ringbus_producer *p, int64_t n, size_t size, int64_t batch)
{
	for (int64_t i = 0; i < n; i += batch) {
		int64_t hi = ringbus_producer_claim(p, batch, RINGBUS_FOREVER);
		int64_t lo = hi - batch + 1;
		char *slots;

		if (hi < 0)
			bench_check("claim", hi);
		slots = ringbus_producer_slot(p, lo);
		for (int64_t k = 0; k < batch; k++)
			bench_fill(slots + (size_t)k * size, size,
				   (uint64_t)(i + k));
		ringbus_producer_publish(p, lo, hi);
	}
}

static void
send_events(struct ringbus_producer *p, const struct bench_flow *flow,
	    int64_t n)
{
	if (flow->size == 8 && flow->batch == 1)
		send_all(p, n, 8, 1);
	else if (flow->size == 8)
		send_all(p, n, 8, flow->batch);
	else if (flow->size == 64 && flow->batch == 1)
		send_all(p, n, 64, 1);
	else
		send_all(p, n, flow->size, flow->batch);
}

static int
produce(void *context)
{
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	const struct run *run = context;
	const struct bench_flow *flow = run->flow;
	struct ringbus *bus = bench_connect();
	struct ringbus_producer *p;

	options.wait = flow->wait ? ringbus_wait_by_name(flow->wait) : 0;
	bench_check("producer",
		    ringbus_producer_open(bus, flow->channel, &options, &p));
	meet(run, 1);
	send_events(p, flow, lap_of(flow, ringbus_producer_channel(p)));
	meet(run, 2);
	run->shared->start_ns[run->index] = bench_clock_ns();
	send_events(p, flow, run->n);
	ringbus_close(bus);
	return 0;
}

static inline __attribute__((always_inline)) uint64_t
take_all(struct ringbus_consumer *c, int64_t n, size_t size)
{
	struct ringbus_event event;
	int64_t n_seen = 0;
	uint64_t sum = 0;

	while (n_seen < n) {
		bench_check("wait", ringbus_consumer_wait(c, RINGBUS_FOREVER));
		while (ringbus_consumer_next(c, &event) > 0) {
			sum += bench_sum(event.data, size);
			n_seen++;
		}
		bench_check("commit", ringbus_consumer_commit(c));
	}
	return sum;
}

static void
take_events(struct ringbus_consumer *c, const struct bench_flow *flow,
	    int64_t n_each)
{
	uint64_t n_producers = (uint64_t)flow->n_producers, sum;
	int64_t n = n_each * flow->n_producers;

	if (flow->size == 8)
		sum = take_all(c, n, 8);
	else if (flow->size == 64)
		sum = take_all(c, n, 64);
	else
		sum = take_all(c, n, flow->size);
	if (sum != bench_sum_of_all(n_each, flow->size) * n_producers)
		bench_fail("%s: wrong sum", flow->channel);
}

static int
consume(void *context)
{
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	const struct run *run = context;
	const struct bench_flow *flow = run->flow;
	struct ringbus *bus = bench_connect();
	struct ringbus_consumer *c;

	options.name = flow->consumers[run->index - flow->n_producers];
	options.wait = flow->wait ? ringbus_wait_by_name(flow->wait) : 0;
	bench_check("consumer",
		    ringbus_consumer_open(bus, flow->channel, &options, &c));
	meet(run, 1);
	take_events(c, flow, lap_of(flow, ringbus_consumer_channel(c)));
	meet(run, 2);
	take_events(c, flow, run->n);
	run->shared->end_ns[run->index] = bench_clock_ns();
	ringbus_close(bus);
	return 0;
}

/* ---------------------------------------------------------------- one run */

/* Further producers keep off the consumer's core, if there is any other. */
static int
further_cpu(int i)
{
	int n = bench_n_cpus() - 2;

	return n > 0 ? BENCH_CONSUMER_CPU + 1 + (i - 1) % n
		     : BENCH_PRODUCER_CPU;
}

static int
choose_cpu(const struct bench_flow *flow, int index)
{
	if (flow->is_on_one_core || index == 0)
		return BENCH_PRODUCER_CPU;
	if (index < flow->n_producers)
		return further_cpu(index);
	return BENCH_CONSUMER_CPU + index - flow->n_producers;
}

static int64_t
time_of(const struct run *run)
{
	const struct shared *shared = run->shared;
	int n_members = count_members(run->flow);
	int64_t start = shared->start_ns[0], end = 0;

	for (int i = 0; i < run->flow->n_producers; i++)
		if (shared->start_ns[i] < start)
			start = shared->start_ns[i];
	for (int i = run->flow->n_producers; i < n_members; i++)
		if (shared->end_ns[i] > end)
			end = shared->end_ns[i];
	return end - start;
}

double
bench_flow_run(void *context, int64_t n)
{
	const struct bench_flow *flow = context;
	struct run run = { .flow = flow, .n = share_of(flow, n) };
	pid_t pids[BENCH_FLOW_MEMBERS_MAX];
	double figure;

	run.shared = bench_share(sizeof(*run.shared));
	for (run.index = 0; run.index < count_members(flow); run.index++)
		pids[run.index] = bench_child(
			choose_cpu(flow, run.index),
			run.index < flow->n_producers ? produce : consume,
			&run);
	bench_join_all(pids, count_members(flow));
	figure = (double)(run.n * flow->n_producers) * 1e3 /
		 (double)time_of(&run);
	bench_unshare(run.shared, sizeof(*run.shared));
	return figure;
}
