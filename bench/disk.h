/* SPDX-License-Identifier: MIT */
/*
 * disk.h - the least that bytes on a disk must cost: bare writes, and those of fio
 *
 * All of it is in one folder, which is beside the programs, as that of the daemon is
 * memory. The files are allocated before, and written past the page cache.
 */
#ifndef BENCH_DISK_H
#define BENCH_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define DISK_FIO "/usr/bin/fio"

enum disk_sync {
	DISK_ALWAYS,
	DISK_INTERVAL, /* DISK_INTERVAL_NS */
	DISK_NONE
};

#define DISK_INTERVAL_NS 5000000

/* A folder that is removed at exit, after the daemon was stopped. */
void disk_begin(void);
void disk_path(const char *name, char ret[PATH_MAX]);
void disk_clear(const char *name); /* a folder in it */
bool disk_has_room(uint64_t bytes);

/* Bytes in pieces of 1 MiB, and how long they took; or bench_skip(). */
int64_t disk_write(int64_t bytes, enum disk_sync sync);
int64_t disk_write_by_fio(int64_t bytes, enum disk_sync sync);

enum disk_way {
	DISK_APART,     /* a write, then fdatasync */
	DISK_AT_ONCE,   /* a write with RWF_DSYNC */
	DISK_BY_ANOTHER /* the first in another process, which is asked by a pipe
			 * and says by another that it is done */
};

/* One page after the other, synced: how long each took; or bench_skip(). */
int disk_write_pages(enum disk_way way, int64_t n, int64_t *ret_ns);

#endif
