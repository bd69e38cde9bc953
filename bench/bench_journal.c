/* SPDX-License-Identifier: MIT */
/*
 * bench_journal.c - events to a disk by ringbus-journal, and the same bytes by bare
 * writes and by fio
 *
 * All write to the same folder, which is beside the programs, and with the same sync.
 * The clock of a stream stops when all of it is committed. What one event waits for
 * its journal stands beside one write of a page that is synced.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/payload.h"
#include "bench/rivals.h"
#include "bench/setup.h"

#define FIO "/usr/bin/fio"
#define SIZE 64
#define BATCH 256
#define BLOCK (1 << 20)
#define PAGE 4096
#define STEADY 8000000           /* events, at least: two segments */
#define ROOM (UINT64_C(6) << 30) /* for all rounds of a contest */
#define INTERVAL_NS 5000000      /* of `sync: interval` */

#define KEYS                                                                   \
	"slots: 131072, event_size: 64, huge_pages: true, "                    \
	"consumers: { journal: { on_death: keep }"

enum sync {
	ALWAYS,
	INTERVAL,
	NONE,
};

static const char *const sync_names[] = { "always", "interval", "none" };

struct way {
	enum sync sync;
	struct ringbus *bus;
	struct ringbus_producer *producer;
	struct ringbus_consumer *consumer; /* of latencies */
};

static char folder[PATH_MAX - 64];
static const char *missing; /* what there is no measuring without */

/* --------------------------------------------------------------------- folder */

static void
clear_folder(const char *path)
{
	char full[PATH_MAX + NAME_MAX];
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		if (unlink(full) < 0 && errno == EISDIR)
			clear_folder(full);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static void
end_folder(void)
{
	bench_stop_daemon();
	clear_folder(folder);
}

/* On a disk, where that of the daemon is memory. */
static void
begin_folder(void)
{
	snprintf(folder, sizeof(folder), "%.3900s-%d",
		 bench_program("bench/journal"), (int)getpid());
	bench_check("folder of the bench", mkdir(folder, 0700));
	atexit(end_folder);
}

static void
file_of(const char *name, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s", folder, name);
}

/* ---------------------------------------------------------------------- floors */

/* What a few events take says more of the start and the end than of a flow. */
static int64_t
steady(int64_t n)
{
	return n < STEADY ? STEADY : n;
}

/* As a spare segment is before it is written: allocated, and nothing more. */
static int
open_file(const char *name, int64_t size)
{
	char path[PATH_MAX];
	int fd;

	file_of(name, path);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, size) < 0 || fsync(fd) < 0)
		bench_fail("%s: %s", path, strerror(errno));
	return fd;
}

static char *
make_block(void)
{
	static char *block;

	if (block == NULL)
		block = aligned_alloc(PAGE, BLOCK);
	if (block == NULL)
		bench_fail("no memory");
	bench_fill(block, BLOCK, 1);
	return block;
}

static void
sync_at_last(int fd, enum sync sync, int64_t *synced_ns, bool is_end)
{
	int64_t now = bench_clock_ns();

	if (sync != INTERVAL || (!is_end && now - *synced_ns < INTERVAL_NS))
		return;
	*synced_ns = now;
	bench_check("fdatasync", fdatasync(fd));
}

static double
write_all(void *context, int64_t n)
{
	const struct way *way = context;
	struct iovec block = { make_block(), BLOCK };
	int64_t size = steady(n) * SIZE / BLOCK * BLOCK, start_ns, at_ns;
	int fd = open_file("floor", size);

	if (fd < 0)
		return bench_skip("no direct I/O where the build is");
	start_ns = at_ns = bench_clock_ns();
	for (int64_t at = 0; at < size; at += BLOCK) {
		if (pwritev2(fd, &block, 1, at,
			     way->sync == ALWAYS ? RWF_DSYNC : 0) != BLOCK)
			bench_fail("a write: %s", strerror(errno));
		sync_at_last(fd, way->sync, &at_ns, at + BLOCK == size);
	}
	at_ns = bench_clock_ns();
	close(fd);
	return (double)(size / SIZE) * 1e3 / (double)(at_ns - start_ns);
}

/* The page is written by itself and then synced, or both at once. */
static int
write_pages(void *context, int64_t n, int64_t *ret_ns)
{
	const int *flags = context;
	struct iovec page = { make_block(), PAGE };
	int fd = open_file("page", n * PAGE);

	if (fd < 0)
		return bench_skip("no direct I/O where the build is");
	for (int64_t i = 0; i < n; i++) {
		int64_t start_ns = bench_clock_ns();

		if (pwritev2(fd, &page, 1, i * PAGE, *flags) != PAGE)
			bench_fail("a write: %s", strerror(errno));
		if (*flags == 0)
			bench_check("fdatasync", fdatasync(fd));
		ret_ns[i] = bench_clock_ns() - start_ns;
	}
	close(fd);
	return 0;
}

