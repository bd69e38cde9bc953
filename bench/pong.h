/* SPDX-License-Identifier: MIT */
/*
 * pong.h - an event there and one back, between two processes
 *
 * Two channels, "ping" and "pong", and one event under way at a time.
 */
#ifndef BENCH_PONG_H
#define BENCH_PONG_H

#include <stdint.h>

/* Makes n round trips and notes the time of each; `wait` is the name of a wait
 * strategy. */
int bench_pong_run(void *wait, int64_t n, int64_t *ret_ns);

#endif
