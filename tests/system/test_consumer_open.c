/* SPDX-License-Identifier: MIT */
/*
 * test_consumer_open.c - the options of a consumer: where it starts, what it
 * could not have, after whom it comes, and what is kept of it
 */
#include <errno.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static int
try_open(struct ringbus *bus, const struct ringbus_consumer_options *o)
{
	struct ringbus_consumer *c = NULL;
	int err = ringbus_consumer_open(bus, "a", o, &c);

	ck_assert(err < 0 || c != NULL);
	ck_assert(err == 0 || c == NULL);
	return err;
}

static struct ringbus_consumer_options
options(const char *name, int64_t from)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;

	o.name = name;
	o.from = from;
	return o;
}

TEST(options_that_cannot_be_are_refused)
{
	struct ringbus_consumer_options o = options("c", RINGBUS_FROM_NOW);
	const struct ringbus_consumer_options good = o;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
#define REFUSED(change, why)                                                   \
	do {                                                                   \
		o = good;                                                      \
		change;                                                        \
		ck_assert_int_eq(try_open(b.bus, &o), -EINVAL);                \
		ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), why));      \
	} while (0)
	REFUSED(o.size--, "`size`");
	REFUSED(o.name = "-", "'-'");
	REFUSED(o.wait = 6, "wait ");
	REFUSED(o.wait = -1, "wait ");
	REFUSED(o.from = RINGBUS_FROM_RESUME - 1, "from ");
	REFUSED(o.keep_for_ns = -2, "keep_for_ns ");
	REFUSED(o.slow = 5, "slow ");
	REFUSED(o.slow = -1, "slow ");
	REFUSED(o.max_lag = -1, "max_lag ");
	REFUSED(o.max_stall_ns = -1, "max_stall_ns ");
#undef REFUSED
	t_bus_end(&b);
}

/* ------------------------------------------------------------ where it starts */

KINDS(it_starts_at_a_sequence)
{
	struct ringbus_consumer_options o = options("c", 4);
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 8, event_size: 8, producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	c = t_consume(b.bus, &o);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 3);
	ck_assert_int_eq(ringbus_consumer_missed(c), 0);
	t_take(c, 4, 9);
	ringbus_consumer_close(c);
	/* The next one is a place too, the one after is not. */
	o.from = 10;
	c = t_consume(b.bus, &o);
	t_nothing(c);
	t_put(p, 10);
	t_take(c, 10, 10);
	ringbus_consumer_close(c);
	o.from = 12;
	ck_assert_int_eq(try_open(b.bus, &o), -ERANGE);
	t_bus_end(&b);
}

KINDS(it_says_what_could_not_be_had)
{
	struct ringbus_consumer_options o = options("c", 20);
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	int64_t first;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 8, event_size: 8, producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 99);
	c = t_consume(b.bus, &o);
	first = ringbus_consumer_sequence(c) + 1;
	ck_assert_int_gt(first, 20);
	ck_assert_int_le(first, 92);
	ck_assert_int_eq(ringbus_consumer_missed(c), first - 20);
	t_take(c, (uint64_t)first, 99);
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	ringbus_consumer_close(c);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_OLDEST);
	ck_assert_int_eq(ringbus_consumer_missed(c),
			 ringbus_consumer_sequence(c) + 1);
	ringbus_consumer_close(c);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	ck_assert_int_eq(ringbus_consumer_missed(c), 0);
	t_bus_end(&b);
}

KINDS(it_resumes_only_where_something_was_kept)
{
	struct ringbus_consumer_options o = options("c", RINGBUS_FROM_RESUME);
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	ck_assert_int_eq(try_open(b.bus, &o), -ENOENT);
	p = t_produce(b.bus, NULL);
	o.from = RINGBUS_FROM_NOW;
	o.keep_for_ns = RINGBUS_FOREVER;
	c = t_consume(b.bus, &o);
	t_put_all(p, 0, 9);
	t_take(c, 0, 4);
	ringbus_consumer_close(c);
	/* An undeclared one, kept by its own wish. */
	ck_assert_int_eq(ringbus_producer_remaining(p), 11);
	o = options("c", RINGBUS_FROM_RESUME);
	c = t_consume(b.bus, &o);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 4);
	t_take(c, 5, 9);
	ringbus_consumer_forget(c);
	ck_assert_int_eq(try_open(b.bus, &o), -ENOENT);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	t_bus_end(&b);
}

