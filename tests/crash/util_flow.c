/* SPDX-License-Identifier: MIT */
/*
 * util_flow.c - see util_flow.h
 */
#include "tests/crash/util_flow.h"

#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define PATIENCE 60 /* seconds for what was demanded */
#define LIFE 3600   /* seconds, at most, of a test */

struct flow_words {
	struct rb_word64 wanted;
	struct rb_word64 eaten;
	struct rb_word64 ready;
	struct rb_word64 stop;
};

void
flow_fill(struct flow_event *event, uint64_t who, uint64_t number)
{
	event->who = who;
	event->number = number;
	fill(event->filled, sizeof(event->filled), who << 40 ^ number << 3);
}

const struct flow_event *
flow_check(const struct ringbus_event *event)
{
	const struct flow_event *e = event->data;

	if (event->size != sizeof(*e) ||
	    !is_filled(e->filled, sizeof(e->filled),
		       e->who << 40 ^ e->number << 3))
		ck_abort_msg("event %lld is damaged",
			     (long long)event->sequence);
	return e;
}

/* ----------------------------------------------------------- the producer */

/* False at the end of the stream. */
static bool
publish(struct ringbus_producer *p, int64_t n, uint64_t number)
{
	int64_t hi = ringbus_producer_claim(p, n, PATIENCE * T_SECOND);
	int err;

	if (hi == -ESHUTDOWN)
		return false;
	t_ok(hi);
	for (int64_t i = hi - n + 1; i <= hi; i++)
		flow_fill(ringbus_producer_slot(p, i), 0, number++);
	err = ringbus_producer_publish(p, hi - n + 1, hi);
	if (err != -ESHUTDOWN)
		t_ok(err);
	return err == 0;
}

static int
feed(void *arg)
{
	struct flow *f = arg;
	struct t_deadline life = t_deadline(LIFE);
	struct ringbus *bus = t_connect(f->daemon);
	struct ringbus_producer *p;
	uint64_t made = 0, slots;
	bool goes_on = true;

	t_bus_ok(bus, ringbus_producer_open(bus, f->channel, NULL, &p));
	slots = t_info(ringbus_producer_channel(p)).slots;
	t_store(&f->words->ready, 2);
	while (goes_on && t_read(&f->words->stop) == 0) {
		uint64_t left = t_read(&f->words->wanted) - made;
		uint64_t n = rb_min_u64(left, slots);

		if (n > 0)
			goes_on = publish(p, (int64_t)n, made);
		else
			goes_on = !t_info(ringbus_producer_channel(p)).ended &&
				  t_deadline_nap(&life);
		made += n;
	}
	ringbus_close(bus);
	return 0;
}

/* ----------------------------------------------------------- the consumer */

static uint64_t
eat_batch(struct ringbus_consumer *c, uint64_t eaten)
{
	struct ringbus_event event;
	const struct flow_event *e;

	while (ringbus_consumer_next(c, &event) > 0) {
		e = flow_check(&event);
		if (e->who == 0 && e->number != eaten++)
			ck_abort_msg("event %lu came, not %lu",
				     (unsigned long)e->number,
				     (unsigned long)eaten - 1);
	}
	t_ok(ringbus_consumer_commit(c));
	return eaten;
}

static int
eat(void *arg)
{
	struct flow *f = arg;
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(f->daemon);
	struct ringbus_consumer *c;
	uint64_t eaten = 0;

	o.name = "eater";
	t_bus_ok(bus, ringbus_consumer_open(bus, f->channel, &o, &c));
	t_store(&f->words->ready, 1);
	while (t_read(&f->words->stop) == 0) {
		int64_t hi = ringbus_consumer_wait(c, 50 * T_MS);

		if (hi == -ETIMEDOUT)
			continue;
		if (hi == -ESHUTDOWN)
			break;
		t_ok(hi);
		eaten = eat_batch(c, eaten);
		t_store(&f->words->eaten, eaten);
	}
	ringbus_close(bus);
	return 0;
}

/* --------------------------------------------------------------- the pair */

void
flow_start(struct flow *flow, const struct t_daemon *daemon,
	   const char *channel)
{
	*flow = (struct flow){ .daemon = daemon, .channel = channel };
	flow->words = fixture_share(sizeof(*flow->words));
	flow->consumer = t_child(eat, flow);
	t_until(t_read(&flow->words->ready) == 1);
	flow->producer = t_child(feed, flow);
	t_until(t_read(&flow->words->ready) == 2);
	flow_demand(flow, 1);
}

void
flow_demand(struct flow *flow, uint64_t n)
{
	uint64_t wanted = t_read(&flow->words->wanted) + n;

	t_store(&flow->words->wanted, wanted);
	t_until_within(t_read(&flow->words->eaten) == wanted, PATIENCE);
}

void
flow_join(struct flow *flow)
{
	t_join(flow->producer);
	t_join(flow->consumer);
}

void
flow_stop(struct flow *flow)
{
	t_store(&flow->words->stop, 1);
	flow_join(flow);
}

bool
flow_has(const struct flow *flow, pid_t pid)
{
	return pid == flow->producer || pid == flow->consumer;
}
