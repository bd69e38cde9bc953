/* SPDX-License-Identifier: MIT */
/*
 * test_schema.c - channels say of what type and version their events are, and who
 * thinks otherwise is not let in
 */
#include <errno.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define DYNAMIC "dynamic: { allow: any }\n"

/* Fails unless it is refused, and both types are in the reason. */
static void
expect_other_type(struct ringbus *bus, int err, const char *a, const char *b)
{
	ck_assert_int_eq(err, -EPROTOTYPE);
	if (strstr(ringbus_error(bus), a) == NULL ||
	    strstr(ringbus_error(bus), b) == NULL)
		ck_abort_msg("not both %s and %s: %s", a, b,
			     ringbus_error(bus));
}

/* Opens in each role as one that knows this type; all have the same result. */
static int
open_all_as(struct ringbus *bus, const char *type, unsigned version)
{
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_tap_options to = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_producer *p = NULL;
	struct ringbus_consumer *c = NULL;
	struct ringbus_tap *tap = NULL;
	int err;

	po.type = co.type = to.type = type;
	po.type_version = co.type_version = to.type_version = version;
	err = ringbus_producer_open(bus, "a", &po, &p);
	ringbus_producer_close(p);
	ck_assert_int_eq(ringbus_consumer_open(bus, "a", &co, &c), err);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_tap_open(bus, "a", &to, &tap), err);
	if (err == 0)
		ringbus_tap_close(tap);
	return err;
}

static void
expect_schema(struct ringbus *bus)
{
	struct ringbus_producer *p = t_produce(bus, NULL);
	struct ringbus_info info = t_info(ringbus_producer_channel(p));

	ringbus_producer_close(p);
	ck_assert_str_eq(info.type, "order");
	ck_assert_uint_eq(info.type_version, 3);
	ck_assert_int_eq(open_all_as(bus, NULL, 0), 0);
	ck_assert_int_eq(open_all_as(bus, "order", 3), 0);
	expect_other_type(bus, open_all_as(bus, "trade", 3), "order", "trade");
	expect_other_type(bus, open_all_as(bus, "order", 4), "3", "4");
	expect_other_type(bus, open_all_as(bus, "order", 0), "3", "0");
	ck_assert_int_eq(open_all_as(bus, "no name", 3), -EINVAL);
	ck_assert_int_eq(open_all_as(bus, NULL, 3), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "type_version"));
}

TEST(a_declared_type_is_insisted_on)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, type: order, version: 3");
	expect_schema(b.bus);
	t_bus_end(&b);
}

TEST(a_created_channel_has_a_type_too)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_bus b;

	o.type = "order";
	o.type_version = 3;
	t_bus_begin_with(&b, DYNAMIC);
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	expect_schema(b.bus);
	t_bus_ok(b.bus, ringbus_remove(b.bus, "a"));
	o.type = "-";
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	o.type = NULL;
	ck_assert_int_eq(ringbus_create(b.bus, "a", &o), -EINVAL);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "type_version"));
	t_bus_end(&b);
}

TEST(a_channel_without_a_type_takes_any)
{
	struct ringbus_info info;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16");
	info = t_info(ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW)));
	ck_assert_str_eq(info.type, "");
	ck_assert_uint_eq(info.type_version, 0);
	ck_assert_int_eq(open_all_as(b.bus, "order", 3), 0);
	t_bus_end(&b);
}
