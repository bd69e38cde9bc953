/* SPDX-License-Identifier: MIT */
/*
 * test_processor.c - poll and run: which events a handler gets, where a batch
 * ends, and what its verdict does
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define SEEN_MAX 4096

/* What a handler saw, and what it shall answer. */
struct record {
	int n;
	uint64_t values[SEEN_MAX];
	bool ends[SEEN_MAX];
	int64_t refuse_at; /* value of the event, or -1 */
	int verdict;
	struct ringbus_consumer *halts;
};

static int
note(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct record *r = context;
	uint64_t value = t_value(event);

	ck_assert_int_lt(r->n, SEEN_MAX);
	r->values[r->n] = value;
	r->ends[r->n] = end_of_batch != 0;
	r->n++;
	if (r->halts != NULL)
		ringbus_consumer_halt(r->halts);
	return (int64_t)value == r->refuse_at ? r->verdict : 0;
}

/* It got first..last, in one batch. */
static void
expect_batch(const struct record *r, uint64_t first, uint64_t last)
{
	int n = (int)(last - first + 1);

	ck_assert_int_eq(r->n, n);
	for (int i = 0; i < n; i++) {
		ck_assert_uint_eq(r->values[i], first + (uint64_t)i);
		ck_assert_int_eq(r->ends[i], i == n - 1);
	}
}

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
};

static void
begin(struct scene *s, enum rb_producers kind)
{
	t_bus_begin(&s->b, "slots: 64, event_size: 8, producers: %s",
		    t_kind(kind));
	s->c = t_consume(s->b.bus, NULL);
	s->p = t_produce(s->b.bus, NULL);
}

static struct record
poll_all(struct scene *s, int64_t max, int64_t handled)
{
	struct record r = { .refuse_at = -1 };

	ck_assert_int_eq(ringbus_consumer_poll(s->c, max, note, &r), handled);
	return r;
}

KINDS(poll_takes_what_is_there)
{
	struct record r;
	struct scene s;

	begin(&s, kind);
	r = poll_all(&s, INT64_MAX, 0);
	ck_assert_int_eq(r.n, 0);
	t_put_all(s.p, 0, 9);
	r = poll_all(&s, INT64_MAX, 10);
	expect_batch(&r, 0, 9);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 9);
	r = poll_all(&s, INT64_MAX, 0);
	ck_assert_int_eq(r.n, 0);
	t_put(s.p, 10);
	r = poll_all(&s, 1, 1);
	expect_batch(&r, 10, 10);
	t_bus_end(&s.b);
}

KINDS(poll_takes_at_most_max)
{
	struct record r;
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	r = poll_all(&s, 0, 0);
	r = poll_all(&s, -1, 0);
	r = poll_all(&s, INT64_MIN, 0);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), -1);
	r = poll_all(&s, 4, 4);
	expect_batch(&r, 0, 3);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	t_put(s.p, 10);
	r = poll_all(&s, 6, 6);
	expect_batch(&r, 4, 9);
	r = poll_all(&s, 6, 1);
	expect_batch(&r, 10, 10);
	t_bus_end(&s.b);
}

/* The verdict falls on the event `at` of ten: it is the last one taken. */
static void
stop_after(enum rb_producers kind, uint64_t at)
{
	struct record r = { .refuse_at = (int64_t)at, .verdict = 7 };
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, INT64_MAX, note, &r),
			 (int64_t)at + 1);
	ck_assert_int_eq(r.n, (int)at + 1);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), (int64_t)at);
	t_put(s.p, 10);
	t_take(s.c, at + 1, 10);
	t_bus_end(&s.b);
}

/* It is not taken, and comes again. */
static void
stop_before(enum rb_producers kind, uint64_t at)
{
	struct record r = { .refuse_at = (int64_t)at, .verdict = -7 };
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	for (int i = 0; i < 2; i++) {
		r.n = 0;
		ck_assert_int_eq(
			ringbus_consumer_poll(s.c, INT64_MAX, note, &r), -7);
		ck_assert_int_eq(r.n, i == 0 ? (int)at + 1 : 1);
		ck_assert_int_eq(ringbus_consumer_sequence(s.c),
				 (int64_t)at - 1);
	}
	t_put(s.p, 10);
	t_take(s.c, at, 10);
	t_bus_end(&s.b);
}

KINDS(a_positive_verdict_on_the_first_event)
{
	stop_after(kind, 0);
}

KINDS(a_positive_verdict_in_the_middle)
{
	stop_after(kind, 5);
}

KINDS(a_positive_verdict_on_the_last_event)
{
	stop_after(kind, 9);
}

KINDS(a_negative_verdict_on_the_first_event)
{
	stop_before(kind, 0);
}

KINDS(a_negative_verdict_in_the_middle)
{
	stop_before(kind, 5);
}

KINDS(a_negative_verdict_on_the_last_event)
{
	stop_before(kind, 9);
}

/* ----------------------------------------------------------- tombstones */

