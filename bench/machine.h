/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what the figures were measured on, and whether it kept still
 *
 * Virtual cores move, and others use the machine: how far the two cores are from
 * each other and how much of their time is taken away is measured again and
 * again, beside every figure.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* A cache line's round trip between the two cores, in ns: that of the better of
 * some groups of trips, so that an interruption doesn't count. */
double bench_probe_ns(void);

/* How much of the time of these two cores is taken from who runs there, in %: by
 * interrupts, by others, by the machine below ours. Of the worse one. */
double bench_noise_percent(void);

/* Processor time of all cores since the machine started, in ticks. */
struct bench_ticks {
	int64_t total;
	int64_t steal;
};

struct bench_ticks bench_ticks(void);

/* What was stolen since then, in % of all. */
double bench_steal_percent(const struct bench_ticks *since);

/* Whether and what; "" where it is not known. */
struct bench_machine {
	int n_cpus;
	char cpu[64];
	char kernel[96];
	char governor[32];
	char hypervisor[32];
};

void bench_machine_get(struct bench_machine *ret);

#endif
