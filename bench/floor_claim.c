/* SPDX-License-Identifier: MIT */
/*
 * floor_claim.c - two producers that claim by one fetch-add, one reader
 *
 * What cannot be left out: a claim is a fetch-add on a line that both write, and
 * the claims come in an order that is not that of the writing, so each slot says
 * by a stamp that it is full. Stamp and event are one line, handed over by one
 * store. The ring is one that stays in the caches; that it is full costs a
 * producer one look at the reader's index a lap, and the reader publishes that
 * a few times a lap.
 *
 * On two cores three processes take turns on them. Both producers are then on
 * one core: a reader that had to share one with a producer would let the ring
 * run full, or find it empty, for a time slice each. A producer at a full ring
 * lets the other one run, who may be the one that the reader waits for.
 */
#include <sched.h>
#include <stdatomic.h>

#include "bench/floor.h"
#include "bench/payload.h"

#define PRODUCERS 2
#define SLOTS 65536
#define READS (SLOTS / 64) /* between two stores of the reader's index */

struct slot {
	_Alignas(64) _Atomic int64_t stamp; /* of the event in it, from 1 */
	uint64_t payload[7];
};

struct ring {
	_Alignas(128) _Atomic int64_t claimed;
	_Alignas(128) _Atomic int64_t read;
	_Alignas(128) struct slot slots[SLOTS];
};

static inline __attribute__((always_inline)) void
produce(struct ring *ring, int64_t n, size_t size)
{
	int64_t read = 0;

	for (int64_t i = 0; i < n; i++) {
		int64_t claim = atomic_fetch_add_explicit(&ring->claimed, 1,
							  memory_order_relaxed);
		struct slot *slot = &ring->slots[claim % SLOTS];

		while (claim - read >= SLOTS) {
			read = atomic_load_explicit(&ring->read,
						    memory_order_acquire);
			if (claim - read >= SLOTS)
				sched_yield();
		}
		bench_fill(slot->payload, size, (uint64_t)claim);
		atomic_store_explicit(&slot->stamp, claim + 1,
				      memory_order_release);
	}
}

static inline __attribute__((always_inline)) uint64_t
consume(struct ring *ring, int64_t n, size_t size)
{
	uint64_t sum = 0;

	for (int64_t i = 0; i < n; i++) {
		struct slot *slot = &ring->slots[i % SLOTS];

		while (atomic_load_explicit(&slot->stamp,
					    memory_order_acquire) != i + 1)
			;
		sum += bench_sum(slot->payload, size);
		if (i % READS == READS - 1)
			atomic_store_explicit(&ring->read, i + 1,
					      memory_order_release);
	}
	return sum;
}

static void
send(struct bench_run *run)
{
	const struct bench_stream *stream = run->stream;
	int64_t n = (stream->n + run->sender) / PRODUCERS;

	bench_run_meet(run);
	if (stream->size == sizeof(uint64_t))
		produce(run->memory, n, sizeof(uint64_t));
	else
		produce(run->memory, n, stream->size);
}

static void
receive(struct bench_run *run)
{
	const struct bench_stream *stream = run->stream;

	bench_run_meet(run);
	if (stream->size == sizeof(uint64_t))
		bench_received(run, consume(run->memory, stream->n,
					    sizeof(uint64_t)));
	else
		bench_received(run,
			       consume(run->memory, stream->n, stream->size));
}

double
floor_claim(const struct bench_stream *stream)
{
	struct bench_run run = {
		.send = send,
		.receive = receive,
		.stream = stream,
		.n_senders = PRODUCERS,
	};

	return bench_run_stream(&run, sizeof(struct ring));
}
