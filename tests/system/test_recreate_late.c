/* SPDX-License-Identifier: MIT */
/*
 * test_recreate_late.c - what is published behind the end of a stream
 */
#include <errno.h>
#include <stdio.h>

#include "tests/system/util_writer.h"

#define SMALL "slots: 64, event_size: 8, " T_JOURNALLED

/* The channel with more slots than SMALL. */
static void
recreate(const struct t_bus *b)
{
	t_daemon_configure(
		&b->daemon,
		"channels: { a: { slots: 128, event_size: 8, " T_JOURNALLED
		" } }");
	t_bus_ok(b->bus, ringbus_reload(b->bus, RINGBUS_RELOAD_RECREATE));
}

/* It is behind the end of the stream, where nobody reads it. */
TEST(what_is_published_too_late_holds_no_channel_up)
{
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	struct t_bus b;
	int64_t late;

	t_bus_begin(&b, SMALL);
	t_writer_start(&w, &b.daemon, "io=auto", NULL);
	p = t_produce(b.bus, NULL);
	late = ringbus_producer_claim(p, 1, T_LONG);
	t_ok(late);
	recreate(&b);
	ck_assert_int_eq(ringbus_producer_publish(p, late, late), -ESHUTDOWN);
	ringbus_producer_close(p);
	t_until(ringbus_producer_open(b.bus, "a", NULL, &p) == 0);
	t_put_all(p, 0, 9);
	t_writer_until(&b, 9);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_bus_end(&b);
}
