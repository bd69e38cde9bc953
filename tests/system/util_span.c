/* SPDX-License-Identifier: MIT */
/*
 * util_span.c - see util_span.h
 */
#include "tests/system/util_span.h"

#include "tests/fixture.h"

void
t_span_begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

void
t_span_begin_framed(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b,
		    "framing: framed, slots: 64, slot_size: 64, producers: %s",
		    t_kind(kind));
}

int
t_span_of(struct ringbus_consumer *c, int64_t max, struct ringbus_span *ret)
{
	*ret = (struct ringbus_span){ .size = sizeof(*ret) };
	return ringbus_consumer_span(c, max, ret);
}

void
t_expect_span(struct ringbus_consumer *c, int64_t max, int64_t first,
	      int64_t last, int64_t skipped)
{
	struct ringbus_span span;
	const char *slot;

	ck_assert_int_eq(t_span_of(c, max, &span), 1);
	ck_assert_int_eq(span.first, first);
	ck_assert_int_eq(span.last, last);
	ck_assert_int_eq(span.skipped, skipped);
	slot = span.slots;
	for (int64_t i = first; i <= last; i++, slot += span.slot_size)
		ck_assert_uint_eq(*(const uint64_t *)(const void *)slot,
				  (uint64_t)i);
}

void
t_expect_no_span(struct ringbus_consumer *c, int64_t first, int64_t skipped)
{
	struct ringbus_span span;

	ck_assert_int_eq(t_span_of(c, 100, &span), 0);
	ck_assert_int_eq(span.first, first);
	ck_assert_int_eq(span.last, first - 1);
	ck_assert_int_eq(span.skipped, skipped);
}

void
t_abandon(struct ringbus_producer *p, int64_t n)
{
	int64_t hi = ringbus_producer_claim(p, n, RINGBUS_NOW);

	t_ok(hi);
	t_ok(ringbus_producer_abandon(p, hi - n + 1, hi));
}

void
t_put_to(struct ringbus_producer *p, int64_t next, int64_t last)
{
	for (; next <= last; next++)
		ck_assert_int_eq(t_put(p, (uint64_t)next), next);
}

int64_t
t_write_filled(struct ringbus_producer *p, size_t size)
{
	int64_t sequence;
	void *data;

	sequence = ringbus_producer_claim_event(p, size, RINGBUS_NOW, &data);
	t_ok(sequence);
	fill(data, size, (uint64_t)sequence);
	t_ok(ringbus_producer_publish_event(p, sequence));
	return sequence;
}
