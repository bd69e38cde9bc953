/* SPDX-License-Identifier: MIT */
/*
 * test_channel_info.c - what a channel tells about itself and its members
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define GRAPH                                                                  \
	"slots: 32, history: 4, event_size: 12, wait: yielding,"               \
	" consumers: { journal: , replicate: { on_death: keep },"              \
	" app: { after: [journal, replicate] } }"

static struct ringbus_member
consumer(const struct ringbus_channel *channel, const char *name)
{
	return t_member(channel, RINGBUS_CONSUMER, name);
}

TEST(a_channel_tells_what_it_is)
{
	struct ringbus_info info;
	struct ringbus_tap *tap;
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	info = t_info(ringbus_tap_channel(tap));
	ck_assert_str_eq(info.name, "a");
	ck_assert_uint_ne(info.generation, 0);
	ck_assert_uint_eq(info.slots, 32);
	ck_assert_uint_ge(info.slot_size, 12);
	ck_assert_uint_eq(info.slot_size % 8, 0);
	ck_assert_uint_eq(info.event_size, 12);
	ck_assert_uint_eq(info.history, 4);
	ck_assert_uint_gt(info.memory, info.slots * info.slot_size);
	ck_assert_int_eq(info.framing, RINGBUS_FIXED);
	ck_assert_int_eq(info.producers, RINGBUS_SINGLE);
	ck_assert_int_eq(info.wait, RINGBUS_WAIT_YIELDING);
	ck_assert_int_eq(info.ended, 0);
	ck_assert_int_eq(info.cursor, -1);
	ck_assert_int_eq(info.gating, -1);
	t_bus_end(&b);
}

TEST(the_other_kind_tells_so)
{
	struct ringbus_info info;
	struct ringbus_tap *tap;
	struct t_bus b;

	t_bus_begin(&b, "slots: 256, framing: framed, slot_size: 32,"
			" producers: multi, wait: busy_spin");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	info = t_info(ringbus_tap_channel(tap));
	ck_assert_uint_eq(info.slot_size, 32);
	ck_assert_uint_eq(info.event_size, 256 * 32 / 4);
	ck_assert_int_eq(info.framing, RINGBUS_FRAMED);
	ck_assert_int_eq(info.producers, RINGBUS_MULTI);
	ck_assert_int_eq(info.wait, RINGBUS_WAIT_BUSY_SPIN);
	t_bus_end(&b);
}

TEST(a_channel_tells_how_far_it_has_come)
{
	struct ringbus_consumer *fast, *slow;
	struct ringbus_producer *p;
	struct ringbus_info info;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8");
	fast = t_consume_as(b.bus, "fast", RINGBUS_FROM_NOW);
	slow = t_consume_as(b.bus, "slow", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 9);
	t_take(fast, 0, 9);
	t_take(slow, 0, 3);
	info = t_info(ringbus_consumer_channel(fast));
	ck_assert_int_eq(info.cursor, 9);
	ck_assert_int_eq(info.gating, 3);
	ringbus_consumer_close(slow);
	ck_assert_int_eq(t_info(ringbus_producer_channel(p)).gating, 9);
	t_bus_end(&b);
}

TEST(declared_members_are_listed_before_they_come)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m;
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	m = consumer(channel, "journal");
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_DECLARED);
	ck_assert_int_eq(m.gates, 0);
	ck_assert_int_eq(m.pid, 0);
	ck_assert_int_eq(m.lag, 0);
	ck_assert_uint_eq(m.after, 0);
	m = consumer(channel, "replicate");
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_ABSENT);
	ck_assert_int_ne(m.gates, 0);
	ck_assert_int_eq(m.sequence, -1);
	m = consumer(channel, "app");
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_DECLARED);
	ck_assert_uint_eq(m.after, 3);
	t_bus_end(&b);
}

TEST(the_leaves_of_the_graph_gate)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *app, *journal, *replicate;
	struct ringbus_producer *p;
	struct ringbus_member m;
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	journal = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	ck_assert_int_ne(consumer(channel, "journal").gates, 0);
	replicate = t_consume_as(b.bus, "replicate", RINGBUS_FROM_NOW);
	app = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	ck_assert_int_eq(consumer(channel, "journal").gates, 0);
	ck_assert_int_eq(consumer(channel, "replicate").gates, 0);
	m = consumer(channel, "app");
	ck_assert_int_ne(m.gates, 0);
	ck_assert_int_eq(m.state, RINGBUS_MEMBER_ATTACHED);
	ck_assert_int_eq(m.pid, getpid());
	ck_assert_uint_eq(m.index, 2);
	t_put(p, 0);
	ck_assert_int_eq(consumer(channel, "app").lag, 1);
	ringbus_consumer_close(app);
	ck_assert_int_ne(consumer(channel, "journal").gates, 0);
	ringbus_consumer_close(journal);
	ringbus_consumer_close(replicate);
	t_bus_end(&b);
}

TEST(producers_are_members_too)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_producer *p[3];
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, producers: multi");
	for (int i = 0; i < 3; i++)
		p[i] = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p[0]);
	ringbus_producer_close(p[1]);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(ringbus_channel_member(
					 channel, RINGBUS_PRODUCER, i, &m),
				 i == 0 || i == 2);
	ck_assert_int_eq(
		ringbus_channel_member(channel, RINGBUS_PRODUCER, 2, &m), 1);
	ck_assert_int_eq(m.role, RINGBUS_PRODUCER);
	ck_assert_uint_eq(m.index, 2);
	ck_assert_int_eq(m.pid, getpid());
	ck_assert_int_eq(m.sequence, -1);
	ck_assert_int_eq(m.gates, 0);
	t_bus_end(&b);
}

TEST(questions_that_make_no_sense_are_refused)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_info info = { .size = sizeof(info) - 1 };
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	ck_assert_int_eq(ringbus_channel_info(channel, &info), -EINVAL);
	info.size = 0;
	ck_assert_int_eq(ringbus_channel_info(channel, &info), -EINVAL);
	ck_assert_int_eq(ringbus_channel_member(channel, 2, 0, &m), -EINVAL);
	ck_assert_int_eq(ringbus_channel_member(channel, -1, 0, &m), -EINVAL);
	ck_assert_int_eq(
		ringbus_channel_member(channel, RINGBUS_CONSUMER, 64, &m), 0);
	ck_assert_int_eq(ringbus_channel_member(channel, RINGBUS_PRODUCER,
						UINT32_MAX, &m),
			 0);
	m.size++;
	ck_assert_int_eq(ringbus_channel_member(channel, RINGBUS_CONSUMER, 0,
						&m),
			 -EINVAL);
	t_bus_end(&b);
}

TEST(members_are_found_by_name)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m = { .size = sizeof(m) };
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	channel = ringbus_producer_channel(t_produce(b.bus, NULL));
	ck_assert_int_eq(
		ringbus_channel_find(channel, RINGBUS_CONSUMER, "app", &m), 1);
	ck_assert_str_eq(m.name, "app");
	ck_assert_uint_eq(m.index, 2);
	ck_assert_int_eq(
		ringbus_channel_find(channel, RINGBUS_PRODUCER, "app", &m), 0);
	ck_assert_int_eq(ringbus_channel_find(channel, RINGBUS_PRODUCER,
					      "producer", &m),
			 1);
	ck_assert_int_eq(m.pid, getpid());
	ck_assert_int_eq(ringbus_channel_find(channel, 2, "app", &m), -EINVAL);
	m.size = 0;
	ck_assert_int_eq(ringbus_channel_find(channel, RINGBUS_CONSUMER, "app",
					      &m),
			 -EINVAL);
	ck_assert_int_eq(ringbus_channel_laggard(channel, 0, &m), -EINVAL);
	t_bus_end(&b);
}

TEST(a_plain_member_has_nothing_special)
{
	const struct ringbus_channel *channel;
	struct ringbus_member m;
	struct t_bus b;

	t_bus_begin(&b, GRAPH);
	t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	channel = ringbus_producer_channel(t_produce(b.bus, NULL));
	m = consumer(channel, "journal");
	ck_assert_int_eq(m.slow, RINGBUS_SLOW_GATE);
	ck_assert_int_eq(m.group, 0);
	ck_assert_int_eq(m.worker_of, -1);
	ck_assert_int_eq(m.failed, -1);
	ck_assert_uint_eq(m.errors, 0);
	ck_assert_uint_eq(m.lost, 0);
	m = t_member(channel, RINGBUS_PRODUCER, "producer");
	ck_assert_int_eq(m.worker_of, -1);
	ck_assert_int_eq(m.failed, -1);
	ck_assert_uint_eq(m.dropped, 0);
	t_bus_end(&b);
}

TEST(a_group_and_its_workers_are_told_apart)
{
	struct ringbus_consumer *workers[2];
	struct ringbus_member m = { .size = sizeof(m) };
	const struct ringbus_channel *channel;
	struct ringbus_producer *p;
	unsigned n_workers = 0;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8, consumers:"
			" { other: , pool: { group: true } }");
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	for (int i = 0; i < 2; i++)
		workers[i] = t_consume_as(b.bus, "pool", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 3);
	ck_assert_int_eq(
		ringbus_channel_find(channel, RINGBUS_CONSUMER, "pool", &m), 1);
	ck_assert_uint_eq(m.index, 1);
	ck_assert_int_ne(m.group, 0);
	ck_assert_int_eq(m.worker_of, -1);
	ck_assert_int_eq(m.pid, 0);
	ck_assert_int_ne(m.gates, 0);
	ck_assert_int_eq(m.lag, 4);
	for (unsigned i = 2; i < RINGBUS_MEMBERS_MAX; i++) {
		if (ringbus_channel_member(channel, RINGBUS_CONSUMER, i, &m) ==
		    0)
			continue;
		n_workers++;
		ck_assert_str_eq(m.name, "pool");
		ck_assert_int_eq(m.worker_of, 1);
		ck_assert_int_eq(m.group, 0);
		ck_assert_int_eq(m.gates, 0);
		ck_assert_int_eq(m.lag, 0);
		ck_assert_int_eq(m.pid, getpid());
	}
	ck_assert_uint_eq(n_workers, 2);
	ck_assert_int_eq(ringbus_channel_laggard(channel, 0, &m), 1);
	ck_assert_str_eq(m.name, "pool");
	ck_assert_int_eq(ringbus_channel_laggard(channel, 1, &m), 0);
	ringbus_consumer_close(workers[0]);
	ringbus_consumer_close(workers[1]);
	t_bus_end(&b);
}

TEST(who_was_too_slow_is_shown_so)
{
	struct ringbus_consumer *evicted, *parked;
	const struct ringbus_channel *channel;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8, consumers:"
			" { e: { slow: evict, max_lag: 8 },"
			" p: { slow: park, max_lag: 8 } }");
	evicted = t_consume_as(b.bus, "e", RINGBUS_FROM_NOW);
	parked = t_consume_as(b.bus, "p", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	ck_assert_int_eq(consumer(channel, "e").slow, RINGBUS_SLOW_EVICT);
	ck_assert_int_eq(consumer(channel, "p").slow, RINGBUS_SLOW_PARK);
	t_put_all(p, 0, 63);
	t_until(consumer(channel, "e").state == RINGBUS_MEMBER_EVICTED);
	t_until(consumer(channel, "p").state == RINGBUS_MEMBER_PARKED);
	ck_assert_int_eq(consumer(channel, "e").gates, 0);
	ck_assert_int_eq(consumer(channel, "p").gates, 0);
	ringbus_consumer_close(parked);
	ck_assert_int_eq(consumer(channel, "p").state, RINGBUS_MEMBER_PARKED);
	ck_assert_int_eq(consumer(channel, "p").pid, 0);
	ringbus_consumer_close(evicted);
	ck_assert_int_eq(consumer(channel, "e").state, RINGBUS_MEMBER_DECLARED);
	t_bus_end(&b);
}

/* Sleepers and those who woke them are counted. */
static int
sleep_for_one(void *arg)
{
	const struct t_daemon *daemon = arg;
	struct ringbus *bus = t_connect(daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "sleeper",
						  RINGBUS_FROM_NOW);

	t_take(c, 7, 7);
	pause();
	return 1;
}

