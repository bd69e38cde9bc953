/* SPDX-License-Identifier: MIT */
/*
 * test_processor_failure.c - handlers that fail: by which policy, what is
 * committed, and how other processes see it
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

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, "slots: 16, event_size: 8, producers: %s",
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

static struct ringbus_member
self(const struct scene *s)
{
	return t_member(ringbus_producer_channel(s->p), RINGBUS_CONSUMER, "c");
}

/* The failing one stays, with all behind it. */
static void
fail_fatally(enum rb_producers kind, uint64_t at)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	s.r.answers[0] = (struct t_answer){ at, -7, 0 };
	ck_assert_int_eq(self(&s).failed, -1);
	for (unsigned i = 1; i <= 2; i++) {
		s.r.n_events = 0;
		ck_assert_int_eq(ringbus_consumer_run(s.c, &s.h), -7);
		ck_assert_uint_eq(s.r.n_events, i == 1 ? at + 1 : 1);
		ck_assert_int_eq(ringbus_consumer_sequence(s.c),
				 (int64_t)at - 1);
		ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_FAILED);
		ck_assert_int_eq(self(&s).failed, (int64_t)at);
		ck_assert_uint_eq(self(&s).errors, i);
		/* It holds producers up, as it did before. */
		ck_assert_int_ne(self(&s).gates, 0);
		ck_assert_int_eq(self(&s).pid, getpid());
	}
	t_put(s.p, 10);
	t_take(s.c, at, 10);
	t_bus_end(&s.b);
}

KINDS(fatal_at_the_first_event)
{
	fail_fatally(kind, 0);
}

KINDS(fatal_in_the_middle)
{
	fail_fatally(kind, 5);
}

KINDS(fatal_at_the_last_event)
{
	fail_fatally(kind, 9);
}

KINDS(an_ignored_failure_counts_as_handled)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 5);
	s.h.exceptions = RINGBUS_IGNORE;
	s.r.answers[0] = (struct t_answer){ 1, -7, 0 };
	s.r.answers[1] = (struct t_answer){ 4, -EIO, 0 };
	s.r.answers[2] = (struct t_answer){ 5, RINGBUS_STOP, 0 };
	/* What is left of the batch is a batch. */
	expect(&s, RINGBUS_STOP,
	       "start batch:6/6 0 1 batch:4/4 2 3 4 batch:1/1 5! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 5);
	ck_assert_uint_eq(self(&s).errors, 2);
	ck_assert_int_eq(self(&s).failed, 4);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_ATTACHED);
	t_bus_end(&s.b);
}

KINDS(on_exception_decides_instead_of_the_policy)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	s.h = t_all_handlers(&s.r);
	s.h.exceptions = RINGBUS_IGNORE;
	s.r.answers[0] = (struct t_answer){ 2, -7, 0 };
	s.r.exception = -EPERM;
	expect(&s, -EPERM, "start batch:4/4 0 1 2 failed:-7@2 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 1);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_FAILED);
	s.h.exceptions = RINGBUS_FATAL;
	s.r.exception = 0;
	s.r.answers[1] = (struct t_answer){ 3, RINGBUS_STOP, 0 };
	expect(&s, RINGBUS_STOP,
	       "start batch:2/2 2 failed:-7@2 batch:1/1 3! shutdown");
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_ATTACHED);
	t_bus_end(&s.b);
}

/* The others fail without an event. */
TEST(every_handler_may_fail)
{
	static const char *const records[] = {
		"start failed:-1 shutdown",
		"start batch:1/1 failed:-2 shutdown",
		"start batch:1/1 0! end:0 failed:-3 shutdown",
		"start batch:1/1 0! end:0 shutdown failed:-4",
	};

	for (int i = 0; i < 4; i++) {
		struct scene s;

		begin(&s, RB_SINGLE);
		t_put(s.p, 0);
		t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
		s.h = t_all_handlers(&s.r);
		s.r.start = i == 0 ? -1 : 0;
		s.r.batch_start = i == 1 ? -2 : 0;
		s.r.end = i == 2 ? -3 : 0;
		s.r.shutdown = i == 3 ? -4 : 0;
		s.r.exception = -9;
		expect(&s, -9, records[i]);
		ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_FAILED);
		ck_assert_uint_eq(self(&s).errors, 1);
		ck_assert_int_eq(self(&s).failed, -1);
		ck_assert_int_eq(ringbus_consumer_sequence(s.c),
				 i < 2 ? -1 : 0);
		t_bus_end(&s.b);
	}
}

