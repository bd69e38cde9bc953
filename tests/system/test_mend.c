/* SPDX-License-Identifier: MIT */
/*
 * test_mend.c - strict channels whose stream has stopped: it goes on when the
 * operator says so, or ends
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_hole.h"

#define N_EVENTS 20000

static int
write_numbers(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus *bus = t_connect(&b->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	for (uint64_t value = 0; value < N_EVENTS;) {
		int64_t sequence = ringbus_producer_write(
			p, &value, sizeof(value), T_LONG);

		if (sequence >= 0)
			value++;
		else if (sequence != -EOWNERDEAD)
			t_ok(sequence);
	}
	return 0;
}

struct flow {
	struct t_bus b;
	struct ringbus_consumer *c;
	uint64_t next;
};

/* Reads what is there, or waits for a moment. 0, or why there is nothing. */
static int64_t
read_some(struct flow *f)
{
	struct ringbus_event event;
	int64_t found = ringbus_consumer_wait(f->c, T_MS);

	while (found >= 0 && ringbus_consumer_next(f->c, &event) > 0)
		ck_assert_uint_eq(t_value(&event), f->next++);
	t_ok(ringbus_consumer_commit(f->c));
	return found == -EOWNERDEAD ? found : 0;
}

/* It may have to wait for the room that we make. */
static void
lose_feed(struct flow *f)
{
	char byte;
	int told;
	pid_t pid = t_feed_start(&f->b, "a", 2, &told);

	ck_assert_int_eq(fcntl(told, F_SETFL, O_NONBLOCK), 0);
	while (read(told, &byte, 1) != 1)
		ck_assert_int_eq(read_some(f), 0);
	t_kill(pid);
	close(told);
}

/* Deaths again and again while others publish: each event comes once, in order,
 * and each death is told. */
TEST(mended_under_flow)
{
	struct flow f = { .next = 0 };
	pid_t writer;

	t_bus_begin(&f.b, T_STRICT);
	f.c = t_consume_as(f.b.bus, "c", RINGBUS_FROM_NOW);
	writer = t_child(write_numbers, &f.b);
	for (int i = 0; i < 5; i++) {
		lose_feed(&f);
		t_until(read_some(&f) == -EOWNERDEAD);
		ck_assert_int_eq(ringbus_mend(f.b.bus, "a"), 2);
	}
	while (f.next < N_EVENTS)
		ck_assert_int_eq(read_some(&f), 0);
	t_join(writer);
	t_bus_end(&f.b);
}

TEST(two_deaths_are_mended_at_once)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t first, second;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	first = t_feed(&b, "a", 1);
	second = t_feed(&b, "a", 2);
	t_put(p, 3);
	t_kill(second);
	t_until(t_is_broken_at(ringbus_producer_channel(p), 1));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	t_kill(first);
	t_until(t_is_broken_at(ringbus_producer_channel(p), 0));
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -EOWNERDEAD);
	ck_assert_int_eq(ringbus_mend(b.bus, "a"), 3);
	t_take(c, 3, 3);
	t_bus_end(&b);
}

TEST(mending_is_refused)
{
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { a: { access: { publish: [] } } }");
	ck_assert_int_eq(ringbus_mend(b.bus, "b"), -ENOENT);
	ck_assert_int_eq(ringbus_mend(b.bus, "a b"), -EINVAL);
	ck_assert_int_eq(ringbus_mend(b.bus, NULL), -EINVAL);
	t_bus_end(&b);
}

TEST(tap_that_comes_late_stops_where_others_do)
{
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	struct t_bus b;
	char buffer[8];
	size_t size;

	t_bus_begin(&b, T_STRICT);
	p = t_break_stream(&b);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	t_put(p, 9); /* nobody's before it is mended */
	ck_assert_int_eq(ringbus_tap_read(tap, buffer, sizeof(buffer), &size,
					  RINGBUS_NOW),
			 -EOWNERDEAD);
	t_bus_end(&b);
}

/* ------------------------------------------------------- ends without a mend */

TEST(abort_ends_a_stopped_stream)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, T_STRICT);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_break_stream(&b);
	t_read_to_the_hole(c);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EOWNERDEAD);
	t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ESHUTDOWN);
	t_bus_end(&b);
}

/* The dead one is nobody who would have to leave first. */
TEST(a_stopped_channel_can_be_removed)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_producer *p;
	struct t_bus b;

	o.slots = 16;
	o.slot_size = 8;
	o.producers = RINGBUS_MULTI;
	o.strict = 1;
	t_bus_begin_with(&b, "dynamic: { allow: any }");
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	p = t_break_stream(&b);
	ck_assert_int_eq(ringbus_remove(b.bus, "a"), -EBUSY);
	ringbus_producer_close(p);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(another_strictness_is_another_channel)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	t_daemon_kill(&b.daemon);
	ringbus_close(b.bus);
	t_daemon_prepare(&b.daemon, "channels: { a: { " T_STRICT " } }");
	t_daemon_restart(&b.daemon);
	ck_assert(
		t_daemon_said(&b.daemon, "is not what the configuration says"));
	t_daemon_stop(&b.daemon);
}
