/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_check.c - stat, wait and check: what scripts and monitoring systems are
 * told of a channel, with the daemon and without
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"
#include "tests/system/util_user.h"

#define CHANNEL                                                                \
	"slots: 16, event_size: 8, consumers: { app: { on_death: keep } }"

/* Runs it, with that code, and its first line begins with `text`. */
static void
check(const struct t_bus *b, const char *command, int code, const char *text)
{
	struct t_ctl run;

	t_ctl_fail(&run, &b->daemon, NULL, command, code);
	ck_assert_msg(strncmp(t_ctl_out(&run), text, strlen(text)) == 0,
		      "%s: %s%s", command, t_ctl_out(&run), t_ctl_err(&run));
}

/* ------------------------------------------------------------------- check */

TEST(check_knows_limits)
{
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	check(&b, "check", 0,
	      "RINGBUS OK - 1 channel | 'a_lag'=0;;;0;16 "
	      "'a_fill'=0%;;;0;100\n");
	t_put_all(t_produce(b.bus, NULL), 0, 7);
	check(&b, "check a", 0,
	      "RINGBUS OK - 1 channel | 'a_lag'=8;;;0;16 "
	      "'a_fill'=50%;;;0;100\n");
	check(&b, "check a --lag-warn 8 --lag-crit 9", 1,
	      "RINGBUS WARNING - a: consumer app (absent) is 8 slots behind, "
	      "at sequence -1 | 'a_lag'=8;8;9;0;16");
	check(&b, "check a --lag-warn 9 --lag-crit 10", 0, "RINGBUS OK");
	check(&b, "check --lag-warn 1 --lag-crit 8", 2, "RINGBUS CRITICAL");
	check(&b, "check --fill-warn 50 --fill-crit 51", 1,
	      "RINGBUS WARNING - a: is 50% full");
	check(&b, "check --fill-warn 51 --fill-crit 60", 0, "RINGBUS OK");
	check(&b, "check --fill-crit 50", 2, "RINGBUS CRITICAL");
	check(&b, "check --stall-crit 300ms", 2,
	      "RINGBUS CRITICAL - a: consumer app (pid 0) stands still at -1, "
	      "8 behind");
	check(&b, "check --stall-warn 100ms --stall-crit 1h --help", 0,
	      "usage:");
	check(&b, "check --json --lag-crit 1", 2,
	      "{\"status\":\"CRITICAL\",\"code\":2,\"channels\":1,");
	t_take(t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST), 0, 7);
	check(&b, "check --lag-crit 1 --fill-crit 1 --stall-crit 200ms", 0,
	      "RINGBUS OK");
	t_bus_end(&b);
}

TEST(check_misused_is_unknown)
{
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	check(&b, "check --lag-warn many", 3, "");
	check(&b, "check a b", 3, "");
	check(&b, "check none", 2, "RINGBUS CRITICAL - none: ");
	t_bus_end(&b);
}

TEST(check_tells_a_paused_channel)
{
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	t_bus_ok(b.bus, ringbus_pause(b.bus, "a"));
	check(&b, "check", 1, "RINGBUS WARNING - a: is paused");
	t_bus_end(&b);
}

TEST(check_tells_who_does_not_reach_the_outside)
{
	struct ringbus_io io = { .size = sizeof(io) };
	struct ringbus_consumer *c;
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST);
	t_ok(ringbus_consumer_io(c, &io));
	check(&b, "check", 1,
	      "RINGBUS WARNING - a: consumer app does not reach its disk or "
	      "network");
	io.up = 1;
	t_ok(ringbus_consumer_io(c, &io));
	check(&b, "check", 0, "RINGBUS OK");
	t_bus_end(&b);
}

TEST(check_tells_a_damaged_channel)
{
	struct t_ctl run;
	struct t_bus b;
	const char *ring;

	t_bus_begin(&b, CHANNEL);
	ring = t_words("%s/a/ring", b.daemon.shm);
	ck_assert_int_eq(truncate(ring, 0), 0);
	t_until(t_daemon_said(&b.daemon, "truncated") ||
		t_daemon_said(&b.daemon, "shorter"));
	t_ctl_fail(&run, &b.daemon, NULL, "check", 2);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "has truncated a file"));
	t_bus_end(&b);
}

static int
hold_a_claim(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus_producer *p = t_produce(t_connect(&b->daemon), NULL);

	t_ok(ringbus_producer_claim(p, 1, RINGBUS_NOW));
	for (;;)
		pause();
	return 0;
}

TEST(check_tells_a_hole_that_stays)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };
	struct ringbus_tap *tap;
	struct t_ctl run;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	pid = t_child(hold_a_claim, &b);
	t_until(ringbus_channel_hole(ringbus_tap_channel(tap), &hole) == 1);
	t_ctl_fail(&run, &b.daemon, NULL, "check", 2);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run),
				     t_words("(pid %d) has claimed 0 and does "
					     "not publish it",
					     pid)));
	t_kill(pid);
	t_bus_end(&b);
}

