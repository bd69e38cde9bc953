/* SPDX-License-Identifier: MIT */
/*
 * test_metrics.c - each metric counts what it says, and is in the manual
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/sigbus.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

static unsigned
number_of(const char *name)
{
	struct ringbus_metric m = { .size = sizeof(m) };
	unsigned i = 0;

	while (ringbus_metric(i, &m) == 1 && strcmp(m.name, name) != 0)
		i++;
	ck_assert_msg(m.name != NULL && strcmp(m.name, name) == 0,
		      "no metric %s", name);
	return i;
}

static double
metric(const struct ringbus_channel *channel, const char *name, unsigned index)
{
	double value;

	ck_assert_int_eq(ringbus_channel_metric(channel, number_of(name), index,
						&value),
			 1);
	return value;
}

static unsigned
consumer(const struct ringbus_channel *channel, const char *name)
{
	return t_member(channel, RINGBUS_CONSUMER, name).index;
}

#define OF(name) metric(c, "ringbus_" name, 0)
#define OF_CONSUMER(name, who)                                                 \
	metric(c, "ringbus_consumer_" name, consumer(c, who))
#define EXPECT(value, expected) ck_assert_double_eq(value, expected)

TEST(names_are_good_and_each_is_once)
{
	struct ringbus_metric m = { .size = sizeof(m) };
	const char *names[256];
	unsigned n = 0;

	for (; ringbus_metric(n, &m) == 1; n++) {
		bool is_total = strcmp(m.name + strlen(m.name) - 6, "_total") ==
				0;

		ck_assert_uint_lt(n, RB_ARRAY_SIZE(names));
		ck_assert_int_eq(strncmp(m.name, "ringbus_", 8), 0);
		ck_assert_int_eq(is_total, m.kind == RINGBUS_COUNTER);
		if (m.unit[0] != '\0')
			ck_assert_ptr_nonnull(strstr(m.name, m.unit));
		for (unsigned i = 0; i < n; i++)
			ck_assert_str_ne(m.name, names[i]);
		names[n] = m.name;
	}
	ck_assert_uint_gt(n, 30);
	ck_assert_int_eq(ringbus_metric(n + 1, &m), 0);
	m.size--;
	ck_assert_int_eq(ringbus_metric(0, &m), -EINVAL);
}

TEST(the_manual_has_each_metric)
{
	struct ringbus_metric m = { .size = sizeof(m) };
	static char manual[100000];
	FILE *file = fopen("docs/metrics.md", "r");

	ck_assert_ptr_nonnull(file);
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	for (unsigned i = 0; ringbus_metric(i, &m) == 1; i++) {
		const char *line = t_words("| `%s` | %s | %s | %s |\n", m.name,
					   m.kind == RINGBUS_COUNTER ? "counter"
								     : "gauge",
					   m.unit, m.help);

		ck_assert_msg(strstr(manual, line) != NULL,
			      "docs/metrics.md lacks: %s", line);
	}
}

TEST(what_is_none_is_refused)
{
	const struct ringbus_channel *c;
	struct t_bus b;
	double value;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	ck_assert_int_eq(ringbus_channel_metric(c, 10000, 0, &value), -EINVAL);
	ck_assert_int_eq(ringbus_channel_metric(
				 c, number_of("ringbus_consumer_sequence"), 0,
				 &value),
			 0);
	ck_assert_int_eq(
		ringbus_channel_metric(
			c, number_of("ringbus_producer_claimed_slots_total"),
			RINGBUS_MEMBERS_MAX, &value),
		0);
	t_bus_end(&b);
}

static void
expect_producer(const char *producers)
{
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: %s", producers);
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	t_put_all(p, 0, 1);
	ringbus_producer_close(p);
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	EXPECT(OF("producer_claimed_slots_total"), 0);
	EXPECT(OF("producer_published_total"), 0);
	t_put_all(p, 2, 9);
	ck_assert_int_eq(ringbus_producer_claim(p, 3, RINGBUS_NOW), 12);
	ck_assert_int_eq(ringbus_producer_publish(p, 10, 12), 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 2, RINGBUS_NOW), 14);
	ck_assert_int_eq(ringbus_producer_abandon(p, 13, 14), 0);
	EXPECT(OF("producer_claimed_slots_total"), 13);
	EXPECT(OF("producer_published_total"), 11);
	EXPECT(OF("producer_abandoned_slots_total"), 2);
	t_bus_end(&b);
}

TEST(producers_count_what_they_claim_and_publish)
{
	expect_producer("single");
	expect_producer("multi");
}

TEST(a_full_ring_is_told)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, history: 4, event_size: 8");
	t_consume_as(b.bus, "slow", RINGBUS_FROM_NOW);
	o.full = RINGBUS_FULL_DROP;
	p = t_produce(b.bus, &o);
	c = ringbus_producer_channel(p);
	EXPECT(OF("channel_capacity_slots"), 12);
	t_put_all(p, 0, 8);
	EXPECT(OF("channel_remaining_slots"), 3);
	EXPECT(OF("channel_used_ratio"), 0.75);
	EXPECT(OF("channel_published_bytes_total"), 72);
	t_put_all(p, 9, 11);
	ck_assert_int_eq(ringbus_producer_claim(p, 2, RINGBUS_BY_POLICY),
			 -ENOBUFS);
	EXPECT(OF("producer_full_total"), 1);
	EXPECT(OF("producer_dropped_slots_total"), 2);
	EXPECT(OF("producer_waits_total"), 0);
	EXPECT(OF("producer_stall_seconds_total"), 0);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, 20 * MS), -ETIMEDOUT);
	EXPECT(OF("producer_full_total"), 2);
	EXPECT(OF("producer_waits_total"), 1);
	ck_assert_double_gt(OF("producer_stall_seconds_total"), 0);
	/* On a busy machine the time may be over before it came to that. */
	while (OF("producer_sleeps_total") == 0)
		ck_assert_int_eq(ringbus_producer_claim(p, 1, 40 * MS),
				 -ETIMEDOUT);
	EXPECT(OF("channel_used_ratio"), 1);
	t_bus_end(&b);
}

