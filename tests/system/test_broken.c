/* SPDX-License-Identifier: MIT */
/*
 * test_broken.c - strict channels: a death with a claim stops the stream for
 * everybody at the same place, over the death of daemons, until it is mended
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_hole.h"

#define GRAPH                                                                  \
	T_STRICT ", consumers: { first: , then: { after: first },"             \
		 " crew: { group: true }, loose: { slow: lossy } }"

TEST(everybody_stops_at_the_hole_and_goes_on_when_it_is_mended)
{
	static const char *const names[] = { "first", "then", "crew", "loose",
					     "plain" };
	struct ringbus_consumer *c[RB_ARRAY_SIZE(names)];
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	for (size_t i = 0; i < RB_ARRAY_SIZE(names); i++)
		c[i] = t_consume_as(b.bus, names[i], RINGBUS_FROM_NOW);
	p = t_break_stream(&b);
	for (size_t i = 0; i < RB_ARRAY_SIZE(names); i++)
		t_read_to_the_hole(c[i]);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER),
			 -EOWNERDEAD);
	t_until(t_daemon_said(&b.daemon, "producer feed"));
	ck_assert(t_daemon_said(&b.daemon, "ringbusctl mend a"));
	t_mend(&b);
	ck_assert(t_is_broken_at(ringbus_producer_channel(p), -1));
	for (size_t i = 0; i < RB_ARRAY_SIZE(names); i++)
		t_read_on(c[i]);
	t_ok(ringbus_producer_drain(p, T_LONG));
	t_until(!t_has_member(ringbus_producer_channel(p), RINGBUS_PRODUCER,
			      "feed"));
	ck_assert_int_eq(ringbus_mend(b.bus, "a"), 0);
	t_bus_end(&b);
}

TEST(tap_stops_at_the_hole)
{
	struct ringbus_tap *tap;
	struct t_bus b;
	uint64_t value;
	size_t size;

	t_bus_begin(&b, T_STRICT);
	tap = t_tap(b.bus, 0);
	t_break_stream(&b);
	for (int64_t i = 0; i < T_HOLE; i++)
		ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value),
						  &size, T_LONG),
				 i);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  RINGBUS_FOREVER),
			 -EOWNERDEAD);
	t_mend(&b);
	ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value), &size,
					  T_LONG),
			 T_HOLE_LAST + 1);
	t_bus_end(&b);
}

static int
count(void *context, const struct ringbus_event *event, int end_of_batch)
{
	int64_t *n = context;

	(void)event;
	(void)end_of_batch;
	++*n;
	return event->sequence == T_LAST ? RINGBUS_STOP : RINGBUS_CONTINUE;
}

/* It ends with the error, as one that has not failed, and may run again. */
TEST(processor_ends_at_the_hole)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct ringbus_consumer *c;
	struct t_bus b;
	int64_t n = 0;

	h.on_event = count;
	h.context = &n;
	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_break_stream(&b);
	ck_assert_int_eq(ringbus_consumer_run(c, &h), -EOWNERDEAD);
	ck_assert_int_eq(n, T_HOLE);
	ck_assert_int_eq(ringbus_consumer_sequence(c), T_HOLE - 1);
	ck_assert_int_eq(t_member(ringbus_consumer_channel(c), RINGBUS_CONSUMER,
				  "c")
				 .state,
			 RINGBUS_MEMBER_ATTACHED);
	t_mend(&b);
	ck_assert_int_eq(ringbus_consumer_run(c, &h), RINGBUS_STOP);
	ck_assert_int_eq(n, T_HOLE + T_LAST - T_HOLE_LAST);
	t_bus_end(&b);
}

struct waiter {
	const struct t_bus *b;
	bool publishes;
	int64_t result;
};

static int
wait_for_ever(void *arg)
{
	const struct waiter *w = arg;
	struct ringbus *bus = t_connect(&w->b->daemon);
	uint64_t value = 0;
	int64_t result;

	if (w->publishes) {
		struct ringbus_producer_options o =
			RINGBUS_PRODUCER_OPTIONS_INIT;

		o.name = "waiter";
		result = ringbus_producer_write(t_produce(bus, &o), &value,
						sizeof(value), RINGBUS_FOREVER);
	} else {
		result = ringbus_consumer_wait(t_consume_as(bus, "waiter", -1),
					       RINGBUS_FOREVER);
	}
	return result == -EOWNERDEAD ? 0 : 1;
}

static bool
sleeps(const struct ringbus_channel *channel, int role)
{
	return t_has_member(channel, role, "waiter") &&
	       t_member(channel, role, "waiter").sleeps > 0;
}