TEST(a_run_goes_on_after_failures_that_are_ignored)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put(s.p, 0);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	s.h.exceptions = RINGBUS_IGNORE;
	s.r.start = s.r.batch_start = s.r.end = s.r.shutdown = -1;
	expect(&s, -ESHUTDOWN, "start batch:1/1 0! end:0 shutdown");
	ck_assert_uint_eq(self(&s).errors, 4);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_ATTACHED);
	t_bus_end(&s.b);
}

/* What it ended by first is the result. */
TEST(a_failing_shutdown_does_not_hide_an_error)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put(s.p, 0);
	s.r.answers[0] = (struct t_answer){ 0, -7, 0 };
	s.r.shutdown = -8;
	expect(&s, -7, "start batch:1/1 0! shutdown");
	s.r.answers[0].verdict = RINGBUS_STOP;
	expect(&s, -8, "start batch:1/1 0! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 0);
	t_bus_end(&s.b);
}

TEST(rewinding_without_a_strategy_is_a_failure)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put_all(s.p, 0, 3);
	s.r.answers[0] = (struct t_answer){ 2, RINGBUS_REWIND, 0 };
	expect(&s, -ENOTSUP, "start batch:4/4 0 1 2 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 1);
	ck_assert_int_eq(self(&s).failed, 2);
	t_bus_end(&s.b);
}

/* ----------------------------------------------------- another process sees */

struct victim {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
};

/* Fails at event 3 and stays; runs again when told so, and that time goes on. */
static int
fail_then_recover(void *arg)
{
	const struct victim *v = arg;
	struct ringbus *bus = t_connect(v->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "c", RINGBUS_FROM_NOW);
	struct t_record r = { .answers = { { 3, -5, 0 } } };
	struct ringbus_handlers h = t_handlers(&r);

	t_store(v->step, 1);
	ck_assert_int_eq(ringbus_consumer_run(c, &h), -5);
	t_store(v->step, 2);
	t_until(t_read(v->step) == 3);
	r.answers[0].verdict = RINGBUS_CONTINUE;
	ck_assert_int_eq(ringbus_consumer_run(c, &h), -ESHUTDOWN);
	t_store(v->step, 4);
	ringbus_close(bus);
	return 0;
}

KINDS(a_failed_consumer_is_seen_and_does_not_count_for_a_drain)
{
	struct victim v;
	struct scene s;
	struct ringbus_member m = { .size = sizeof(m) };
	pid_t child;

	begin(&s, kind);
	ringbus_consumer_close(s.c);
	v = (struct victim){ &s.b.daemon, t_counter() };
	child = t_child(fail_then_recover, &v);
	t_until(t_read(v.step) == 1);
	t_put_all(s.p, 0, 9);
	t_until(t_read(v.step) == 2);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_FAILED);
	ck_assert_int_eq(self(&s).failed, 3);
	ck_assert_int_eq(self(&s).sequence, 2);
	ck_assert_int_eq(self(&s).pid, child);
	ck_assert_int_eq(ringbus_channel_laggard(ringbus_producer_channel(s.p),
						 0, &m),
			 0);
	t_ok(ringbus_producer_drain(s.p, RINGBUS_FOREVER));
	t_store(v.step, 3);
	t_until(self(&s).state == RINGBUS_MEMBER_ATTACHED);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	t_until(t_read(v.step) == 4);
	t_join(child);
	t_bus_end(&s.b);
}

/* Whoever comes next has not failed yet. */
TEST(a_failure_is_not_inherited)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put(s.p, 0);
	s.r.answers[0] = (struct t_answer){ 0, -7, 0 };
	expect(&s, -7, "start batch:1/1 0! shutdown");
	ringbus_consumer_close(s.c);
	s.c = t_consume_as(s.b.bus, "c", RINGBUS_FROM_NOW);
	ck_assert_int_eq(self(&s).state, RINGBUS_MEMBER_ATTACHED);
	ck_assert_uint_eq(self(&s).errors, 0);
	ck_assert_int_eq(self(&s).failed, -1);
	t_bus_end(&s.b);
}
