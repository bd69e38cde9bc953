/* SPDX-License-Identifier: MIT */
/*
 * results.c - see results.h
 */
#include "bench/results.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record.h"
#include "bench/setup.h"

/* One contestant's numbers in the rounds that count, and what they come to. */
struct row {
	double runs[BENCH_ROUNDS];
	double min, median, max;
};

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of what lies at `offset` in each round, for contestant i. */
static struct row
gather(const struct bench_results *results, size_t offset, unsigned i)
{
	double sorted[BENCH_ROUNDS];
	struct row row;

	for (unsigned r = 0; r < BENCH_ROUNDS; r++) {
		const char *round = (const char *)&results->rounds[r];

		row.runs[r] = ((const double *)(round + offset))[i];
	}
	memcpy(sorted, row.runs, sizeof(sorted));
	qsort(sorted, BENCH_ROUNDS, sizeof(sorted[0]), compare);
	row.min = sorted[0];
	row.median = sorted[BENCH_ROUNDS / 2];
	row.max = sorted[BENCH_ROUNDS - 1];
	return row;
}

#define GATHER(results, member, i)                                             \
	gather(results, offsetof(struct bench_round, member), i)

static bool
is_latency(const struct bench_contest *contest, unsigned i)
{
	return contest->contestants[i].run_latency != NULL;
}

/* The first that takes part. */
static unsigned
find_reference(const struct bench_results *results)
{
	unsigned i = 0;

	while (i < BENCH_CONTESTANTS_MAX - 1 && results->ns[i] < 0)
		i++;
	return i;
}

/* Of two medians. */
#define RATIO(results, member, i)                                              \
	(GATHER(results, member, i).median /                                   \
	 GATHER(results, member, find_reference(results)).median)

/* ---------------------------------------------------------------- the table */

static void
print_machine(void)
{
	static bool is_printed;
	struct bench_machine m;

	if (is_printed)
		return;
	is_printed = true;
	bench_machine_get(&m);
	printf("\n%s; %d cores, %s%s%s; governor %s\n%d rounds in turn after a "
	       "warm-up; pairs on cores %d and %d\n",
	       m.cpu, m.n_cpus, m.kernel, m.hypervisor[0] ? ", guest of " : "",
	       m.hypervisor, m.governor[0] ? m.governor : "unknown",
	       BENCH_ROUNDS, BENCH_PRODUCER_CPU, BENCH_CONSUMER_CPU % m.n_cpus);
}

static void
print_place(const struct bench_results *results, unsigned n)
{
	double min = results->rounds[0].probes_ns[0], max = min, noise = 0;

	for (unsigned r = 0; r < BENCH_ROUNDS; r++)
		for (unsigned i = 0; i <= n; i++) {
			const struct bench_round *round = &results->rounds[r];

			min = round->probes_ns[i] < min ? round->probes_ns[i]
							: min;
			max = round->probes_ns[i] > max ? round->probes_ns[i]
							: max;
			noise += round->noises[i];
		}
	printf("  a line between the cores and back %.0f to %.0f ns; noise "
	       "%.2f %%, steal %.2f %%",
	       min, max, noise / BENCH_ROUNDS / (n + 1),
	       results->steal_percent);
	if (results->n_rounds > BENCH_ROUNDS)
		printf("; %u rounds repeated%s",
		       results->n_rounds - BENCH_ROUNDS,
		       results->is_settled ? "" : ", and still moving");
	printf("\n");
}

static void
print_number(double value)
{
	printf(" %8.*f", value >= 1000 ? 0 : value >= 100 ? 1 : 2, value);
}

/* Of a series with its place on the axis. */
static void
print_name(const struct bench_contest *contest, unsigned i)
{
	const struct bench_contestant *c = &contest->contestants[i];

	if (contest->x_name != NULL)
		printf("  %8g %-35s", c->x, c->name);
	else
		printf("  %-44s", c->name);
}

static void
print_row(const struct bench_contest *contest,
	  const struct bench_results *results, unsigned i)
{
	struct row row = GATHER(results, figures, i);

	print_name(contest, i);
	print_number(row.min);
	print_number(row.median);
	print_number(row.max);
	printf(" %s %7.3g", contest->unit, RATIO(results, figures, i));
	if (is_latency(contest, i)) {
		print_number(GATHER(results, p99s, i).median);
		printf(" %7.3g", RATIO(results, p99s, i));
		print_number(GATHER(results, p99s_raw, i).median);
		printf(" %7.3g", RATIO(results, p99s_raw, i));
	}
	printf("\n");
}

static void
print_gains(const struct bench_contest *contest,
	    const struct bench_results *results)
{
	printf("  %-44s %8s %8s %8s\n", "beside BENCH_BEFORE, in pairs", "min",
	       "median", "max");
	for (unsigned i = 0; i < contest->n; i++) {
		struct row row = GATHER(results, gains, i);

		if (row.median > 0) {
			print_name(contest, i);
			printf(" %8.3f %8.3f %8.3f\n", row.min, row.median,
			       row.max);
		}
	}
}