TEST(consumers_tell_their_batches_and_lag)
{
	struct ringbus_consumer *fast, *slow;
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8");
	fast = t_consume_as(b.bus, "fast", RINGBUS_FROM_NOW);
	slow = t_consume_as(b.bus, "slow", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	t_put_all(p, 0, 9);
	t_take(fast, 0, 9);
	t_take(slow, 0, 3);
	t_take(slow, 4, 5);
	EXPECT(OF("consumers_attached"), 2);
	EXPECT(OF("producers_attached"), 1);
	EXPECT(OF("channel_cursor"), 9);
	EXPECT(OF_CONSUMER("sequence", "slow"), 5);
	EXPECT(OF_CONSUMER("lag_slots", "slow"), 4);
	EXPECT(OF_CONSUMER("lag_slots", "fast"), 0);
	EXPECT(OF_CONSUMER("lag_max_slots", "slow"), 10);
	EXPECT(OF_CONSUMER("batches_total", "fast"), 10);
	EXPECT(OF_CONSUMER("batches_total", "slow"), 6);
	EXPECT(OF_CONSUMER("gating", "slow"), 1);
	EXPECT(OF_CONSUMER("gating", "fast"), 0);
	EXPECT(OF_CONSUMER("attached", "fast"), 1);
	EXPECT(OF_CONSUMER("waits_total", "fast"), 0);
	EXPECT(OF_CONSUMER("wait_seconds_total", "fast"), 0);
	ck_assert_int_eq(ringbus_consumer_wait(fast, MS), -ETIMEDOUT);
	EXPECT(OF_CONSUMER("waits_total", "fast"), 1);
	ck_assert_double_gt(OF_CONSUMER("wait_seconds_total", "fast"), 0);
	t_bus_end(&b);
}

/* The time beside it is of the lap before, or none. */
TEST(a_claim_that_is_not_published_has_no_age)
{
	struct ringbus_consumer *reader;
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: multi, "
			"latency: true");
	reader = t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	ck_assert_int_eq(ringbus_producer_claim(p, 1, RINGBUS_NOW), 0);
	EXPECT(OF_CONSUMER("lag_slots", "app"), 1);
	EXPECT(OF_CONSUMER("lag_seconds", "app"), 0);
	t_ok(ringbus_producer_publish(p, 0, 0));
	ck_assert_double_gt(OF_CONSUMER("lag_seconds", "app"), 0);
	ringbus_consumer_close(reader);
	t_bus_end(&b);
}

TEST(a_group_tells_what_its_workers_did)
{
	struct ringbus_consumer *w[2];
	const struct ringbus_channel *c;
	struct ringbus_event e;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8,"
			" consumers: { crew: { group: true } }");
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	w[0] = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	w[1] = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 4);
	for (int i = 0; i < 5; i++) {
		struct ringbus_consumer *taker = w[i % 2];

		ck_assert_int_ge(ringbus_consumer_wait(taker, RINGBUS_NOW), 0);
		ck_assert_int_eq(ringbus_consumer_next(taker, &e), 1);
		ck_assert_int_eq(ringbus_consumer_commit(taker), 0);
	}
	EXPECT(OF_CONSUMER("batches_total", "crew"), 5);
	EXPECT(OF_CONSUMER("lag_max_slots", "crew"), 5);
	EXPECT(OF_CONSUMER("attached", "crew"), 1);
	EXPECT(OF_CONSUMER("lag_slots", "crew"), 0);
	t_bus_end(&b);
}

