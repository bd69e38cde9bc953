/* SPDX-License-Identifier: MIT */
/*
 * bench_features.c - what each feature costs where it is used
 *
 * The stream of bench_unicast, pulled one by one, against the same stream with
 * one feature each. Who does not use a feature does not pay for it: that is what
 * bench_unicast shows beside an earlier build.
 */
#include "bench/contest.h"
#include "bench/setup.h"

struct run {
	const char *channel;
	const char *consumer;
	int slow;
	int processor;  /* handlers; else pulled */
	int translator; /* else claim, fill, publish */
	int64_t n;
};

struct sink {
	int64_t sum;
	int64_t n;
	int64_t lost;
	int64_t wanted;
};

static int
add(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct sink *sink = context;

	(void)end_of_batch;
	sink->sum += *(const int64_t *)event->data;
	sink->n++;
	return sink->n == sink->wanted ? RINGBUS_STOP : RINGBUS_CONTINUE;
}

static int
lose(void *context, int64_t lowest, int64_t highest)
{
	struct sink *sink = context;

	sink->n += highest - lowest + 1;
	sink->lost += highest - lowest + 1;
	return sink->n == sink->wanted ? -1 : 0;
}

static void
process(struct ringbus_consumer *c, struct sink *sink)
{
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;

	handlers.context = sink;
	handlers.on_event = add;
	handlers.on_lost = lose;
	ringbus_consumer_run(c, &handlers);
}

static void
pull(struct ringbus_consumer *c, struct sink *sink)
{
	struct ringbus_event event;

	while (sink->n < sink->wanted) {
		bench_check("wait", ringbus_consumer_wait(c, RINGBUS_FOREVER));
		while (ringbus_consumer_next(c, &event) > 0)
			add(sink, &event, 0);
		bench_check("commit", ringbus_consumer_commit(c));
	}
}

static int
consume(void *context)
{
	const struct run *run = context;
	struct ringbus_consumer_options options = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = bench_connect();
	struct ringbus_consumer *c;
	struct sink sink = { .wanted = run->n };

	options.name = run->consumer;
	options.slow = run->slow;
	bench_check("consumer",
		    ringbus_consumer_open(bus, run->channel, &options, &c));
	if (run->processor)
		process(c, &sink);
	else
		pull(c, &sink);
	ringbus_close(bus);
	return sink.n == run->n && (sink.lost > 0 ||
				    sink.sum == run->n * (run->n - 1) / 2)
		       ? 0
		       : 1;
}

static int
write_number(void *context, void *slot, size_t size, int64_t sequence)
{
	(void)size;
	(void)sequence;
	*(int64_t *)slot = *(const int64_t *)context;
	return 0;
}

static void
produce(struct ringbus_producer *p, const struct run *run)
{
	for (int64_t i = 0; i < run->n; i++) {
		int64_t s;

		if (run->translator) {
			s = ringbus_producer_publish_with(p, sizeof(i),
							  RINGBUS_FOREVER,
							  write_number, &i);
		} else {
			s = ringbus_producer_claim(p, 1, RINGBUS_FOREVER);
			if (s >= 0)
				*(int64_t *)ringbus_producer_slot(p, s) = i;
			ringbus_producer_publish(p, s, s);
		}
		if (s < 0)
			bench_check("publish", s);
	}
}

/* Waits until the consumer is attached: what it misses, nobody counts. */
static void
await_consumer(const struct ringbus_producer *p, const char *name)
{
	struct ringbus_member member = { .size = sizeof(member) };

	while (ringbus_channel_find(ringbus_producer_channel(p),
				    RINGBUS_CONSUMER, name, &member) != 1 ||
	       member.state != RINGBUS_MEMBER_ATTACHED)
		;
}

static double
run(void *context, int64_t n)
{
	struct run *r = context;
	struct ringbus *bus = bench_connect();
	struct ringbus_producer *p;
	int64_t start;
	pid_t child;

	r->n = n;
	child = bench_child(BENCH_CONSUMER_CPU, consume, r);
	bench_pin(BENCH_PRODUCER_CPU);
	bench_check("producer",
		    ringbus_producer_open(bus, r->channel, NULL, &p));
	await_consumer(p, r->consumer);
	start = bench_clock_ns();
	produce(p, r);
	bench_join(child);
	start = bench_clock_ns() - start;
	ringbus_close(bus);
	return (double)n * 1e3 / (double)start;
}

int
main(void)
{
	struct run pulled = { "plain", "sink", 0, 0, 0, 0 };
	struct run processor = { "plain", "sink", 0, 1, 0, 0 };
	struct run translator = { "plain", "sink", 0, 0, 1, 0 };
	struct run lossy = { "plain", "lossy", RINGBUS_SLOW_LOSSY, 1, 0, 0 };
	struct run clear = { "clear", "sink", 0, 0, 0, 0 };
	struct run group = { "group", "workers", 0, 1, 0, 0 };
#define FEATURE(id_, name_, run_)                                              \
	{                                                                      \
		.id = id_, .name = name_, .run = run, .context = run_          \
	}
	const struct bench_contestant contestants[] = {
		FEATURE("pulled", "pulled, one by one", &pulled),
		FEATURE("processor", "event processor", &processor),
		FEATURE("translator", "translator", &translator),
		FEATURE("lossy", "lossy reader, copies", &lossy),
		FEATURE("clear", "clear: zero", &clear),
		FEATURE("group", "group of one worker", &group),
	};
	const struct bench_contest contest = {
		.id = "features",
		.title = "features, unicast, 8 B",
		.unit = "M/s",
		.contestants = contestants,
		.n = sizeof(contestants) / sizeof(contestants[0]),
	};

	bench_start_daemon(
		"  plain: { slots: 65536, event_size: 8, wait: busy_spin }\n"
		"  clear: { slots: 65536, event_size: 8, wait: busy_spin, "
		"clear: zero }\n"
		"  group: { slots: 65536, event_size: 8, wait: busy_spin, "
		"consumers: { workers: { group: true } } }\n");
	bench_contest_run(&contest);
	return 0;
}
