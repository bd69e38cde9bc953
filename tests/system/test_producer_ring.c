/* SPDX-License-Identifier: MIT */
/*
 * test_producer_ring.c - producers and the ring: it fills up, it wraps, and
 * what is claimed lies in a row
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

struct held_up {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
};

/* Publishes one more than fits. */
static int
publish_seventeen(void *arg)
{
	const struct held_up *h = arg;
	struct ringbus *bus = t_connect(h->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);

	t_put_all(p, 0, 15);
	t_store(h->step, 1);
	t_put_all(p, 16, 16);
	t_store(h->step, 2);
	ringbus_close(bus);
	return 0;
}

KINDS(a_full_ring_holds_the_publisher_up)
{
	struct held_up h = { .step = t_counter() };
	struct ringbus_consumer *c;
	struct t_bus b;
	pid_t child;

	begin(&b, kind);
	h.daemon = &b.daemon;
	c = t_consume(b.bus, NULL);
	child = t_child(publish_seventeen, &h);
	t_until(t_read(h.step) == 1 && t_is_asleep(child));
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 15);
	ck_assert_uint_eq(t_read(h.step), 1);
	t_take(c, 0, 0);
	t_until(t_read(h.step) == 2);
	t_take(c, 1, 16);
	t_join(child);
	t_bus_end(&b);
}

KINDS(a_full_ring_is_read_back_in_order)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_info(ringbus_producer_channel(p)).cursor, -1);
	for (uint64_t i = 0; i < 16; i++)
		ck_assert_int_eq(t_put(p, i), (int64_t)i);
	ck_assert_int_eq(t_info(ringbus_producer_channel(p)).cursor, 15);
	t_take(c, 0, 15);
	t_bus_end(&b);
}

static int
take_sixteen(void *arg)
{
	const struct held_up *h = arg;
	struct ringbus *bus = t_connect(h->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "child",
						  RINGBUS_FROM_NOW);

	t_store(h->step, 1);
	t_take(c, 100, 115);
	ringbus_close(bus);
	return 0;
}

KINDS(another_process_reads_it)
{
	struct held_up h = { .step = t_counter() };
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t child;

	begin(&b, kind);
	h.daemon = &b.daemon;
	p = t_produce(b.bus, NULL);
	child = t_child(take_sixteen, &h);
	t_until(t_read(h.step) == 1);
	t_put_all(p, 100, 115);
	t_join(child);
	t_bus_end(&b);
}

KINDS(the_ring_wraps)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_tap *tap;
	uint64_t value = 0;
	struct t_bus b;
	size_t size;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 1016; i++) {
		ck_assert_int_eq(t_put(p, i), (int64_t)i);
		t_take(c, i, i);
	}
	tap = t_tap(b.bus, RINGBUS_FROM_OLDEST);
	for (int64_t i = 1000; i < 1016; i++) {
		ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value),
						  &size, RINGBUS_NOW),
				 i);
		ck_assert_uint_eq(value, (uint64_t)i);
	}
	t_bus_end(&b);
}

KINDS(a_ring_of_four_takes_four)
{
	struct ringbus_producer *p;
	uint64_t value = 0;
	struct t_bus b;

	t_bus_begin(&b, "slots: 4, event_size: 8, producers: %s", t_kind(kind));
	t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 4; i++)
		t_put(p, 0);
	ck_assert_int_eq(ringbus_producer_write(p, &value, 8, RINGBUS_NOW),
			 -EAGAIN);
	t_bus_end(&b);
}

KINDS(history_is_not_free)
{
	struct ringbus_producer *p;
	uint64_t value = 0;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 6, event_size: 8, producers: %s",
		    t_kind(kind));
	t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_remaining(p), 10);
	ck_assert_int_eq(ringbus_producer_claim(p, 11, RINGBUS_NOW), -EINVAL);
	t_put_all(p, 1, 10);
	ck_assert_int_eq(ringbus_producer_write(p, &value, 8, RINGBUS_NOW),
			 -EAGAIN);
	t_bus_end(&b);
}

KINDS(without_consumers_nobody_waits)
{
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(t_put(p, i), (int64_t)i);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	t_bus_end(&b);
}

KINDS(thirty_two_writes_fit_and_no_more)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	uint64_t value = 32;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: %s",
		    t_kind(kind));
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_int_eq(t_put(p, i), (int64_t)i);
	ck_assert_int_eq(ringbus_producer_write(p, &value, sizeof(value),
						RINGBUS_NOW),
			 -EAGAIN);
	t_take(c, 0, 31);
	t_nothing(c);
	t_bus_end(&b);
}

KINDS(batches_lie_in_a_row_over_the_wrap)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_info info;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	info = t_info(ringbus_producer_channel(p));
	for (int i = 0; i < 20; i++) {
		int64_t hi = ringbus_producer_claim(p, 5, RINGBUS_NOW);
		char *first = ringbus_producer_slot(p, hi - 4);

		ck_assert_int_eq(hi, 5 * i + 4);
		for (int64_t k = hi - 4; k <= hi; k++, first += info.slot_size)
			memcpy(first, &k, sizeof(k));
		t_ok(ringbus_producer_publish(p, hi - 4, hi));
		t_take(c, (uint64_t)hi - 4, (uint64_t)hi);
	}
	t_bus_end(&b);
}

KINDS(as_many_as_are_free_can_be_claimed)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	int64_t lowest = -7;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim_available(p, 0, &lowest),
			 -EINVAL);
	ck_assert_int_eq(ringbus_producer_claim_available(p, 10, &lowest), 9);
	ck_assert_int_eq(lowest, 0);
	store_range(p, 0, 9);
	t_ok(ringbus_producer_publish(p, 0, 9));
	ck_assert_int_eq(ringbus_producer_claim_available(p, 1000, &lowest),
			 15);
	ck_assert_int_eq(lowest, 10);
	store_range(p, 10, 15);
	t_ok(ringbus_producer_publish(p, 10, 15));
	ck_assert_int_eq(ringbus_producer_claim_available(p, 1, &lowest),
			 -EAGAIN);
	ck_assert_int_eq(lowest, 10);
	t_take(c, 0, 1);
	ck_assert_int_eq(ringbus_producer_claim_available(p, 3, &lowest), 17);
	ck_assert_int_eq(lowest, 16);
	t_bus_end(&b);
}
