/* SPDX-License-Identifier: MIT */
/*
 * test_io.c - what members say of their dealings with a disk or a network
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

static const struct ringbus_io some = {
	.size = sizeof(some),
	.bytes = 1000001,
	.batches = 17,
	.errors = 3,
	.retries = 5,
	.lag = 40,
	.up = 1,
};

#define ALL_SAME(a, b)                                                         \
	((a)->bytes == (b)->bytes && (a)->batches == (b)->batches &&           \
	 (a)->errors == (b)->errors && (a)->retries == (b)->retries &&         \
	 (a)->lag == (b)->lag && (a)->up == (b)->up)

static int
look(const struct ringbus_channel *channel, int role, const char *name,
     struct ringbus_io *ret)
{
	*ret = (struct ringbus_io){ .size = sizeof(*ret) };
	return ringbus_channel_io(channel, role,
				  t_member(channel, role, name).index, ret);
}

/* The metric of this name, of whoever is first; NAN if he has none. */
static double
metric(const struct ringbus_channel *channel, const char *name)
{
	struct ringbus_metric m = { .size = sizeof(m) };
	double value = NAN;
	unsigned i = 0;

	while (ringbus_metric(i, &m) == 1 && strcmp(m.name, name) != 0)
		i++;
	ck_assert_str_eq(m.name, name);
	ck_assert_int_ge(ringbus_channel_metric(channel, i, 0, &value), 0);
	return value;
}

TEST(what_a_member_says_is_seen)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_io io = some;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 0);
	t_ok(ringbus_consumer_io(c, &some));
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 1);
	ck_assert(ALL_SAME(&io, &some));
	io.up = 0;
	io.lag = 0;
	io.bytes = INT64_MAX;
	t_ok(ringbus_producer_io(p, &io));
	t_ok(ringbus_channel_io(channel, RINGBUS_PRODUCER, 0, &io));
	ck_assert_int_eq(io.bytes, INT64_MAX);
	ck_assert_int_eq(io.batches, 17);
	ck_assert_int_eq(io.up, 0);
	/* And again, as it goes on. */
	io = some;
	io.bytes++;
	t_ok(ringbus_consumer_io(c, &io));
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 1);
	ck_assert_int_eq(io.bytes, some.bytes + 1);
	t_bus_end(&b);
}

TEST(metrics_have_what_was_said_and_nothing_else)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	channel = ringbus_consumer_channel(c);
	ck_assert(isnan(metric(channel, "ringbus_consumer_io_up")));
	ck_assert(isnan(metric(channel, "ringbus_producer_io_bytes_total")));
	t_ok(ringbus_consumer_io(c, &some));
	ck_assert(isnan(metric(channel, "ringbus_producer_io_bytes_total")));
	t_ok(ringbus_producer_io(p, &some));
#define IS(name, value)                                                        \
	ck_assert_double_eq(metric(channel, "ringbus_consumer_io_" name),      \
			    value);                                            \
	ck_assert_double_eq(metric(channel, "ringbus_producer_io_" name), value)
	IS("bytes_total", 1000001);
	IS("batches_total", 17);
	IS("errors_total", 3);
	IS("retries_total", 5);
	IS("lag_slots", 40);
	IS("up", 1);
	t_bus_end(&b);
}

/* One that comes after it says nothing of what was before. */
TEST(who_comes_next_begins_with_nothing)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_io io;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, "
			"consumers: { journal: { on_death: keep } }");
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_ok(ringbus_consumer_io(c, &some));
	t_ok(ringbus_producer_io(p, &some));
	ringbus_consumer_close(c);
	ringbus_producer_close(p);
	/* Nobody is there, so nothing is up; the rest is as it was left. */
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 1);
	ck_assert_int_eq(io.up, 0);
	ck_assert_int_eq(io.lag, some.lag);
	t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	t_produce(b.bus, NULL);
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 0);
	io.size = sizeof(io);
	ck_assert_int_eq(ringbus_channel_io(channel, RINGBUS_PRODUCER, 0, &io),
			 0);
	t_bus_end(&b);
}

static int
say_and_pause(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus *bus = t_connect(&b->daemon);
	struct ringbus_consumer *c = t_consume_as(bus, "journal",
						  RINGBUS_FROM_NOW);

	t_ok(ringbus_consumer_io(c, &some));
	pause();
	return 0;
}

TEST(who_was_killed_is_not_up)
{
	const struct ringbus_channel *channel;
	struct ringbus_io io;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, "slots: 16, event_size: 8, "
			"consumers: { journal: { on_death: keep } }");
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	pid = t_child(say_and_pause, &b);
	t_until(look(channel, RINGBUS_CONSUMER, "journal", &io) == 1);
	ck_assert_int_eq(io.up, 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	t_join_signal(pid, SIGKILL);
	t_until(look(channel, RINGBUS_CONSUMER, "journal", &io) == 1 &&
		io.up == 0);
	ck_assert_int_eq(io.bytes, some.bytes);
	ck_assert_double_eq(metric(channel, "ringbus_consumer_io_up"), 0);
	t_bus_end(&b);
}

TEST(what_workers_say_adds_up)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *workers[2];
	struct ringbus_io io = some;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, "
			"consumers: { crew: { group: true } }");
	channel = ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW));
	for (int i = 0; i < 2; i++)
		workers[i] = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "crew", &io), 0);
	t_ok(ringbus_consumer_io(workers[0], &some));
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "crew", &io), 1);
	ck_assert(ALL_SAME(&io, &some));
	io.up = 0;
	t_ok(ringbus_consumer_io(workers[1], &io));
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "crew", &io), 1);
	ck_assert_int_eq(io.bytes, 2 * some.bytes);
	ck_assert_int_eq(io.lag, 2 * some.lag);
	ck_assert_int_eq(io.up, 1);
	io.bytes = INT64_MAX;
	t_ok(ringbus_consumer_io(workers[1], &io));
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "crew", &io), 1);
	ck_assert_int_eq(io.bytes, INT64_MAX);
	t_bus_end(&b);
}

