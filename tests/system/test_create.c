/* SPDX-License-Identifier: MIT */
/*
 * test_create.c - channels that come and go by request, and what their slots begin
 * with
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define DYNAMIC "dynamic: { allow: any, max_channels: 2, max_size: 8MiB }\n"
#define SLOTS 16

static struct ringbus_channel_options
options(void)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

	o.slots = SLOTS;
	o.slot_size = 16;
	return o;
}

/* Publishes n slots as they are, and copies what a consumer finds in them. */
static void
read_untouched(struct ringbus *bus, int64_t n, unsigned char *ret)
{
	struct ringbus_consumer *c = t_consume(bus, NULL);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t highest = ringbus_producer_claim(p, n, RINGBUS_NOW);
	struct ringbus_event event;

	t_ok(highest);
	t_ok(ringbus_producer_publish(p, highest - n + 1, highest));
	for (int64_t i = 0; i < n; i++) {
		t_next(c, &event);
		ck_assert_uint_eq(event.size, 16);
		memcpy(ret + 16 * i, event.data, 16);
	}
	t_ok(ringbus_consumer_commit(c));
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
}

TEST(a_channel_is_made_used_and_removed)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_info info;
	uint64_t generation;
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	o.slots = 128;
	o.slot_size = 8;
	o.history = 16;
	o.producers = RINGBUS_MULTI;
	o.wait = RINGBUS_WAIT_SLEEPING;
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EEXIST);
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	info = t_info(ringbus_producer_channel(p));
	generation = info.generation;
	ck_assert_uint_eq(info.slots, 128);
	ck_assert_uint_eq(info.event_size, 8);
	ck_assert_uint_eq(info.history, 16);
	ck_assert_int_eq(info.producers, RINGBUS_MULTI);
	ck_assert_int_eq(info.wait, RINGBUS_WAIT_SLEEPING);
	t_put_all(p, 0, 9);
	t_take(c, 0, 9);
	ck_assert_int_eq(ringbus_remove(b.bus, "a"), -EBUSY);
	ringbus_producer_close(p);
	ringbus_consumer_close(c);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	ck_assert_int_eq(ringbus_remove(b.bus, "a"), -ENOENT);
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", NULL));
	p = t_produce(b.bus, NULL);
	info = t_info(ringbus_producer_channel(p));
	ck_assert_uint_ne(info.generation, generation);
	ck_assert_uint_eq(info.slots, 65536);
	ck_assert_uint_eq(info.event_size, 64);
	ringbus_producer_close(p);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(channels_that_cannot_be_are_refused)
{
	static const struct {
		uint64_t slots, slot_size, history;
		int framing, producers, wait;
	} all[] = {
		{ 1000, 64, 0, 0, 0, 0 },
		{ 0, 64, 0, 0, 0, 0 },
		{ 1, 64, 0, 0, 0, 0 },
		{ UINT64_MAX, 64, 0, 0, 0, 0 },
		{ UINT64_C(1) << 63, 64, 0, 0, 0, 0 },
		{ 64, 0, 0, 0, 0, 0 },
		{ 64, UINT64_MAX, 0, 0, 0, 0 },
		{ 64, 64, 33, 0, 0, 0 },
		{ 64, 64, 0, 2, 0, 0 },
		{ 64, 64, 0, -1, 0, 0 },
		{ 64, 64, 0, 0, 2, 0 },
		{ 64, 64, 0, 0, -1, 0 },
		{ 64, 64, 0, 0, 0, 6 },
		{ 64, 64, 0, 0, 0, -1 },
		{ 64, 24, 0, RINGBUS_FRAMED, 0, 0 },
		{ 64, 8, 0, RINGBUS_FRAMED, 0, 0 },
	};
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;

		o.slots = all[i].slots;
		o.slot_size = all[i].slot_size;
		o.history = all[i].history;
		o.framing = all[i].framing;
		o.producers = all[i].producers;
		o.wait = all[i].wait;
		ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
		ck_assert_str_ne(ringbus_error(b.bus), "");
	}
	t_bus_end(&b);
}

