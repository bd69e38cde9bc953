/* SPDX-License-Identifier: MIT */
/*
 * stream.h - a run of two sides: one sends, the other receives, each on its core
 *
 * What floors and peers share: the processes (or threads), their cores, the
 * start together, the clock, and the check of what has come. What differs is the
 * two functions of the sides. Each prepares itself, which includes touching all
 * memory of its own that it will use, calls bench_run_meet(), and does the work.
 *
 * A side that fails exits with a message, and so ends the benchmark. For C++ too.
 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_stream {
	int64_t n;        /* events, or round trips */
	size_t size;      /* of each, a multiple of 8 */
	int64_t batch;    /* published together, where that can be chosen */
	size_t ring_size; /* bytes; 0 is what the contestant is best at */
};

struct bench_run {
	void (*send)(struct bench_run *run);
	void (*receive)(struct bench_run *run);
	const struct bench_stream *stream;
	void *context;   /* of the two; processes have each their copy */
	int n_senders;   /* 0 is 1 */
	bool in_threads; /* of this process */

	/* For the sides. */
	struct bench_meeting *meeting;
	void *memory;      /* between them, zero */
	int64_t *trips_ns; /* by the first sender, if it measures them */
	int sender;        /* which one this is */
};

/* Runs both sides with `size` bytes of memory between them, present in both.
 * Returns millions of events a second. */
double bench_run_stream(struct bench_run *run, size_t size);

/* The same for round trips: how long each took. The receiver sends back what it
 * receives. */
void bench_run_trips(struct bench_run *run, size_t size, int64_t *ret_ns);

/* Waits until all sides are here; then the clock starts. */
void bench_run_meet(struct bench_run *run);

/* The last call of the receiver, which stops the clock, and of one who sent round
 * trips; `sum` is that of all payloads that it has received. */
void bench_received(struct bench_run *run, uint64_t sum);
void bench_returned(struct bench_run *run, uint64_t sum);

#ifdef __cplusplus
}
#endif
#endif
