/* SPDX-License-Identifier: MIT */
/*
 * test_producer_event.c - events of any size: claim_event, publish_event,
 * abandon_event and write, in both framings
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define SLOT 64
#define QUARTER (64 * SLOT / 4)

static void
begin_framed(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b,
		    "framing: framed, slots: 64, slot_size: 64, "
		    "producers: %s",
		    t_kind(kind));
}

/* Writes `size` bytes that depend on `seed`; returns the sequence. */
static int64_t
write_filled(struct ringbus_producer *p, size_t size, uint64_t seed)
{
	char *bytes = malloc(size + 1);
	int64_t sequence;

	ck_assert_ptr_nonnull(bytes);
	fill(bytes, size, seed);
	sequence = ringbus_producer_write(p, bytes, size, RINGBUS_NOW);
	free(bytes);
	return sequence;
}

static void
expect_filled(struct ringbus_consumer *c, int64_t sequence, size_t size,
	      uint64_t seed)
{
	struct ringbus_event event;

	t_next(c, &event);
	ck_assert_int_eq(event.sequence, sequence);
	ck_assert_uint_eq(event.size, size);
	ck_assert_uint_eq((uintptr_t)event.data % 8, 0);
	ck_assert(is_filled(event.data, size, seed));
	t_ok(ringbus_consumer_commit(c));
}

KINDS(a_frame_takes_the_slots_it_needs)
{
	static const struct {
		size_t size;
		int64_t slots;
	} cases[] = {
		{ 0, 1 },
		{ 1, 1 },
		{ SLOT - 8, 1 },
		{ SLOT - 7, 2 },
		{ SLOT, 2 },
		{ SLOT + 1, 2 },
		{ 2 * SLOT - 8, 2 },
		{ 1000, 16 },
		{ QUARTER - 8, 16 },
		{ QUARTER, 17 },
	};
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	int64_t next = 0;
	struct t_bus b;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(write_filled(p, cases[i].size, i), next);
		expect_filled(c, next, cases[i].size, i);
		next += cases[i].slots;
		ck_assert_int_eq(ringbus_consumer_sequence(c), next - 1);
	}
	t_bus_end(&b);
}

KINDS(more_than_a_quarter_is_too_large)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	void *data;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_uint_eq(t_info(ringbus_producer_channel(p)).event_size,
			  QUARTER);
	ck_assert_int_eq(write_filled(p, QUARTER + 1, 0), -EMSGSIZE);
	ck_assert_int_eq(ringbus_producer_claim_event(p, SIZE_MAX, RINGBUS_NOW,
						      &data),
			 -EMSGSIZE);
	ck_assert_int_eq(ringbus_producer_remaining(p), 64);
	ck_assert_int_eq(write_filled(p, QUARTER, 9), 0);
	expect_filled(c, 0, QUARTER, 9);
	t_bus_end(&b);
}

KINDS(a_frame_is_whole_in_memory_over_the_wrap)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	int64_t next = 0;
	void *data;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (uint64_t i = 0; i < 300; i++) {
		size_t size = (i * 37) % (QUARTER + 1);
		int64_t sequence = ringbus_producer_claim_event(
			p, size, RINGBUS_NOW, &data);

		ck_assert_int_eq(sequence, next);
		ck_assert_uint_eq((uintptr_t)data % 8, 0);
		fill(data, size, i);
		t_ok(ringbus_producer_publish_event(p, sequence));
		expect_filled(c, next, size, i);
		next += (int64_t)(size + 8 + SLOT - 1) / SLOT;
	}
	t_bus_end(&b);
}

KINDS(slot_calls_are_for_fixed_channels)
{
	struct ringbus_producer *p;
	int64_t lowest;
	struct t_bus b;

	begin_framed(&b, kind);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -EINVAL);
	ck_assert_int_eq(ringbus_producer_claim_available(p, 1, &lowest),
			 -EINVAL);
	ck_assert_int_eq(ringbus_producer_publish(p, 0, 0), -EINVAL);
	ck_assert_int_eq(ringbus_producer_abandon(p, 0, 0), -EINVAL);
	t_bus_end(&b);
}

