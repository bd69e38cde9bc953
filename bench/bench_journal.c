/* SPDX-License-Identifier: MIT */
/*
 * bench_journal.c - events to a disk by ringbus-journal, and the same bytes by bare
 * writes and by fio
 *
 * All write to the same folder, which is beside the programs, and with the same sync.
 * The clock of a stream stops when all of it is committed. What one event waits for
 * its journal stands beside one write of a page that is synced.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench/disk.h"
#include "bench/payload.h"
#include "bench/rivals.h"
#include "bench/setup.h"

#define SIZE 64
#define BATCH 256
#define STEP (INT64_C(1 << 20) / SIZE)
#define STEADY 8000000           /* events, at least: two segments */
#define ROOM (UINT64_C(6) << 30) /* for all rounds of a contest */

#define KEYS                                                                   \
	"slots: 131072, event_size: 64, huge_pages: true, "                    \
	"consumers: { journal: { on_death: keep }"

static const char *const sync_names[] = { "always", "interval", "none" };

struct way {
	enum disk_sync sync;
	struct ringbus *bus;
	struct ringbus_producer *producer;
	struct ringbus_consumer *consumer; /* of latencies */
};

static const char *missing; /* what there is no measuring without */

/* ---------------------------------------------------------------------- floors */

/* What a few events take says more of the start and the end than of a flow. In whole
 * blocks of the floors. */
static int64_t
steady(int64_t n)
{
	n = n < STEADY ? STEADY : n;
	return n - n % STEP;
}

static double
rate_of(int64_t n, int64_t took_ns)
{
	return took_ns < 0 ? -1 : (double)n * 1e3 / (double)took_ns;
}

static double
write_all(void *context, int64_t n)
{
	const struct way *way = context;

	n = steady(n);
	return rate_of(n, disk_write(n * SIZE, way->sync));
}

static double
run_fio(void *context, int64_t n)
{
	const struct way *way = context;

	n = steady(n);
	return rate_of(n, disk_write_by_fio(n * SIZE, way->sync));
}

static int
write_pages(void *context, int64_t n, int64_t *ret_ns)
{
	const enum disk_way *way = context;

	return disk_write_pages(*way, n, ret_ns);
}

/* ------------------------------------------------------------------------ ours */

static void
start_journal(const char *channel, enum disk_sync sync)
{
	char path[PATH_MAX], dir[PATH_MAX + 8], how[32], log[64];
	const char *const argv[] = { bench_program("ringbus-journal"),
				     "-o",
				     dir,
				     "-o",
				     how,
				     channel,
				     NULL };

	disk_path(channel, path);
	snprintf(dir, sizeof(dir), "dir=%s", path);
	snprintf(how, sizeof(how), "sync=%s", sync_names[sync]);
	snprintf(log, sizeof(log), "%s.log", channel);
	bench_start_beside(log, argv);
}

static void
open_way(struct way *way, const char *channel, bool is_read)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	way->bus = bench_connect();
	bench_check("producer", ringbus_producer_open(way->bus, channel, NULL,
						      &way->producer));
	start_journal(channel, way->sync);
	if (!is_read)
		return;
	o.name = "app";
	o.from = RINGBUS_FROM_OLDEST;
	bench_check("consumer", ringbus_consumer_open(way->bus, channel, &o,
						      &way->consumer));
}

static void
close_way(struct way *way)
{
	ringbus_producer_close(way->producer);
	ringbus_consumer_close(way->consumer);
	ringbus_close(way->bus);
	bench_stop_daemon();
	disk_clear("a");
}

static int64_t
count_missing(struct way *way)
{
	struct ringbus_info info = { .size = sizeof(info) };

	bench_check("info",
		    ringbus_channel_info(
			    ringbus_producer_channel(way->producer), &info));
	return info.cursor - info.gating;
}

static void
send_batch(struct way *way, int64_t n, int64_t next)
{
	int64_t high = ringbus_producer_claim(way->producer, n,
					      RINGBUS_FOREVER);

	bench_check("claim", high);
	for (int64_t s = high - n + 1; s <= high; s++)
		bench_fill(ringbus_producer_slot(way->producer, s), SIZE,
			   (uint64_t)next++);
	bench_check("publish", ringbus_producer_publish(way->producer,
							high - n + 1, high));
}

static double
send_all(void *context, int64_t n)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	int64_t start_ns = bench_clock_ns();
	struct way *way = context;

	n = steady(n);
	for (int64_t i = 0; i < n; i += BATCH)
		send_batch(way, BATCH, i);
	while (count_missing(way) > 0) {
		bench_look_beside();
		nanosleep(&pause, NULL);
	}
	return rate_of(n, bench_clock_ns() - start_ns);
}

