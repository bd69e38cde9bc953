/* SPDX-License-Identifier: MIT */
/*
 * test_operator_consumers.c - an operator takes places of consumers away and moves
 * them: whose, how far, and what those concerned then find
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

#define KEYS                                                                   \
	"slots: 16, event_size: 8, history: 4, consumers: { kept: { "          \
	"on_death: "                                                           \
	"keep }, loose: {}, crew: { group: true, on_death: keep } }"

static void
is_refused(struct ringbus *bus, int64_t is, int err, const char *text)
{
	ck_assert_int_eq(is, err);
	ck_assert_msg(strstr(ringbus_error(bus), text) != NULL, "%s",
		      ringbus_error(bus));
}

/* Reads 0..4 of 0..9 as `kept` and goes; the group has done nothing. */
static struct ringbus_producer *
begin(struct t_bus *b, const char *keys)
{
	struct ringbus_producer *p;
	struct ringbus_consumer *c;

	t_bus_begin(b, "%s", keys);
	p = t_produce(b->bus, NULL);
	c = t_consume_as(b->bus, "kept", RINGBUS_FROM_NOW);
	for (uint64_t i = 0; i < 10; i++)
		t_put(p, i);
	t_take(c, 0, 4);
	ringbus_consumer_close(c);
	return p;
}

static struct ringbus_member
member(const struct ringbus_producer *p, const char *name)
{
	return t_member(ringbus_producer_channel(p), RINGBUS_CONSUMER, name);
}

/* ------------------------------------------------------------------ evicting */

static uint64_t
count_evictions(const struct t_bus *b)
{
	struct rb_channel c;
	uint64_t n;

	t_daemon_map(&b->daemon, "a", RB_ROLE_TAP, &c);
	n = rb_word64_load_relaxed(&c.meta->control.counters.evictions);
	rb_channel_detach(&c);
	return n;
}

TEST(kept_place_is_taken_away)
{
	struct ringbus_producer *p;
	struct t_bus b;

	p = begin(&b, KEYS);
	t_ok(ringbus_evict(b.bus, "a", "crew"));
	ck_assert_int_eq(member(p, "kept").gates, 1);
	t_ok(ringbus_evict(b.bus, "a", "kept"));
	ck_assert_int_eq(member(p, "kept").state, RINGBUS_MEMBER_DECLARED);
	ck_assert_uint_eq(count_evictions(&b), 2);
	for (uint64_t i = 0; i < 40; i++)
		t_put(p, i); /* nobody is waited for any more */
	is_refused(b.bus, ringbus_evict(b.bus, "a", "kept"), -ENOENT,
		   "no consumer kept has a place there");
	ck_assert(t_daemon_said(&b.daemon, "channel a: consumer kept was "
					   "absent, its place is taken away"));
	t_bus_end(&b);
}

TEST(reader_of_copies_is_told)
{
	const struct ringbus_consumer_options o = {
		.size = sizeof(o),
		.name = "slow",
		.from = RINGBUS_FROM_NOW,
		.slow = RINGBUS_SLOW_EVICT,
		.max_stall_ns = T_LONG,
	};
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume(b.bus, &o);
	t_ok(ringbus_evict(b.bus, "a", "slow"));
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESTALE);
	is_refused(b.bus, ringbus_evict(b.bus, "a", "slow"), -EBUSY,
		   "evicted, and has yet to leave");
	ringbus_consumer_close(c);
	is_refused(b.bus, ringbus_evict(b.bus, "a", "slow"), -ENOENT, "slow");
	t_bus_end(&b);
}

/* It would see what is written over its events. */
TEST(reader_in_the_ring_is_let_be)
{
	struct ringbus_consumer *c;
	char text[64];
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, KEYS);
	pid = t_stopped_consumer(&b, "loose");
	snprintf(text, sizeof(text),
		 "consumer loose is attached (pid %d) and "
		 "reads in the ring",
		 pid);
	is_refused(b.bus, ringbus_evict(b.bus, "a", "loose"), -EBUSY, text);
	is_refused(b.bus, ringbus_reset(b.bus, "a", "loose", 0), -EBUSY,
		   "consumer loose is attached (pid");
	t_kill(pid);
	c = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	snprintf(text, sizeof(text), "group crew has workers (pid %d is one)",
		 getpid());
	is_refused(b.bus, ringbus_evict(b.bus, "a", "crew"), -EBUSY, text);
	is_refused(b.bus, ringbus_reset(b.bus, "a", "crew", 0), -EBUSY, text);
	ringbus_consumer_close(c);
	t_ok(ringbus_evict(b.bus, "a", "crew"));
	t_bus_end(&b);
}

/* -------------------------------------------------------------------- moving */

TEST(moved_one_reads_from_there)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	p = begin(&b, KEYS);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "kept", 8), 8);
	ck_assert_int_eq(member(p, "kept").lag, 2);
	c = t_consume_as(b.bus, "kept", RINGBUS_FROM_RESUME);
	t_take(c, 8, 9);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "kept", RINGBUS_FROM_OLDEST),
			 6);
	c = t_consume_as(b.bus, "kept", RINGBUS_FROM_RESUME);
	t_take(c, 6, 9);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "kept", RINGBUS_FROM_NOW),
			 10);
	is_refused(b.bus, ringbus_reset(b.bus, "a", "kept", 11), -ERANGE,
		   "consumer kept cannot go to 11: what is surely there begins "
		   "with 6, and what it may read ends before 10");
	is_refused(b.bus, ringbus_reset(b.bus, "a", "kept", 5), -ERANGE,
		   "cannot go to 5");
	t_bus_end(&b);
}

