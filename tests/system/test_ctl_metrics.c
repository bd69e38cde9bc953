/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_metrics.c - `ringbusctl metrics`: what it prints is what Prometheus reads
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

#define TWO                                                                    \
	"channels: { a: { slots: 16, event_size: 8, consumers: {"              \
	" crew: { group: true }, late: } }, b: { producers: multi } }"

struct scene {
	struct t_bus b;
	struct ringbus_producer *p;
};

static void
begin(struct scene *s)
{
	t_bus_begin_with(&s->b, TWO);
	t_consume_as(s->b.bus, "crew", RINGBUS_FROM_NOW);
	t_consume_as(s->b.bus, "crew", RINGBUS_FROM_NOW);
	s->p = t_produce(s->b.bus, NULL);
	t_put_all(s->p, 0, 3);
}

static bool
has(const struct t_ctl *run, const char *text)
{
	return strstr(t_ctl_out(run), text) != NULL;
}

static unsigned
count(const struct t_ctl *run, const char *text)
{
	unsigned n = 0;

	for (const char *at = t_ctl_out(run); (at = strstr(at, text)); at++)
		n++;
	return n;
}

TEST(values_have_their_labels)
{
	struct t_ctl run;
	struct scene s;

	begin(&s);
	t_ctl_run(&run, &s.b.daemon, NULL, "metrics");
	ck_assert(has(&run, "ringbus_up 1\n"));
	ck_assert(has(&run, "ringbus_channel_cursor{channel=\"a\"} 3\n"));
	ck_assert(has(&run, "ringbus_channel_cursor{channel=\"b\"} -1\n"));
	ck_assert(
		has(&run, "ringbus_channel_used_ratio{channel=\"a\"} 0.25\n"));
	ck_assert(has(&run, "ringbus_consumer_lag_slots{channel=\"a\","
			    "consumer=\"crew\"} 4\n"));
	ck_assert(has(&run,
		      "ringbus_producer_claimed_slots_total{channel=\"a\","
		      "producer=\"producer\",place=\"0\"} 4\n"));
	ck_assert(has(&run, "ringbus_channel_info{channel=\"b\",framing="
			    "\"fixed\",producers=\"multi\",isolation="));
	/* Workers are told with their group. */
	ck_assert_uint_eq(count(&run, "\nringbus_consumer_batches_total{"), 2);
	t_bus_end(&s.b);
}

#define LONGEST "\nringbus_daemon_loop_longest_seconds "

TEST(the_daemon_is_told)
{
	struct t_ctl run;
	struct scene s;
	double longest;

	begin(&s);
	t_ctl_run(&run, &s.b.daemon, NULL, "reload");
	t_daemon_configure(&s.b.daemon, "nonsense: 1");
	t_ctl_fail(&run, &s.b.daemon, NULL, "reload", 1);
	t_ctl_run(&run, &s.b.daemon, NULL, "metrics");
	ck_assert(has(&run, "\nringbus_daemon_uptime_seconds "));
	ck_assert(has(&run, "\nringbus_daemon_channels 2\n"));
	ck_assert(has(&run, "\nringbus_daemon_clients "));
	ck_assert(has(&run, "\nringbus_daemon_members 3\n"));
	ck_assert(has(&run, "\nringbus_daemon_reloads_total 1\n"));
	ck_assert(has(&run, "\nringbus_daemon_reload_failures_total 1\n"));
	ck_assert(has(&run, LONGEST));
	longest = strtod(strstr(t_ctl_out(&run), LONGEST) + strlen(LONGEST),
			 NULL);
	ck_assert(longest > 0 && longest < 1000); /* no nanoseconds */
	ck_assert(has(&run, "# TYPE ringbus_daemon_loop_rounds counter\n"));
	ck_assert(has(&run, "\nringbus_daemon_warnings 1\n"));
	t_bus_end(&s.b);
}

/* What is told of no channel is in the list alone, and in the manual as well. */
TEST(the_manual_has_what_the_list_has)
{
	const char *manual = t_file_read("docs/metrics.md", NULL);
	struct t_ctl run;
	char name[64];
	unsigned n = 0;
	int length;

	t_ctl_run(&run, NULL, NULL, "metrics --list");
	for (const char *at = t_ctl_out(&run);
	     sscanf(at, "%63s%*[^\n]%n", name, &length) == 1;
	     at += length + 1, n++)
		ck_assert_msg(strstr(manual, t_words("\n| `%s` |", name)),
			      "docs/metrics.md lacks %s", name);
	ck_assert_uint_gt(n, 50);
	ck_assert(has(&run, "ringbus_daemon_loop_longest_seconds "));
	ck_assert(has(&run, "ringbus_event_latency_seconds "));
}

