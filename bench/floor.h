/* SPDX-License-Identifier: MIT */
/*
 * floor.h - the least that any way of handing events over must cost
 *
 * Each is a bare loop between two processes on the same cores, through anonymous
 * shared memory in small pages, touched beforehand: no names, no members, nobody
 * who could die, no limits that are checked. No waiting loop pauses.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "bench/stream.h"

/* One cache line that goes there and back; events of at most 64 bytes. */
void floor_line_ping_pong(int64_t *ret_ns, int n, size_t size);

/* The same with a line for each way. */
void floor_lines_ping_pong(int64_t *ret_ns, int n, size_t size);

/* As the first, where each side sleeps in futex(2) until it is woken. */
void floor_futex_ping_pong(int64_t *ret_ns, int n, size_t size);

/*
 * A single-producer single-consumer queue as good as they get: each side keeps
 * its own index and what it last saw of the other's in registers, and looks
 * again only where that says full or empty. One by one, 64 Ki slots, or as many
 * as fit into 16 MiB.
 */
double floor_spsc(const struct bench_stream *stream);

/* The same with both indices published every `batch` records only. */
double floor_stream(const struct bench_stream *stream);

/*
 * Two producers: fetch-add on one line, and for each claim a cache line with a
 * stamp and an event of at most 56 bytes for a third process that reads them in
 * order.
 */
double floor_claim(const struct bench_stream *stream);

#endif
