/* SPDX-License-Identifier: MIT */
/*
 * contest.c - see contest.h
 */
#include "bench/contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/place.h"
#include "bench/results.h"
#include "bench/setup.h"

#define N_FIRST 1000      /* events of the first run of all */
#define N_GROWTH 20       /* how much a short run can be trusted */
#define TRIPS_MAX 1000000 /* round trips in a run */

static const char *why_skipped;

int
bench_skip(const char *why)
{
	why_skipped = why;
	return -1;
}

/* --------------------------------------------------------------- one run */

/* What one run has found. */
struct finding {
	double figure; /* < 0: it could not */
	double p99;
	double p50_raw, p99_raw; /* before the correction */
	double flow_ns;          /* how long events were under way in all */
	struct bench_latency *latency;
};

static struct bench_latency *
new_latency(void)
{
	struct bench_latency *latency = calloc(1, sizeof(*latency));

	if (latency == NULL)
		bench_check("latency", -ENOMEM);
	return latency;
}

/* The median trip is what a trip is expected to take, where others were due. */
static void
measure_latency(const struct bench_contestant *c, int64_t n,
		struct finding *ret)
{
	static int64_t trips_ns[TRIPS_MAX];
	struct bench_latency *plain = new_latency();

	ret->latency = new_latency();
	ret->figure = c->run_latency(c->context, n, trips_ns);
	ret->flow_ns = 0;
	for (int64_t i = 0; i < n && ret->figure >= 0; i++) {
		bench_latency_add(plain, trips_ns[i], 0);
		ret->flow_ns += (double)trips_ns[i];
	}
	ret->p50_raw = bench_latency_at(plain, 50);
	ret->p99_raw = bench_latency_at(plain, 99);
	for (int64_t i = 0; i < plain->n; i++)
		bench_latency_add(ret->latency, trips_ns[i],
				  c->is_alone ? 0 : (int64_t)ret->p50_raw);
	if (ret->figure >= 0)
		ret->figure = bench_latency_at(ret->latency, 50);
	ret->p99 = bench_latency_at(ret->latency, 99);
	free(plain);
}

static struct finding
measure(const struct bench_contest *contest, unsigned i, int64_t n)
{
	const struct bench_contestant *c = &contest->contestants[i];
	struct finding found = { .latency = NULL };

	if (c->run_latency != NULL) {
		measure_latency(c, n, &found);
		return found;
	}
	found.figure = c->run(c->context, n);
	found.flow_ns = contest->less_is_better
				? (double)n * found.figure
				: (double)n * 1e3 / found.figure;
	return found;
}

static int64_t
limit(const struct bench_contestant *c, double n)
{
	double max = c->n_max > 0 ? (double)c->n_max : 1e12;

	if (c->run_latency != NULL && max > TRIPS_MAX)
		max = TRIPS_MAX;
	return (int64_t)(n < max ? n : max);
}

/* How many events take as long as a run should; < 0 if it cannot take part. */
static int64_t
warm_up(const struct bench_contest *contest, unsigned i)
{
	const struct bench_contestant *c = &contest->contestants[i];
	int64_t n = limit(c, N_FIRST), next = n;
	double growth;

	if (c->run == NULL && c->run_latency == NULL)
		return bench_skip(c->why);
	do {
		struct finding found = measure(contest, i, n = next);

		free(found.latency);
		if (found.figure < 0)
			return -1;
		growth = BENCH_RUN_NS / found.flow_ns;
		next = limit(c, (double)n * (growth < N_GROWTH ? growth
							       : N_GROWTH));
	} while (growth > 2 && next > n);
	return next > 0 ? next : 1;
}

/* ------------------------------------------------ against another build */

static void
name_run(const struct bench_contest *contest, unsigned i, char *ret,
	 size_t size)
{
	snprintf(ret, size, "%s/%s", contest->id, contest->contestants[i].id);
}

