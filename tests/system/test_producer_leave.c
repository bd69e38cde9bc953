/* SPDX-License-Identifier: MIT */
/*
 * test_producer_leave.c - claims that are given up: by choice, by closing, and
 * by dying; and who comes after
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

static void
begin(struct t_bus *b, enum rb_producers kind)
{
	t_bus_begin(b, "slots: 16, event_size: 8, producers: %s", t_kind(kind));
}

static void
publish_value(struct ringbus_producer *p, int64_t sequence, uint64_t value)
{
	memcpy(ringbus_producer_slot(p, sequence), &value, sizeof(value));
	t_ok(ringbus_producer_publish(p, sequence, sequence));
}

TEST(a_single_producer_claims_again_what_it_gave_up)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_SINGLE);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 6, RINGBUS_NOW), 5);
	ck_assert_int_eq(ringbus_producer_abandon(p, 2, 4), -EINVAL);
	t_ok(ringbus_producer_abandon(p, 4, 5));
	t_ok(ringbus_producer_abandon(p, 2, 3));
	publish_value(p, 0, 10);
	ck_assert_int_eq(ringbus_producer_abandon(p, 0, 1), -EINVAL);
	t_ok(ringbus_producer_abandon(p, 1, 1));
	t_take(c, 10, 10);
	t_nothing(c);
	ck_assert_int_eq(t_put(p, 11), 1);
	t_take(c, 11, 11);
	t_bus_end(&b);
}

TEST(readers_skip_what_a_multi_producer_gave_up)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(ringbus_producer_claim(p, 6, RINGBUS_NOW), 5);
	publish_value(p, 1, 11);
	t_ok(ringbus_producer_abandon(p, 2, 4));
	t_nothing(c);
	t_ok(ringbus_producer_abandon(p, 0, 0));
	publish_value(p, 5, 15);
	ck_assert_int_eq(t_put(p, 16), 6);
	t_take(c, 11, 11);
	t_take(c, 15, 16);
	t_nothing(c);
	t_bus_end(&b);
}

TEST(tombstones_alone_make_no_event)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_event event;
	struct t_bus b;

	begin(&b, RB_MULTI);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	for (int lap = 0; lap < 5; lap++) {
		int64_t hi = ringbus_producer_claim(p, 16, RINGBUS_NOW);

		ck_assert_int_eq(hi, 16 * lap + 15);
		t_ok(ringbus_producer_abandon(p, hi - 15, hi));
		ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), hi);
		ck_assert_int_eq(ringbus_consumer_next(c, &event), 0);
		t_ok(ringbus_consumer_commit(c));
		ck_assert_int_eq(ringbus_consumer_sequence(c), hi);
	}
	t_bus_end(&b);
}

KINDS(closing_leaves_no_hole)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	begin(&b, kind);
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put(p, 1);
	ck_assert_int_eq(ringbus_producer_claim(p, 5, RINGBUS_NOW), 5);
	publish_value(p, 1, 2);
	ringbus_producer_close(p);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_put(p, 3), kind == RB_SINGLE ? 2 : 6);
	t_take(c, 1, 3);
	t_nothing(c);
	t_bus_end(&b);
}

struct doomed {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
};

/* Publishes 1 and 2, claims five more, publishes one of them, and hangs. */
static int
claim_and_hang(void *arg)
{
	const struct doomed *d = arg;
	struct ringbus *bus = t_connect(d->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t hi;

	t_put_all(p, 1, 2);
	hi = ringbus_producer_claim(p, 5, RINGBUS_NOW);
	publish_value(p, hi - 4, 3);
	t_store(d->step, 1);
	pause();
	return 1;
}

KINDS(a_killed_producer_leaves_no_hole)
{
	struct doomed d = { .step = t_counter() };
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t child;

	begin(&b, kind);
	d.daemon = &b.daemon;
	c = t_consume(b.bus, NULL);
	channel = ringbus_consumer_channel(c);
	child = t_child(claim_and_hang, &d);
	t_until(t_read(d.step) == 1);
	ck_assert_int_eq(t_member(channel, RINGBUS_PRODUCER, "producer").pid,
			 child);
	t_kill(child);
	t_until(!t_has_member(channel, RINGBUS_PRODUCER, "producer"));
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(t_put(p, 4), kind == RB_SINGLE ? 3 : 7);
	t_take(c, 1, 4);
	t_nothing(c);
	t_bus_end(&b);
}

TEST(others_go_on_while_one_is_dead)
{
	struct doomed d = { .step = t_counter() };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t child;

	begin(&b, RB_MULTI);
	d.daemon = &b.daemon;
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	child = t_child(claim_and_hang, &d);
	t_until(t_read(d.step) == 1);
	t_put_all(p, 4, 12);
	t_take(c, 1, 3);
	t_nothing(c);
	t_kill(child);
	t_take(c, 4, 12);
	t_bus_end(&b);
}

KINDS(a_producer_that_was_replaced_is_told)
{
	struct ringbus_producer *p;
	struct rb_channel daemons;
	struct t_bus b;
	uint32_t epoch;

	begin(&b, kind);
	t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 1, 16);
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &daemons);
	epoch = rb_word32_load_relaxed(&daemons.meta->producers[0].epoch);
	rb_word32_store_relaxed(&daemons.meta->producers[0].epoch, epoch + 1);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, T_LONG), -ESTALE);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), -ESTALE);
	rb_word32_store_relaxed(&daemons.meta->producers[0].epoch, epoch);
	rb_channel_detach(&daemons);
	t_bus_end(&b);
}
