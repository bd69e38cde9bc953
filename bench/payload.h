/* SPDX-License-Identifier: MIT */
/*
 * payload.h - what an event of a benchmark holds, and its check
 *
 * Every byte is written and read: word k of event i is i + k, and who receives it
 * adds all words up. The same for every contestant, as compiled for the best this
 * processor has, so that large events are bound by memory and not by this.
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* Of a multiple of 64 bytes. */
void bench_fill_large(void *data, size_t size, uint64_t i);
uint64_t bench_sum_large(const void *data, size_t size);

/* What n events of that size, 0 to n - 1, add up to. */
uint64_t bench_sum_of(int64_t n, size_t size);

/* Sizes are multiples of 8. */
static inline void
bench_fill(void *data, size_t size, uint64_t i)
{
	uint64_t *words = data;

	if (size > 64 && size % 64 == 0)
		bench_fill_large(data, size, i);
	else
		for (size_t k = 0; k < size / 8; k++)
			words[k] = i + k;
}

static inline uint64_t
bench_sum(const void *data, size_t size)
{
	const uint64_t *words = data;
	uint64_t sum = 0;

	if (size > 64 && size % 64 == 0)
		return bench_sum_large(data, size);
	for (size_t k = 0; k < size / 8; k++)
		sum += words[k];
	return sum;
}

#endif
