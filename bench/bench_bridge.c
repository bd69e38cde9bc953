/* SPDX-License-Identifier: MIT */
/*
 * bench_bridge.c - events to a stream of NATS JetStream, by ringbus-bridge and one by
 * one
 *
 * All go to the same nats-server, with its files in the same folder; the clock stops
 * when each event is acknowledged, or, of those that go on to another ring, when it has
 * been read there. The server syncs nothing to disk before it acknowledges, to either.
 */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/payload.h"
#include "bench/peer_nats.h"
#include "bench/rivals.h"
#include "bench/setup.h"

#define SERVER "/usr/sbin/nats-server"
#define SIZE 64
#define BATCH 64

static char url[64];
static const char *missing; /* what there is no measuring without */

/* From a ring to a stream, or on to another ring. */
struct way {
	const char *from, *to;
	struct ringbus_producer *producer;
	struct ringbus_consumer *consumer; /* NULL: there is no `to` */
};

/* ------------------------------------------------------------- who takes part */

static const char *
find_missing(void)
{
#ifndef PEER_nats
	return "not installed: apt-get install libnats-dev";
#endif
	if (access(SERVER, X_OK) < 0)
		return "not installed: apt-get install nats-server";
	if (access(bench_program("ringbus-bridge"), X_OK) < 0)
		return "ringbus-bridge is not built";
	return NULL;
}

/* It says where it listens in a file of its own. */
static bool
find_url(const char *folder)
{
	char pattern[160];
	glob_t found;
	FILE *file = NULL;

	snprintf(pattern, sizeof(pattern), "%s/*.ports", folder);
	if (glob(pattern, 0, NULL, &found) == 0)
		file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	if (file == NULL)
		return false;
	if (fscanf(file, " {\"nats\":[\"%63[^\"]", url) != 1)
		url[0] = '\0';
	fclose(file);
	return url[0] != '\0';
}

static void
nap(void)
{
	struct timespec pause = { .tv_nsec = 50000 };

	nanosleep(&pause, NULL);
}

static void
start_server(void)
{
	char store[128], ports[128];
	const char *const argv[] = { SERVER, "-js", "-sd",
				     store,  "-a",  "127.0.0.1",
				     "-p",   "-1",  "--ports_file_dir",
				     ports,  NULL };

	snprintf(store, sizeof(store), "%s/store", bench_folder());
	snprintf(ports, sizeof(ports), "%s/ports", bench_folder());
	bench_check("ports", mkdir(ports, 0700));
	bench_start_beside("server.log", argv);
	for (int i = 0; !find_url(ports); i++) {
		if (i == 100000)
			bench_fail("nats-server does not start");
		nap();
	}
}

static void
start_bridge(const char *channel)
{
	char servers[96], state[128], log[64];
	const char *const argv[] = { bench_program("ringbus-bridge"),
				     "-o",
				     servers,
				     "-o",
				     state,
				     channel,
				     NULL };

	snprintf(servers, sizeof(servers), "servers=%s", url);
	snprintf(state, sizeof(state), "state=%s/state", bench_folder());
	snprintf(log, sizeof(log), "%s.log", channel);
	bench_start_beside(log, argv);
}

/* ---------------------------------------------------------------------- ours */

static void
open_way(struct way *way)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus *bus = bench_connect();

	bench_check("producer", ringbus_producer_open(bus, way->from, NULL,
						      &way->producer));
	start_bridge(way->from);
	if (way->to == NULL)
		return;
	o.name = "app";
	o.from = RINGBUS_FROM_OLDEST;
	bench_check("consumer",
		    ringbus_consumer_open(bus, way->to, &o, &way->consumer));
	start_bridge(way->to);
}

/* Some of n more, as there is room. */
static int64_t
send_some(struct way *way, int64_t n, int64_t next)
{
	int64_t low, high;

	if (n == 0)
		return 0;
	high = ringbus_producer_claim_available(way->producer,
						n < BATCH ? n : BATCH, &low);
	if (high == -EAGAIN)
		return 0;
	bench_check("claim", high);
	for (int64_t s = low; s <= high; s++)
		bench_fill(ringbus_producer_slot(way->producer, s), SIZE,
			   (uint64_t)next++);
	bench_check("publish",
		    ringbus_producer_publish(way->producer, low, high));
	return high - low + 1;
}

