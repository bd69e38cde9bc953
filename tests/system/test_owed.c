/* SPDX-License-Identifier: MIT */
/*
 * test_owed.c - what a kept consumer has yet to read outlives the daemon, also
 * where nobody is there and the stream has ended
 */
#include <errno.h>
#include <signal.h>

#include "shm/entry.h"
#include "tests/system/util_bus.h"

#define KEPT "slots: 16, event_size: 8, consumers: { k: { on_death: keep } }"

/* Six events, of which k, whose place is kept, has read two. */
static void
leave_unread(struct t_bus *b, const struct ringbus_consumer_options *as)
{
	struct ringbus_producer *p = t_produce(b->bus, NULL);
	struct ringbus_consumer *c = t_consume(b->bus, as);

	t_put_all(p, 0, 5);
	t_take(c, 0, 1);
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
}

static void
restart(struct t_bus *b)
{
	t_daemon_kill(&b->daemon);
	t_daemon_restart(&b->daemon);
}

static void
read_rest(struct t_bus *b)
{
	struct ringbus_consumer *c = t_consume_as(b->bus, "k",
						  RINGBUS_FROM_RESUME);

	t_take(c, 2, 5);
	ringbus_consumer_close(c);
}

static struct ringbus_consumer_options
as_k(void)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = "k";
	return o;
}

TEST(stream_that_has_ended_is_there_until_it_is_read)
{
	struct ringbus_consumer_options k = as_k();
	struct t_bus b;

	t_bus_begin(&b, KEPT);
	leave_unread(&b, &k);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	restart(&b);
	ck_assert(t_daemon_said(&b.daemon, "consumer k has yet to read"));
	read_rest(&b);
	restart(&b);
	/* Made anew: it has an open stream. */
	t_put_all(t_produce(b.bus, NULL), 0, 3);
	t_bus_end(&b);
}

/* Made by the hand of a client, with a consumer whose place is kept for long. */
TEST(dynamic_channel_is_there_until_it_is_read)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct ringbus_consumer_options k = as_k();
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }");
	o.slots = 16;
	o.slot_size = 8;
	k.keep_for_ns = 3600 * T_SECOND;
	t_bus_ok(b.bus, ringbus_create(b.bus, "a", &o));
	leave_unread(&b, &k);
	restart(&b);
	read_rest(&b);
	restart(&b);
	ck_assert(!t_daemon_has(&b.daemon, "a"));
	t_bus_end(&b);
}

/* Of a daemon that was about to stop, and would have removed it. */
TEST(stopping_daemon_owes_nobody)
{
	struct ringbus_consumer_options k = as_k();
	struct rb_channel channel;
	struct t_bus b;

	t_bus_begin(&b, KEPT);
	leave_unread(&b, &k);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &channel);
	rb_entry_put(&channel.meta->control.retired, 1);
	rb_channel_detach(&channel);
	restart(&b);
	t_put_all(t_produce(b.bus, NULL), 0, 3);
	t_bus_end(&b);
}
