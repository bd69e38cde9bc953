/* SPDX-License-Identifier: MIT */
/*
 * test_span.c - events by the run: of which slots they are, and what is between
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_span.h"

KINDS(spans_are_what_the_wait_found)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct t_bus b;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_expect_no_span(c, 0, 0);
	t_put_to(p, 0, 9);
	t_expect_no_span(c, 0, 0);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_put_to(p, 10, 11);
	t_expect_span(c, 4, 0, 3, 0);
	ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(event.sequence, 4);
	t_expect_span(c, INT64_MAX, 5, 9, 0);
	t_expect_no_span(c, 10, 0);
	ck_assert_int_eq(ringbus_consumer_sequence(c), -1);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 9);
	t_take(c, 10, 11);
	t_bus_end(&b);
}

KINDS(a_span_goes_over_the_wrap)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	int64_t next = 0;

	t_span_begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int64_t n = 1; next < 1000; n = n % 16 + 1) {
		t_put_to(p, next, next + n - 1);
		ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW),
				 next + n - 1);
		t_expect_span(c, 16, next, next + n - 1, 0);
		t_ok(ringbus_consumer_commit_through(c, next + n - 1));
		next += n;
	}
	t_bus_end(&b);
}

TEST(tombstones_are_between_spans_and_told)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_abandon(p, 2);
	t_put_to(p, 2, 4);
	t_abandon(p, 1);
	t_put_to(p, 6, 6);
	t_abandon(p, 3);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_expect_span(c, 16, 2, 4, 2);
	t_expect_span(c, 16, 6, 6, 1);
	t_expect_no_span(c, 10, 3);
	t_expect_no_span(c, 10, 3); /* as often as it is asked */
	/* They are nobody's, and may be committed. */
	t_ok(ringbus_consumer_commit_through(c, 9));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 9);
	/* The next event says how many there were before it, all in all. */
	t_abandon(p, 2);
	t_put_to(p, 12, 13);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 13);
	t_expect_span(c, 1, 12, 12, 5);
	t_expect_span(c, 1, 13, 13, 0);
	t_bus_end(&b);
}

/* Whose producer died, among others that go on. */
static int
claim_and_die(void *arg)
{
	struct t_bus *b = arg;
	struct ringbus *bus = t_connect(&b->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_ok(ringbus_producer_claim(p, 3, RINGBUS_NOW));
	_exit(0);
}

TEST(what_a_dead_producer_left_is_between_spans)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 1);
	t_join(t_child(claim_and_die, &b));
	t_put_to(p, 5, 6);
	t_ok(ringbus_consumer_wait(c, T_LONG));
	t_expect_span(c, 16, 0, 1, 0);
	t_until(ringbus_consumer_wait(c, T_LONG) == 6);
	t_expect_span(c, 16, 5, 6, 3);
	t_bus_end(&b);
}

/* Goes through the slots by what is in front of each event. */
static int64_t
walk(const struct ringbus_span *span)
{
	const char *at = span->slots;
	int64_t sequence = span->first, n = 0;

	while (sequence <= span->last) {
		const struct ringbus_frame *frame = (const void *)at;
		size_t slots = (sizeof(*frame) + frame->size + span->slot_size -
				1) /
			       span->slot_size;

		ck_assert(
			is_filled(frame + 1, frame->size, (uint64_t)sequence));
		at += slots * span->slot_size;
		sequence += (int64_t)slots;
		n++;
	}
	ck_assert_int_eq(sequence, span->last + 1);
	return n;
}

KINDS(framed_spans_have_frames_in_front_of_events)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_span span;
	struct t_bus b;
	size_t size = 0;

	t_span_begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int round = 0; round < 100; round++) {
		int64_t first = 0, n = 0;

		for (; n < 4; n++, size = (size + 37) % 800) {
			int64_t sequence = t_write_filled(p, size);

			first = n == 0 ? sequence : first;
		}
		t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
		ck_assert_int_eq(t_span_of(c, 64, &span), 1);
		ck_assert_int_eq(span.first, first);
		ck_assert_uint_eq(span.slot_size, 64);
		ck_assert_int_eq(walk(&span), n);
		ck_assert_int_eq(t_span_of(c, 64, &span), 0);
		t_ok(ringbus_consumer_commit_through(c, span.last));
	}
	t_bus_end(&b);
}

