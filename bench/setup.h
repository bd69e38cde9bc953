/* SPDX-License-Identifier: MIT */
/*
 * setup.h - what every benchmark stands on: a private daemon, pinned processes,
 * memory that they share, and a clock
 *
 * Nothing here returns an error: a benchmark that cannot be set up says why and
 * exits.
 */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ringbus.h"

/* Of a pair. Who else takes part is pinned by bench_pin(2), (3) and so on, which
 * go round the cores there are. */
#define BENCH_PRODUCER_CPU 0
#define BENCH_CONSUMER_CPU 1

/* Starts a daemon of this build with this configuration (YAML of `channels:`),
 * and stops it; it is stopped at exit as well. */
void bench_start_daemon(const char *channels);
void bench_stop_daemon(void);

/* Connects to it. */
struct ringbus *bench_connect(void);

/* A folder of this run that is gone when the daemon has been stopped. */
const char *bench_folder(void);

/* Path of a program of this build; good until the next call. */
const char *bench_program(const char *name);

/* Runs another program beside the daemon, and ends it before that is stopped. What it
 * says goes to that file in the folder. */
void bench_start_beside(const char *log, const char *const argv[]);

/* Fails if one of them has ended by itself. */
void bench_look_beside(void);

/* Runs fn(context) in a child that is pinned; bench_join() checks that it
 * returned 0. */
pid_t bench_child(int cpu, int (*fn)(void *), void *context);
void bench_join(pid_t pid);

/* Several, in the order in which they end: one that died is not waited for by
 * those that wait for its events. */
void bench_join_all(const pid_t *pids, int n);

void bench_pin(int cpu);
int bench_n_cpus(void);
int64_t bench_clock_ns(void);

/* Upwards, in place. */
void bench_sort(int64_t *values, int64_t n);

/* Zeroed memory that children made later share with us. */
void *bench_share(size_t size);
void bench_unshare(void *memory, size_t size);

/* Returns once n have come here, all at the same time; *n_arrived, shared, is 0
 * before. For the next meeting n is larger by as many. */
void bench_meet(int *n_arrived, int n);

/* Exits, naming what failed, if `result` is a negative errno; else returns it. */
int64_t bench_check(const char *what, int64_t result);

/* Exits with that message, and from a child so does the parent; for what must not
 * be, such as a wrong sum. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_fail(
	const char *format, ...);

/* The wait strategy, by name, for n processes that would all like to spin: who
 * spins must not keep the core from whom it waits for. */
const char *bench_wait_for_crowd(int n);

#endif
