/* SPDX-License-Identifier: MIT */
/*
 * contest.h - contestants that run in turn, round after round, on a machine that
 * does not keep still
 *
 * They take turns in every round, so that a machine that changes its speed changes
 * it for all of them; what is compared are their medians. Each contestant is first run for as long as
 * it takes to know how many events last for BENCH_RUN_NS; then come BENCH_ROUNDS
 * rounds. Before and after each run the machine is probed. A round in which the
 * cores moved, or that is far from the others, is repeated: rounds are added until
 * BENCH_ROUNDS of them agree, or there are BENCH_ROUNDS_MAX, of which those that
 * are nearest to each other are taken.
 *
 * A table is printed, and lines of JSON are recorded (record.h).
 *
 * With BENCH_BEFORE in the environment, the build folder of another state of this
 * project, each run of ringbus is followed by the same run of that build, and the
 * ratio of these pairs is printed too: what a change costs. With BENCH_ONCE, "id of
 * the contest/id of the contestant n", that one is run once and only its figure
 * is printed, for the other build.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_ROUNDS 7
#define BENCH_ROUNDS_MAX 12
#define BENCH_CONTESTANTS_MAX 32
#define BENCH_RUN_NS 100000000

enum bench_kind {
	BENCH_RINGBUS,
	BENCH_FLOOR,
	BENCH_PEER
};

struct bench_contestant {
	const char
		*id; /* unique in the contest, and stable: reports go by it */
	const char *name; /* for people */
	enum bench_kind kind;
	/*
	 * One of these two, or, if it cannot take part here, none and a `why`.
	 * `run` handles n events, or a few more to have whole batches, and
	 * returns its figure. `run_latency` makes n round trips and notes the
	 * time of each. Both return < 0 if it turns out that they cannot, see
	 * bench_skip(). Events are checked; one that is wrong ends the program.
	 */
	double (*run)(void *context, int64_t n);
	int (*run_latency)(void *context, int64_t n, int64_t *ret_ns);
	const char *why; /* "not installed: apt-get install libzmq3-dev" */
	void *context;
	int64_t n_max; /* not more events than this; 0: as many as it takes */
	double x;      /* of a series: where on its axis */
	bool is_alone; /* of latencies: none was due while one took its time,
			* so that there is nothing to correct */
};

struct bench_contest {
	const char *id; /* unique in the suite, and stable */
	const char *title;
	/* What a figure is: million events a second, or, if less is better, ns for
	 * each event. */
	const char *unit;
	bool less_is_better;
	/* Of a series of points: what its axis shows. The contestants of a name
	 * are the points of a line. */
	const char *x_name;
	const struct bench_contestant
		*contestants; /* the first is the reference */
	unsigned n;
};

/* Runs all contestants, prints their table and records it. */
void bench_contest_run(const struct bench_contest *contest);

/* Says why a contestant cannot take part, a static text; returns -1. */
int bench_skip(const char *why);

#endif