KINDS(a_place_kept_by_wish_is_kept_for_its_time)
{
	struct ringbus_consumer_options o = options("c", RINGBUS_FROM_NOW);
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	o.keep_for_ns = 50 * T_MS;
	c = t_consume(b.bus, &o);
	ringbus_consumer_close(c);
	/* Blocks on the one that is gone, until it is given up. */
	t_put_all(p, 0, 60);
	t_until(!t_has_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
			      "c"));
	t_bus_end(&b);
}

/* Also of one that the configuration keeps. */
KINDS(a_declared_one_may_be_forgotten)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b,
		    "slots: 16, event_size: 8, producers: %s,"
		    " consumers: { c: { on_death: keep } }",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 9);
	ringbus_consumer_forget(c);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	c = t_consume_as(b.bus, "c", RINGBUS_FROM_NOW);
	t_nothing(c);
	t_bus_end(&b);
}

/* ------------------------------------------------------- after whom it comes */

KINDS(it_comes_after_those_it_names)
{
	struct ringbus_consumer_options o = options("last", RINGBUS_FROM_NOW);
	struct ringbus_consumer *one, *two, *last;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	p = t_produce(b.bus, NULL);
	one = t_consume_as(b.bus, "one", RINGBUS_FROM_NOW);
	two = t_consume_as(b.bus, "two", RINGBUS_FROM_NOW);
	o.after = "one two";
	last = t_consume(b.bus, &o);
	ck_assert_int_eq(
		__builtin_popcountll(t_member(ringbus_producer_channel(p),
					      RINGBUS_CONSUMER, "last")
					     .after),
		2);
	t_put_all(p, 0, 3);
	t_nothing(last);
	t_take(one, 0, 3);
	t_nothing(last);
	t_take(two, 0, 1);
	t_take(last, 0, 1);
	t_nothing(last);
	/* Producers wait for the last alone; and when it goes, for the two. */
	ck_assert_int_eq(t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
				  "one")
				 .gates,
			 0);
	ringbus_consumer_close(last);
	ck_assert_int_ne(t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER,
				  "one")
				 .gates,
			 0);
	t_bus_end(&b);
}

TEST(those_it_names_have_to_be_there)
{
	struct ringbus_consumer_options o = options("c", RINGBUS_FROM_NOW);
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	o.after = "nobody";
	ck_assert_int_eq(try_open(b.bus, &o), -ENOENT);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "nobody"));
	t_bus_end(&b);
}

TEST(a_declared_one_is_what_was_declared)
{
	struct ringbus_consumer_options o;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8,"
			" consumers: { one: , two: { after: one } }");
	o = options("two", RINGBUS_FROM_NOW);
	o.slow = RINGBUS_SLOW_LOSSY;
	ck_assert_int_eq(try_open(b.bus, &o), -EINVAL);
	ck_assert_str_ne(ringbus_error(b.bus), "");
	o = options("one", RINGBUS_FROM_NOW);
	o.after = "two";
	ck_assert_int_eq(try_open(b.bus, &o), -EINVAL);
	o = options("one", RINGBUS_FROM_NOW);
	o.slow = RINGBUS_SLOW_GATE;
	ck_assert_int_eq(try_open(b.bus, &o), 0);
	t_bus_end(&b);
}

/* ---------------------------------------------------------- what it reads */

TEST(events_of_another_type_are_refused)
{
	struct ringbus_consumer_options o = options("c", RINGBUS_FROM_NOW);
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, type: quote, version: 2");
	o.type = "trade";
	o.type_version = 2;
	ck_assert_int_eq(try_open(b.bus, &o), -EPROTOTYPE);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "quote"));
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus), "trade"));
	o.type = "quote";
	o.type_version = 3;
	ck_assert_int_eq(try_open(b.bus, &o), -EPROTOTYPE);
	o.type_version = 2;
	ck_assert_int_eq(try_open(b.bus, &o), 0);
	t_bus_end(&b);
}