/* What a group had done beyond its place is done again, and no more. */
TEST(moved_group_does_it_again)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	p = begin(&b, KEYS);
	c = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	t_take(c, 0, 6);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "crew", 4), 4);
	c = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	t_take(c, 4, 4);
	ringbus_consumer_close(c);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "crew", 9), 9);
	c = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	t_take(c, 9, 9);
	t_put(p, 10);
	t_take(c, 10, 10);
	t_nothing(c);
	t_bus_end(&b);
}

/* A daemon that has died meanwhile has left all there is to know. */
TEST(moved_under_the_next_daemon)
{
	struct ringbus_consumer *c;
	struct t_bus b;

	begin(&b, KEYS);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "kept", 2), 2);
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	c = t_consume_as(b.bus, "kept", RINGBUS_FROM_RESUME);
	t_take(c, 2, 9);
	t_bus_end(&b);
}

/* Producers run at full speed, and what it goes back to is whole each time. */
static int
write_on(void *arg)
{
	struct ringbus *bus = t_connect(&((struct t_bus *)arg)->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t sequence = 0;

	while (sequence >= 0) {
		uint64_t value = (uint64_t)sequence;

		sequence = ringbus_producer_claim(p, 1, RINGBUS_FOREVER);
		if (sequence < 0)
			break;
		value = (uint64_t)sequence;
		memcpy(ringbus_producer_slot(p, sequence), &value, 8);
		if (ringbus_producer_publish(p, sequence, sequence) < 0)
			break;
	}
	return 0;
}

static void
read_some(struct t_bus *b, uint64_t first, uint64_t n)
{
	struct ringbus_consumer *c = t_consume_as(b->bus, "kept",
						  RINGBUS_FROM_RESUME);

	t_take(c, first, first + n - 1);
	ringbus_consumer_close(c);
}

TEST(moved_back_under_flow_reads_nothing_torn)
{
	uint64_t next = 0;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, "slots: 64, event_size: 8, history: 16, producers: "
			"multi, consumers: { kept: { on_death: keep } }");
	pid = t_child(write_on, &b);
	for (int i = 0; i < 200; i++) {
		int64_t to;

		read_some(&b, next, 100);
		next += 100;
		to = ringbus_reset(b.bus, "a", "kept", RINGBUS_FROM_OLDEST);
		ck_assert_int_eq(to, (int64_t)next - 16);
		next = (uint64_t)to;
	}
	t_kill(pid);
	t_bus_end(&b);
}

TEST(names_and_places_that_are_none)
{
	struct t_bus b;

	t_bus_begin(&b, KEYS);
	ck_assert_int_eq(ringbus_evict(b.bus, "b", "kept"), -ENOENT);
	ck_assert_int_eq(ringbus_evict(b.bus, "a", "no name"), -EINVAL);
	ck_assert_int_eq(ringbus_evict(b.bus, "a", NULL), -EINVAL);
	ck_assert_int_eq(ringbus_evict(b.bus, NULL, "kept"), -EINVAL);
	is_refused(b.bus, ringbus_evict(b.bus, "a", "other"), -ENOENT,
		   "no consumer other has a place there");
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "loose", 0), -ENOENT);
	ck_assert_int_eq(ringbus_reset(b.bus, "a", "kept", -3), -EINVAL);
	t_bus_end(&b);
}

TEST(verbs_do_it)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b, KEYS);
	t_ctl_run(&run, &b.daemon, NULL, "consumer ls a --json");
	t_json_lines(t_ctl_out(&run), 3);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run),
				     "{\"channel\":\"a\",\"name\":\"kept\","
				     "\"pid\":0,\"state\":\"absent\","));
	t_ctl_run(&run, &b.daemon, NULL, "consumer ls a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "NAME"));
	ck_assert_ptr_null(strstr(t_ctl_out(&run), "producer"));
	t_ctl_fail(&run, &b.daemon, NULL, "consumer reset a kept", 2);
	ck_assert(t_ctl_said(&run, "where to is missing: --to"));
	t_ctl_fail(&run, &b.daemon, NULL, "consumer reset a kept --to x", 2);
	t_ctl_run(&run, &b.daemon, NULL, "consumer reset a kept --to newest");
	ck_assert(t_ctl_printed(&run, "kept goes on at 10\n"));
	t_ctl_run(&run, &b.daemon, NULL, "consumer reset a kept -t 7 -y -j");
	ck_assert(t_ctl_printed(&run, "{\"channel\":\"a\",\"consumer\":"
				      "\"kept\",\"next\":7}\n"));
	t_ctl_fail(&run, &b.daemon, NULL, "consumer reset a kept --to 99", 1);
	t_ctl_run(&run, &b.daemon, NULL, "consumer evict a kept --yes --json");
	ck_assert(
		t_ctl_printed(&run, "{\"channel\":\"a\",\"evicted\":true}\n"));
	t_ctl_fail(&run, &b.daemon, NULL, "evict a kept", 3);
	t_bus_end(&b);
}