KINDS(a_large_event_comes_alone)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_span span;
	struct t_bus b;

	t_span_begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_write_filled(p, 10), 0);
	ck_assert_int_eq(t_write_filled(p, 500), 1); /* to 8 */
	ck_assert_int_eq(t_write_filled(p, 10), 9);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	for (int64_t last = 0; last < 9; last += last == 0 ? 8 : 1) {
		ck_assert_int_eq(t_span_of(c, 2, &span), 1);
		ck_assert_int_eq(span.last, last);
		ck_assert_int_eq(walk(&span), 1);
	}
	t_bus_end(&b);
}

/* Of an event that began before the consumer did, it has the rest. */
KINDS(the_rest_of_an_event_is_skipped)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_span span;
	struct t_bus b;

	t_bus_begin(&b,
		    "framing: framed, slots: 64, history: 32, slot_size: 64, "
		    "producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_write_filled(p, 200), 0); /* to 3 */
	ck_assert_int_eq(t_write_filled(p, 10), 4);
	o.from = 2;
	c = t_consume(b.bus, &o);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(t_span_of(c, 64, &span), 1);
	ck_assert_int_eq(span.first, 4);
	ck_assert_int_eq(span.skipped, 2);
	t_bus_end(&b);
}

/* ----------------------------------------------------------------- refusals */

/* Copies of one event each, or events that are of nobody else: no runs. */
TEST(who_reads_no_ring_is_refused)
{
	static const char *const names[] = { "lossy", "park", "evict", "team" };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 4, event_size: 8, consumers: { "
			"lossy: { slow: lossy }, park: { slow: park }, "
			"evict: { slow: evict, max_lag: 8 }, "
			"team: { group: true } }");
	p = t_produce(b.bus, NULL);
	for (size_t i = 0; i < RB_ARRAY_SIZE(names); i++) {
		struct ringbus_consumer *c = t_consume_as(b.bus, names[i],
							  RINGBUS_FROM_NOW);
		struct ringbus_event event;
		struct ringbus_span span;

		t_put(p, i);
		t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
		ck_assert_int_eq(t_span_of(c, 1, &span), -ENOTSUP);
		ck_assert_int_eq(ringbus_consumer_next(c, &event), 1);
		ck_assert_int_eq(ringbus_consumer_commit_through(c, event.last),
				 -ENOTSUP);
		t_ok(ringbus_consumer_commit(c));
		ringbus_consumer_close(c);
	}
	t_bus_end(&b);
}

TEST(spans_that_cannot_be_are_refused)
{
	struct ringbus_span span = { .size = sizeof(span) };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_span_begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 3);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_span(c, 0, &span), -EINVAL);
	ck_assert_int_eq(ringbus_consumer_span(c, -1, &span), -EINVAL);
	ck_assert_int_eq(ringbus_consumer_span(c, INT64_MIN, &span), -EINVAL);
	span.size--;
	ck_assert_int_eq(ringbus_consumer_span(c, 1, &span), -EINVAL);
	span.size = 0;
	ck_assert_int_eq(ringbus_consumer_span(c, 1, &span), -EINVAL);
	t_expect_span(c, 100, 0, 3, 0);
	t_bus_end(&b);
}

/* A stamp of another lap where there should be an event. */
TEST(a_span_of_damaged_memory_is_refused)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_span span;
	struct rb_channel shm;
	struct t_bus b;

	t_span_begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_to(p, 0, 3);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	t_daemon_map(&b.daemon, "a", RB_ROLE_PRODUCER, &shm);
	rb_word64_store_relaxed(rb_channel_stamp(&shm, 2), 0);
	rb_channel_detach(&shm);
	t_expect_span(c, 100, 0, 1, 0);
	ck_assert_int_eq(t_span_of(c, 100, &span), -EBADMSG);
	ck_assert_int_eq(ringbus_consumer_commit_through(c, 2), -EINVAL);
	t_ok(ringbus_consumer_commit_through(c, 1));
	t_bus_end(&b);
}