/* What another process wrote into its line may be anything. */
TEST(nothing_negative_is_believed)
{
	struct ringbus_consumer *c;
	struct rb_channel shm;
	struct ringbus_io io;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	t_ok(ringbus_consumer_io(c, &some));
	t_daemon_map(&b.daemon, "a", RB_ROLE_CONSUMER, &shm);
	rb_word64_store_relaxed(&shm.gates->consumers[0].io.bytes, UINT64_MAX);
	rb_word64_store_relaxed(&shm.gates->consumers[0].io.up, UINT64_MAX);
	rb_channel_detach(&shm);
	ck_assert_int_eq(look(ringbus_consumer_channel(c), RINGBUS_CONSUMER,
			      "journal", &io),
			 1);
	ck_assert_int_eq(io.bytes, INT64_MAX);
	ck_assert_int_eq(io.up, 1);
	t_bus_end(&b);
}

TEST(numbers_that_cannot_be_are_refused)
{
	const struct ringbus_channel *channel;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct ringbus_io io;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	channel = ringbus_consumer_channel(c);
	for (size_t at = offsetof(struct ringbus_io, bytes);
	     at <= offsetof(struct ringbus_io, lag); at += sizeof(int64_t)) {
		int64_t wrong = -1;

		io = some;
		memcpy((char *)&io + at, &wrong, sizeof(wrong));
		ck_assert_int_eq(ringbus_consumer_io(c, &io), -EINVAL);
		ck_assert_int_eq(ringbus_producer_io(p, &io), -EINVAL);
	}
	io = some;
	io.size--;
	ck_assert_int_eq(ringbus_consumer_io(c, &io), -EINVAL);
	ck_assert_int_eq(ringbus_producer_io(p, &io), -EINVAL);
	ck_assert_int_eq(ringbus_channel_io(channel, RINGBUS_CONSUMER, 0, &io),
			 -EINVAL);
	io = some;
	ck_assert_int_eq(ringbus_channel_io(channel, 7, 0, &io), -EINVAL);
	ck_assert_int_eq(ringbus_channel_io(channel, RINGBUS_CONSUMER, 1, &io),
			 0);
	ck_assert_int_eq(ringbus_channel_io(channel, RINGBUS_CONSUMER,
					    RINGBUS_MEMBERS_MAX, &io),
			 0);
	ck_assert_int_eq(look(channel, RINGBUS_CONSUMER, "journal", &io), 0);
	t_bus_end(&b);
}

TEST(who_has_lost_its_place_says_nothing)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct rb_word32 *epochs[2];
	struct rb_channel shm;
	struct ringbus_io io;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	p = t_produce(b.bus, NULL);
	t_daemon_map(&b.daemon, "a", RB_ROLE_DAEMON, &shm);
	epochs[0] = &shm.meta->consumers[0].epoch;
	epochs[1] = &shm.meta->producers[0].epoch;
	for (int i = 0; i < 2; i++)
		rb_word32_store_relaxed(epochs[i],
					rb_word32_load_relaxed(epochs[i]) + 1);
	ck_assert_int_eq(ringbus_consumer_io(c, &some), -ESTALE);
	ck_assert_int_eq(ringbus_producer_io(p, &some), -ESTALE);
	ck_assert_int_eq(look(ringbus_consumer_channel(c), RINGBUS_CONSUMER,
			      "journal", &io),
			 0);
	for (int i = 0; i < 2; i++)
		rb_word32_store_relaxed(epochs[i],
					rb_word32_load_relaxed(epochs[i]) - 1);
	rb_channel_detach(&shm);
	t_bus_end(&b);
}

TEST(ringbusctl_shows_it)
{
	static const char json[] = "\"io\":{\"up\":true,\"lag\":40,"
				   "\"bytes\":1000001,\"batches\":17,"
				   "\"errors\":3,\"retries\":5}";
	struct ringbus_consumer *c;
	struct ringbus_io io = some;
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	c = t_consume_as(b.bus, "journal", RINGBUS_FROM_NOW);
	t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_ok(ringbus_consumer_io(c, &some));
	t_ctl_run(&run, &b.daemon, NULL, "consumer ls a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  IO  IO-LAG\n"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  up      40\n"));
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  -        -\n"));
	t_ctl_run(&run, &b.daemon, NULL, "consumer ls a --json");
	t_json_lines(t_ctl_out(&run), 2);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), json));
	t_ctl_run(&run, &b.daemon, NULL, "show a --json");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), json));
	t_ctl_run(&run, &b.daemon, NULL, "top a --once -i 10ms --json");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), json));
	t_ctl_run(&run, &b.daemon, NULL, "metrics a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run),
				     "ringbus_consumer_io_up{channel=\"a\","
				     "consumer=\"journal\"} 1\n"));
	ck_assert_ptr_null(strstr(t_ctl_out(&run),
				  "ringbus_consumer_io_up{channel=\"a\","
				  "consumer=\"app\"}"));
	io.up = 0;
	t_ok(ringbus_consumer_io(c, &io));
	t_ctl_run(&run, &b.daemon, NULL, "consumer ls a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  down      40\n"));
	t_ctl_run(&run, &b.daemon, NULL, "top a --once -i 10ms");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  down\n"));
	t_bus_end(&b);
}