/* For whom the other build is: a run of it prints one figure and no more. */
static double
run_once_before(const struct bench_contest *contest, unsigned i, int64_t n)
{
	char self[4096], name[256], command[8192];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	double figure = 0;
	FILE *f;

	self[length > 0 ? length : 0] = '\0';
	name_run(contest, i, name, sizeof(name));
	snprintf(command, sizeof(command), "BENCH_ONCE='%s %lld' %s/bench/%s",
		 name, (long long)n, getenv("BENCH_BEFORE"),
		 strrchr(self, '/') + 1);
	f = popen(command, "r");
	if (f == NULL || fscanf(f, "%lf", &figure) != 1)
		figure = 0;
	if (f == NULL || pclose(f) != 0 || figure <= 0)
		bench_fail("%s: no figure", command);
	return figure;
}

static void
run_once(const struct bench_contest *contest, const char *wanted)
{
	const char *blank = strchr(wanted, ' ');
	char name[256];

	if (blank == NULL)
		bench_fail("BENCH_ONCE: not `contest/contestant n`");
	for (unsigned i = 0; i < contest->n; i++) {
		name_run(contest, i, name, sizeof(name));
		if (strlen(name) == (size_t)(blank - wanted) &&
		    strncmp(name, wanted, strlen(name)) == 0)
			printf("%.6f\n",
			       measure(contest, i, atoll(blank)).figure);
	}
}

/* ---------------------------------------------------------------- rounds */

static void
probe(struct bench_round *round, unsigned i)
{
	round->probes_ns[i] = bench_probe_ns();
	round->noises[i] = bench_noise_percent();
}

static void
run_round(const struct bench_contest *contest, const int64_t *ns,
	  struct bench_round *round)
{
	probe(round, 0);
	for (unsigned i = 0; i < contest->n; i++) {
		struct finding found;

		round->probes_ns[i + 1] = round->probes_ns[i];
		round->noises[i + 1] = round->noises[i];
		if (ns[i] < 0)
			continue;
		found = measure(contest, i, ns[i]);
		if (found.figure < 0)
			bench_fail("%s/%s: %s", contest->id,
				   contest->contestants[i].id, why_skipped);
		round->figures[i] = found.figure;
		round->p99s[i] = found.p99;
		round->p50s_raw[i] = found.p50_raw;
		round->p99s_raw[i] = found.p99_raw;
		round->latencies[i] = found.latency;
		if (getenv("BENCH_BEFORE") != NULL &&
		    contest->contestants[i].kind == BENCH_RINGBUS)
			round->gains[i] = found.figure /
					  run_once_before(contest, i, ns[i]);
		probe(round, i + 1);
	}
}

static void
run_rounds(const struct bench_contest *contest, struct bench_results *results)
{
	struct bench_ticks since = bench_ticks();

	do {
		run_round(contest, results->ns,
			  &results->rounds[results->n_rounds++]);
		results->is_settled = results->n_rounds >= BENCH_ROUNDS &&
				      bench_place_settle(results,
							 contest->n + 1);
	} while (!results->is_settled && results->n_rounds < BENCH_ROUNDS_MAX);
	results->steal_percent = bench_steal_percent(&since);
}

void
bench_contest_run(const struct bench_contest *contest)
{
	static struct bench_results results;
	const char *once = getenv("BENCH_ONCE");

	if (once != NULL) {
		run_once(contest, once);
		return;
	}
	if (bench_n_cpus() < 2)
		bench_fail("two cores are needed");
	memset(&results, 0, sizeof(results));
	for (unsigned i = 0; i < contest->n; i++) {
		results.ns[i] = warm_up(contest, i);
		results.whys[i] = results.ns[i] < 0 ? why_skipped : NULL;
	}
	run_rounds(contest, &results);
	bench_results_tell(contest, &results);
	for (unsigned r = 0; r < results.n_rounds; r++)
		for (unsigned i = 0; i < contest->n; i++)
			free(results.rounds[r].latencies[i]);
}
