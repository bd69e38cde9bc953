/* SPDX-License-Identifier: MIT */
/*
 * common_spsc.c - see common_spsc.h
 */
#include "bench/common_spsc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/common.h"

#define SLOTS 65536

static struct {
	_Alignas(128) _Atomic uint64_t head;
	_Alignas(128) uint64_t cached_tail; /* the producer's */
	_Alignas(128) _Atomic uint64_t tail;
	_Alignas(128) uint64_t cached_head; /* the consumer's */
	_Alignas(128) int64_t slots[SLOTS];
} queue;

static void
push(uint64_t at, int64_t item)
{
	while (at - queue.cached_tail == SLOTS)
		queue.cached_tail = atomic_load_explicit(&queue.tail,
							 memory_order_acquire);
	queue.slots[at % SLOTS] = item;
	atomic_store_explicit(&queue.head, at + 1, memory_order_release);
}

static int64_t
pop(uint64_t at)
{
	int64_t item;

	while (at == queue.cached_head)
		queue.cached_head = atomic_load_explicit(&queue.head,
							 memory_order_acquire);
	item = queue.slots[at % SLOTS];
	atomic_store_explicit(&queue.tail, at + 1, memory_order_release);
	return item;
}

static void *
consume(void *context)
{
	int64_t n = *(int64_t *)context, sum = 0;

	bench_pin(BENCH_CONSUMER_CPU);
	for (int64_t i = 0; i < n; i++)
		sum += pop((uint64_t)i);
	if (sum != n * (n - 1) / 2) {
		fprintf(stderr, "bench: spsc: wrong sum\n");
		exit(1);
	}
	return NULL;
}

double
bench_spsc_stream(int64_t n)
{
	pthread_t thread;
	int64_t start;

	queue.head = queue.tail = 0;
	queue.cached_head = queue.cached_tail = 0;
	bench_pin(BENCH_PRODUCER_CPU);
	for (int i = 0; i < SLOTS; i++)
		queue.slots[i] = 0; /* present before the clock starts */
	start = bench_clock_ns();
	if (pthread_create(&thread, NULL, consume, &n) != 0)
		return 0;
	for (int64_t i = 0; i < n; i++)
		push((uint64_t)i, i);
	pthread_join(thread, NULL);
	return (double)n * 1e3 / (double)(bench_clock_ns() - start);
}