TEST(what_cannot_be_about_failed_producers_is_refused)
{
	struct ringbus_channel_options o = options();
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	o.stuck_after_ns = T_SECOND;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "stuck"));
	o.producers = RINGBUS_MULTI;
	o.stuck_after_ns = -1;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	o.stuck_after_ns = 1; /* less than anybody could mean */
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	o.stuck_after_ns = T_SECOND;
	o.strict = 1;
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	t_bus_end(&b);
}

TEST(a_channel_has_a_name)
{
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	ck_assert_int_eq(ringbus_create(b.bus, NULL, NULL), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "NULL"));
	ck_assert_int_eq(ringbus_remove(b.bus, NULL), -EINVAL);
	ck_assert_str_ne(ringbus_error(b.bus), "");
	t_bus_end(&b);
}

TEST(options_of_another_size_are_refused)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	o.size--;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	t_bus_end(&b);
}

TEST(requests_have_their_limits)
{
	struct ringbus_channel_options large = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC "\nchannels: { a: { slots: 16 } }");
	ck_assert_int_eq(ringbus_create(b.bus, "a", NULL), -EEXIST);
	ck_assert_int_eq(ringbus_remove(b.bus, "a"), -EACCES);
	large.slots = 131072;
	ck_assert_int_eq(ringbus_create(b.bus, "b", &large), -EUSERS);
	large.slots = 64;
	t_bus_ok(b.bus, ringbus_create(b.bus, "b", &large));
	t_bus_ok(b.bus, ringbus_create(b.bus, "c", &large));
	ck_assert_int_eq(ringbus_create(b.bus, "d", &large), -EUSERS);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "d"));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "b"));
	t_bus_ok(b.bus, ringbus_create(b.bus, "d", &large));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "c"));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "d"));
	t_bus_end(&b);
}

TEST(without_permission_nothing_is_made)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	ck_assert_int_eq(ringbus_create(b.bus, "b", NULL), -EACCES);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "b"));
	ck_assert_int_eq(ringbus_remove(b.bus, "b"), -ENOENT);
	t_bus_end(&b);
}

/* ------------------------------------------------------------------ fill */

KINDS(new_slots_are_filled_with_a_pattern)
{
	unsigned char content[16 * SLOTS];
	struct ringbus_channel_options o = options();
	struct t_bus b;

	o.producers = kind == RB_MULTI ? RINGBUS_MULTI : RINGBUS_SINGLE;
	o.fill = "\xde\xad\xbe";
	o.fill_size = 3;
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	read_untouched(b.bus, SLOTS, content);
	for (int i = 0; i < SLOTS; i++)
		ck_assert_mem_eq(content + 16 * i,
				 "\xde\xad\xbe\xde\xad\xbe\xde\xad\xbe\xde\xad"
				 "\xbe\xde\xad\xbe\xde",
				 16);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

TEST(patterns_that_cannot_be_are_refused)
{
	struct ringbus_channel_options o = options();
	unsigned char pattern[65] = { 1 };
	struct t_bus b;

	t_bus_begin_with(&b, DYNAMIC);
	o.fill_size = 1;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	o.fill = pattern;
	o.fill_size = 65;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	ck_assert_str_ne(ringbus_error(b.bus), "");
	o.fill_size = 64;
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}

/* ----------------------------------------------------------------- clear */

KINDS(slots_are_zero_again_when_all_have_read_them)
{
	struct ringbus_channel_options o = options();
	unsigned char content[16];
	static const unsigned char zeroes[16];
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_info info;
	struct t_bus b;

	o.producers = kind == RB_MULTI ? RINGBUS_MULTI : RINGBUS_SINGLE;
	o.clear = 1;
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, SLOTS);
	info = t_info(ringbus_producer_channel(p));
	ck_assert_int_ne(info.clear, 0);
	ck_assert_int_eq(info.gating, -1);
	t_take(c, 1, SLOTS);
	ck_assert_int_eq(t_info(ringbus_producer_channel(p)).gating, SLOTS - 1);
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
	for (int i = 0; i < SLOTS; i++) {
		read_untouched(b.bus, 1, content);
		ck_assert_mem_eq(content, zeroes, 16);
	}
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	t_bus_end(&b);
}