/* ------------------------------------------------------------------------- fio */

/* What it says of its own time: KiB a second are the 48th of its fields. */
static double
read_rate(FILE *output)
{
	char line[8192];
	double rate = -1;

	while (fgets(line, sizeof(line), output) != NULL) {
		char *at = line;

		for (int i = 1; i < 48 && at != NULL; i++)
			at = strchr(at, ';') == NULL ? NULL
						     : strchr(at, ';') + 1;
		if (at != NULL)
			rate = atof(at);
	}
	return rate;
}

static double
run_fio(void *context, int64_t n)
{
	static const char *const how[] = { "--sync=dsync", "--fdatasync=2",
					   "--sync=none" };
	const struct way *way = context;
	char command[PATH_MAX + 512], path[PATH_MAX];
	FILE *output;
	double rate;

	file_of("fio", path);
	unlink(path);
	snprintf(command, sizeof(command),
		 FIO " --name=x --filename=%s --size=%lldM --rw=write --bs=1M "
		     "--direct=1 --ioengine=io_uring --iodepth=2 %s --minimal",
		 path, (long long)(steady(n) * SIZE / BLOCK), how[way->sync]);
	output = popen(command, "re");
	if (output == NULL)
		return bench_skip("it cannot be started");
	rate = read_rate(output);
	if (pclose(output) != 0 || rate <= 0)
		return bench_skip("it does not run here");
	return rate * 1024 / SIZE / 1e6;
}

/* ------------------------------------------------------------------------ ours */

static void
start_journal(const char *channel, enum sync sync)
{
	char dir[PATH_MAX + 8], how[32], log[64];
	const char *const argv[] = { bench_program("ringbus-journal"),
				     "-o",
				     dir,
				     "-o",
				     how,
				     channel,
				     NULL };

	snprintf(dir, sizeof(dir), "dir=%s/%s", folder, channel);
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
	char path[PATH_MAX];

	ringbus_producer_close(way->producer);
	ringbus_consumer_close(way->consumer);
	ringbus_close(way->bus);
	bench_stop_daemon();
	file_of("a", path);
	clear_folder(path);
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

	n = steady(n) / BATCH * BATCH;
	for (int64_t i = 0; i < n; i += BATCH)
		send_batch(way, BATCH, i);
	while (count_missing(way) > 0) {
		bench_look_beside();
		nanosleep(&pause, NULL);
	}
	return (double)n * 1e3 / (double)(bench_clock_ns() - start_ns);
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
	const char *no_fio = access(FIO, X_OK) < 0
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
	static const int apart = 0, at_once = RWF_DSYNC;
	struct bench_entries entries = { .n = 0 };

	enter(&entries,
	      (struct bench_contestant){ .id = "floor-fdatasync",
					 .name = "pwrite and fdatasync, 4 KiB",
					 .kind = BENCH_FLOOR,
					 .run_latency = write_pages,
					 .context = (void *)&apart },
	      NULL);
	enter(&entries,
	      (struct bench_contestant){ .id = "floor-dsync",
					 .name = "one write with RWF_DSYNC",
					 .kind = BENCH_FLOOR,
					 .run_latency = write_pages,
					 .context = (void *)&at_once },
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
compete_with(enum sync sync, const char *id, const char *title)
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
	struct way way = { .sync = ALWAYS };

	bench_start_daemon("  a: { " KEYS ", app: { after: [journal] } } }\n");
	if (missing == NULL)
		open_way(&way, "a", true);
	compete_one_by_one(&way);
	close_way(&way);
}

static bool
has_room(void)
{
	struct statvfs fs;

	return statvfs(folder, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >= ROOM;
}

int
main(void)
{
	begin_folder();
	if (access(bench_program("ringbus-journal"), X_OK) < 0)
		missing = "ringbus-journal is not built";
	else if (!has_room())
		missing = "it takes 6 GiB of disk beside the programs";
	compete_with(ALWAYS, "journal-always",
		     "64 B events to disk, each write synced");
	compete_with(INTERVAL, "journal-interval",
		     "64 B events to disk, a sync each 5 ms");
	compete_with(NONE, "journal-none", "64 B events to disk, no sync");
	compete_for_latency();
	return 0;
}
