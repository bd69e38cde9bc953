/* SPDX-License-Identifier: MIT */
/*
 * floor_stream.c - records through a ring, and two indices
 */
#include <stdatomic.h>

#include "bench/floor.h"
#include "bench/payload.h"

#define SPSC_SLOTS 65536
#define SPSC_RING_MAX ((size_t)16 << 20)

struct ring {
	_Alignas(128) _Atomic int64_t written;
	_Alignas(128) _Atomic int64_t read;
	_Alignas(128) char slots[];
};

struct plan {
	int64_t batch;
	int64_t mask; /* of the slots */
};

static inline __attribute__((always_inline)) void
write_all(const struct bench_run *run, size_t size, int64_t batch)
{
	const struct plan *plan = run->context;
	struct ring *ring = run->memory;
	int64_t n = run->stream->n, mask = plan->mask, read = 0;

	for (int64_t i = 0; i < n;) {
		int64_t end = i + batch < n ? i + batch : n;

		while (end - read > mask + 1)
			read = atomic_load_explicit(&ring->read,
						    memory_order_acquire);
		for (; i < end; i++)
			bench_fill(&ring->slots[(size_t)(i & mask) * size],
				   size, (uint64_t)i);
		atomic_store_explicit(&ring->written, end,
				      memory_order_release);
	}
}

static inline __attribute__((always_inline)) uint64_t
read_all(const struct bench_run *run, size_t size, int64_t batch)
{
	const struct plan *plan = run->context;
	struct ring *ring = run->memory;
	int64_t n = run->stream->n, mask = plan->mask, written = 0;
	uint64_t sum = 0;

	for (int64_t i = 0; i < n;) {
		int64_t end = i + batch;

		while (written == i)
			written = atomic_load_explicit(&ring->written,
						       memory_order_acquire);
		end = end < written ? end : written;
		for (; i < end; i++)
			sum += bench_sum(
				&ring->slots[(size_t)(i & mask) * size], size);
		atomic_store_explicit(&ring->read, end, memory_order_release);
	}
	return sum;
}

/* The usual cases are compiled for themselves, as a template of C++ would be. */
static void
send(struct bench_run *run)
{
	const struct plan *plan = run->context;
	size_t size = run->stream->size;

	bench_run_meet(run);
	if (size == 8 && plan->batch == 1)
		write_all(run, 8, 1);
	else if (size == 64 && plan->batch == 1)
		write_all(run, 64, 1);
	else if (size == 8)
		write_all(run, 8, plan->batch);
	else
		write_all(run, size, plan->batch);
}

static uint64_t
read_by_size(const struct bench_run *run)
{
	const struct plan *plan = run->context;
	size_t size = run->stream->size;

	if (size == 8 && plan->batch == 1)
		return read_all(run, 8, 1);
	if (size == 64 && plan->batch == 1)
		return read_all(run, 64, 1);
	if (size == 8)
		return read_all(run, 8, plan->batch);
	return read_all(run, size, plan->batch);
}

static void
receive(struct bench_run *run)
{
	bench_run_meet(run);
	bench_received(run, read_by_size(run));
}

static double
stream_through(const struct bench_stream *stream, size_t ring_size,
	       int64_t batch)
{
	struct plan plan = { .batch = batch, .mask = 1 };
	struct bench_run run = {
		.send = send,
		.receive = receive,
		.stream = stream,
		.context = &plan,
	};

	while ((size_t)plan.mask * 2 * stream->size <= ring_size)
		plan.mask *= 2;
	plan.mask--;
	return bench_run_stream(&run, sizeof(struct ring) + ring_size);
}

static size_t
spsc_ring_size(const struct bench_stream *stream)
{
	size_t size = SPSC_SLOTS * stream->size;

	if (stream->ring_size > 0)
		return stream->ring_size;
	return size < SPSC_RING_MAX ? size : SPSC_RING_MAX;
}

double
floor_spsc(const struct bench_stream *stream)
{
	return stream_through(stream, spsc_ring_size(stream), 1);
}

double
floor_stream(const struct bench_stream *stream)
{
	return stream_through(stream, spsc_ring_size(stream),
			      stream->batch > 0 ? stream->batch : 1);
}
