/* SPDX-License-Identifier: MIT */
/*
 * test_consumer.c - next, commit and wait; where a consumer starts; how it is
 * halted
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

KINDS(next_does_not_wait)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
	t_put_all(p, 0, 1);
	/* Only a wait looks for more. */
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 1);
	t_put(p, 2);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(event.sequence, 0);
	ck_assert_uint_eq(event.size, 8);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(event.sequence, 1);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
	t_bus_end(&b);
}

KINDS(commit_covers_what_was_returned)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	t_put_all(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 3);
	ck_assert_int_eq(ringbus_producer_remaining(p), 10);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 3);
	t_take(c, 4, 9);
	t_bus_end(&b);
}

KINDS(a_wait_ends_in_time)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_bus b;

	begin(&b, kind);
	for (o.wait = RINGBUS_WAIT_BUSY_SPIN;
	     o.wait <= RINGBUS_WAIT_PHASED_BACKOFF; o.wait++) {
		struct ringbus_consumer *c = t_consume(b.bus, &o);
		int64_t before = t_now_ns();

		ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW),
				 -EAGAIN);
		ck_assert_int_eq(ringbus_consumer_wait(c, 1), -ETIMEDOUT);
		ck_assert_int_eq(ringbus_consumer_wait(c, 3 * T_MS),
				 -ETIMEDOUT);
		ck_assert_int_ge(t_now_ns() - before, 3 * T_MS);
		ringbus_consumer_close(c);
	}
	t_bus_end(&b);
}

KINDS(from_now_sees_nothing_older)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	c = t_consume(b.bus, NULL);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 9);
	t_nothing(c);
	t_put(p, 10);
	t_take(c, 10, 10);
	t_bus_end(&b);
}

KINDS(from_oldest_sees_the_history_at_least)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 5, event_size: 8, producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 2);
	c = t_consume_as(b.bus, "early", RINGBUS_FROM_OLDEST);
	t_take(c, 0, 2);
	ringbus_consumer_close(c);
	t_put_all(p, 3, 99);
	c = t_consume_as(b.bus, "late", RINGBUS_FROM_OLDEST);
	ck_assert_int_le(ringbus_consumer_sequence(c), 94);
	t_put(p, 100);
	t_take(c, (uint64_t)ringbus_consumer_sequence(c) + 1, 100);
	t_bus_end(&b);
}

KINDS(from_oldest_without_a_producer_sees_the_whole_ring)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	ringbus_producer_close(p);
	c = t_consume_as(b.bus, "late", RINGBUS_FROM_OLDEST);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 83);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_remaining(p), 0);
	t_take(c, 84, 99);
	t_put(p, 100);
	t_take(c, 100, 100);
	t_bus_end(&b);
}

/* What a late joiner of a framed channel gets starts with an event. */
KINDS(from_oldest_starts_where_an_event_starts)
{
	struct t_bus b;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, slot_size: 16,"
		    " history: 32, producers: %s",
		    t_kind(kind));
	for (uint64_t lap = 0; lap < 20; lap++) {
		struct ringbus_producer *p = t_produce(b.bus, NULL);
		struct ringbus_consumer *c;
		struct ringbus_event event;
		char bytes[100];

		for (uint64_t i = 0; i < 7 + lap; i++) {
			size_t size = (i * 13 + lap) % sizeof(bytes);

			fill(bytes, size, size);
			t_ok(ringbus_producer_write(p, bytes, size,
						    RINGBUS_NOW));
		}
		if (lap % 2 == 0)
			ringbus_producer_close(p);
		c = t_consume_as(b.bus, "late", RINGBUS_FROM_OLDEST);
		t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
		while (ringbus_consumer_next(c, &event) > 0)
			ck_assert(
				is_filled(event.data, event.size, event.size));
		t_ok(ringbus_consumer_commit(c));
		ringbus_consumer_close(c);
		if (lap % 2 != 0)
			ringbus_producer_close(p);
	}
	t_bus_end(&b);
}

KINDS(a_consumer_that_leaves_holds_nobody_up)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(ringbus_producer_remaining(p), 0);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	t_put_all(p, 16, 50);
	t_bus_end(&b);
}

KINDS(consumers_are_independent)
{
	struct ringbus_consumer *c[8];
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	for (int i = 0; i < 8; i++)
		c[i] = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (uint64_t lap = 0; lap < 10; lap++) {
		t_put_all(p, 10 * lap, 10 * lap + 9);
		for (int i = 0; i < 8; i++)
			t_take(c[i], 10 * lap, 10 * lap + 9);
	}
	t_bus_end(&b);
}

/* ------------------------------------------------------------------ halting */

static struct ringbus_consumer *halted_by_signal;

static void
halt_on_signal(int signo)
{
	(void)signo;
	ringbus_consumer_halt(halted_by_signal);
}

static void
wait_until_halted(int wait)
{
	struct sigaction action = { .sa_handler = halt_on_signal };
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	o.wait = wait;
	c = halted_by_signal = t_consume(b.bus, &o);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(20 * 1000, 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ECANCELED);
	t_nothing(c);
	t_bus_end(&b);
}

TEST(a_signal_handler_halts_a_spinner)
{
	wait_until_halted(RINGBUS_WAIT_BUSY_SPIN);
}

TEST(a_signal_handler_halts_a_yielder)
{
	wait_until_halted(RINGBUS_WAIT_YIELDING);
}

TEST(a_signal_handler_halts_a_sleeper)
{
	wait_until_halted(RINGBUS_WAIT_SLEEPING);
}

TEST(a_signal_handler_halts_a_blocked_one)
{
	wait_until_halted(RINGBUS_WAIT_BLOCKING);
}

TEST(a_signal_handler_halts_one_that_backs_off)
{
	wait_until_halted(RINGBUS_WAIT_PHASED_BACKOFF);
}

static void *
halt_when_asleep(void *arg)
{
	t_until(t_is_asleep(getpid()));
	ringbus_consumer_halt(arg);
	return NULL;
}

TEST(another_thread_halts_a_wait)
{
	struct ringbus_consumer *c;
	struct t_bus b;
	pthread_t thread;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, halt_when_asleep, c), 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ECANCELED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	t_bus_end(&b);
}

TEST(a_halt_beforehand_holds_for_the_next_wait)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	ringbus_consumer_halt(c);
	ringbus_consumer_halt(c);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ECANCELED);
	t_take(c, 0, 3);
	t_bus_end(&b);
}

TEST(a_consumer_that_was_replaced_is_told)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct rb_channel daemons;
	struct rb_word32 *epoch;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_next(c, &event);
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &daemons);
	epoch = &daemons.meta->consumers[0].epoch;
	rb_word32_store_relaxed(epoch, rb_word32_load_relaxed(epoch) + 1);
	ck_assert_int_eq(ringbus_consumer_commit(c), -ESTALE);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESTALE);
	ck_assert_int_eq(t_member(ringbus_consumer_channel(c), RINGBUS_CONSUMER,
				  daemons.meta->consumers[0].name)
				 .sequence,
			 -1);
	rb_word32_store_relaxed(epoch, rb_word32_load_relaxed(epoch) - 1);
	rb_channel_detach(&daemons);
	t_bus_end(&b);
}
