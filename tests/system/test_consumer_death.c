/* SPDX-License-Identifier: MIT */
/*
 * test_consumer_death.c - what a consumer leaves when it is killed: a place that
 * is kept, or none
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define KEEP "slots: 16, event_size: 8, consumers: { app: { on_death: keep } }"

struct victim {
	const struct t_daemon *daemon;
	struct rb_word64 *step;
	uint64_t commits; /* so many events, then reads three more */
};

static int
read_and_hang(void *arg)
{
	const struct victim *v = arg;
	struct ringbus *bus = t_connect(v->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "app", RINGBUS_FROM_NOW);
	struct ringbus_event event;

	t_store(v->step, 1);
	t_take(c, 0, v->commits - 1);
	for (uint64_t i = 0; i < 3; i++) {
		t_next(c, &event);
		ck_assert_uint_eq(t_value(&event), v->commits + i);
	}
	t_store(v->step, 2);
	pause();
	return 1;
}

static struct ringbus_member
app(struct ringbus_producer *p)
{
	return t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER, "app");
}

/* Kills one that has committed 5 of 16 events and looked at 3 more. */
static struct ringbus_producer *
kill_in_a_batch(struct t_bus *b)
{
	struct victim v = { &b->daemon, t_counter(), 5 };
	struct ringbus_producer *p = t_produce(b->bus, NULL);
	pid_t child = t_child(read_and_hang, &v);

	t_until(t_read(v.step) == 1);
	t_put_all(p, 0, 15);
	t_until(t_read(v.step) == 2);
	ck_assert_int_eq(app(p).state, RINGBUS_MEMBER_ATTACHED);
	ck_assert_int_eq(app(p).pid, child);
	t_kill(child);
	return p;
}

TEST(a_kept_consumer_resumes_with_the_open_batch)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, KEEP);
	p = kill_in_a_batch(&b);
	t_until(app(p).state == RINGBUS_MEMBER_ABSENT);
	ck_assert_int_eq(app(p).pid, 0);
	ck_assert_int_eq(app(p).sequence, 4);
	ck_assert_int_eq(app(p).lag, 11);
	ck_assert_int_ne(app(p).gates, 0);
	ck_assert_int_eq(ringbus_producer_remaining(p), 5);
	/* Where it was wins over where it asks for. */
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 4);
	t_take(c, 5, 15);
	t_put(p, 16);
	t_take(c, 16, 16);
	t_bus_end(&b);
}

TEST(a_kept_place_holds_producers_up)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	uint64_t value = 21;
	struct t_bus b;

	t_bus_begin(&b, KEEP);
	p = kill_in_a_batch(&b);
	t_until(app(p).state == RINGBUS_MEMBER_ABSENT);
	t_put_all(p, 16, 20);
	ck_assert_int_eq(ringbus_producer_write(p, &value, 8, 5 * T_MS),
			 -ETIMEDOUT);
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), 1);
	ck_assert_str_eq(m.name, "app");
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_ABSENT);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST);
	t_take(c, 5, 20);
	t_bus_end(&b);
}

TEST(a_kept_one_gates_before_it_ever_came)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	uint64_t value = 16;
	struct t_bus b;

	t_bus_begin(&b, KEEP);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(app(p).state, RINGBUS_MEMBER_ABSENT);
	t_put_all(p, 0, 15);
	ck_assert_int_eq(ringbus_producer_write(p, &value, 8, RINGBUS_NOW),
			 -EAGAIN);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_take(c, 0, 15);
	t_bus_end(&b);
}

TEST(closing_keeps_the_place_too)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, KEEP);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_take(c, 0, 3);
	ringbus_consumer_close(c);
	ck_assert_int_eq(app(p).state, RINGBUS_MEMBER_ABSENT);
	ck_assert_int_eq(app(p).sequence, 3);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_take(c, 4, 9);
	t_bus_end(&b);
}

TEST(a_place_is_kept_only_for_its_time)
{
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers: { app: {"
			" on_death: keep, keep_for: 50ms } }");
	p = kill_in_a_batch(&b);
	/* Blocks on the ABSENT one, until it is given up. */
	t_put_all(p, 16, 60);
	ck_assert_int_eq(app(p).state, RINGBUS_MEMBER_DECLARED);
	t_until(app(p).gates == 0);
	t_bus_end(&b);
}

TEST(a_released_one_starts_anew)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, consumers: { app: }");
	p = kill_in_a_batch(&b);
	t_until(app(p).state == RINGBUS_MEMBER_DECLARED);
	t_until(app(p).gates == 0);
	ck_assert_int_eq(ringbus_producer_remaining(p), 16);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_nothing(c);
	t_put(p, 16);
	t_take(c, 16, 16);
	t_bus_end(&b);
}

/* The producer is asleep behind it, and nothing but its death wakes it. */
KINDS(a_dead_consumer_lets_blocked_producers_go)
{
	struct victim v = { .step = t_counter(), .commits = 2 };
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s",
		    t_kind(kind));
	v.daemon = &b.daemon;
	p = t_produce(b.bus, NULL);
	child = t_child(read_and_hang, &v);
	t_until(t_read(v.step) == 1);
	t_put_all(p, 0, 15);
	t_until(t_read(v.step) == 2);
	t_put_all(p, 16, 17);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, 5 * T_MS), -ETIMEDOUT);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	t_put_all(p, 18, 100);
	t_join_signal(child, SIGKILL);
	t_bus_end(&b);
}

TEST(a_killed_one_is_followed_over_and_over)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;
	uint64_t next = 0;
	struct t_bus b;

	t_bus_begin(&b, KEEP);
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 10; i++) {
		struct victim v = { &b.daemon, t_counter(), 1 };
		pid_t child;

		t_put_all(p, 0, 3);
		child = t_child(read_and_hang, &v);
		t_until(t_read(v.step) == 2);
		t_kill(child);
		t_until(app(p).state == RINGBUS_MEMBER_ABSENT);
		next += 4;
		c = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
		ck_assert_int_eq(ringbus_consumer_sequence(c),
				 (int64_t)next - 4);
		t_take(c, 1, 3);
		ringbus_consumer_close(c);
	}
	t_bus_end(&b);
}