TEST(sleeps_and_wakes_are_counted)
{
	const struct ringbus_channel *channel;
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t child;

	t_bus_begin(&b, "slots: 32, event_size: 8");
	p = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(p);
	child = t_child(sleep_for_one, &b.daemon);
	t_until(t_has_member(channel, RINGBUS_CONSUMER, "sleeper"));
	t_until(consumer(channel, "sleeper").sleeps > 1 && t_is_asleep(child));
	ck_assert_uint_eq(t_member(channel, RINGBUS_PRODUCER, "producer").wakes,
			  0);
	t_put(p, 7);
	t_until(consumer(channel, "sleeper").sequence == 0);
	ck_assert_uint_le(t_member(channel, RINGBUS_PRODUCER, "producer").wakes,
			  1);
	t_kill(child);
	t_bus_end(&b);
}

/* -------------------------------------------- while they come and go */

struct churn {
	struct ringbus *bus;
	struct rb_word64 *stop;
};

static void *
come_and_go(void *arg)
{
	struct churn *churn = arg;

	for (int i = 0; i < 200; i++) {
		struct ringbus_consumer *c = t_consume_as(
			churn->bus, i % 2 ? "odd" : "even", RINGBUS_FROM_NOW);
		struct ringbus_producer *p = t_produce(churn->bus, NULL);

		ringbus_consumer_close(c);
		ringbus_producer_close(p);
	}
	t_store(churn->stop, 1);
	return NULL;
}

