/* SPDX-License-Identifier: MIT */
/*
 * test_recreate.c - a channel that is in use ends, drains, and is another one
 * thereafter, whoever dies on the way
 */
#include <errno.h>

#include "tests/system/util_bus.h"

#define A(keys) "channels: { a: { event_size: 8, " keys " } }"
#define OLD "slots: 16"
#define NEW "slots: 64"

static void
recreate(const struct t_bus *b, const char *yaml)
{
	t_daemon_configure(&b->daemon, yaml);
	t_bus_ok(b->bus, ringbus_reload(b->bus, RINGBUS_RELOAD_RECREATE));
}

static unsigned
slots_of(const struct ringbus_consumer *c)
{
	return (unsigned)t_info(ringbus_consumer_channel(c)).slots;
}

/* Opens a consumer once it can be. */
static struct ringbus_consumer *
await(struct ringbus *bus)
{
	struct ringbus_consumer *c = NULL;

	t_until(ringbus_consumer_open(bus, "a", NULL, &c) == 0);
	return c;
}

static void
expect_closed(struct ringbus *bus)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct ringbus_tap *tap;

	ck_assert_int_eq(ringbus_producer_open(bus, "a", NULL, &p), -EAGAIN);
	ck_assert_int_eq(ringbus_consumer_open(bus, "a", NULL, &c), -EAGAIN);
	ck_assert_int_eq(ringbus_tap_open(bus, "a", NULL, &tap), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(ringbus_error(bus), "it drains"));
}

struct pair {
	struct t_bus b;
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
};

static void
begin(struct pair *s)
{
	t_bus_begin_with(&s->b, A(OLD));
	s->p = t_produce(s->b.bus, NULL);
	s->c = t_consume(s->b.bus, NULL);
	t_put_all(s->p, 0, 9);
	recreate(&s->b, A(NEW));
}

static void
drain(struct pair *s)
{
	uint64_t late = 10;

	ck_assert_int_eq(ringbus_producer_write(s->p, &late, sizeof(late),
						RINGBUS_NOW),
			 -ESHUTDOWN);
	t_take(s->c, 0, 9);
	ck_assert_int_eq(ringbus_consumer_wait(s->c, T_LONG), -ESHUTDOWN);
	expect_closed(s->b.bus);
	ringbus_producer_close(s->p);
	expect_closed(s->b.bus);
	ringbus_consumer_close(s->c);
}

static void
finish(struct pair *s)
{
	struct ringbus_consumer *c = await(s->b.bus);

	ck_assert_uint_eq(slots_of(c), 64);
	s->p = t_produce(s->b.bus, NULL);
	t_put(s->p, 1);
	t_take(c, 1, 1);
	t_bus_end(&s->b);
}

TEST(channel_drains_and_is_made_anew_when_all_have_left)
{
	struct pair s;

	begin(&s);
	drain(&s);
	finish(&s);
}

TEST(another_daemon_goes_on_with_it)
{
	struct pair s;

	begin(&s);
	t_daemon_kill(&s.b.daemon);
	t_daemon_restart(&s.b.daemon);
	drain(&s);
	finish(&s);
}

/* Nobody is left who could wake anybody. */
TEST(another_daemon_finds_it_drained)
{
	struct pair s;

	begin(&s);
	t_take(s.c, 0, 9);
	t_daemon_kill(&s.b.daemon);
	ringbus_producer_close(s.p);
	ringbus_consumer_close(s.c);
	t_daemon_restart(&s.b.daemon);
	finish(&s);
}

TEST(death_of_the_last_member_is_as_good)
{
	struct pair s;
	pid_t child;

	t_bus_begin_with(&s.b, A(OLD));
	s.p = t_produce(s.b.bus, NULL);
	child = t_stopped_consumer(&s.b, "late");
	t_put_all(s.p, 0, 9);
	recreate(&s.b, A(NEW));
	ringbus_producer_close(s.p);
	expect_closed(s.b.bus);
	t_kill(child);
	finish(&s);
}

#define KEPT ", consumers: { app: { on_death: keep } }"

TEST(consumer_whose_place_is_kept_comes_back_to_read_the_rest)
{
	struct ringbus_consumer *c;
	struct pair s;

	t_bus_begin_with(&s.b, A(OLD KEPT));
	s.p = t_produce(s.b.bus, NULL);
	t_put_all(s.p, 0, 9);
	recreate(&s.b, A(NEW KEPT));
	ringbus_producer_close(s.p);
	expect_closed(s.b.bus);
	t_daemon_kill(&s.b.daemon);
	t_daemon_restart(&s.b.daemon);
	expect_closed(s.b.bus);
	c = t_consume_as(s.b.bus, "app", RINGBUS_FROM_NOW);
	ck_assert_uint_eq(slots_of(c), 16);
	t_take(c, 0, 9);
	ringbus_consumer_close(c);
	finish(&s);
}

TEST(channel_that_is_taken_out_while_it_drains_goes)
{
	struct pair s;

	begin(&s);
	t_daemon_reload(&s.b.daemon, "channels:", "reloaded");
	ringbus_producer_close(s.p);
	ringbus_consumer_close(s.c);
	t_until(!t_daemon_has(&s.b.daemon, "a"));
	t_bus_end(&s.b);
}

TEST(second_thoughts_hold_for_what_is_made_anew)
{
	struct ringbus_consumer *c;
	struct pair s;

	begin(&s);
	t_daemon_reload(&s.b.daemon, A("slots: 128"), "was reloaded");
	drain(&s);
	c = await(s.b.bus);
	ck_assert_uint_eq(slots_of(c), 128);
	t_bus_end(&s.b);
}

/* It is behind the end of the stream, where nobody reads it. */
TEST(what_is_published_too_late_holds_it_up_no_longer)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	struct t_bus b;
	int64_t late;

	t_bus_begin_with(&b, A(OLD KEPT));
	p = t_produce(b.bus, NULL);
	ringbus_consumer_close(t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST));
	late = ringbus_producer_claim(p, 1, T_LONG);
	t_ok(late);
	recreate(&b, A(NEW KEPT));
	ck_assert_int_eq(ringbus_producer_publish(p, late, late), -ESHUTDOWN);
	ringbus_producer_close(p);
	c = await(b.bus);
	ck_assert_uint_eq(slots_of(c), 64);
	t_bus_end(&b);
}
