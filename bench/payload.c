/* SPDX-License-Identifier: MIT */
/*
 * payload.c - see payload.h
 */
#include "bench/payload.h"

/* Eight words at once, wherever they lie. */
typedef uint64_t words8 __attribute__((vector_size(64), aligned(8), may_alias));

#if defined(__x86_64__) && !defined(__clang__)
#define BEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define BEST
#endif

BEST void
bench_fill_large(void *data, size_t size, uint64_t i)
{
	words8 *to = data;
	words8 value = { 0, 1, 2, 3, 4, 5, 6, 7 };

	value += i;
	for (size_t k = 0; k < size / 64; k++, value += 8)
		to[k] = value;
}

BEST uint64_t
bench_sum_large(const void *data, size_t size)
{
	const words8 *from = data;
	words8 even = { 0 }, odd = { 0 };
	uint64_t sum = 0;
	size_t k;

	for (k = 0; k + 1 < size / 64; k += 2) {
		even += from[k];
		odd += from[k + 1];
	}
	if (k < size / 64)
		even += from[k];
	even += odd;
	for (int word = 0; word < 8; word++)
		sum += even[word];
	return sum;
}

uint64_t
bench_sum_of(int64_t n, size_t size)
{
	uint64_t events = (uint64_t)n, words = size / 8;

	return words * (events * (events - 1) / 2) +
	       events * (words * (words - 1) / 2);
}