/* Events where `pattern` has a letter, tombstones where it has a dot. */
static void
put_pattern(struct scene *s, const char *pattern)
{
	int64_t n = (int64_t)strlen(pattern);
	int64_t hi = ringbus_producer_claim(s->p, n, RINGBUS_NOW);

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

TEST(the_end_of_a_batch_is_exact_around_tombstones)
{
	static const struct {
		const char *pattern;
		uint64_t n;
	} cases[] = {
		{ "abc", 3 },   { "abc..", 3 }, { "..abc", 3 },
		{ "a.b.c", 3 }, { ".a.", 1 },   { "a...........", 1 },
	};
	struct scene s;

	begin(&s, RB_MULTI);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record r;
		int64_t hi;

		put_pattern(&s, cases[i].pattern);
		hi = t_info(ringbus_producer_channel(s.p)).cursor;
		r = poll_all(&s, INT64_MAX, (int64_t)cases[i].n);
		expect_batch(&r, 0, cases[i].n - 1);
		ck_assert_int_eq(ringbus_consumer_sequence(s.c), hi);
	}
	put_pattern(&s, "....");
	poll_all(&s, INT64_MAX, 0);
	ck_assert_int_eq(ringbus_producer_remaining(s.p), 64);
	t_bus_end(&s.b);
}

TEST(max_counts_events_and_not_tombstones)
{
	struct record r;
	struct scene s;

	begin(&s, RB_MULTI);
	put_pattern(&s, "..a..b..c..");
	r = poll_all(&s, 2, 2);
	expect_batch(&r, 0, 1);
	r = poll_all(&s, 2, 1);
	expect_batch(&r, 2, 2);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 10);
	t_bus_end(&s.b);
}

TEST(a_verdict_around_tombstones_loses_nothing)
{
	struct record r = { .refuse_at = 1, .verdict = -3 };
	struct scene s;

	begin(&s, RB_MULTI);
	put_pattern(&s, "a..b..c");
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), -3);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 2);
	r.n = 0;
	r.verdict = 3;
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), 1);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 5);
	t_take(s.c, 2, 2);
	t_bus_end(&s.b);
}

/* ------------------------------------------------------------------- run */

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
	t_ok(ringbus_end(bus, "a"));
	ringbus_close(bus);
	return 0;
}

static void
run_to_the_end(int wait)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct record r = { .refuse_at = -1 };
	struct ringbus_consumer *c;
	struct feed f = { .last = 2000 };
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "slots: 64, event_size: 8");
	o.wait = wait;
	c = t_consume(b.bus, &o);
	f.daemon = &b.daemon;
	child = t_child(put_then_end, &f);
	ck_assert_int_eq(ringbus_consumer_run(c, note, &r), -ESHUTDOWN);
	ck_assert_int_eq(r.n, 2001);
	for (int i = 0; i < r.n; i++)
		ck_assert_uint_eq(r.values[i], (uint64_t)i);
	ck_assert(r.ends[2000]);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 2000);
	t_join(child);
	t_bus_end(&b);
}

TEST(run_goes_on_to_the_end_of_the_stream)
{
	for (int wait = 1; wait <= 5; wait++)
		run_to_the_end(wait);
}

KINDS(run_returns_the_verdict)
{
	struct record r = { .refuse_at = 3, .verdict = 5 };
	struct scene s;

	begin(&s, kind);
	t_put_all(s.p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_run(s.c, note, &r), 5);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 3);
	r = (struct record){ .refuse_at = 6, .verdict = -5 };
	ck_assert_int_eq(ringbus_consumer_run(s.c, note, &r), -5);
	ck_assert_uint_eq(r.values[0], 4);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 5);
	t_take(s.c, 6, 9);
	t_bus_end(&s.b);
}

KINDS(a_handler_halts_run_after_its_batch)
{
	struct record r = { .refuse_at = -1 };
	struct scene s;

	begin(&s, kind);
	r.halts = s.c;
	t_put_all(s.p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_run(s.c, note, &r), 0);
	expect_batch(&r, 0, 9);
	ck_assert_int_eq(ringbus_consumer_sequence(s.c), 9);
	/* And it can be run again. */
	t_put_all(s.p, 10, 19);
	r.n = 0;
	ck_assert_int_eq(ringbus_consumer_run(s.c, note, &r), 0);
	expect_batch(&r, 10, 19);
	t_bus_end(&s.b);
}

static struct ringbus_consumer *halted;

static void
halt_it(int signo)
{
	(void)signo;
	ringbus_consumer_halt(halted);
}

TEST(a_signal_handler_halts_run)
{
	struct sigaction action = { .sa_handler = halt_it };
	struct record r = { .refuse_at = -1 };
	struct scene s;

	begin(&s, RB_SINGLE);
	halted = s.c;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(10 * 1000, 0);
	ck_assert_int_eq(ringbus_consumer_run(s.c, note, &r), 0);
	ck_assert_int_eq(r.n, 0);
	t_bus_end(&s.b);
}

TEST(a_halted_poll_says_so_once)
{
	struct record r = { .refuse_at = -1 };
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put(s.p, 0);
	ringbus_consumer_halt(s.c);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), -ECANCELED);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), 1);
	t_bus_end(&s.b);
}

TEST(poll_tells_the_end_after_the_last_event)
{
	struct record r = { .refuse_at = -1 };
	struct scene s;

	begin(&s, RB_SINGLE);
	t_put_all(s.p, 0, 3);
	t_bus_ok(s.b.bus, ringbus_end(s.b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), 4);
	ck_assert_int_eq(ringbus_consumer_poll(s.c, 9, note, &r), -ESHUTDOWN);
	t_bus_end(&s.b);
}
