/* SPDX-License-Identifier: MIT */
/*
 * test_poller.c - poll: what it says, which events it hands out, and what the
 * handler's verdict does
 */
#include <errno.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"

#define ALL INT64_MAX

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_record r;
};

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	s->c = t_consume_as(s->b.bus, "c", RINGBUS_FROM_NOW);
	s->p = t_produce(s->b.bus, NULL);
	s->r = (struct t_record){ 0 };
}

static void
expect(struct scene *s, int64_t max, int result, const char *record)
{
	ck_assert_int_eq(ringbus_consumer_poll(s->c, max, t_record_event,
					       &s->r),
			 result);
	t_recorded(&s->r, record);
}

KINDS(poll_takes_what_is_there)
{
	struct scene s;

	begin(&s, kind);
	expect(&s, ALL, RINGBUS_IDLE, "");
	t_put_all(s.p, 0, 3);
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1 2 3!");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	expect(&s, ALL, RINGBUS_IDLE, "");
	t_put(s.p, 4);
	expect(&s, 1, RINGBUS_PROCESSING, "4!");
	t_bus_end(&s.b);
}

KINDS(poll_takes_at_most_max)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 5);
	expect(&s, 4, RINGBUS_PROCESSING, "0 1 2 3!");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	t_put(s.p, 6);
	expect(&s, 2, RINGBUS_PROCESSING, "4 5!");
	expect(&s, 2, RINGBUS_PROCESSING, "6!");
	expect(&s, 2, RINGBUS_IDLE, "");
	t_bus_end(&s.b);
}

KINDS(with_none_allowed_it_only_looks)
{
	struct scene s;

	begin(&s, kind);
	expect(&s, 0, RINGBUS_IDLE, "");
	t_put_all(s.p, 0, 1);
	expect(&s, 0, RINGBUS_PROCESSING, "");
	expect(&s, 0, RINGBUS_PROCESSING, "");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), -1);
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1!");
	t_bus_end(&s.b);
}

TEST(polls_that_cannot_be_are_refused)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put(s.p, 0);
	expect(&s, -1, -EINVAL, "");
	expect(&s, INT64_MIN, -EINVAL, "");
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 1, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 0, NULL, NULL),
			 RINGBUS_PROCESSING);
	expect(&s, 1, RINGBUS_PROCESSING, "0!");
	t_bus_end(&s.b);
}

KINDS(a_stage_before_that_is_not_done_is_gating)
{
	struct ringbus_consumer *first;
	struct scene s = { 0 };

	t_bus_begin(&s.b,
		    "slots: 64, event_size: 8, producers: %s,"
		    " consumers: { first: , second: { after: first } }",
		    t_kind(kind));
	first = t_consume_as(s.b.bus, "first", RINGBUS_FROM_NOW);
	s.c = t_consume_as(s.b.bus, "second", RINGBUS_FROM_NOW);
	s.p = t_produce(s.b.bus, NULL);
	expect(&s, ALL, RINGBUS_IDLE, "");
	t_put_all(s.p, 0, 2);
	expect(&s, ALL, RINGBUS_GATING, "");
	expect(&s, 0, RINGBUS_GATING, "");
	t_take(first, 0, 1);
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1!");
	expect(&s, ALL, RINGBUS_GATING, "");
	t_take(first, 2, 2);
	expect(&s, ALL, RINGBUS_PROCESSING, "2!");
	expect(&s, ALL, RINGBUS_IDLE, "");
	t_bus_end(&s.b);
}

/* One producer has published what comes after what another has claimed. */
TEST(a_hole_is_gating)
{
	struct ringbus_producer *other;
	uint64_t value = 7;
	struct scene s;

	begin(&s, RB_MULTI);
	other = t_produce(s.b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(other, 1, RINGBUS_NOW), 0);
	t_put(s.p, 8);
	expect(&s, ALL, RINGBUS_GATING, "");
	memcpy(ringbus_producer_slot(other, 0), &value, sizeof(value));
	t_ok(ringbus_producer_publish(other, 0, 0));
	expect(&s, ALL, RINGBUS_PROCESSING, "7 8!");
	t_bus_end(&s.b);
}

KINDS(the_end_comes_after_the_last_event)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 1);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	expect(&s, 0, RINGBUS_PROCESSING, "");
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1!");
	for (int i = 0; i < 2; i++) {
		expect(&s, ALL, RINGBUS_END, "");
		expect(&s, 0, RINGBUS_END, "");
	}
	t_bus_end(&s.b);
}

