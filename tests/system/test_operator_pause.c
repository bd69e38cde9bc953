/* SPDX-License-Identifier: MIT */
/*
 * test_operator_pause.c - an operator holds the producers of a channel: who is held, who
 * goes on, what becomes of it when somebody dies meanwhile
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_hole.h"

#define KEYS "slots: 1024, event_size: 8, producers: %s"

/* Writes numbers as fast as it can, inlined where it is alone, and says how many
 * there are. */
struct writer {
	struct t_bus *b;
	struct rb_word64 *n;
	struct rb_word64 *result;
	pid_t pid;
};

static int
write_on(void *arg)
{
	const struct writer *w = arg;
	struct ringbus *bus = t_connect(&w->b->daemon);
	struct ringbus_producer *p = t_produce(bus, NULL);
	int64_t sequence = 0;
	uint64_t i = 0;

	while (sequence >= 0) {
		sequence = ringbus_producer_claim(p, 1, RINGBUS_FOREVER);
		if (sequence < 0)
			break;
		memcpy(ringbus_producer_slot(p, sequence), &i, sizeof(i));
		sequence = ringbus_producer_publish(p, sequence, sequence);
		t_store(w->n, ++i);
	}
	t_store(w->result, (uint64_t)-sequence);
	return 0;
}

static void
start(struct writer *w, struct t_bus *b)
{
	w->b = b;
	w->n = t_counter();
	w->result = t_counter();
	w->pid = t_child(write_on, w);
	t_until(t_read(w->n) > 5000);
}

static struct ringbus_tap *
watch(const struct t_bus *b)
{
	return t_tap(b->bus, RINGBUS_FROM_NOW);
}

static uint64_t
sleeps_of(const struct ringbus_channel *channel)
{
	return t_member(channel, RINGBUS_PRODUCER, "producer").sleeps;
}

/* It sleeps, again and again, and nothing comes. */
static void
stands_still(const struct ringbus_channel *channel, const struct writer *w)
{
	uint64_t sleeps = sleeps_of(channel), n;

	t_until(sleeps_of(channel) > sleeps + 2);
	n = t_read(w->n);
	sleeps = sleeps_of(channel);
	t_until(sleeps_of(channel) > sleeps + 1);
	ck_assert_uint_eq(t_read(w->n), n);
}

static void
stops_and_goes_on(enum rb_producers kind)
{
	const struct ringbus_channel *channel;
	struct ringbus_tap *tap;
	struct writer w;
	struct t_bus b;
	uint64_t n;

	t_bus_begin(&b, KEYS, t_kind(kind));
	tap = watch(&b);
	channel = ringbus_tap_channel(tap);
	start(&w, &b);
	ck_assert_int_eq(t_info(channel).paused_ns, 0);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	ck_assert_int_gt(t_info(channel).paused_ns, 0);
	ck_assert_int_eq(t_info(channel).ended, 0);
	stands_still(channel, &w);
	n = t_read(w.n);
	t_bus_ok(b.bus, ringbus_resume(b.bus, "a"));
	t_bus_ok(b.bus, ringbus_resume(b.bus, "a"));
	ck_assert_int_eq(t_info(channel).paused_ns, 0);
	t_until(t_read(w.n) > n + 5000);
	ck_assert_uint_eq(t_daemon_count(&b.daemon, "channel a: paused by"), 1);
	ck_assert_uint_eq(t_daemon_count(&b.daemon, "channel a: resumed by"),
			  1);
	t_kill(w.pid);
	t_bus_end(&b);
}

TEST(single_producer_in_flow_stops_and_goes_on)
{
	stops_and_goes_on(RB_SINGLE);
}

TEST(one_of_several_in_flow_stops_and_goes_on)
{
	stops_and_goes_on(RB_MULTI);
}

TEST(blocker_is_the_operator)
{
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	p = t_produce(b.bus, NULL);
	c = t_consume(b.bus, NULL);
	t_put(p, 1);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	ck_assert_int_eq(ringbus_producer_write(p, &b, 8, RINGBUS_NOW),
			 -EAGAIN);
	ck_assert_int_eq(ringbus_producer_blocker(p, &m), 2);
	ck_assert_int_eq(ringbus_producer_write(p, &b, 8, T_MS), -ETIMEDOUT);
	ck_assert_int_eq(ringbus_producer_remaining(p), 0);
	t_take(c, 1, 1); /* consumers read on */
	t_bus_end(&b);
}

