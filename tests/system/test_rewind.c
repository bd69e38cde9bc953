/* SPDX-License-Identifier: MIT */
/*
 * test_rewind.c - batches that come again: which events, how often, after how
 * long, and that nobody writes over them meanwhile
 */
#include <errno.h>
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

/* Events 0 to `last`, and the end of the stream. */
static void
begin(struct scene *s, enum rb_producers kind, int64_t last)
{
	t_bus_begin(&s->b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	s->c = t_consume_as(s->b.bus, "c", RINGBUS_FROM_NOW);
	s->p = t_produce(s->b.bus, NULL);
	for (int64_t i = 0; i <= last; i++)
		t_put(s->p, (uint64_t)i);
	t_bus_ok(s->b.bus, ringbus_end(s->b.bus, "a"));
	s->r = (struct t_record){ 0 };
	s->h = t_all_handlers(&s->r);
	s->h.rewind = RINGBUS_REWIND_ALWAYS;
}

static void
expect(struct scene *s, int result, const char *record)
{
	ck_assert_int_eq(ringbus_consumer_run(s->c, &s->h), result);
	t_recorded(&s->r, record);
}

KINDS(the_first_of_one)
{
	struct scene s;

	begin(&s, kind, 0);
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, 1 };
	expect(&s, -ESHUTDOWN,
	       "start batch:1/1 0! batch:1/1 0! end:0 shutdown");
	t_bus_end(&s.b);
}

