/* SPDX-License-Identifier: MIT */
/*
 * common_probe.c - how long a cache line takes from one core to the other and
 * back: the floor under every round trip
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bench/common.h"
#include "bench/probe.h"

#define TRIPS 100000

static _Alignas(128) _Atomic int64_t line;

static void *
answer(void *unused)
{
	bench_pin(BENCH_CONSUMER_CPU);
	for (int64_t i = 1; i < 2 * TRIPS; i += 2) {
		while (atomic_load_explicit(&line, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line, i + 1, memory_order_release);
	}
	return unused;
}

double
bench_probe_ns(void)
{
	pthread_t thread;
	int64_t start;

	atomic_store(&line, 0);
	bench_pin(BENCH_PRODUCER_CPU);
	if (pthread_create(&thread, NULL, answer, NULL) != 0)
		return 0;
	start = bench_clock_ns();
	for (int64_t i = 0; i < 2 * TRIPS; i += 2) {
		while (atomic_load_explicit(&line, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line, i + 1, memory_order_release);
	}
	pthread_join(thread, NULL);
	return (double)(bench_clock_ns() - start) / TRIPS;
}
