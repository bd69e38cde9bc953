/* SPDX-License-Identifier: MIT */
/*
 * test_idle.c - who waits politely costs nothing: consumers of an idle channel,
 * producers before a full ring, and the daemon
 *
 * All of them wait at the same time, for a span that is fixed because what is
 * measured is the time they take of it. RINGBUS_IDLE_SECONDS makes it longer;
 * the figures are printed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define SECONDS 4
#define LIMIT_PERCENT 2.0

struct idler {
	const struct t_daemon *daemon;
	struct rb_word64 *ready;
	int wait;
	bool publishes;
};

static int
idle(void *arg)
{
	const struct idler *idler = arg;
	struct ringbus_producer_options po = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus_consumer_options co = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(idler->daemon);
	const char *channel = idler->publishes ? "full" : "empty";
	struct ringbus_producer *p = NULL;
	struct ringbus_consumer *c = NULL;
	uint64_t value = 0;

	po.wait = co.wait = idler->wait;
	if (idler->publishes) {
		t_bus_ok(bus, ringbus_producer_open(bus, channel, &po, &p));
		t_store(idler->ready, 1);
		while (ringbus_producer_write(p, &value, 8, RINGBUS_FOREVER) >=
		       0)
			;
	} else {
		t_bus_ok(bus, ringbus_consumer_open(bus, channel, &co, &c));
		t_store(idler->ready, 1);
		ringbus_consumer_wait(c, RINGBUS_FOREVER);
	}
	return 1;
}

/* User and system time so far, in seconds. */
static double
cpu_time(pid_t pid)
{
	unsigned long user, sys;

	ck_assert_int_eq(sscanf(t_stat_of(pid),
				"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
				" %lu %lu",
				&user, &sys),
			 2);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static int
seconds(void)
{
	const char *longer = getenv("RINGBUS_IDLE_SECONDS");

	return longer != NULL ? atoi(longer) : SECONDS;
}

#define N_IDLERS 6

TEST_TIMEOUT(who_waits_politely_costs_nothing, 120)
{
	static const int waits[] = { RINGBUS_WAIT_SLEEPING,
				     RINGBUS_WAIT_BLOCKING,
				     RINGBUS_WAIT_PHASED_BACKOFF };
	const struct timespec span = { .tv_sec = seconds() };
	pid_t pids[N_IDLERS + 1];
	double before[N_IDLERS + 1];
	struct idler idler;
	struct t_bus b;

	t_bus_begin_with(&b, "channels: { empty: { event_size: 8 }, full: {"
			     " slots: 16, event_size: 8, producers: multi,"
			     " consumers: { nobody: { on_death: keep } } } }");
	idler.daemon = &b.daemon;
	for (int i = 0; i < N_IDLERS; i++) {
		idler.wait = waits[i / 2];
		idler.publishes = i % 2 == 1;
		idler.ready = t_counter();
		pids[i] = t_child(idle, &idler);
		t_until(t_read(idler.ready) == 1);
	}
	pids[N_IDLERS] = b.daemon.pid;
	for (int i = 0; i <= N_IDLERS; i++) {
		t_until(t_is_asleep(pids[i]));
		before[i] = cpu_time(pids[i]);
	}
	nanosleep(&span, NULL);
	for (int i = 0; i <= N_IDLERS; i++) {
		double percent = (cpu_time(pids[i]) - before[i]) * 100 /
				 (double)span.tv_sec;

		printf("%s %s: %.2f %% CPU over %d s\n",
		       i == N_IDLERS ? "ringbusd"
				     : ringbus_wait_name(waits[i / 2]),
		       i == N_IDLERS ? ""
		       : i % 2       ? "producer"
				     : "consumer",
		       percent, seconds());
		ck_assert_double_lt(percent, LIMIT_PERCENT);
	}
	for (int i = 0; i < N_IDLERS; i++)
		t_kill(pids[i]);
	t_bus_end(&b);
}