TEST(one_channel_is_told_alone)
{
	struct t_ctl run;
	struct scene s;

	begin(&s);
	t_ctl_run(&run, &s.b.daemon, NULL, "metrics b");
	ck_assert(has(&run, "channel=\"b\""));
	ck_assert(!has(&run, "channel=\"a\""));
	t_ctl_fail(&run, &s.b.daemon, NULL, "metrics nothing", 3);
	t_ctl_fail(&run, &s.b.daemon, NULL, "metrics --json", 2);
	t_bus_end(&s.b);
}

TEST(the_two_formats_differ_where_they_have_to)
{
	struct t_ctl run;
	struct scene s;

	begin(&s);
	t_ctl_run(&run, &s.b.daemon, NULL, "metrics");
	ck_assert(has(&run, "# TYPE ringbus_producer_claimed_slots counter\n"));
	ck_assert(has(&run, "# UNIT ringbus_producer_stall_seconds seconds\n"));
	ck_assert(has(&run, "# UNIT ringbus_channel_used_ratio ratio\n"));
	ck_assert_str_eq(strchr(strstr(t_ctl_out(&run), "# EOF"), '\n'), "\n");
	t_ctl_run(&run, &s.b.daemon, NULL, "metrics --classic");
	ck_assert(has(&run,
		      "# TYPE ringbus_producer_claimed_slots_total counter\n"));
	ck_assert(!has(&run, "# UNIT"));
	ck_assert(!has(&run, "# EOF"));
	t_bus_end(&s.b);
}

TEST(the_list_has_them_all)
{
	struct ringbus_metric m = { .size = sizeof(m) };
	struct t_ctl run;

	t_ctl_run(&run, NULL, NULL, "metrics --list");
	for (unsigned i = 0; ringbus_metric(i, &m) == 1; i++) {
		ck_assert(has(&run, m.name));
		ck_assert(has(&run, m.help));
	}
	t_ctl_run(&run, NULL, NULL, "metrics --list --json");
	ck_assert(has(&run, "{\"name\":\"ringbus_channel_cursor\",\"of\":"
			    "\"channel\",\"kind\":\"gauge\",\"unit\":\"\","));
}

TEST(they_are_told_without_the_daemon)
{
	struct t_ctl run;
	struct scene s;

	if (getuid() != 0)
		T_SKIP("only root may read the folder of another");
	begin(&s);
	ck_assert_int_eq(kill(s.b.daemon.pid, SIGSTOP), 0);
	t_ctl_run(&run, NULL, NULL,
		  t_words("metrics --shm-dir %s", s.b.daemon.shm));
	ck_assert_int_eq(kill(s.b.daemon.pid, SIGCONT), 0);
	ck_assert(has(&run, "ringbus_up 0\n"));
	ck_assert(!has(&run, "ringbus_daemon_"));
	ck_assert(has(&run, "ringbus_channel_cursor{channel=\"a\"} 3\n"));
	t_bus_end(&s.b);
}

/* ------------------------------------------------------------------- hist */

static void
measure(const struct t_bus *b, const char *consumer)
{
	struct ringbus_consumer *c = t_consume_as(b->bus, consumer,
						  RINGBUS_FROM_NOW);
	struct ringbus_producer *p = t_produce(b->bus, NULL);

	t_put_all(p, 0, 9);
	for (uint64_t i = 0; i < 10; i++)
		t_take(c, i, i);
}

TEST(latencies_are_told)
{
	struct ringbus_latency l = { .size = sizeof(l) };
	const struct ringbus_channel *channel;
	struct ringbus_tap *tap;
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, latency: true");
	measure(&b, "c");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	channel = ringbus_tap_channel(tap);
	ck_assert_int_eq(t_info(channel).latency, 1);
	ck_assert_int_eq(ringbus_channel_latency(channel, 0, &l), 1);
	ck_assert_uint_eq(l.count, 10);
	ck_assert_uint_gt(l.sum_ns, 0);
	ck_assert_int_eq(ringbus_channel_latency(channel, 1, &l), 0);
	t_ctl_run(&run, &b.daemon, NULL, "hist a");
	ck_assert(has(&run, "c: 10 events, mean "));
	ck_assert(has(&run, "####"));
	t_ctl_run(&run, &b.daemon, NULL, "hist a c --json");
	ck_assert(has(&run, "{\"channel\":\"a\",\"consumer\":\"c\","
			    "\"count\":10,"));
	t_ctl_run(&run, &b.daemon, NULL, "hist a --hdr");
	ck_assert(has(&run, " 1.000000000000         10\n"));
	ck_assert(has(&run, "Total count    =           10]\n"));
	t_ctl_fail(&run, &b.daemon, NULL, "hist a nobody", 3);
	t_ctl_run(&run, &b.daemon, NULL, "metrics");
	ck_assert(has(&run, "ringbus_consumer_lag_seconds{channel=\"a\","
			    "consumer=\"c\"} 0\n"));
	t_bus_end(&b);
}