TEST(who_comes_while_it_is_paused_is_held)
{
	const struct ringbus_producer_options o = { .size = sizeof(o),
						    .full = RINGBUS_FULL_DROP };
	struct ringbus_producer *p;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	p = t_produce(b.bus, &o);
	ck_assert_int_eq(ringbus_producer_write(p, &b, 8, RINGBUS_BY_POLICY),
			 -ENOBUFS);
	t_bus_ok(b.bus, ringbus_resume(b.bus, "a"));
	t_put(p, 7);
	t_bus_end(&b);
}

TEST(daemon_dies_while_it_is_paused)
{
	const struct ringbus_channel *channel;
	struct writer w;
	struct t_bus b;
	int64_t since;
	uint64_t n;

	t_bus_begin(&b, KEYS, "multi");
	channel = ringbus_tap_channel(watch(&b));
	start(&w, &b);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	since = t_info(channel).paused_ns;
	t_daemon_kill(&b.daemon);
	t_daemon_restart(&b.daemon);
	ck_assert_int_eq(t_info(channel).paused_ns, since);
	stands_still(channel, &w);
	n = t_read(w.n);
	t_bus_ok(b.bus, ringbus_resume(b.bus, "a"));
	t_until(t_read(w.n) > n + 100);
	t_kill(w.pid);
	t_bus_end(&b);
}

TEST(stream_is_ended_while_it_is_paused)
{
	struct writer w;
	struct t_bus b;

	t_bus_begin(&b, KEYS, "single");
	start(&w, &b);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	stands_still(ringbus_tap_channel(watch(&b)), &w);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_join(w.pid);
	ck_assert_uint_eq(t_read(w.result), ESHUTDOWN);
	ck_assert_int_eq(ringbus_pause(b.bus, "a"), -ESHUTDOWN);
	ck_assert_ptr_nonnull(strstr(ringbus_error(b.bus),
				     "channel a: its stream has ended"));
	ck_assert_int_eq(ringbus_resume(b.bus, "a"), -ESHUTDOWN);
	t_bus_end(&b);
}

/* What it had claimed is mended as ever, and readers come by. */
TEST(producer_dies_with_a_claim_while_it_is_paused)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_bus b;
	pid_t feed;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	c = t_consume(b.bus, NULL);
	p = t_produce(b.bus, NULL);
	feed = t_feed(&b, "a", 2);
	t_put(p, 1);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	t_kill(feed);
	t_take(c, 1, 1);
	t_bus_ok(b.bus, ringbus_resume(b.bus, "a"));
	t_put(p, 2);
	t_take(c, 2, 2);
	t_bus_end(&b);
}

TEST(pausing_is_refused)
{
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	ck_assert_int_eq(ringbus_pause(b.bus, "b"), -ENOENT);
	ck_assert_int_eq(ringbus_pause(b.bus, "a b"), -EINVAL);
	ck_assert_int_eq(ringbus_resume(b.bus, NULL), -EINVAL);
	t_bus_end(&b);
}

TEST(verbs_say_it)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	t_ctl_run(&run, &b.daemon, NULL, "channel pause a --json");
	ck_assert(t_ctl_printed(&run, "{\"channel\":\"a\",\"paused\":true}\n"));
	t_ctl_run(&run, &b.daemon, NULL, "show a");
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&run), "stream      paused since 20"));
	t_ctl_fail(&run, &b.daemon, t_text_file("x\n"),
		   "pub a --when-full fail", 5);
	ck_assert(t_ctl_said(&run, "an operator has paused the channel, since "
				   "20"));
	t_ctl_run(&run, &b.daemon, NULL, "resume a");
	ck_assert(t_ctl_printed(&run, ""));
	t_ctl_run(&run, &b.daemon, NULL, "show a");
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "stream      open\n"));
	t_ctl_fail(&run, &b.daemon, NULL, "channel pause b", 3);
	t_bus_end(&b);
}
