/* SPDX-License-Identifier: MIT */
/*
 * test_drain.c - a producer waits until all is read, is told by whom it is not,
 * and a stream is ended at once
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b,
		    "slots: 16, event_size: 8, producers: %s, consumers:"
		    " { first: , second: { after: first }, fast: }",
		    t_kind(kind));
}

/* Fails unless exactly these lag, in this order, up to NULL. */
static void
expect_laggards(const struct ringbus_channel *channel, const char *a,
		const char *b)
{
	const char *names[] = { a, b };
	struct ringbus_member m = { .size = sizeof(m) };
	unsigned i = 0;

	for (; i < 2 && names[i] != NULL; i++) {
		ck_assert_int_eq(ringbus_channel_laggard(channel, i, &m), 1);
		ck_assert_str_eq(m.name, names[i]);
		ck_assert_int_gt(m.lag, 0);
	}
	ck_assert_int_eq(ringbus_channel_laggard(channel, i, &m), 0);
	ck_assert_int_eq(ringbus_channel_laggard(channel, UINT32_MAX, &m), 0);
}

KINDS(all_read_is_drained)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), 0);
	t_put_all(p, 0, 7);
	t_take(c, 0, 7);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), 0);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER), 0);
	expect_laggards(ringbus_producer_channel(p), NULL, NULL);
	t_bus_end(&b);
}

KINDS(without_consumers_there_is_nothing_to_drain)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER), 0);
	t_bus_end(&b);
}

KINDS(who_is_not_done_is_named)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *first, *second, *fast;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	first = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	second = t_consume_as(b.bus, "second", RINGBUS_FROM_NOW);
	fast = t_consume_as(b.bus, "fast", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	t_put_all(p, 0, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), -EAGAIN);
	expect_laggards(channel, "second", "fast");
	t_take(fast, 0, 3);
	expect_laggards(channel, "second", NULL);
	ck_assert_int_eq(ringbus_producer_drain(p, T_MS), -ETIMEDOUT);
	t_take(first, 0, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, T_MS), -ETIMEDOUT);
	t_take(second, 0, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), 0);
	expect_laggards(channel, NULL, NULL);
	t_bus_end(&b);
}

KINDS(nobody_waits_for_what_only_he_can_read)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_take(c, 0, 1);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER), -EDEADLK);
	t_take(c, 2, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER), 0);
	t_bus_end(&b);
}

static int
write_and_drain(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_put_all(p, 0, 9);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_FOREVER), 0);
	ck_assert_int_eq(t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
				  "first")
				 .sequence,
			 9);
	ringbus_close(bus);
	return 0;
}

KINDS(draining_sleeps_until_the_slowest_is_done)
{
	struct ringbus_tap *tap;
	pid_t consumer, producer;
	struct t_bus b;

	begin(&b, kind);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	consumer = t_stopped_consumer(&b, "first");
	producer = t_child(write_and_drain, &b.daemon);
	t_until(t_info(ringbus_tap_channel(tap)).cursor == 9 &&
		t_is_asleep(producer));
	ck_assert_int_eq(kill(consumer, SIGCONT), 0);
	t_join(producer);
	t_kill(consumer);
	t_bus_end(&b);
}

/* -------------------------------------------------- who does not count */

static int
fail_at_once(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)context;
	(void)event;
	(void)end_of_batch;
	return -EIO;
}

KINDS(who_has_failed_does_not_count)
{
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_member m;
	struct t_bus b;

	begin(&b, kind);
	handlers.on_event = fail_at_once;
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(ringbus_consumer_run(c, &handlers), -EIO);
	m = t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER, "first");
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_FAILED);
	ck_assert_int_ne(m.gates, 0);
	ck_assert_int_eq(m.failed, 0);
	ck_assert_uint_eq(m.errors, 1);
	ck_assert_int_eq(m.lag, 4);
	expect_laggards(ringbus_producer_channel(p), NULL, NULL);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), 0);
	t_bus_end(&b);
}

/* ------------------------------------------------------ how it may end */

struct drain {
	struct ringbus_producer *producer;
	int result;
	struct rb_word64 *thread;
};

