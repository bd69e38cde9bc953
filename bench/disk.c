/* SPDX-License-Identifier: MIT */
/*
 * disk.c - see disk.h
 */
#include "bench/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/contest.h"
#include "bench/payload.h"
#include "bench/setup.h"

#define BLOCK (1 << 20)
#define PAGE 4096

static char folder[PATH_MAX - 64];

/* --------------------------------------------------------------------- folder */

static void
clear(const char *path)
{
	char full[PATH_MAX + NAME_MAX];
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
		if (unlink(full) < 0 && errno == EISDIR)
			clear(full);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static void
end(void)
{
	bench_stop_daemon();
	clear(folder);
}

void
disk_begin(void)
{
	snprintf(folder, sizeof(folder), "%.3900s-%d",
		 bench_program("bench/disk"), (int)getpid());
	bench_check("folder of the bench", mkdir(folder, 0700));
	atexit(end);
}

void
disk_path(const char *name, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s", folder, name);
}

void
disk_clear(const char *name)
{
	char path[PATH_MAX];

	disk_path(name, path);
	clear(path);
}

bool
disk_has_room(uint64_t bytes)
{
	struct statvfs fs;

	return statvfs(folder, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >= bytes;
}

/* ---------------------------------------------------------------- bare writes */

/* As a spare segment is before it is written: allocated, and nothing more. */
static int
open_file(const char *name, int64_t size)
{
	char path[PATH_MAX];
	int fd;

	disk_path(name, path);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0)
		return bench_skip("no direct I/O where the build is");
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
write_piece(int fd, size_t size, int64_t at, int flags)
{
	struct iovec piece = { make_block(), size };

	if (pwritev2(fd, &piece, 1, at, flags) != (ssize_t)size)
		bench_fail("a write: %s", strerror(errno));
}

static void
sync_at_last(int fd, int64_t *synced_ns, bool is_end)
{
	int64_t now = bench_clock_ns();

	if (!is_end && now - *synced_ns < DISK_INTERVAL_NS)
		return;
	*synced_ns = now;
	bench_check("fdatasync", fdatasync(fd));
}

int64_t
disk_write(int64_t bytes, enum disk_sync sync)
{
	int flags = sync == DISK_ALWAYS ? RWF_DSYNC : 0;
	int64_t start_ns, at_ns;
	int fd = open_file("floor", bytes);

	if (fd < 0)
		return fd;
	start_ns = at_ns = bench_clock_ns();
	for (int64_t at = 0; at < bytes; at += BLOCK) {
		write_piece(fd, BLOCK, at, flags);
		if (sync == DISK_INTERVAL)
			sync_at_last(fd, &at_ns, at + BLOCK == bytes);
	}
	at_ns = bench_clock_ns();
	close(fd);
	return at_ns - start_ns;
}

/* ------------------------------------------------------------------- one page */

static void
write_page(int fd, int64_t i, enum disk_way way)
{
	write_piece(fd, PAGE, i * PAGE, way == DISK_AT_ONCE ? RWF_DSYNC : 0);
	if (way != DISK_AT_ONCE)
		bench_check("fdatasync", fdatasync(fd));
}

struct other {
	int fd;      /* of the file */
	int to[2];   /* asks for a page */
	int from[2]; /* it is safe */
	pid_t pid;
};

static void
move_byte(ssize_t moved)
{
	if (moved != 1)
		bench_fail("a pipe between two who write: %s", strerror(errno));
}

static int
write_as_asked(void *context)
{
	const struct other *o = context;
	int64_t i = 0;
	char byte;

	close(o->to[1]);
	while (read(o->to[0], &byte, 1) == 1) {
		write_page(o->fd, i++, DISK_APART);
		move_byte(write(o->from[1], &byte, 1));
	}
	return 0;
}

static void
begin_other(struct other *o, int fd)
{
	o->fd = fd;
	bench_check("pipe", pipe2(o->to, O_CLOEXEC));
	bench_check("pipe", pipe2(o->from, O_CLOEXEC));
	o->pid = bench_child(BENCH_CONSUMER_CPU, write_as_asked, o);
}

static void
ask_other(const struct other *o)
{
	char byte = 0;

	move_byte(write(o->to[1], &byte, 1));
	move_byte(read(o->from[0], &byte, 1));
}

static void
end_other(struct other *o)
{
	close(o->to[1]);
	bench_join(o->pid);
	close(o->to[0]);
	close(o->from[0]);
	close(o->from[1]);
}

int
disk_write_pages(enum disk_way way, int64_t n, int64_t *ret_ns)
{
	int fd = open_file("page", n * PAGE);
	struct other other;

	if (fd < 0)
		return fd;
	if (way == DISK_BY_ANOTHER)
		begin_other(&other, fd);
	for (int64_t i = 0; i < n; i++) {
		int64_t start_ns = bench_clock_ns();

		if (way == DISK_BY_ANOTHER)
			ask_other(&other);
		else
			write_page(fd, i, way);
		ret_ns[i] = bench_clock_ns() - start_ns;
	}
	if (way == DISK_BY_ANOTHER)
		end_other(&other);
	close(fd);
	return 0;
}

/* ------------------------------------------------------------------------ fio */

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

int64_t
disk_write_by_fio(int64_t bytes, enum disk_sync sync)
{
	static const char *const how[] = { "--sync=dsync", "--fdatasync=2",
					   "--sync=none" };
	char command[PATH_MAX + 512], path[PATH_MAX];
	FILE *output;
	double rate;

	disk_path("fio", path);
	unlink(path);
	snprintf(command, sizeof(command),
		 DISK_FIO
		 " --name=x --filename=%s --size=%lldM --rw=write --bs=1M "
		 "--direct=1 --ioengine=io_uring --iodepth=2 %s --minimal",
		 path, (long long)(bytes / BLOCK), how[sync]);
	output = popen(command, "re");
	if (output == NULL)
		return bench_skip("it cannot be started");
	rate = read_rate(output);
	if (pclose(output) != 0 || rate <= 0)
		return bench_skip("it does not run here");
	return (int64_t)((double)bytes / 1024 / rate * 1e9);
}
