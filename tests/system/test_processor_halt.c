/* SPDX-License-Identifier: MIT */
/*
 * test_processor_halt.c - a run is halted: from its own handler, by another
 * thread, by a signal handler, before it begins; and begins again
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_record r;
	struct ringbus_handlers h;
};

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	s->c = t_consume_as(s->b.bus, "c", RINGBUS_FROM_NOW);
	s->p = t_produce(s->b.bus, NULL);
	s->r = (struct t_record){ 0 };
	s->h = t_handlers(&s->r);
}

static void
expect(struct scene *s, int result, const char *record)
{
	ck_assert_int_eq(ringbus_consumer_run(s->c, &s->h), result);
	t_recorded(&s->r, record);
}

KINDS(a_halt_before_the_run_lets_it_start_and_shut_down)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	ringbus_consumer_halt(s.c);
	ringbus_consumer_halt(s.c);
	expect(&s, 0, "start shutdown");
	/* It was for that run alone. */
	s.r.answers[0] = (struct t_answer){ 3, RINGBUS_STOP, 0 };
	expect(&s, RINGBUS_STOP, "start batch:4/4 0 1 2 3! shutdown");
	t_bus_end(&s.b);
}

/* Who writes at the end of a batch is not left with half of one: the event
 * after the halt is told to end it. */
KINDS(a_halt_cuts_the_batch_short)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	s.r.halts = s.c;
	s.r.halt_at = 4;
	expect(&s, 0, "start batch:10/10 0 1 2 3 4 5! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 5);
	s.r.halt_at = 9;
	expect(&s, 0, "start batch:4/4 6 7 8 9! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 9);
	t_bus_end(&s.b);
}

static struct ringbus_consumer *halted;

static void
halt_it(int signo)
{
	(void)signo;
	ringbus_consumer_halt(halted);
}

KINDS(a_signal_handler_halts_a_run)
{
	struct sigaction action = { .sa_handler = halt_it };
	struct scene s;

	begin(&s, kind);
	halted = s.c;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(10 * 1000, 0);
	expect(&s, 0, "start shutdown");
	t_bus_end(&s.b);
}

static void *
halt_when_asleep(void *arg)
{
	t_until(t_is_asleep(getpid()));
	ringbus_consumer_halt(arg);
	return NULL;
}

KINDS(another_thread_halts_a_run)
{
	struct scene s;
	pthread_t thread;

	begin(&s, kind);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, halt_when_asleep,
						s.c),
				 0);
		expect(&s, 0, "start shutdown");
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
	t_bus_end(&s.b);
}

/* Someone who asks for the same batch for ever is halted all the same. */
KINDS(a_halt_ends_rewinding)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 2);
	s.h.on_batch_start = NULL;
	s.h.rewind = RINGBUS_REWIND_ALWAYS;
	s.r.answers[0] = (struct t_answer){ 1, RINGBUS_REWIND, 0 };
	s.r.halts = s.c;
	s.r.halt_at = 1;
	expect(&s, 0, "start 0 1 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), -1);
	t_take(s.c, 0, 2);
	t_bus_end(&s.b);
}

/* By the event, as it would not come to that event if it was halted before. */
static void
ring_soon(void *context, const struct ringbus_event *event)
{
	(void)context;
	(void)event;
	ualarm(10 * 1000, 0);
}

KINDS(a_halt_ends_a_pause_before_a_rewind)
{
	struct sigaction action = { .sa_handler = halt_it };
	struct scene s;

	begin(&s, kind);
	t_put(s.p, 0);
	halted = s.c;
	s.h.rewind = RINGBUS_REWIND_PAUSE;
	s.h.rewind_pause_ns = INT64_MAX;
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, 0 };
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	s.r.look = ring_soon;
	expect(&s, 0, "start batch:1/1 0! shutdown");
	t_take(s.c, 0, 0);
	t_bus_end(&s.b);
}

/* --------------------------------------------------------------- at random */

struct race {
	struct ringbus_consumer *consumer;
	struct rb_word64 *round;
	struct rb_word64 *over;
	unsigned starts, shutdowns;
};

static int
note_start(void *context)
{
	((struct race *)context)->starts++;
	return 0;
}

static int
note_shutdown(void *context)
{
	((struct race *)context)->shutdowns++;
	return 0;
}

static int
ignore(void *context, const struct ringbus_event *event, int end_of_batch)
{
	(void)context;
	(void)event;
	(void)end_of_batch;
	return 0;
}

#define RACES 1000

static void *
halt_each(void *arg)
{
	struct race *r = arg;

	for (uint64_t i = 1; i <= RACES; i++) {
		while (t_read(r->round) < i)
			;
		/* From before it begins to when it has long been asleep. */
		for (uint64_t spin = 0; spin < (i * 37) % 3000; spin++)
			rb_fence_compiler();
		ringbus_consumer_halt(r->consumer);
		t_store(r->over, i);
	}
	return NULL;
}

static void
race(int wait)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct race r = { .round = t_counter(), .over = t_counter() };
	struct t_bus b;
	pthread_t thread;

	t_bus_begin(&b, "slots: 64, event_size: 8");
	o.wait = wait;
	r.consumer = t_consume(b.bus, &o);
	h.context = &r;
	h.on_start = note_start;
	h.on_shutdown = note_shutdown;
	h.on_event = ignore;
	ck_assert_int_eq(pthread_create(&thread, NULL, halt_each, &r), 0);
	for (uint64_t i = 1; i <= RACES; i++) {
		t_store(r.round, i);
		ck_assert_int_eq(ringbus_consumer_run(r.consumer, &h), 0);
		ck_assert_uint_eq(r.starts, i);
		ck_assert_uint_eq(r.shutdowns, i);
		while (t_read(r.over) < i)
			;
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	t_bus_end(&b);
}

TEST(a_thousand_races_of_start_and_halt_blocking)
{
	race(RINGBUS_WAIT_BLOCKING);
}

TEST(a_thousand_races_of_start_and_halt_yielding)
{
	race(RINGBUS_WAIT_YIELDING);
}