/* A consumer for an event, a producer for room. */
TEST(those_that_wait_are_told)
{
	struct waiter reader = { 0 }, writer = { .publishes = true };
	const struct ringbus_channel *channel;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t feed, pids[2];

	t_bus_begin(&b, T_STRICT);
	reader.b = writer.b = &b;
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	feed = t_feed(&b, "a", 3);
	t_put_all(p, 3, 15);
	pids[0] = t_child(wait_for_ever, &reader);
	pids[1] = t_child(wait_for_ever, &writer);
	t_until(sleeps(channel, RINGBUS_CONSUMER));
	t_until(sleeps(channel, RINGBUS_PRODUCER));
	t_kill(feed);
	t_join(pids[0]);
	t_join(pids[1]);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW),
			 -EOWNERDEAD);
	ck_assert_int_eq(ringbus_mend(b.bus, "a"), 3);
	t_take(c, 3, 15);
	t_put(p, 16);
	t_bus_end(&b);
}

/* The bell rings for who waits by descriptor. */
TEST(event_loop_is_told)
{
	struct ringbus_consumer *c;
	struct pollfd look = { .events = POLLIN };
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	look.fd = ringbus_consumer_fd(c);
	t_ok(look.fd);
	feed = t_feed(&b, "a", 1);
	ck_assert_int_eq(ringbus_consumer_arm(c), 0);
	t_kill(feed);
	ck_assert_int_eq(poll(&look, 1, T_PATIENCE * 1000), 1);
	t_until(ringbus_consumer_poll(c, 0, NULL, NULL) == -EOWNERDEAD);
	t_bus_end(&b);
}

TEST(who_stands_at_the_hole_has_not_read_all)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_break_stream(&b);
	t_read_to_the_hole(c);
	ck_assert_int_eq(
		ringbus_channel_laggard(ringbus_consumer_channel(c), 0, &m), 1);
	ck_assert_str_eq(m.name, "c");
	t_bus_end(&b);
}

TEST(death_without_a_claim_stops_nothing)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	feed = t_feed(&b, "a", 0);
	t_kill(feed);
	t_until(t_daemon_said(&b.daemon, "nothing was left claimed"));
	t_put(p, 1);
	t_take(c, 0, 1);
	ck_assert(t_is_broken_at(ringbus_producer_channel(p), -1));
	t_bus_end(&b);
}

TEST(single_producer_leaves_no_hole)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p = NULL;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, strict: true");
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_kill(t_feed(&b, "a", 3));
	t_until(ringbus_producer_open(b.bus, "a", NULL, &p) == 0);
	t_put(p, 0);
	t_take(c, 0, 0);
	t_bus_end(&b);
}

/* -------------------------------------------------------------- two daemons */

/* The first one dies before it could say anything, the second finds a dead. */
TEST(the_next_daemon_stops_the_stream)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b, again;
	pid_t feed;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, T_HOLE - 1);
	feed = t_feed(&b, "a", T_HOLE_SIZE);
	t_put_all(p, T_HOLE_LAST + 1, T_LAST);
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	t_kill(feed);
	t_daemon_kill(&b.daemon);
	ck_assert(t_is_broken_at(ringbus_producer_channel(p), -1));
	t_daemon_restart(&b.daemon);
	t_until(t_is_broken_at(ringbus_producer_channel(p), T_HOLE));
	t_read_to_the_hole(c);
	again.bus = t_connect(&b.daemon);
	t_mend(&again);
	t_read_on(c);
	ringbus_close(again.bus);
	t_bus_end(&b);
}

TEST(the_next_daemon_keeps_the_stream_stopped)
{
	struct ringbus_consumer *c;
	struct t_bus b, again;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_break_stream(&b);
	t_daemon_kill(&b.daemon);
	t_read_to_the_hole(c);
	t_daemon_restart(&b.daemon);
	t_stands_at_the_hole(c);
	again.bus = t_connect(&b.daemon);
	t_mend(&again);
	t_read_on(c);
	ringbus_close(again.bus);
	t_bus_end(&b);
}

/* What the operator had given up in part is asked for again. */
TEST(the_next_daemon_finds_what_is_left_of_a_mend)
{
	struct rb_repair report = { .first = 0 };
	struct ringbus_consumer *c;
	struct rb_channel map;
	struct t_bus b, again;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_break_stream(&b);
	t_daemon_kill(&b.daemon);
	/* All tombstones, and nothing that comes after them. */
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &map);
	ck_assert_int_eq(rb_repair_producer(&map, 1, &report), 0);
	ck_assert_uint_eq(report.tombstones, T_HOLE_SIZE);
	rb_channel_detach(&map);
	t_daemon_restart(&b.daemon);
	t_until(t_is_broken_at(ringbus_consumer_channel(c), -1));
	t_take(c, 0, T_HOLE - 1);
	t_read_on(c);
	again.bus = t_connect(&b.daemon);
	ck_assert_int_eq(ringbus_mend(again.bus, "a"), 0);
	ringbus_close(again.bus);
	t_bus_end(&b);
}