/* ------------------------------------------------------------- the daemon's */

static int
hold_place(void *context)
{
	struct t_bus *b = context;
	struct ringbus *bus = t_connect(&b->daemon);

	t_consume_as(bus, "victim", RINGBUS_FROM_NOW);
	t_put(t_produce(bus, NULL), 1);
	pause();
	return 0;
}

TEST(the_daemon_counts_who_comes_goes_and_dies)
{
	const struct ringbus_channel *c;
	struct ringbus_consumer *kept;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: multi");
	c = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	kept = t_consume_as(b.bus, "here", RINGBUS_FROM_NOW);
	EXPECT(OF("attach_total"), 1);
	pid = t_child(hold_place, &b);
	/* Who dies before he has come was never there, which is no death. */
	t_until(OF("channel_cursor") == 0 && OF("attach_total") == 3);
	EXPECT(OF("detach_total"), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	t_until(OF("detach_total") == 2);
	t_join_signal(pid, SIGKILL);
	t_until(OF("deaths_total") == 2);
	ringbus_consumer_close(kept);
	t_until(OF("detach_total") == 3);
	EXPECT(OF("deaths_total"), 2);
	EXPECT(OF("channel_reloads_total"), 0);
	ck_assert_int_eq(kill(b.daemon.pid, SIGHUP), 0);
	t_until(OF("channel_reloads_total") == 1);
	t_bus_end(&b);
}

TEST(a_pause_is_told)
{
	const struct ringbus_channel *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8");
	c = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	EXPECT(OF("channel_paused"), 0);
	t_ok(ringbus_pause(b.bus, "a"));
	EXPECT(OF("channel_paused"), 1);
	t_ok(ringbus_resume(b.bus, "a"));
	EXPECT(OF("channel_paused"), 0);
	t_bus_end(&b);
}

static int
hold_claim(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus_producer *p = t_produce(t_connect(&b->daemon), NULL);

	t_put_all(p, 0, 2);
	t_ok(ringbus_producer_claim(p, 2, RINGBUS_NOW));
	pause();
	return 0;
}

TEST(a_claim_that_stays_and_what_its_death_stops_are_told)
{
	const struct ringbus_channel *c;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, "slots: 32, event_size: 8, producers: multi, strict: "
			"true");
	c = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	EXPECT(OF("channel_hole_sequence"), -1);
	pid = t_child(hold_claim, &b);
	t_until(OF("channel_hole_sequence") == 3);
	EXPECT(OF("channel_broken"), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	t_join_signal(pid, SIGKILL);
	t_until(OF("channel_broken") == 1);
	EXPECT(OF("channel_damaged"), 0);
	t_bus_end(&b);
}

TEST(a_file_that_was_cut_is_told)
{
	const struct ringbus_channel *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, event_size: 8");
	c = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	EXPECT(OF("channel_damaged"), 0);
	ck_assert_int_eq(truncate(t_words("%s/a/ring", b.daemon.shm), 0), 0);
	t_until(OF("channel_damaged") == 1);
	t_bus_end(&b);
}

TEST(who_is_too_slow_is_counted)
{
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 32, history: 8, event_size: 8, consumers: {"
			" thrown: { slow: evict, max_lag: 8 },"
			" parked: { slow: park, max_lag: 8 } }");
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	t_consume_as(b.bus, "thrown", RINGBUS_FROM_NOW);
	t_consume_as(b.bus, "parked", RINGBUS_FROM_NOW);
	EXPECT(OF("evictions_total"), 0);
	EXPECT(OF("parks_total"), 0);
	t_put_all(p, 0, 19);
	t_until(OF("evictions_total") == 1 && OF("parks_total") == 1);
	t_bus_end(&b);
}

TEST(losses_are_counted)
{
	const struct ringbus_channel *c;
	struct ringbus_producer *p;
	struct ringbus_consumer *lossy;
	struct ringbus_event e;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8,"
			" consumers: { glance: { slow: lossy } }");
	p = t_produce(b.bus, NULL);
	c = ringbus_producer_channel(p);
	lossy = t_consume_as(b.bus, "glance", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 40);
	ck_assert_int_ge(ringbus_consumer_wait(lossy, RINGBUS_NOW), 0);
	while (ringbus_consumer_next(lossy, &e) == 1)
		;
	ck_assert_int_eq(ringbus_consumer_commit(lossy), 0);
	EXPECT(OF_CONSUMER("overruns_total", "glance"), 1);
	EXPECT(OF_CONSUMER("lost_slots_total", "glance"),
	       (double)ringbus_consumer_lost(lossy));
	ck_assert_double_gt(OF_CONSUMER("lost_slots_total", "glance"), 0);
	t_bus_end(&b);
}
