/* SPDX-License-Identifier: MIT */
/*
 * test_processor.c - run: what is called when, where a batch begins and ends, and
 * how it all ends
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

/* From here on the event of this number gets this answer, every time. */
static void
answer(struct scene *s, uint64_t number, int verdict)
{
	s->r.answers[0] = (struct t_answer){ number, verdict, 0 };
}

/* ------------------------------------------------------------- its course */

KINDS(what_is_there_is_one_batch)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	answer(&s, 3, RINGBUS_STOP);
	expect(&s, RINGBUS_STOP, "start batch:4/4 0 1 2 3! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	t_bus_end(&s.b);
}

KINDS(a_batch_is_cut_at_its_maximum)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 4);
	s.h.max_batch = 3;
	answer(&s, 4, RINGBUS_STOP);
	expect(&s, RINGBUS_STOP,
	       "start batch:3/5 0 1 2! batch:2/2 3 4! shutdown");
	t_bus_end(&s.b);
}

KINDS(batches_of_one)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 2);
	s.h.max_batch = 1;
	answer(&s, 2, RINGBUS_STOP);
	expect(&s, RINGBUS_STOP,
	       "start batch:1/3 0! batch:1/2 1! batch:1/1 2! shutdown");
	t_bus_end(&s.b);
}

/* Nothing but on_event has to be there. */
KINDS(most_handlers_may_be_missing)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	h.on_event = t_record_event;
	h.context = &s.r;
	h.timeout_ns = 1;
	ck_assert_int_eq(ringbus_consumer_run(s.c, &h), -ESHUTDOWN);
	t_recorded(&s.r, "0 1 2 3 4 5 6 7 8 9!");
	t_bus_end(&s.b);
}

TEST(handlers_that_cannot_be_are_refused)
{
	struct ringbus_handlers good, *h;
	struct scene s;

	begin(&s, RB_SINGLE);
	h = &s.h;
	good = *h;
	ck_assert_int_eq(ringbus_consumer_run(s.c, NULL), -EINVAL);
#define REFUSED(change)                                                        \
	do {                                                                   \
		*h = good;                                                     \
		change;                                                        \
		ck_assert_int_eq(ringbus_consumer_run(s.c, h), -EINVAL);       \
	} while (0)
	REFUSED(h->size--);
	REFUSED(h->on_event = NULL);
	REFUSED(h->exceptions = 2);
	REFUSED(h->exceptions = -1);
	REFUSED(h->rewind = 4);
	REFUSED(h->rewind = -1);
	REFUSED(h->rewind_max = -1);
	REFUSED(h->rewind_pause_ns = -1);
	REFUSED(h->rewind_pause_max_ns = -1);
	REFUSED(h->max_batch = -1);
	REFUSED(h->timeout_ns = -1);
#undef REFUSED
	t_recorded(&s.r, "");
	t_bus_end(&s.b);
}

KINDS(nothing_for_a_while_is_told)
{
	struct scene s;
	int64_t before;

	begin(&s, kind);
	s.h = t_all_handlers(&s.r);
	s.h.timeout_ns = 3 * T_MS;
	s.r.timeout = -7;
	s.r.exception = -8;
	t_put_all(s.p, 0, 1);
	before = t_now_ns();
	expect(&s, -8, "start batch:2/2 0 1! timeout:1 failed:-7 shutdown");
	ck_assert_int_ge(t_now_ns() - before, 3 * T_MS);
	t_bus_end(&s.b);
}

/* ---------------------------------------------------------------- verdicts */

KINDS(what_is_released_is_committed_at_once)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 5);
	answer(&s, 2, RINGBUS_RELEASE);
	s.r.answers[1] = (struct t_answer){ 4, -9, 0 };
	s.r.batch_start = 0;
	expect(&s, -9, "start batch:6/6 0 1 2 3 4 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	t_bus_end(&s.b);
}

static void
see_sequence(void *context, const struct ringbus_event *event)
{
	struct ringbus_member m = t_member(ringbus_producer_channel(context),
					   RINGBUS_CONSUMER, "c");

	/* Within its batch: the one before was released, and is free. */
	ck_assert_int_eq(m.sequence, event->sequence - 1);
	ck_assert_int_eq(ringbus_producer_remaining(context),
			 64 - (3 - m.sequence));
}

KINDS(producers_see_a_release_within_the_batch)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 3);
	for (uint64_t i = 0; i < 3; i++)
		s.r.answers[i] = (struct t_answer){ i, RINGBUS_RELEASE, 0 };
	s.r.answers[3] = (struct t_answer){ 3, RINGBUS_STOP, 0 };
	s.r.look = see_sequence;
	s.r.look_context = s.p;
	expect(&s, RINGBUS_STOP, "start batch:4/4 0 1 2 3! shutdown");
	t_bus_end(&s.b);
}

KINDS(what_is_skipped_does_not_come_again)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 5);
	answer(&s, 2, RINGBUS_SKIP);
	s.r.answers[1] = (struct t_answer){ 5, RINGBUS_STOP, 0 };
	expect(&s, RINGBUS_STOP, "start batch:6/6 0 1 2 3 4 5! shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 5);
	t_bus_end(&s.b);
}

/* The one that stops was handled; the rest is for the next run. */
static void
stop_at(enum rb_producers kind, uint64_t at)
{
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	answer(&s, at, RINGBUS_STOP);
	ck_assert_int_eq(ringbus_consumer_run(s.c, &s.h), RINGBUS_STOP);
	ck_assert_uint_eq(s.r.n_events, at + 1);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), (int64_t)at);
	t_put(s.p, 10);
	t_take(s.c, at + 1, 10);
	t_bus_end(&s.b);
}

KINDS(stop_at_the_first_event)
{
	stop_at(kind, 0);
}