static void *
drain(void *arg)
{
	struct drain *d = arg;

	t_store(d->thread, (uint64_t)gettid());
	d->result = ringbus_producer_drain(d->producer, RINGBUS_FOREVER);
	return NULL;
}

/* A drain that sleeps in another thread, and what ended it. */
static int
interrupt_drain(struct t_bus *b,
		void (*interrupt)(struct t_bus *, struct ringbus_producer *))
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct drain d = { .thread = t_counter() };
	pthread_t thread;

	t_consume_as(b->bus, "first", RINGBUS_FROM_NOW);
	o.cancellable = 1;
	d.producer = t_produce(b->bus, &o);
	t_put_all(d.producer, 0, 3);
	ck_assert_int_eq(pthread_create(&thread, NULL, drain, &d), 0);
	t_until(t_read(d.thread) != 0 && t_is_asleep((pid_t)t_read(d.thread)));
	interrupt(b, d.producer);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	return d.result;
}

static void
cancel(struct t_bus *b, struct ringbus_producer *p)
{
	(void)b;
	ringbus_producer_cancel(p);
}

static void
abort_stream(struct t_bus *b, struct ringbus_producer *p)
{
	(void)p;
	t_bus_ok(b->bus, ringbus_abort(b->bus, "a"));
}

KINDS(draining_can_be_cancelled)
{
	struct t_bus b;

	begin(&b, kind);
	ck_assert_int_eq(interrupt_drain(&b, cancel), -ECANCELED);
	t_bus_end(&b);
}

KINDS(draining_ends_with_an_aborted_stream)
{
	struct t_bus b;

	begin(&b, kind);
	ck_assert_int_eq(interrupt_drain(&b, abort_stream), -ESHUTDOWN);
	t_bus_end(&b);
}

/* The end of a stream is what draining is for. */
KINDS(an_ended_stream_is_drained_all_the_same)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), -EAGAIN);
	t_take(c, 0, 3);
	ck_assert_int_eq(ringbus_producer_drain(p, RINGBUS_NOW), 0);
	t_bus_end(&b);
}

/* --------------------------------------------------------- ended at once */

static int
wait_for_events(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_consumer *c = t_consume_as(bus, "first",
						  RINGBUS_FROM_NOW);

	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

static int
wait_for_room(void *arg)
{
	struct ringbus *bus = t_connect(arg);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t sequence = 0;

	while (sequence >= 0)
		sequence = ringbus_producer_write(p, "x", 1, RINGBUS_FOREVER);
	ck_assert_int_eq(sequence, -ESHUTDOWN);
	ringbus_close(bus);
	return 0;
}

KINDS(abort_wakes_a_consumer_that_waits)
{
	const struct ringbus_channel *channel;
	struct t_bus b;
	pid_t consumer;

	begin(&b, kind);
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	consumer = t_child(wait_for_events, &b.daemon);
	t_until(t_member(channel, RINGBUS_CONSUMER, "first").sleeps > 0 &&
		t_is_asleep(consumer));
	t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
	t_join(consumer);
	t_bus_end(&b);
}

KINDS(abort_wakes_a_producer_that_waits)
{
	const struct ringbus_channel *channel;
	struct t_bus b;
	pid_t producer;

	begin(&b, kind);
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	producer = t_child(wait_for_room, &b.daemon);
	t_until(t_info(channel).cursor >= 15 && t_is_asleep(producer));
	t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
	t_join(producer);
	t_bus_end(&b);
}

KINDS(abort_leaves_the_rest_unread)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume_as(b.bus, "first", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_bus_ok(b.bus, ringbus_abort(b.bus, "a"));
	ck_assert_int_ne(t_info(ringbus_producer_channel(p)).ended, 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ESHUTDOWN);
	ck_assert_int_eq(ringbus_producer_write(p, "x", 1, RINGBUS_FOREVER),
			 -ESHUTDOWN);
	t_bus_end(&b);
}

TEST(what_is_not_there_cannot_be_aborted)
{
	struct t_bus b;

	begin(&b, RB_SINGLE);
	ck_assert_int_eq(ringbus_abort(b.bus, "b"), -ENOENT);
	ck_assert_int_eq(ringbus_abort(b.bus, "-"), -EINVAL);
	t_bus_end(&b);
}
