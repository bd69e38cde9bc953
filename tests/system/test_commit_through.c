/* SPDX-License-Identifier: MIT */
/*
 * test_commit_through.c - commits that leave some of what was handed out, as who has
 * several batches on their way needs them
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_span.h"

KINDS(several_spans_are_on_their_way)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 15);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 15);
	t_expect_span(c, 5, 0, 4, 0);
	t_expect_span(c, 5, 5, 9, 0);
	t_expect_span(c, 2, 10, 11, 0);
	ck_assert_int_eq(ringbus_producer_remaining(p), 0);
	t_ok(ringbus_consumer_commit_through(c, 4));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 4);
	ck_assert_int_eq(ringbus_producer_remaining(p), 5);
	/* It reads on, and waits for more, with two of them open. */
	t_put_to(p, 16, 20);
	t_expect_span(c, 100, 12, 15, 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 20);
	t_expect_span(c, 100, 16, 20, 0);
	t_ok(ringbus_consumer_commit_through(c, 11));
	t_ok(ringbus_consumer_commit_through(c, 11));
	ck_assert_int_eq(ringbus_producer_remaining(p), 7);
	t_ok(ringbus_consumer_commit_through(c, 13)); /* a part of one */
	t_ok(ringbus_consumer_commit(c));             /* and all there is */
	ck_assert_int_eq(ringbus_consumer_sequence(c), 20);
	t_bus_end(&b);
}

KINDS(only_what_was_handed_out_is_committed)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_ok(ringbus_consumer_commit_through(c, -1));
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 0), -EINVAL);
	t_put_to(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 5, 0, 4, 0);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 5), -EINVAL);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, INT64_MAX),
			 -EINVAL);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	t_ok(ringbus_consumer_commit_through(c, 3));
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 2), -EINVAL);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, INT64_MIN),
			 -EINVAL);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 3);
	t_bus_end(&b);
}

/* Who comes after would find an event of which half is missing. */
KINDS(no_commit_cuts_an_event)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_span span;
	struct t_bus b;

	t_span_begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_write_filled(p, 200), 0); /* to 3 */
	ck_assert_int_eq(t_write_filled(p, 100), 4); /* to 5 */
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(t_span_of(c, 64, &span), 1);
	for (int64_t i = 0; i <= 4; i++)
		if (i != 3)
			ck_assert_int_eq(ringbus_consumer_commit_through(c, i),
					 -EINVAL);
	t_ok(ringbus_consumer_commit_through(c, 3));
	t_ok(ringbus_consumer_commit_through(c, 5));
	t_bus_end(&b);
}

struct rewinder {
	int64_t first; /* sequence that it was handed after the rewind */
	bool has_rewound;
};

static int
rewind_once(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct rewinder *r = context;

	(void)end_of_batch;
	if (r->has_rewound) {
		r->first = event->sequence;
		return RINGBUS_STOP;
	}
	r->has_rewound = true;
	return RINGBUS_REWIND;
}

/* A processor that wants its batch again gets all that is not committed. */
KINDS(a_rewind_goes_back_to_what_is_committed)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct rewinder r = { .first = -1 };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 4, 0, 3, 0);
	t_expect_span(c, 4, 4, 7, 0);
	t_ok(ringbus_consumer_commit_through(c, 3));
	h.context = &r;
	h.on_event = rewind_once;
	h.rewind = RINGBUS_REWIND_ALWAYS;
	ck_assert_int_eq(ringbus_consumer_run(c, &h), RINGBUS_STOP);
	ck_assert_int_eq(r.first, 4);
	/* Up to there it is handled and committed, and spans go on. */
	ck_assert_int_eq(ringbus_consumer_sequence(c), 4);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 7), -EINVAL);
	t_expect_span(c, 100, 5, 9, 0);
	t_bus_end(&b);
}

KINDS(a_halt_takes_nothing_away)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 4, 0, 3, 0);
	ringbus_consumer_halt(c);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ECANCELED);
	t_expect_span(c, 100, 4, 9, 0);
	t_ok(ringbus_consumer_commit_through(c, 3));
	t_ok(ringbus_consumer_commit_through(c, 9));
	t_bus_end(&b);
}

/* The next of its name goes on behind what was committed. */
TEST(what_was_on_its_way_comes_again)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi, "
			"consumers: { journal: { on_death: keep }, "
			"app: { after: [journal] } }");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 4, 0, 3, 0);
	t_expect_span(c, 4, 4, 7, 0);
	t_ok(ringbus_consumer_commit_through(c, 3));
	ringbus_consumer_close(c);
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_RESUME);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 100, 4, 9, 0);
	t_bus_end(&b);
}

/* A stage after another reads by the run as far as that has committed. */
KINDS(a_later_stage_has_spans_too)
{
	struct ringbus_consumer *c, *app;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b,
		    "slots: 16, event_size: 8, producers: %s, "
		    "consumers: { journal: {}, app: { after: [journal] } }",
		    t_kind(kind));
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	app = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 100, 0, 9, 0);
	ck_assert_int_eq(ringbus_consumer_wait(app, RINGBUS_NOW), -EAGAIN);
	t_ok(ringbus_consumer_commit_through(c, 6));
	ck_assert_int_eq(ringbus_consumer_wait(app, RINGBUS_NOW), 6);
	t_expect_span(app, 100, 0, 6, 0);
	t_bus_end(&b);
}

TEST(who_has_lost_its_place_commits_no_span)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct rb_word32 *epoch;
	struct rb_channel shm;
	struct t_bus b;

	t_span_begin(&b, RB_SINGLE);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 3);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	t_expect_span(c, 100, 0, 3, 0);
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &shm);
	epoch = &shm.meta->consumers[0].epoch;
	rb_word32_store_relaxed(epoch, rb_word32_load_relaxed(epoch) + 1);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 3), -ESTALE);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	rb_word32_store_relaxed(epoch, rb_word32_load_relaxed(epoch) - 1);
	rb_channel_detach(&shm);
	t_bus_end(&b);
}
