/* SPDX-License-Identifier: MIT */
/*
 * test_stream_end.c - the end of a stream: by request, and when the daemon stops;
 * and what goes on when the daemon is killed
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define GRAPH                                                                  \
	"slots: 16, event_size: 8, producers: %s,"                             \
	" consumers: { first: , second: { after: first } }"

static int64_t
write_one(struct ringbus_producer *p, int64_t timeout_ns)
{
	uint64_t value = 0;

	return ringbus_producer_write(p, &value, sizeof(value), timeout_ns);
}

/* Reads first..last, and then the end. */
static void
take_to_the_end(struct ringbus_consumer *c, uint64_t first, uint64_t last)
{
	t_take(c, first, last);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
		ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW),
				 -ESHUTDOWN);
	}
}

KINDS(everything_before_the_end_is_read)
{
	struct ringbus_consumer *first, *second;
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	uint64_t value;
	struct t_bus b;
	size_t size;

	t_bus_begin(&b, GRAPH, t_kind(kind));
	first = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	second = t_consume_as(b.bus, "second", RINGBUS_FROM_NOW);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	ck_assert_int_eq(t_info(ringbus_producer_channel(p)).ended, 0);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_ne(t_info(ringbus_producer_channel(p)).ended, 0);
	ck_assert_int_eq(ringbus_consumer_wait(second, RINGBUS_NOW), -EAGAIN);
	take_to_the_end(first, 0, 9);
	take_to_the_end(second, 0, 9);
	for (uint64_t i = 0; i < 10; i++) {
		t_ok(ringbus_tap_read(tap, &value, 8, &size, RINGBUS_NOW));
		ck_assert_uint_eq(value, i);
	}
	ck_assert_int_eq(ringbus_tap_read(tap, &value, 8, &size, T_LONG),
			 -ESHUTDOWN);
	t_bus_end(&b);
}

KINDS(producers_learn_the_end)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, GRAPH, t_kind(kind));
	t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_eq(write_one(p, RINGBUS_NOW), -ESHUTDOWN);
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), -ESHUTDOWN);
	/* A second end is none. */
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_bus_end(&b);
}

KINDS(a_claim_that_is_open_at_the_end)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	uint64_t value = 9;

	t_bus_begin(&b, GRAPH, t_kind(kind));
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 0);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	memcpy(ringbus_producer_slot(p, 0), &value, sizeof(value));
	/* The end includes what several have claimed, but not what one has. */
	if (kind == RB_MULTI) {
		ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW),
				 -EAGAIN);
		t_ok(ringbus_producer_publish(p, 0, 0));
		take_to_the_end(c, 9, 9);
	} else {
		ck_assert_int_eq(ringbus_producer_publish(p, 0, 0), -ESHUTDOWN);
	}
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ESHUTDOWN);
	t_bus_end(&b);
}

TEST(an_empty_stream_ends_at_once)
{
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;
	uint64_t value;
	size_t size;
	struct t_bus b;

	t_bus_begin(&b, GRAPH, "single");
	c = t_consume_as(b.bus, "second", RINGBUS_FROM_NOW);
	tap = t_tap(b.bus, RINGBUS_FROM_OLDEST);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, 8, &size, T_LONG),
			 -ESHUTDOWN);
	t_bus_end(&b);
}

/* One may still come and read what is there. */
TEST(consumers_may_join_after_the_end)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	ringbus_producer_close(p);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	c = t_consume_as(b.bus, "late", RINGBUS_FROM_OLDEST);
	take_to_the_end(c, 0, 9);
	t_bus_end(&b);
}

/* ---------------------------------------------------- the daemon is stopped */

struct waiter {
	const struct t_daemon *daemon;
	struct rb_word64 *ready;
	bool publishes;
	int wait;
};