#define BUCKET                                                                 \
	"\nringbus_event_latency_seconds_bucket{channel=\"a\",consumer=\"c\"," \
	"le=\"%s\"} "

/* Each bucket has all that the ones before it have, the last one everything. */
TEST(latencies_are_a_histogram)
{
	struct t_ctl run;
	struct t_bus b;
	unsigned n = 0;
	uint64_t value, before = 0;

	t_bus_begin(&b, "slots: 16, event_size: 8, latency: true");
	measure(&b, "c");
	t_ctl_run(&run, &b.daemon, NULL, "metrics");
	ck_assert(has(&run, "# TYPE ringbus_event_latency_seconds histogram\n"
			    "# UNIT ringbus_event_latency_seconds seconds\n"));
	ck_assert(has(&run, t_words(BUCKET, "1.27e-07")));
	ck_assert(has(&run, t_words(BUCKET, "0.001048575")));
	ck_assert(!has(&run, t_words(BUCKET, "0.002097151")));
	ck_assert(has(&run, t_words(BUCKET, "17.179869183")));
	ck_assert(has(&run, t_words(BUCKET "10\n", "+Inf")));
	ck_assert(has(&run, "\nringbus_event_latency_seconds_count{channel="
			    "\"a\",consumer=\"c\"} 10\n"));
	ck_assert(has(&run, "\nringbus_event_latency_seconds_sum{channel="
			    "\"a\",consumer=\"c\"} "));
	for (const char *at = t_ctl_out(&run);
	     (at = strstr(at, "_seconds_bucket{")) != NULL; n++) {
		at = strstr(at, "\"} ") + 3;
		value = strtoull(at, NULL, 10);
		ck_assert_uint_ge(value, before);
		before = value;
	}
	ck_assert_uint_eq(n, 22);
	t_bus_end(&b);
}

TEST(of_a_group_all_workers_are_told)
{
	struct ringbus_latency l = { .size = sizeof(l) };
	struct ringbus_consumer *w[2];
	struct ringbus_producer *p;
	struct ringbus_event e;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, latency: true, producers: "
			"multi, consumers: { crew: { group: true } }");
	p = t_produce(b.bus, NULL);
	for (int i = 0; i < 2; i++)
		w[i] = t_consume_as(b.bus, "crew", RINGBUS_FROM_NOW);
	t_put_all(p, 0, 5);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_ge(ringbus_consumer_wait(w[i % 2], RINGBUS_NOW),
				 0);
		ck_assert_int_eq(ringbus_consumer_next(w[i % 2], &e), 1);
		ck_assert_int_eq(ringbus_consumer_commit(w[i % 2]), 0);
	}
	ck_assert_int_eq(
		ringbus_channel_latency(ringbus_producer_channel(p), 0, &l), 1);
	ck_assert_uint_eq(l.count, 6);
	t_bus_end(&b);
}

TEST(one_that_does_not_measure_says_so)
{
	struct ringbus_latency l = { .size = sizeof(l) };
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: [any] }\nchannels: { a: }");
	measure(&b, "c");
	ck_assert_int_eq(ringbus_channel_latency(
				 ringbus_tap_channel(t_tap(b.bus, -1)), 0, &l),
			 0);
	l.size--;
	ck_assert_int_eq(ringbus_channel_latency(
				 ringbus_tap_channel(t_tap(b.bus, -1)), 0, &l),
			 -EINVAL);
	t_ctl_fail(&run, &b.daemon, NULL, "hist a", 1);
	ck_assert(t_ctl_said(&run, "latency: true"));
	t_ctl_run(&run, &b.daemon, NULL, "channel create timed --latency");
	t_ctl_run(&run, &b.daemon, NULL, "hist timed");
	o.latency = 1;
	t_bus_ok(b.bus, ringbus_create(b.bus, "too", &o));
	t_ctl_run(&run, &b.daemon, NULL, "hist too");
	t_bus_end(&b);
}

/* Prometheus' own reader, which also has opinions on names. */
TEST(promtool_finds_nothing_wrong)
{
	struct t_ctl run;
	struct t_bus b;
	char command[PATH_MAX + 64];

	if (system("command -v promtool >/dev/null") != 0)
		T_SKIP("no promtool: apt-get install prometheus");
	t_bus_begin(&b, "slots: 16, event_size: 8, latency: true");
	measure(&b, "c");
	t_ctl_run(&run, &b.daemon, NULL, "metrics --classic");
	snprintf(command, sizeof(command), "promtool check metrics <'%s' >&2",
		 run.out);
	ck_assert_int_eq(system(command), 0);
	t_bus_end(&b);
}