TEST(members_are_listed_while_they_come_and_go)
{
	struct churn churn = { .stop = t_counter() };
	const struct ringbus_channel *channel;
	struct ringbus_member m = { .size = sizeof(m) };
	struct t_bus b;
	pthread_t thread;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: multi");
	churn.bus = t_connect(&b.daemon);
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go, &churn), 0);
	while (t_read(churn.stop) == 0)
		for (int role = 0; role < 2; role++)
			for (unsigned i = 0; i < 4; i++)
				if (ringbus_channel_member(channel, role, i,
							   &m) == 1)
					ck_assert_uint_lt(strlen(m.name), 64);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ringbus_close(churn.bus);
	t_bus_end(&b);
}

TEST(a_channel_tells_its_first_hole)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };
	struct ringbus_producer *first, *second;
	const struct ringbus_channel *channel;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: multi");
	first = t_produce(b.bus, NULL);
	second = t_produce(b.bus, NULL);
	channel = ringbus_producer_channel(first);
	ck_assert_int_eq(ringbus_channel_hole(channel, &hole), 0);
	t_put_all(first, 0, 1);
	ck_assert_int_eq(ringbus_channel_hole(channel, &hole), 0);
	ck_assert_int_eq(ringbus_producer_claim(second, 3, RINGBUS_NOW), 4);
	t_ok(ringbus_producer_publish(second, 2, 2));
	ck_assert_int_eq(ringbus_channel_hole(channel, &hole), 1);
	ck_assert_int_eq(hole.sequence, 3);
	ck_assert_int_eq(hole.first, 2);
	ck_assert_int_eq(hole.last, 4);
	ck_assert_int_eq(hole.producer, 1);
	ck_assert_int_eq(hole.state, RINGBUS_HOLE_CLAIMED);
	hole.size--;
	ck_assert_int_eq(ringbus_channel_hole(channel, &hole), -EINVAL);
	t_bus_end(&b);
}
