/* SPDX-License-Identifier: MIT */
/*
 * bench_unicast.c - one producer, one consumer, two processes, 8-byte events
 *
 * LMAX's OneToOneSequenced: 64 Ki slots, the consumer takes all there is, the
 * producer publishes one by one or in batches of ten. Against a queue between
 * two threads of one process on the same two cores.
 */
#include <stdio.h>

#include "bench/common.h"
#include "bench/common_spsc.h"

#define EVENTS INT64_C(20000000)

struct run {
	const char *channel;
	const char *wait;
	int64_t batch;
};

static int
consume(void *context)
{
	const struct run *run = context;
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = bench_connect();
	struct ringbus_consumer *c;
	struct ringbus_event event;
	int64_t sum = 0, n = 0;

	options.name = "sink";
	options.wait = ringbus_wait_by_name(run->wait);
	bench_check("consumer",
		    ringbus_consumer_open(bus, run->channel, &options, &c));
	while (n < EVENTS) {
		bench_check("wait", ringbus_consumer_wait(c, RINGBUS_FOREVER));
		while (ringbus_consumer_next(c, &event) > 0) {
			sum += *(const int64_t *)event.data;
			n++;
		}
		bench_check("commit", ringbus_consumer_commit(c));
	}
	ringbus_close(bus);
	return sum == EVENTS * (EVENTS - 1) / 2 ? 0 : 1;
}

static void
produce(struct ringbus_producer *p, int64_t batch)
{
	for (int64_t i = 0; i < EVENTS; i += batch) {
		int64_t hi = ringbus_producer_claim(p, batch, RINGBUS_FOREVER);

		if (hi < 0)
			bench_check("claim", hi);
		for (int64_t k = 0; k < batch; k++)
			*(int64_t *)ringbus_producer_slot(p, hi - batch + 1 +
								     k) = i + k;
		ringbus_producer_publish(p, hi - batch + 1, hi);
	}
}

/* Waits until the consumer is attached: what it misses, nobody counts. */
static void
await_consumer(const struct ringbus_producer *p)
{
	struct ringbus_member member = { .size = sizeof(member) };

	while (ringbus_channel_member(ringbus_producer_channel(p),
				      RINGBUS_CONSUMER, 0, &member) == 0 ||
	       member.state != RINGBUS_MEMBER_ATTACHED)
		;
}

static double
run(void *context)
{
	struct run *r = context;
	pid_t child = bench_child(BENCH_CONSUMER_CPU, consume, r);
	struct ringbus_producer_options options = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus *bus = bench_connect();
	struct ringbus_producer *p;
	int64_t start;

	bench_pin(BENCH_PRODUCER_CPU);
	options.wait = ringbus_wait_by_name(r->wait);
	bench_check("producer",
		    ringbus_producer_open(bus, r->channel, &options, &p));
	await_consumer(p);
	start = bench_clock_ns();
	produce(p, r->batch);
	bench_join(child);
	start = bench_clock_ns() - start;
	ringbus_close(bus);
	return (double)EVENTS * 1e3 / (double)start;
}

static double
run_spsc(void *context)
{
	(void)context;
	return bench_spsc_stream(EVENTS);
}

int
main(void)
{
	struct run single = { "single", "busy_spin", 1 };
	struct run batched = { "single", "busy_spin", 10 };
	struct run yielding = { "single", "yielding", 1 };
	struct run blocking = { "single", "blocking", 1 };
	struct run multi = { "multi", "busy_spin", 1 };
	const struct bench_contestant contestants[] = {
		{ "SPSC queue, one process", run_spsc, NULL },
		{ "ringbus, one by one, busy_spin", run, &single },
		{ "ringbus, tens, busy_spin", run, &batched },
		{ "ringbus, one by one, yielding", run, &yielding },
		{ "ringbus, one by one, blocking", run, &blocking },
		{ "ringbus, multi producer, busy_spin", run, &multi },
	};

	bench_start_daemon(
		"  single: { slots: 65536, event_size: 8 }\n"
		"  multi: { slots: 65536, event_size: 8, producers: multi }\n");
	bench_rounds("unicast: one producer, one consumer, 8-byte events",
		     "M/s", contestants,
		     sizeof(contestants) / sizeof(contestants[0]));
	return 0;
}