static void
print_table(const struct bench_contest *contest,
	    const struct bench_results *results)
{
	print_machine();
	printf("\n%s\n", contest->title);
	print_place(results, contest->n);
	printf("  %-44s %8s %8s %8s %*s %7s",
	       contest->x_name != NULL ? contest->x_name : "", "min", "median",
	       "max", (int)strlen(contest->unit), "", "ratio");
	if (is_latency(contest, find_reference(results)))
		printf(" %8s %7s %8s %7s", "p99", "ratio", "raw p99", "ratio");
	printf("\n");
	for (unsigned i = 0; i < contest->n; i++)
		if (results->ns[i] >= 0) {
			print_row(contest, results, i);
		} else {
			print_name(contest, i);
			printf(" %s\n", results->whys[i]);
		}
	if (getenv("BENCH_BEFORE") != NULL)
		print_gains(contest, results);
	fflush(stdout);
}

/* ----------------------------------------------------------------- records */

static const char *const kinds[] = { "ringbus", "floor", "peer" };

static void
record_who(const struct bench_contest *contest, unsigned i)
{
	const struct bench_contestant *c = &contest->contestants[i];
	char id[256];

	snprintf(id, sizeof(id), "%s/%s", contest->id, c->id);
	bench_record_string("contest", contest->id);
	bench_record_string("title", contest->title);
	bench_record_string("id", id);
	bench_record_string("name", c->name);
	bench_record_string("what", kinds[c->kind]);
	bench_record_string("unit", contest->unit);
	bench_record_string("better",
			    contest->less_is_better ? "less" : "more");
}

/* How the machine was before and after each run of contestant i. */
static void
record_place(const struct bench_results *results, unsigned i)
{
	double probes[BENCH_ROUNDS][2], noise = 0;

	for (unsigned r = 0; r < BENCH_ROUNDS; r++) {
		const struct bench_round *round = &results->rounds[r];

		memcpy(probes[r], &round->probes_ns[i], sizeof(probes[r]));
		noise += round->noises[i] + round->noises[i + 1];
	}
	bench_record_number("repeated", results->n_rounds - BENCH_ROUNDS);
	bench_record_bool("settled", results->is_settled);
	bench_record_array("probe_ns", probes[0], BENCH_ROUNDS, 2);
	bench_record_number("noise", noise / BENCH_ROUNDS / 2);
	bench_record_number("steal_percent", results->steal_percent);
}

static void
record_spread(const struct row *row)
{
	bench_record_number("min", row->min);
	bench_record_number("median", row->median);
	bench_record_number("max", row->max);
}

static void
record_figure(const struct bench_contest *contest,
	      const struct bench_results *results, unsigned i)
{
	struct row row = GATHER(results, figures, i);

	bench_record_begin("figure");
	record_who(contest, i);
	bench_record_array("runs", row.runs, BENCH_ROUNDS, 1);
	record_spread(&row);
	bench_record_number("ratio", RATIO(results, figures, i));
	record_place(results, i);
	bench_record_end();
}

static void
record_curve(const struct bench_results *results, unsigned i)
{
	static const double steps[] = { 10, 7, 5, 3, 2 };
	static struct bench_latency all;
	double curve[64][2];
	unsigned n = 0;

	memset(&all, 0, sizeof(all));
	for (unsigned r = 0; r < BENCH_ROUNDS; r++)
		bench_latency_merge(&all, results->rounds[r].latencies[i]);
	for (int percent = 0; percent < 90; percent += 10)
		curve[n++][0] = percent;
	for (double scale = 1; scale > 1e-4; scale /= 10)
		for (unsigned k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
			curve[n++][0] = 100 - steps[k] * scale;
	curve[n++][0] = 100;
	for (unsigned k = 0; k < n; k++)
		curve[k][1] = bench_latency_at(&all, curve[k][0]);
	bench_record_array("percentiles", curve[0], n, 2);
}

static void
record_latency(const struct bench_contest *contest,
	       const struct bench_results *results, unsigned i)
{
	struct row p50 = GATHER(results, figures, i);
	struct row p99 = GATHER(results, p99s, i);
	struct row p50_raw = GATHER(results, p50s_raw, i);
	struct row p99_raw = GATHER(results, p99s_raw, i);

	bench_record_begin("latency");
	record_who(contest, i);
	bench_record_bool("corrected", !contest->contestants[i].is_alone);
	bench_record_array("p50_runs", p50.runs, BENCH_ROUNDS, 1);
	bench_record_array("p99_runs", p99.runs, BENCH_ROUNDS, 1);
	bench_record_array("p50_raw_runs", p50_raw.runs, BENCH_ROUNDS, 1);
	bench_record_array("p99_raw_runs", p99_raw.runs, BENCH_ROUNDS, 1);
	record_curve(results, i);
	record_place(results, i);
	bench_record_end();
}

static void
record_point(const struct bench_contest *contest,
	     const struct bench_results *results, unsigned i)
{
	const struct bench_contestant *c = &contest->contestants[i];
	struct row row = GATHER(results, figures, i);

	bench_record_begin("point");
	bench_record_string("series", contest->id);
	bench_record_string("x_name", contest->x_name);
	bench_record_number("x", c->x);
	record_who(contest, i);
	record_spread(&row);
	record_place(results, i);
	bench_record_end();
}

void
bench_results_tell(const struct bench_contest *contest,
		   const struct bench_results *results)
{
	print_table(contest, results);
	for (unsigned i = 0; i < contest->n; i++) {
		if (results->ns[i] < 0) {
			bench_record_begin("skip");
			record_who(contest, i);
			bench_record_string("why", results->whys[i]);
			bench_record_end();
		} else if (contest->x_name != NULL) {
			record_point(contest, results, i);
		} else if (is_latency(contest, i)) {
			record_latency(contest, results, i);
		} else {
			record_figure(contest, results, i);
		}
	}
}