static int
publish_one_more(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus_producer *p = t_produce(t_connect(&b->daemon), NULL);
	uint64_t value = 0;

	t_ok(ringbus_producer_write(p, &value, sizeof(value), RINGBUS_FOREVER));
	return 0;
}

/* Who waits for a full ring has claimed as well: that is the consumer's affair. */
TEST(check_does_not_blame_who_waits_for_room)
{
	struct ringbus_hole hole = { .size = sizeof(hole) };
	struct ringbus_tap *tap;
	struct t_bus b;
	pid_t pid;

	t_bus_begin(&b, CHANNEL ", producers: multi");
	tap = t_tap(b.bus, RINGBUS_FROM_NOW);
	t_put_all(t_produce(b.bus, NULL), 0, 15);
	pid = t_child(publish_one_more, &b);
	t_until(ringbus_channel_hole(ringbus_tap_channel(tap), &hole) == 1);
	check(&b, "check", 0, "RINGBUS OK - 1 channel | 'a_lag'=17");
	t_kill(pid);
	t_bus_end(&b);
}

TEST(check_tells_a_dead_or_stopped_daemon)
{
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	ck_assert_int_eq(kill(b.daemon.pid, SIGSTOP), 0);
	check(&b, "check", 2, "RINGBUS CRITICAL - no daemon answers");
	ck_assert_int_eq(kill(b.daemon.pid, SIGCONT), 0);
	t_daemon_look(&b.daemon);
	t_daemon_kill(&b.daemon);
	check(&b, "check", 2, "RINGBUS CRITICAL - no daemon answers\n");
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	check(&b, "check", 2,
	      "RINGBUS CRITICAL - no daemon answers | 'a_lag'=0");
	check(&b, t_words("check --shm-dir %s", b.daemon.shm), 0, "RINGBUS OK");
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}

TEST(what_check_may_not_look_at_is_unknown)
{
	struct t_ctl run;
	struct t_daemon d;

	t_daemon_start_open(&d, "channels: { a: { slots: 8, event_size: 8, "
				"access: { tap: [] } } }");
	t_ctl_start_nobody(&run, &d, "check");
	t_ctl_join(&run, 3);
	ck_assert(strncmp(t_ctl_out(&run), "RINGBUS UNKNOWN - a: ", 21) == 0);
	t_daemon_stop(&d);
}

/* -------------------------------------------------------------------- wait */

TEST(wait_is_there_before_the_daemon)
{
	struct t_daemon d;
	struct t_ctl run;

	t_daemon_prepare(&d, "channels: { a: { slots: 8, event_size: 8 } }");
	t_ctl_start(&run, &d, NULL, "wait a");
	t_daemon_restart(&d);
	t_ctl_join(&run, 0);
	t_ctl_run(&run, &d, NULL, "wait a --for present");
	t_ctl_fail(&run, &d, NULL, "wait b --timeout 50ms", 5);
	ck_assert(t_ctl_said(&run, "not within --timeout: "));
	t_daemon_stop(&d);
	t_ctl_fail(&run, &d, NULL, "wait a --timeout 50ms", 5);
	ck_assert(t_ctl_said(&run, "control.sock"));
}

TEST(wait_knows_members)
{
	struct ringbus_producer *p;
	struct t_ctl run, any, one;
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	t_ctl_fail(&run, &b.daemon, NULL, "wait a --for consumer=app -t 50ms",
		   5);
	ck_assert(t_ctl_said(&run, "consumer app is absent"));
	t_ctl_fail(&run, &b.daemon, NULL, "wait a --for producer -t 50ms", 5);
	ck_assert(t_ctl_said(&run, "no producer is attached"));
	t_ctl_start(&one, &b.daemon, NULL, "wait a --for consumer=app");
	t_ctl_start(&any, &b.daemon, NULL, "wait a --for producer");
	p = t_produce(b.bus, NULL);
	t_ctl_join(&any, 0);
	t_consume_as(b.bus, "app", RINGBUS_FROM_NOW);
	t_ctl_join(&one, 0);
	ringbus_producer_close(p);
	t_bus_end(&b);
}

