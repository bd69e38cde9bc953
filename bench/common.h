/* SPDX-License-Identifier: MIT */
/*
 * common.h - what all benchmarks share: a private daemon, pinned processes,
 * runs in turn, and medians
 *
 * Contestants run in turn, round after round, so that a machine that changes
 * its speed changes it for all of them; what is compared is the ratio within a
 * round. Before the figures the machine is described, and a probe of the time
 * that a cache line takes between the two cores is printed with each round:
 * virtual cores move.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdint.h>
#include <sys/types.h>

#include "client/ringbus.h"

#define BENCH_ROUNDS 7
#define BENCH_CONTESTANTS_MAX 8

#define BENCH_PRODUCER_CPU 0
#define BENCH_CONSUMER_CPU 1

/* Runs once and returns its figure. */
typedef double (*bench_run_fn)(void *context);

struct bench_contestant {
	const char *name;
	bench_run_fn run;
	void *context;
};

/*
 * Runs all contestants in turn and prints a line for each: minimum, median and
 * maximum in `unit`, and the median ratio to the first one. With BENCH_JSON in the
 * environment a line of JSON each as well.
 *
 * With BENCH_BEFORE, the build folder of another state of this project, each run
 * is followed by the same run of that build, and the ratio of these pairs is
 * printed too: what a change costs. With BENCH_ONCE, the number of a contestant,
 * that one is run once and only its figure is printed, for the other build.
 */
void bench_rounds(const char *title, const char *unit,
		  const struct bench_contestant *contestants, unsigned n);

/* Starts a daemon of this build with this configuration (YAML of `channels:`),
 * and stops it. Exits with a message if that fails. */
void bench_start_daemon(const char *channels);
void bench_stop_daemon(void);

/* Connects to it; exits with a message if that fails. */
struct ringbus *bench_connect(void);

/* Runs fn(context) in a child that is pinned; bench_join() checks that it
 * returned 0. */
pid_t bench_child(int cpu, int (*fn)(void *), void *context);
void bench_join(pid_t pid);

void bench_pin(int cpu);
int64_t bench_clock_ns(void);

/* Exits, naming what failed, if `result` is a negative errno; else returns it. */
int64_t bench_check(const char *what, int64_t result);

#endif