KINDS(what_is_no_claimed_event_is_not_published)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	void *data;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_publish_event(p, 0), -EINVAL);
	ck_assert_int_eq(ringbus_producer_abandon_event(p, 0), -EINVAL);
	ck_assert_int_eq(
		ringbus_producer_claim_event(p, 100, RINGBUS_NOW, &data), 0);
	fill(data, 100, 1);
	ck_assert_int_eq(ringbus_producer_publish_event(p, 7), -EINVAL);
	ck_assert_int_eq(ringbus_producer_publish_event(p, -1), -EINVAL);
	ck_assert_int_eq(ringbus_producer_publish_event(p, INT64_MIN), -EINVAL);
	t_nothing(c);
	t_ok(ringbus_producer_publish_event(p, 0));
	expect_filled(c, 0, 100, 1);
	t_bus_end(&b);
}

KINDS(an_abandoned_frame_is_not_seen)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	void *data;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int64_t i = 0, next = 0; i < 50; i++) {
		ck_assert_int_eq(ringbus_producer_claim_event(
					 p, 200, RINGBUS_NOW, &data),
				 next);
		fill(data, 200, 1);
		t_ok(ringbus_producer_abandon_event(p, next));
		next += kind == RB_MULTI ? 4 : 0;
		ck_assert_int_eq(write_filled(p, 10, (uint64_t)i), next);
		expect_filled(c, next, 10, (uint64_t)i);
		next++;
	}
	t_nothing(c);
	t_bus_end(&b);
}

KINDS(a_full_ring_takes_no_frame)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	void *data = NULL;

	begin_framed(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 62; i++)
		ck_assert_int_eq(write_filled(p, 1, (uint64_t)i), i);
	ck_assert_int_eq(write_filled(p, 2 * SLOT, 0), -EAGAIN);
	ck_assert_int_eq(ringbus_producer_claim_event(p, 2 * SLOT, T_MS, &data),
			 -ETIMEDOUT);
	ck_assert_ptr_null(data);
	ck_assert_int_eq(write_filled(p, SLOT, 62), 62);
	for (int i = 0; i < 62; i++)
		expect_filled(c, i, 1, (uint64_t)i);
	expect_filled(c, 62, SLOT, 62);
	t_bus_end(&b);
}

KINDS(a_fixed_slot_takes_up_to_its_size)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	char rest[24] = { 0 };
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 24, producers: %s",
		    t_kind(kind));
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (size_t size = 0; size <= 24; size++) {
		struct ringbus_event event;

		ck_assert_int_eq(write_filled(p, 24, 77), 2 * (int64_t)size);
		expect_filled(c, 2 * (int64_t)size, 24, 77);
		t_ok(write_filled(p, size, size));
		t_next(c, &event);
		ck_assert_uint_eq(event.size, 24);
		ck_assert(is_filled(event.data, size, size));
		ck_assert_mem_eq((const char *)event.data + size, rest,
				 24 - size);
		t_ok(ringbus_consumer_commit(c));
	}
	ck_assert_int_eq(write_filled(p, 25, 0), -EMSGSIZE);
	t_bus_end(&b);
}

KINDS(fixed_events_by_pointer)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	void *data;

	t_bus_begin(&b, "slots: 16, event_size: 24, producers: %s",
		    t_kind(kind));
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(
		ringbus_producer_claim_event(p, 24, RINGBUS_NOW, &data), 0);
	ck_assert_ptr_eq(data, ringbus_producer_slot(p, 0));
	t_ok(ringbus_producer_abandon_event(p, 0));
	ck_assert_int_eq(ringbus_producer_claim_event(p, 24, RINGBUS_NOW,
						      &data),
			 kind == RB_MULTI);
	fill(data, 24, 3);
	t_ok(ringbus_producer_publish_event(p, kind == RB_MULTI));
	expect_filled(c, kind == RB_MULTI, 24, 3);
	t_bus_end(&b);
}
