/* SPDX-License-Identifier: MIT */
/*
 * payload.h - what each event of each contestant carries
 *
 * Event i is written in full with the numbers i, i + 1, i + 2 … and read in full
 * by adding them up. All contestants do it with these two functions, so that a
 * difference between them is never one of filling and adding. Vectors of 16 bytes
 * are what any compiler makes good use of for any processor, at -O2 as well.
 *
 * Sizes are multiples of 8. For C++ too.
 */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t bench_word __attribute__((may_alias));
typedef uint64_t bench_pair
	__attribute__((vector_size(16), aligned(8), may_alias));

static inline void
bench_fill(void *data, size_t size, uint64_t i)
{
	const bench_pair step = { 2, 2 };
	bench_pair value = { i, i + 1 };
	char *at = (char *)data, *end = at + size;

	for (; end - at >= 64; at += 64) {
		bench_pair *block = (bench_pair *)at;

		block[0] = value;
		block[1] = value + step;
		block[2] = value + 2 * step;
		block[3] = value + 3 * step;
		value += 4 * step;
	}
	for (i = value[0]; at < end; at += sizeof(i))
		*(bench_word *)at = i++;
}

static inline uint64_t
bench_sum(const void *data, size_t size)
{
	bench_pair even = { 0 }, odd = { 0 };
	const char *at = (const char *)data, *end = at + size;
	uint64_t sum;

	for (; end - at >= 64; at += 64) {
		const bench_pair *block = (const bench_pair *)at;

		even += block[0];
		odd += block[1];
		even += block[2];
		odd += block[3];
	}
	even += odd;
	for (sum = even[0] + even[1]; at < end; at += sizeof(sum))
		sum += *(const bench_word *)at;
	return sum;
}

/* Of the events 0 to n - 1 all together. */
static inline uint64_t
bench_sum_of_all(int64_t n, size_t size)
{
	uint64_t events = (uint64_t)n, words = size / sizeof(uint64_t);

	return words * (events * (events - 1) / 2) +
	       events * (words * (words - 1) / 2);
}

#endif