/* What has come by now is added to *sum. */
static int64_t
take_some(struct way *way, uint64_t *sum)
{
	struct ringbus_event event;
	int64_t n = 0, err = ringbus_consumer_wait(way->consumer, RINGBUS_NOW);

	if (err == -EAGAIN)
		return 0;
	bench_check("wait", err);
	for (; ringbus_consumer_next(way->consumer, &event) > 0; n++)
		*sum += bench_sum(event.data, event.size);
	bench_check("commit", ringbus_consumer_commit(way->consumer));
	return n;
}

/* How many of all that were ever sent are not acknowledged yet. */
static int64_t
count_missing(struct way *way)
{
	struct ringbus_info info = { .size = sizeof(info) };

	bench_check("info",
		    ringbus_channel_info(
			    ringbus_producer_channel(way->producer), &info));
	return info.cursor - info.gating;
}

/* What is left to do of n, of which some have been sent and some have arrived. */
static int64_t
count_left(struct way *way, int64_t n, int64_t sent, int64_t arrived)
{
	if (way->consumer != NULL)
		return n - arrived;
	return n - sent + count_missing(way);
}

static void
await_more(void)
{
	bench_look_beside();
	nap();
}

static double
send_all(void *context, int64_t n)
{
	struct way *way = context;
	int64_t start_ns = bench_clock_ns(), sent = 0, arrived = 0;
	uint64_t sum = 0;

	while (count_left(way, n, sent, arrived) > 0) {
		int64_t some = send_some(way, n - sent, sent), taken = 0;

		if (way->consumer != NULL)
			taken = take_some(way, &sum);
		sent += some;
		arrived += taken;
		if (some + taken == 0)
			await_more();
	}
	if (way->consumer != NULL && sum != bench_sum_of_all(n, SIZE))
		bench_fail("not what was sent has come");
	return (double)n * 1e3 / (double)(bench_clock_ns() - start_ns);
}

/* --------------------------------------------------------------- one by one */

static double
send_one_by_one(void *context, int64_t n)
{
	(void)context;
#ifdef PEER_nats
	return peer_nats_publish(n, SIZE);
#else
	return (double)n;
#endif
}

/* ------------------------------------------------------------------- contest */

static struct way to_stream = { .from = "alone" };
static struct way to_ring = { .from = "from", .to = "to" };

static void
enter(struct bench_entries *entries, struct bench_contestant c)
{
	if (missing != NULL)
		c.run = NULL;
	c.why = missing;
	bench_enter(entries, &c);
}

static void
compete(void)
{
	struct bench_entries entries = { .n = 0 };

	enter(&entries, (struct bench_contestant){
				.id = "nats",
				.name = "libnats, a message for each event",
				.kind = BENCH_PEER,
				.run = send_one_by_one });
	enter(&entries, (struct bench_contestant){
				.id = "ringbus",
				.name = "ringbus-bridge, ring to stream",
				.kind = BENCH_RINGBUS,
				.run = send_all,
				.context = &to_stream });
	enter(&entries,
	      (struct bench_contestant){
		      .id = "ringbus-ring",
		      .name = "ringbus-bridge, ring to stream to ring",
		      .kind = BENCH_RINGBUS,
		      .run = send_all,
		      .context = &to_ring });
	bench_compete(&entries, "bridge",
		      "to a stream of JetStream, 64 B, until acknowledged");
}

int
main(void)
{
	bench_start_daemon(
		"  alone: { slots: 65536, event_size: 64,\n"
		"    bridge: { direction: export } }\n"
		"  from: { slots: 65536, event_size: 64,\n"
		"    bridge: { direction: export, stream: x, subject: x.x } }\n"
		"  to: { slots: 65536, event_size: 64, consumers: { app: {} "
		"},\n"
		"    bridge: { direction: import, stream: x, subject: x.x,\n"
		"              start: oldest } }\n");
	missing = find_missing();
	if (missing == NULL) {
		start_server();
#ifdef PEER_nats
		peer_nats_open(url, "one");
#endif
		open_way(&to_stream);
		open_way(&to_ring);
	}
	compete();
	return 0;
}