/* Waits for ever for what never comes. */
static int
wait_for_good(void *arg)
{
	const struct waiter *s = arg;
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(s->daemon);
	int64_t result;

	po.wait = co.wait = s->wait;
	if (s->publishes) {
		struct ringbus_producer *p = t_produce(bus, &po);

		t_put_all(p, 0, 15);
		t_store(s->ready, 1);
		result = write_one(p, RINGBUS_FOREVER);
	} else {
		struct ringbus_consumer *c = t_consume(bus, &co);

		t_store(s->ready, 1);
		result = ringbus_consumer_wait(c, RINGBUS_FOREVER);
	}
	ck_assert_int_eq(result, -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

static void
stop_while_waiting(enum rb_producers kind, bool publishes)
{
	struct waiter s = { .publishes = publishes };
	pid_t child;
	struct t_daemon d;
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "daemon: { drain: 100ms }\n"
		 "channels: { a: { slots: 16, event_size: 8, producers: %s,"
		 " consumers: { x: { on_death: keep } } } }",
		 t_kind(kind));
	for (s.wait = 1; s.wait <= 5; s.wait++) {
		t_daemon_start(&d, yaml);
		s.daemon = &d;
		s.ready = t_counter();
		child = t_child(wait_for_good, &s);
		t_until(t_read(s.ready) == 1);
		t_daemon_stop(&d);
		t_join(child);
	}
}

KINDS(a_stop_ends_waiting_consumers)
{
	stop_while_waiting(kind, false);
}

KINDS(a_stop_ends_waiting_producers)
{
	stop_while_waiting(kind, true);
}

/* Whoever waits, and with events unread. */
static void
abort_while_waiting(enum rb_producers kind, bool publishes)
{
	struct waiter s = { .publishes = publishes };
	struct t_bus b;
	pid_t child;

	for (s.wait = 1; s.wait <= 5; s.wait++) {
		t_bus_begin(&b,
			    "slots: 16, event_size: 8, producers: %s,"
			    " consumers: { x: { on_death: keep } }",
			    t_kind(kind));
		s.daemon = &b.daemon;
		s.ready = t_counter();
		child = t_child(wait_for_good, &s);
		t_until(t_read(s.ready) == 1);
		t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
		t_join(child);
		t_bus_end(&b);
	}
}

KINDS(an_abort_ends_waiting_consumers)
{
	abort_while_waiting(kind, false);
}

KINDS(an_abort_ends_waiting_producers)
{
	abort_while_waiting(kind, true);
}

KINDS(an_abort_leaves_the_rest_unread)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_take(c, 0, 2);
	t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), -ESHUTDOWN);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 2);
	t_bus_end(&b);
}

TEST(a_stop_lets_everything_be_read)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_daemon d;
	struct ringbus *bus;

	t_daemon_start(&d, "daemon: { drain: 10s }\n"
			   "channels: { a: { slots: 16, event_size: 8 } }");
	bus = t_connect(&d);
	c = t_consume_as(bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(bus, NULL);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(kill(d.pid, SIGTERM), 0);
	t_until(t_info(ringbus_producer_channel(p)).ended != 0);
	ck_assert_int_eq(write_one(p, RINGBUS_FOREVER), -ESHUTDOWN);
	take_to_the_end(c, 0, 15);
	ringbus_close(bus);
	t_daemon_ends(&d, 0);
}

/* ----------------------------------------------------- the daemon is killed */

KINDS(a_killed_daemon_is_not_noticed)
{
	struct ringbus_consumer *first, *second;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, GRAPH, t_kind(kind));
	first = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	second = t_consume_as(b.bus, "second", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 4);
	t_daemon_kill(&b.daemon);
	for (uint64_t i = 0; i < 100; i++) {
		t_put(p, i + 5);
		t_take(first, i, i);
		t_take(second, i, i);
	}
	ck_assert_int_eq(write_one(p, RINGBUS_NOW), 105);
	ck_assert_int_eq(t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
				  "first")
				 .lag,
			 6);
	ringbus_producer_close(p);
	ringbus_consumer_close(first);
	ringbus_consumer_close(second);
	ringbus_close(b.bus);
	b.bus = NULL;
	t_daemon_restart(&b.daemon);
	t_bus_end(&b);
}

/* Handles that were open before go on under the new one. */
KINDS(a_new_daemon_takes_over)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus *bus;
	struct t_bus b;

	t_bus_begin(&b, GRAPH, t_kind(kind));
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 4);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	t_put_all(p, 5, 9);
	bus = t_connect(&b.daemon);
	if (kind == RB_SINGLE) {
		struct ringbus_producer *other = NULL;

		ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &other),
				 -EBUSY);
	}
	t_take(c, 0, 9);
	t_bus_ok(bus, ringbus_end(bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
	ringbus_close(bus);
	t_bus_end(&b);
}