KINDS(the_middle_of_ten)
{
	struct scene s;

	begin(&s, kind, 9);
	s.r.answers[0] = (struct t_answer){ 8, RINGBUS_REWIND, 1 };
	expect(&s, -ESHUTDOWN,
	       "start batch:10/10 0 1 2 3 4 5 6 7 8 "
	       "batch:10/10 0 1 2 3 4 5 6 7 8 9! end:9 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 9);
	t_bus_end(&s.b);
}

KINDS(two_places_three_times_each)
{
	struct scene s;

	begin(&s, kind, 5);
	s.h.on_batch_start = NULL;
	s.r.answers[0] = (struct t_answer){ 1, RINGBUS_REWIND, 3 };
	s.r.answers[1] = (struct t_answer){ 3, RINGBUS_REWIND, 3 };
	expect(&s, -ESHUTDOWN,
	       "start 0 1 0 1 0 1 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 4 5! end:5 "
	       "shutdown");
	t_bus_end(&s.b);
}

KINDS(only_the_batch_comes_again)
{
	struct scene s;

	begin(&s, kind, 8);
	s.h.max_batch = 3;
	s.r.answers[0] = (struct t_answer){ 4, RINGBUS_REWIND, 2 };
	expect(&s, -ESHUTDOWN,
	       "start batch:3/9 0 1 2! batch:3/6 3 4 batch:3/6 3 4 "
	       "batch:3/6 3 4 5! batch:3/3 6 7 8! end:8 shutdown");
	t_bus_end(&s.b);
}

KINDS(what_was_released_does_not)
{
	struct scene s;

	begin(&s, kind, 5);
	s.r.answers[0] = (struct t_answer){ 2, RINGBUS_RELEASE, 0 };
	s.r.answers[1] = (struct t_answer){ 4, RINGBUS_REWIND, 1 };
	expect(&s, -ESHUTDOWN,
	       "start batch:6/6 0 1 2 3 4 batch:3/3 3 4 5! end:5 shutdown");
	t_bus_end(&s.b);
}

/* By LMAX's test of the same: sizes change, the sequences do not. */
KINDS(it_gives_up_after_three)
{
	struct scene s;

	begin(&s, kind, 9);
	s.h.on_batch_start = NULL;
	s.h.rewind_max = 3;
	s.r.answers[0] = (struct t_answer){ 2, RINGBUS_REWIND, 0 };
	s.r.answers[1] = (struct t_answer){ 6, RINGBUS_REWIND, 0 };
	expect(&s, -ESHUTDOWN,
	       "start 0 1 2 0 1 2 0 1 2 failed:-40@2 "
	       "3 4 5 6 3 4 5 6 3 4 5 6 failed:-40@6 7 8 9! end:9 shutdown");
	ck_assert_int_eq(-ELOOP, -40);
	t_bus_end(&s.b);
}

KINDS(giving_up_may_be_fatal)
{
	struct scene s;

	begin(&s, kind, 9);
	s.h.on_exception = NULL;
	s.h.rewind_max = 1;
	s.r.answers[0] = (struct t_answer){ 2, RINGBUS_REWIND, 0 };
	expect(&s, -ELOOP, "start batch:10/10 0 1 2 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 1);
	/* The attempts of another run do not count. */
	s.h.rewind_max = 2;
	s.r.answers[0].times = 1;
	s.r.answers[1] = (struct t_answer){ 9, RINGBUS_STOP, 0 };
	expect(&s, RINGBUS_STOP,
	       "start batch:8/8 2 batch:8/8 2 3 4 5 6 7 8 9! shutdown");
	t_bus_end(&s.b);
}

/* A committed batch starts the count anew. */
KINDS(each_batch_has_its_own_attempts)
{
	struct scene s;

	begin(&s, kind, 3);
	s.h.on_batch_start = NULL;
	s.h.max_batch = 1;
	s.h.rewind_max = 3;
	for (uint64_t i = 0; i < 4; i++)
		s.r.answers[i] = (struct t_answer){ i, RINGBUS_REWIND, 2 };
	expect(&s, -ESHUTDOWN,
	       "start 0! 0! 0! 1! 1! 1! 2! 2! 2! 3! 3! 3! end:3 shutdown");
	t_bus_end(&s.b);
}

static int64_t
time_of_rewinds(struct scene *s, int times)
{
	int64_t before = t_now_ns();

	s->r.answers[0] = (struct t_answer){ 0, RINGBUS_REWIND, times };
	ck_assert_int_eq(ringbus_consumer_run(s->c, &s->h), -ESHUTDOWN);
	return s->r.last_ns - before;
}

KINDS(a_pause_before_each)
{
	struct scene s;

	begin(&s, kind, 0);
	s.h.rewind = RINGBUS_REWIND_PAUSE;
	s.h.rewind_pause_ns = 3 * T_MS;
	ck_assert_int_ge(time_of_rewinds(&s, 4), 12 * T_MS);
	t_bus_end(&s.b);
}

KINDS(pauses_that_grow)
{
	struct scene s;

	begin(&s, kind, 0);
	s.h.rewind = RINGBUS_REWIND_BACKOFF;
	s.h.rewind_pause_ns = T_MS;
	/* 1 2 4 8 */
	ck_assert_int_ge(time_of_rewinds(&s, 4), 15 * T_MS);
	t_bus_end(&s.b);
}

/* Without its limit this would take 2^60 times as long as a test may. */
KINDS(pauses_that_grow_up_to_a_limit)
{
	struct scene s;

	begin(&s, kind, 0);
	s.h.on_batch_start = NULL;
	s.h.rewind = RINGBUS_REWIND_BACKOFF;
	s.h.rewind_pause_ns = 1000;
	s.h.rewind_pause_max_ns = 4000;
	ck_assert_int_ge(time_of_rewinds(&s, 70), 67 * 4000);
	t_bus_end(&s.b);
}

/* ------------------------------------------- a producer in another process */

#define LAPS 5
#define SLOTS 16

struct feed {
	const struct t_daemon *daemon;
	struct rb_word64 *written; /* events so far */
};

static int
feed(void *arg)
{
	const struct feed *f = arg;
	struct ringbus *bus = t_connect(f->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	for (uint64_t i = 0; i < LAPS * SLOTS; i++) {
		t_ok(ringbus_producer_write(p, &i, sizeof(i), T_LONG));
		t_store(f->written, i + 1);
	}
	t_bus_ok(bus, ringbus_end(bus, "a"));
	ringbus_close(bus);
	return 0;
}

struct rewinder {
	const struct rb_word64 *written;
	uint64_t next;      /* expected */
	uint64_t committed; /* events before this batch */
	uint64_t tries;     /* of this batch */
};

/* Asks for a full ring three times; by then the producer has been waiting for
 * room for long, and every slot still holds what it held. */
static int
ask_three_times(void *context, const struct ringbus_event *event,
		int end_of_batch)
{
	struct rewinder *r = context;

	if (t_value(event) != r->next)
		ck_abort_msg("%llu instead of %llu",
			     (unsigned long long)t_value(event),
			     (unsigned long long)r->next);
	r->next++;
	if (!end_of_batch)
		return RINGBUS_CONTINUE;
	t_until(t_read(r->written) == r->committed + SLOTS);
	if (r->next - r->committed < SLOTS || ++r->tries < 3) {
		r->next = r->committed;
		return RINGBUS_REWIND;
	}
	r->tries = 0;
	r->committed = r->next;
	return RINGBUS_CONTINUE;
}

KINDS(no_slot_of_a_batch_is_overwritten_while_it_is_rewound)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct rewinder r = { 0 };
	struct ringbus_consumer *c;
	struct feed f;
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "slots: %d, event_size: 8, producers: %s", SLOTS,
		    t_kind(kind));
	c = t_consume(b.bus, NULL);
	f = (struct feed){ &b.daemon, t_counter() };
	r.written = f.written;
	h.context = &r;
	h.on_event = ask_three_times;
	h.rewind = RINGBUS_REWIND_PAUSE;
	h.rewind_pause_ns = T_MS;
	child = t_child(feed, &f);
	ck_assert_int_eq(ringbus_consumer_run(c, &h), -ESHUTDOWN);
	ck_assert_uint_eq(r.committed, LAPS * SLOTS);
	t_join(child);
	t_bus_end(&b);
}