/* Until one that is gated on the journal has it. */
static int
send_one_by_one(void *context, int64_t n, int64_t *ret_ns)
{
	struct way *way = context;
	struct ringbus_event event;

	for (int64_t i = 0; i < n; i++) {
		int64_t start_ns = bench_clock_ns();

		send_batch(way, 1, i);
		bench_check("wait", ringbus_consumer_wait(way->consumer,
							  RINGBUS_FOREVER));
		if (ringbus_consumer_next(way->consumer, &event) != 1 ||
		    bench_sum(event.data, SIZE) !=
			    bench_sum_of_all(1, SIZE) + 8 * (uint64_t)i)
			bench_fail("not what was sent has come");
		bench_check("commit", ringbus_consumer_commit(way->consumer));
		ret_ns[i] = bench_clock_ns() - start_ns;
	}
	return 0;
}

/* --------------------------------------------------------------------- contests */

static void
enter(struct bench_entries *entries, struct bench_contestant c, const char *why)
{
	c.run = why == NULL ? c.run : NULL;
	c.run_latency = why == NULL ? c.run_latency : NULL;
	c.why = why;
	bench_enter(entries, &c);
}

static void
compete(struct way *way, const char *id, const char *title)
{
	struct bench_entries entries = { .n = 0 };
	const char *no_fio = access(DISK_FIO, X_OK) < 0
				     ? "not installed: apt-get install fio"
				     : NULL;

	enter(&entries,
	      (struct bench_contestant){ .id = "floor-write",
					 .name = "bare writes of 1 MiB",
					 .kind = BENCH_FLOOR,
					 .run = write_all,
					 .context = way },
	      NULL);
	enter(&entries,
	      (struct bench_contestant){ .id = "fio",
					 .name = "fio, two writes under way",
					 .kind = BENCH_PEER,
					 .run = run_fio,
					 .context = way },
	      no_fio);
	enter(&entries,
	      (struct bench_contestant){ .id = "ringbus",
					 .name = "ringbus-journal",
					 .kind = BENCH_RINGBUS,
					 .run = send_all,
					 .context = way },
	      missing);
	bench_compete(&entries, id, title);
}

static void
compete_one_by_one(struct way *way)
{
	static const struct {
		const char *id, *name;
		enum disk_way way;
	} floors[] = {
		{ "floor-fdatasync", "pwrite and fdatasync, 4 KiB",
		  DISK_APART },
		{ "floor-dsync", "one write with RWF_DSYNC", DISK_AT_ONCE },
		{ "floor-pipes", "the first, by another process",
		  DISK_BY_ANOTHER },
	};
	struct bench_entries entries = { .n = 0 };

	for (int i = 0; i < 3; i++)
		enter(&entries,
		      (struct bench_contestant){
			      .id = floors[i].id,
			      .name = floors[i].name,
			      .kind = BENCH_FLOOR,
			      .run_latency = write_pages,
			      .context = (void *)&floors[i].way },
		      NULL);
	enter(&entries,
	      (struct bench_contestant){ .id = "ringbus",
					 .name = "to who comes after it",
					 .kind = BENCH_RINGBUS,
					 .run_latency = send_one_by_one,
					 .context = way },
	      missing);
	bench_contest_run(&(struct bench_contest){
		.id = "journal-latency",
		.title = "one event to disk, sync: always",
		.unit = "ns",
		.less_is_better = true,
		.contestants = entries.all,
		.n = entries.n });
}

/* One journal at a time: each has files to make ahead. */
static void
compete_with(enum disk_sync sync, const char *id, const char *title)
{
	struct way way = { .sync = sync };

	bench_start_daemon("  a: { " KEYS " } }\n");
	if (missing == NULL)
		open_way(&way, "a", false);
	compete(&way, id, title);
	close_way(&way);
}

static void
compete_for_latency(void)
{
	struct way way = { .sync = DISK_ALWAYS };

	bench_start_daemon("  a: { " KEYS ", app: { after: [journal] } } }\n");
	if (missing == NULL)
		open_way(&way, "a", true);
	compete_one_by_one(&way);
	close_way(&way);
}

int
main(void)
{
	disk_begin();
	if (access(bench_program("ringbus-journal"), X_OK) < 0)
		missing = "ringbus-journal is not built";
	else if (!disk_has_room(ROOM))
		missing = "it takes 6 GiB of disk beside the programs";
	compete_with(DISK_ALWAYS, "journal-always",
		     "64 B events to disk, each write synced");
	compete_with(DISK_INTERVAL, "journal-interval",
		     "64 B events to disk, a sync each 5 ms");
	compete_with(DISK_NONE, "journal-none", "64 B events to disk, no sync");
	compete_for_latency();
	return 0;
}
