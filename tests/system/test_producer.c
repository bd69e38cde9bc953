/* SPDX-License-Identifier: MIT */
/*
 * test_producer.c - claims and publishes of a fixed channel, after upstream's
 * tests of its two sequencers and of its ring buffer
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

static void
store(struct ringbus_producer *p, int64_t sequence, uint64_t value)
{
	memcpy(ringbus_producer_slot(p, sequence), &value, sizeof(value));
}

/* Fills lowest..highest by their numbers. */
static void
store_range(struct ringbus_producer *p, int64_t lowest, int64_t highest)
{
	for (int64_t i = lowest; i <= highest; i++)
		store(p, i, (uint64_t)i);
}

KINDS(the_first_claim_is_zero)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 0);
	t_bus_end(&b);
}

KINDS(a_batch_claim_returns_the_highest)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 4, RINGBUS_NOW), 3);
	t_bus_end(&b);
}

KINDS(room_is_the_ring_exactly)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	ck_assert_int_eq(ringbus_producer_claim(p, 17, RINGBUS_NOW), -EINVAL);
	t_put(p, 0);
	ck_assert_int_eq(ringbus_producer_remaining(p), 15);
	ck_assert_int_eq(ringbus_producer_claim(p, 16, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(ringbus_producer_claim(p, 15, RINGBUS_NOW), 15);
	store_range(p, 1, 15);
	t_ok(ringbus_producer_publish(p, 1, 15));
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EAGAIN);
	t_take(c, 0, 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 16);
	t_bus_end(&b);
}

KINDS(remaining_falls_by_one_and_is_never_negative)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 16; i > 0; i--) {
		ck_assert_int_eq(ringbus_producer_remaining(p), i);
		t_put(p, 0);
	}
	ck_assert_int_eq(ringbus_producer_remaining(p), 0);
	t_bus_end(&b);
}

TEST(claims_make_nothing_visible_single)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), i);
		t_nothing(c);
		ck_assert_int_eq(t_info(ringbus_producer_channel(p)).cursor,
				 -1);
	}
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EAGAIN);
	t_nothing(c);
	t_bus_end(&b);
}

TEST(claims_make_nothing_visible_multi)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 16, RINGBUS_NOW), 15);
	t_nothing(c);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EBUSY);
	t_nothing(c);
	t_bus_end(&b);
}

TEST(queries_do_not_move_the_cursor)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int64_t i = 0; i < 32; i++) {
		ringbus_producer_remaining(p);
		ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), i);
		ringbus_producer_remaining(p);
		ck_assert_int_eq(t_info(ringbus_producer_channel(p)).cursor,
				 i - 1);
		store(p, i, (uint64_t)i);
		t_ok(ringbus_producer_publish(p, i, i));
		t_take(c, (uint64_t)i, (uint64_t)i);
	}
	t_bus_end(&b);
}

KINDS(nothing_is_there_before_its_publish)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 6, RINGBUS_NOW), 5);
	store_range(p, 0, 5);
	t_nothing(c);
	t_ok(ringbus_producer_publish(p, 0, 5));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 5);
	t_take(c, 0, 5);
	t_nothing(c);
	t_bus_end(&b);
}

KINDS(a_claim_may_be_published_in_parts)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 10, RINGBUS_NOW), 9);
	store_range(p, 0, 9);
	t_ok(ringbus_producer_publish(p, 0, 3));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 3);
	t_ok(ringbus_producer_publish(p, 4, 9));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_take(c, 0, 9);
	t_bus_end(&b);
}

TEST(a_hole_holds_the_rest_back)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 10, RINGBUS_NOW), 9);
	store_range(p, 0, 9);
	t_ok(ringbus_producer_publish(p, 3, 3));
	t_ok(ringbus_producer_publish(p, 5, 9));
	t_nothing(c);
	t_ok(ringbus_producer_publish(p, 0, 2));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 3);
	t_ok(ringbus_producer_publish(p, 4, 4));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 9);
	t_take(c, 0, 9);
	t_bus_end(&b);
}

TEST(a_repeated_publish_changes_nothing)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 2, RINGBUS_NOW), 1);
	store_range(p, 0, 1);
	t_ok(ringbus_producer_publish(p, 0, 0));
	ringbus_producer_publish(p, 0, 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EBUSY);
	t_ok(ringbus_producer_publish(p, 1, 1));
	t_take(c, 0, 1);
	t_nothing(c);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 2);
	t_bus_end(&b);
}

KINDS(a_try_claim_takes_the_last_slot_and_no_more)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), i);
		t_ok(ringbus_producer_publish(p, i, i));
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW),
				 -EAGAIN);
	t_bus_end(&b);
}

KINDS(wrong_counts_are_refused_before_any_claim)
{
	static const int64_t counts[] = { 0, -1, INT64_MIN, 17, INT64_MAX };
	static const int64_t timeouts[] = { RINGBUS_NOW, RINGBUS_FOREVER,
					    T_MS };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 3; k++)
			ck_assert_int_eq(ringbus_producer_claim(p, counts[i],
								timeouts[k]),
					 -EINVAL);
	t_nothing(c);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	ck_assert_int_eq(t_put(p, 5), 0);
	t_take(c, 5, 5);
	t_bus_end(&b);
}

KINDS(wrong_ranges_publish_nothing)
{
	static const int64_t ranges[][2] = {
		{ 4, 3 },         { -1, 0 },        { 0, 8 },
		{ 8, 8 },         { 5, 16 },        { -8, 7 },
		{ 0, INT64_MAX }, { INT64_MIN, 7 }, { 1, 0 },
	};
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_publish(p, 0, 0), -EINVAL);
	ck_assert_int_eq(ringbus_producer_claim(p, 8, RINGBUS_NOW), 7);
	store_range(p, 0, 7);
	for (unsigned i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		ck_assert_int_eq(ringbus_producer_publish(p, ranges[i][0],
							  ranges[i][1]),
				 -EINVAL);
		ck_assert_int_eq(ringbus_producer_abandon(p, ranges[i][0],
							  ranges[i][1]),
				 -EINVAL);
		t_nothing(c);
	}
	t_ok(ringbus_producer_publish(p, 0, 7));
	t_take(c, 0, 7);
	t_bus_end(&b);
}

TEST(a_single_producer_publishes_in_order)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 2, RINGBUS_NOW), 2);
	store_range(p, 0, 2);
	ck_assert_int_eq(ringbus_producer_publish(p, 1, 2), -EINVAL);
	t_nothing(c);
	t_ok(ringbus_producer_publish(p, 0, 0));
	ck_assert_int_eq(ringbus_producer_publish(p, 0, 0), -EINVAL);
	t_ok(ringbus_producer_publish(p, 1, 2));
	t_take(c, 0, 2);
	t_bus_end(&b);
}
