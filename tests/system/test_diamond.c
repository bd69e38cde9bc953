/* SPDX-License-Identifier: MIT */
/*
 * test_diamond.c - one producer, two consumers, and a third behind both of them,
 * each a process, with every wait strategy
 *
 * Both of the first stages write down how far they are before they commit. The
 * third looks there: it must never have an event that one of them has not done.
 */
#include <errno.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define EVENTS 300000

struct stage {
	const struct t_daemon *daemon;
	struct rb_word64 *done[2]; /* events that the first stages have done */
	struct rb_word64 *ready;
	int wait;
	int who; /* 0, 1: the first stages; 2: the one behind them */
	uint64_t next;
};

static int
work(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct stage *s = context;

	(void)end_of_batch;
	if (t_value(event) != s->next)
		ck_abort_msg("out of order");
	s->next++;
	if (s->who < 2) {
		t_store(s->done[s->who], s->next);
		return 0;
	}
	if (t_read(s->done[0]) < s->next || t_read(s->done[1]) < s->next)
		ck_abort_msg("ahead of those before it");
	return 0;
}

static int
run_stage(void *arg)
{
	static const char *const names[] = { "left", "right", "join" };
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct stage *s = arg;
	struct ringbus *bus = t_connect(s->daemon);
	struct ringbus_consumer *c;

	handlers.on_event = work;
	handlers.context = s;
	o.name = names[s->who];
	o.wait = s->wait;
	c = t_consume(bus, &o);
	t_store(s->ready, 1);
	ck_assert_int_eq(ringbus_consumer_run(c, &handlers), -ESHUTDOWN);
	ck_assert_uint_eq(s->next, EVENTS);
	ringbus_close(bus);
	return 0;
}

static int
run_producer(void *arg)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	const struct stage *s = arg;
	struct ringbus *bus = t_connect(s->daemon);
	struct ringbus_producer *p;

	o.wait = s->wait;
	p = t_produce(bus, &o);
	for (uint64_t i = 0; i < EVENTS; i += 20) {
		int64_t hi = ringbus_producer_claim(p, 20, RINGBUS_FOREVER);

		t_ok(hi);
		for (uint64_t k = 0; k < 20; k++) {
			uint64_t value = i + k;

			memcpy(ringbus_producer_slot(p, hi - 19 + (int64_t)k),
			       &value, sizeof(value));
		}
		t_ok(ringbus_producer_publish(p, hi - 19, hi));
	}
	ringbus_close(bus);
	return 0;
}

static void
run_diamond(enum rb_producers kind, int wait)
{
	struct stage s = { .done = { t_counter(), t_counter() }, .wait = wait };
	pid_t stages[3], producer;
	struct t_bus b;

	t_bus_begin(&b,
		    "slots: 16384, event_size: 8, producers: %s, consumers:"
		    " { left: , right: , join: { after: [left, right] } }",
		    t_kind(kind));
	s.daemon = &b.daemon;
	for (s.who = 0; s.who < 3; s.who++) {
		s.ready = t_counter();
		stages[s.who] = t_child(run_stage, &s);
		t_until(t_read(s.ready) == 1);
	}
	producer = t_child(run_producer, &s);
	t_join(producer);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	for (int i = 0; i < 3; i++)
		t_join(stages[i]);
	t_bus_end(&b);
}

KINDS(the_diamond_busy_spin)
{
	run_diamond(kind, RINGBUS_WAIT_BUSY_SPIN);
}

KINDS(the_diamond_yielding)
{
	run_diamond(kind, RINGBUS_WAIT_YIELDING);
}

KINDS(the_diamond_sleeping)
{
	run_diamond(kind, RINGBUS_WAIT_SLEEPING);
}

KINDS(the_diamond_blocking)
{
	run_diamond(kind, RINGBUS_WAIT_BLOCKING);
}

KINDS(the_diamond_phased_backoff)
{
	run_diamond(kind, RINGBUS_WAIT_PHASED_BACKOFF);
}
