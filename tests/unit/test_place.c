/* SPDX-License-Identifier: MIT */
/*
 * test_place.c - which rounds of a benchmark count when the cores move
 */
#include "bench/place.h"
#include "tests/t.h"

#define N_PROBES 3

static struct bench_results results;

/* A round, by the distance before it, amidst it and after it. */
static void
add_round(double before, double amidst, double after)
{
	struct bench_round *round = &results.rounds[results.n_rounds];

	round->probes_ns[0] = before;
	round->probes_ns[1] = amidst;
	round->probes_ns[2] = after;
	round->figures[0] = results.n_rounds++;
}

static bool
counts(int round)
{
	for (int i = 0; i < BENCH_ROUNDS; i++)
		if ((int)results.rounds[i].figures[0] == round)
			return true;
	return false;
}

TEST(rounds_of_cores_that_keep_still_all_count)
{
	for (int i = 0; i < BENCH_ROUNDS; i++)
		add_round(100 + i, 150, 90);
	ck_assert(bench_place_settle(&results, N_PROBES));
	for (int i = 0; i < BENCH_ROUNDS; i++)
		ck_assert(counts(i));
}

TEST(a_round_in_which_they_moved_does_not_count)
{
	for (int i = 0; i < BENCH_ROUNDS - 1; i++)
		add_round(100, 110, 120);
	add_round(100, 400, 400);
	ck_assert(!bench_place_settle(&results, N_PROBES));
	add_round(110, 110, 110);
	ck_assert(bench_place_settle(&results, N_PROBES));
	ck_assert(!counts(BENCH_ROUNDS - 1));
	ck_assert(counts(BENCH_ROUNDS));
}

TEST(rounds_of_two_places_do_not_mix)
{
	for (int i = 0; i < BENCH_ROUNDS_MAX - BENCH_ROUNDS; i++)
		add_round(100, 100, 100);
	for (int i = 0; i < BENCH_ROUNDS - 1; i++)
		add_round(400, 400, 400);
	ck_assert(!bench_place_settle(&results, N_PROBES));
	add_round(390, 400, 410);
	ck_assert(bench_place_settle(&results, N_PROBES));
	for (int i = 0; i < BENCH_ROUNDS; i++)
		ck_assert_double_gt(results.rounds[i].probes_ns[0], 300);
}

TEST(no_round_is_lost_where_none_agree)
{
	for (int i = 0; i < BENCH_ROUNDS_MAX; i++)
		add_round(i % 2 ? 100 : 400, 100, 400);
	ck_assert(!bench_place_settle(&results, N_PROBES));
	for (int i = 0; i < BENCH_ROUNDS_MAX; i++) {
		int n = 0;

		for (int k = 0; k < BENCH_ROUNDS_MAX; k++)
			n += (int)results.rounds[k].figures[0] == i;
		ck_assert_int_eq(n, 1);
	}
}