KINDS(stop_in_the_middle)
{
	stop_at(kind, 5);
}

KINDS(stop_at_the_last_event)
{
	stop_at(kind, 9);
}

/* -------------------------------------------------------------- tombstones */

/* Events where `pattern` has a letter, tombstones where it has a dot. */
static void
put_pattern(struct scene *s, const char *pattern)
{
	int64_t n = (int64_t)strlen(pattern);
	int64_t hi = n > 0 ? ringbus_producer_claim(s->p, n, RINGBUS_NOW) : 0;

	t_ok(hi);
	for (int64_t i = hi - n + 1; *pattern != '\0'; i++, pattern++) {
		uint64_t value = (uint64_t)(*pattern - 'a');

		memcpy(ringbus_producer_slot(s->p, i), &value, sizeof(value));
		if (*pattern == '.')
			t_ok(ringbus_producer_abandon(s->p, i, i));
		else
			t_ok(ringbus_producer_publish(s->p, i, i));
	}
}

/* One run over the pattern, up to the end of the stream. */
static void
run_pattern(const char *pattern, int64_t max_batch, const char *record)
{
	struct scene s;

	begin(&s, RB_MULTI);
	put_pattern(&s, pattern);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	s.h = t_all_handlers(&s.r);
	s.h.max_batch = max_batch;
	expect(&s, -ESHUTDOWN, record);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c),
			 (int64_t)strlen(pattern) - 1);
	ck_assert_int_eq(ringbus_producer_remaining(s.p), 64);
	t_bus_end(&s.b);
}

TEST(a_gap_before_the_first_event)
{
	run_pattern("..abc", 0,
		    "start batch:3/3 gap:0-1 0 1 2! end:4 shutdown");
}

TEST(gaps_between_events)
{
	run_pattern("a.b..c", 0,
		    "start batch:3/6 0 gap:1-1 1 gap:3-4 2! end:5 shutdown");
}

TEST(a_gap_after_the_last_event)
{
	run_pattern("ab....", 0, "start batch:2/6 0 1! gap:2-5 end:5 shutdown");
}

TEST(nothing_but_gaps_is_no_batch)
{
	run_pattern(".....", 0, "start gap:0-4 end:4 shutdown");
}

TEST(tombstones_do_not_count_for_a_batch)
{
	run_pattern("..a..b..c..", 2,
		    "start batch:2/9 gap:0-1 0 gap:3-4 1! "
		    "batch:1/3 gap:6-7 2! gap:9-10 end:10 shutdown");
}

TEST(an_empty_stream_ends)
{
	run_pattern("", 0, "start end:-1 shutdown");
}

TEST(a_gap_may_fail)
{
	struct scene s;

	begin(&s, RB_MULTI);
	put_pattern(&s, "a..bc");
	s.h = t_all_handlers(&s.r);
	s.r.gap = -4;
	s.r.exception = -5;
	expect(&s, -5, "start batch:3/5 0 gap:1-2 failed:-4 shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 0);
	/* It is told again; and if that is forgiven, it goes on behind it. */
	s.r.exception = 0;
	answer(&s, 2, RINGBUS_STOP);
	expect(&s, RINGBUS_STOP,
	       "start batch:2/2 gap:1-2 failed:-4 batch:2/2 1 2! shutdown");
	t_bus_end(&s.b);
}

/* ------------------------------------------------------- other processes */

struct feed {
	const struct t_daemon *daemon;
	uint64_t last;
};

static int
put_then_end(void *arg)
{
	const struct feed *f = arg;
	struct ringbus *bus = t_connect(f->daemon);

	t_put_all(t_produce(bus, NULL), 0, f->last);
	t_bus_ok(bus, ringbus_end(bus, "a"));
	ringbus_close(bus);
	return 0;
}

struct sum {
	uint64_t next;
	int64_t announced; /* events of this batch still to come */
	uint64_t n_batches;
};

static int
count_batch(void *context, int64_t size, int64_t depth)
{
	struct sum *s = context;

	ck_assert_int_gt(size, 0);
	ck_assert_int_ge(depth, size);
	ck_assert_int_eq(s->announced, 0);
	s->announced = size;
	s->n_batches++;
	return 0;
}

static int
count_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct sum *s = context;

	if (t_value(event) != s->next)
		ck_abort_msg("not in order");
	s->next++;
	s->announced--;
	if ((s->announced == 0) != (end_of_batch != 0))
		ck_abort_msg("a batch of another size than announced");
	return RINGBUS_CONTINUE;
}

static void
run_to_the_end(enum rb_producers kind, int wait)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct feed f = { .last = 20000 };
	struct sum sum = { 0 };
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	o.wait = wait;
	c = t_consume(b.bus, &o);
	f.daemon = &b.daemon;
	h.context = &sum;
	h.on_event = count_event;
	h.on_batch_start = count_batch;
	child = t_child(put_then_end, &f);
	ck_assert_int_eq(ringbus_consumer_run(c, &h), -ESHUTDOWN);
	ck_assert_uint_eq(sum.next, f.last + 1);
	ck_assert_int_eq(sum.announced, 0);
	ck_assert_int_eq(ringbus_consumer_sequence(c), (int64_t)f.last);
	t_join(child);
	t_bus_end(&b);
}

KINDS(run_goes_on_to_the_end_of_the_stream)
{
	for (int wait = 1; wait <= 5; wait++)
		run_to_the_end(kind, wait);
}

TEST(an_abort_ends_a_run_with_events_unread)
{
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put_all(s.p, 0, 9);
	t_bus_ok(s.b.bus, ringbus_abort(s.b.bus, "a"));
	expect(&s, -ESHUTDOWN, "start shutdown");
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), -1);
	t_bus_end(&s.b);
}