TEST(wait_knows_how_far_it_is)
{
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
	struct t_ctl run, drained, ended;
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 3);
	t_ctl_run(&run, &b.daemon, NULL, "wait a --for seq=3");
	t_ctl_fail(&run, &b.daemon, NULL, "wait a --for seq=4 -t 50ms", 5);
	ck_assert(t_ctl_said(&run, "it is at 3"));
	t_ctl_start(&run, &b.daemon, NULL, "wait a --for seq=4");
	t_put(p, 4);
	t_ctl_join(&run, 0);
	t_ctl_fail(&run, &b.daemon, NULL, "wait a --for drained -t 50ms", 5);
	ck_assert(t_ctl_said(&run, "consumer app (absent) is 5 slots behind"));
	t_ctl_start(&drained, &b.daemon, NULL, "wait a --for drained");
	t_ctl_start(&ended, &b.daemon, NULL, "wait a --for ended");
	c = t_consume_as(b.bus, "app", RINGBUS_FROM_OLDEST);
	t_take(c, 0, 4);
	t_ctl_join(&drained, 0);
	t_bus_ok(b.bus, ringbus_end(b.bus, "a"));
	t_ctl_join(&ended, 0);
	t_bus_end(&b);
}

/* A slot that is claimed and not published is not there yet. */
TEST(wait_does_not_pass_a_hole)
{
	struct ringbus_producer *first, *second;
	int64_t sequence;
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8, producers: multi");
	first = t_produce(b.bus, NULL);
	second = t_produce(b.bus, NULL);
	sequence = ringbus_producer_claim(first, 1, RINGBUS_NOW);
	ck_assert_int_eq(sequence, 0);
	t_put(second, 1);
	t_ctl_fail(&run, &b.daemon, NULL, "wait a --for seq=0 -t 50ms", 5);
	ck_assert(t_ctl_said(&run, "it is at -1"));
	t_ok(ringbus_producer_publish(first, sequence, sequence));
	t_ctl_run(&run, &b.daemon, NULL, "wait a --for seq=1");
	t_bus_end(&b);
}

TEST(wait_takes_only_what_it_knows)
{
	static const char *const wrong[] = {
		"seq",       "seq=x", "seq=18446744073709551615",
		"consumer=", "then",  ""
	};
	struct t_ctl run;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		t_ctl_fail(&run, NULL, NULL,
			   t_words("wait a --for=%s", wrong[i]), 2);
		ck_assert(t_ctl_said(&run, "one of present"));
	}
}

TEST(what_is_not_allowed_ends_wait)
{
	struct t_ctl run;
	struct t_daemon d;

	t_daemon_start_open(&d, "channels: { a: { slots: 8, event_size: 8, "
				"access: { tap: [] } } }");
	t_ctl_start_nobody(&run, &d, "wait a --for ended");
	t_ctl_join(&run, 4);
	t_daemon_stop(&d);
}

/* -------------------------------------------------------------------- stat */

static unsigned
count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

TEST(stat_prints_a_line_an_interval)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	t_put_all(t_produce(b.bus, NULL), 0, 7);
	t_ctl_run(&run, &b.daemon, NULL, "stat -i 20ms -c 3");
	ck_assert_uint_eq(count_lines(t_ctl_out(&run)), 4);
	ck_assert(strncmp(t_ctl_out(&run), "CHANNEL ", 8) == 0);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "  50.0  "));
	t_ctl_run(&run, &b.daemon, NULL, "stat a -i 20ms -c 2 --json");
	t_json_lines(t_ctl_out(&run), 2);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "\"fill_permille\":500"));
	t_ctl_fail(&run, &b.daemon, NULL, "stat b", 3);
	t_ctl_fail(&run, &b.daemon, NULL, "stat -i 0", 2);
	t_bus_end(&b);
}

TEST(stat_counts_what_moves)
{
	struct ringbus_producer *p;
	struct t_ctl run;
	struct t_bus b;
	const char *out, *rate;
	uint64_t i = 0;

	t_bus_begin(&b, "slots: 1024, event_size: 8");
	p = t_produce(b.bus, NULL);
	t_ctl_start(&run, &b.daemon, NULL, "stat -i 50ms --json");
	do {
		t_put(p, i++);
		out = t_ctl_out(&run);
		rate = strstr(out, "\"slots_per_s\":");
		while (rate != NULL && rate[14] == '0')
			rate = strstr(rate + 1, "\"slots_per_s\":");
	} while (rate == NULL && i < 1000000);
	ck_assert_ptr_nonnull(rate);
	ck_assert_int_eq(kill(run.pid, SIGINT), 0);
	t_ctl_join_signal(&run, SIGINT);
	t_bus_end(&b);
}

TEST(stat_goes_on_when_the_daemon_is_dead)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, CHANNEL);
	t_ctl_start(&run, &b.daemon, NULL, "stat -i 20ms");
	t_until(count_lines(t_ctl_out(&run)) > 2);
	t_daemon_kill(&b.daemon);
	t_until(count_lines(t_ctl_out(&run)) > 6);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	t_ctl_join_signal(&run, SIGTERM);
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	t_ctl_run(&run, &b.daemon, NULL, "stat -i 20ms -c 1");
	ck_assert(t_ctl_said(&run, "looking into"));
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}
