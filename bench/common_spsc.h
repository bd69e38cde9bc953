/* SPDX-License-Identifier: MIT */
/*
 * common_spsc.h - the peer within one process: a bounded single-producer
 * single-consumer queue of 8-byte items with cached indices, the best known
 * shape for it (Rigtorp's SPSCQueue is the model)
 */
#ifndef BENCH_COMMON_SPSC_H
#define BENCH_COMMON_SPSC_H

#include <stdint.h>

/* Sends 0..n-1 from one thread to another on the two cores, one by one, through
 * 64 Ki slots, checks the sum, and returns millions of items a second. */
double bench_spsc_stream(int64_t n);

#endif