TEST(an_abort_is_the_end)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put_all(s.p, 0, 1);
	t_bus_ok(s.b.bus, ringbus_abort(s.b.bus, "a"));
	expect(&s, ALL, RINGBUS_END, "");
	t_bus_end(&s.b);
}

KINDS(a_halted_poll_says_so_once)
{
	struct scene s;

	begin(&s, kind);
	t_put(s.p, 0);
	ringbus_consumer_halt(s.c);
	expect(&s, ALL, -ECANCELED, "");
	expect(&s, ALL, RINGBUS_PROCESSING, "0!");
	t_bus_end(&s.b);
}

/* ---------------------------------------------------------------- verdicts */

/* It is not taken, and comes again. */
static void
fail_at(enum rb_producers kind, uint64_t at)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	s.r.answers[0] = (struct t_answer){ at, -7, 0 };
	for (unsigned i = 1; i <= 2; i++) {
		s.r.n_events = 0;
		ck_assert_int_eq(ringbus_consumer_poll(s.c, ALL, t_record_event,
						       &s.r),
				 -7);
		ck_assert_uint_eq(s.r.n_events, i == 1 ? at + 1 : 1);
		ck_assert_int_eq(ringbus_consumer_sequence(s.c),
				 (int64_t)at - 1);
		ck_assert_uint_eq(t_member(ringbus_consumer_channel(s.c),
					   RINGBUS_CONSUMER, "c")
					  .errors,
				  i);
	}
	t_put(s.p, 10);
	t_take(s.c, at, 10);
	t_bus_end(&s.b);
}

KINDS(a_failure_at_the_first_event)
{
	fail_at(kind, 0);
}

KINDS(a_failure_in_the_middle)
{
	fail_at(kind, 5);
}

KINDS(a_failure_at_the_last_event)
{
	fail_at(kind, 9);
}

KINDS(stop_ends_a_poll)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 4);
	s.r.answers[0] = (struct t_answer){ 2, RINGBUS_STOP, 0 };
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1 2");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 2);
	expect(&s, ALL, RINGBUS_PROCESSING, "3 4!");
	t_bus_end(&s.b);
}

KINDS(rewind_leaves_the_events_for_the_next_poll)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 4);
	s.r.answers[0] = (struct t_answer){ 0, RINGBUS_RELEASE, 0 };
	s.r.answers[1] = (struct t_answer){ 2, RINGBUS_REWIND, 1 };
	expect(&s, ALL, RINGBUS_PROCESSING, "0 1 2");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 0);
	expect(&s, 0, RINGBUS_PROCESSING, "");
	expect(&s, ALL, RINGBUS_PROCESSING, "1 2 3 4!");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 4);
	t_bus_end(&s.b);
}

/* -------------------------------------------------------------- tombstones */

static void
abandon(struct ringbus_producer *p, int64_t n)
{
	int64_t hi = ringbus_producer_claim(p, n, RINGBUS_NOW);

	t_ok(hi);
	t_ok(ringbus_producer_abandon(p, hi - n + 1, hi));
}

TEST(tombstones_are_no_events)
{
	struct scene s;

	begin(&s, RB_MULTI);
	abandon(s.p, 3);
	expect(&s, 0, RINGBUS_IDLE, "");
	expect(&s, ALL, RINGBUS_IDLE, "");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 2);
	t_put(s.p, 0);
	abandon(s.p, 2);
	t_put(s.p, 1);
	abandon(s.p, 1);
	expect(&s, 0, RINGBUS_PROCESSING, "");
	expect(&s, 1, RINGBUS_PROCESSING, "0!");
	expect(&s, 9, RINGBUS_PROCESSING, "1!");
	expect(&s, 9, RINGBUS_IDLE, "");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 7);
	t_bus_end(&s.b);
}

TEST(a_failure_around_tombstones_loses_nothing)
{
	struct scene s;

	begin(&s, RB_MULTI);
	t_put(s.p, 0);
	abandon(s.p, 2);
	t_put(s.p, 1);
	abandon(s.p, 2);
	t_put(s.p, 2);
	s.r.answers[0] = (struct t_answer){ 1, -3, 1 };
	s.r.answers[1] = (struct t_answer){ 1, RINGBUS_STOP, 1 };
	expect(&s, 9, -3, "0 1");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 2);
	expect(&s, 9, RINGBUS_PROCESSING, "1");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	t_take(s.c, 2, 2);
	t_bus_end(&s.b);
}
