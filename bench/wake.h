/* SPDX-License-Identifier: MIT */
/*
 * wake.h - one that wakes others who sleep: how long until they run, and what it
 * costs the one that wakes
 *
 * The waker has a core of its own, the sleepers share the other one. Each turn
 * begins when all of them sleep, and the waker spins until they have slept for
 * so long.
 */
#ifndef BENCH_WAKE_H
#define BENCH_WAKE_H

#include <stdint.h>

#define BENCH_SLEEPERS_MAX 8

enum bench_wake_way {
	BENCH_WAKE_FUTEX,      /* a bare one between processes */
	BENCH_WAKE_EVENTFD,    /* of one sleeper, who reads it */
	BENCH_WAKE_BLOCKING,   /* ringbus, the wait strategy */
	BENCH_WAKE_DESCRIPTOR, /* ringbus, by poll(2) */
};

struct bench_wake {
	enum bench_wake_way way;
	int n_sleepers; /* with 0 nobody is there */
	int64_t asleep_ns;
	const char *channel; /* of 8-byte events; for ringbus */
};

/* Medians of n turns, in ns; `wake` is a struct bench_wake. From before the call
 * that wakes to what the first sleeper does next, with the event in hand: */
double bench_wake_latency(void *wake, int64_t n);

/* Of the call; of ringbus a claim, an event and its publish: */
double bench_wake_cost(void *wake, int64_t n);

#endif
