/* SPDX-License-Identifier: MIT */
/*
 * test_latency.c - what the benchmarks' histogram says about times
 */
#include "bench/latency.h"
#include "tests/t.h"

static struct bench_latency latency;

static void
assert_near(double found, double wanted)
{
	ck_assert_double_ge(found, wanted * 0.992);
	ck_assert_double_le(found, wanted * 1.008);
}

TEST(percentiles_are_those_of_the_sorted_times)
{
	for (int64_t ns = 1000; ns >= 1; ns--)
		bench_latency_add(&latency, ns, 0);
	ck_assert_int_eq(latency.n, 1000);
	assert_near(bench_latency_at(&latency, 0), 1);
	assert_near(bench_latency_at(&latency, 10), 100);
	assert_near(bench_latency_at(&latency, 50), 500);
	assert_near(bench_latency_at(&latency, 99), 990);
	assert_near(bench_latency_at(&latency, 99.9), 999);
	assert_near(bench_latency_at(&latency, 100), 1000);
}

TEST(any_time_is_kept_to_within_a_percent)
{
	for (int64_t ns = 1; ns < INT64_C(1) << 40; ns += ns / 3 + 1) {
		memset(&latency, 0, sizeof(latency));
		bench_latency_add(&latency, ns, 0);
		assert_near(bench_latency_at(&latency, 50), (double)ns);
	}
}

TEST(times_beyond_all_bounds_are_the_longest)
{
	bench_latency_add(&latency, -1, 0);
	bench_latency_add(&latency, INT64_MAX, 0);
	ck_assert_int_eq(latency.n, 2);
	ck_assert_double_eq(bench_latency_at(&latency, 1), 0);
	ck_assert_double_gt(bench_latency_at(&latency, 100), 1e12);
}

TEST(nothing_measured_is_zero)
{
	ck_assert_double_eq(bench_latency_at(&latency, 50), 0);
}

TEST(who_was_due_while_one_was_late_was_late_too)
{
	bench_latency_add(&latency, 100, 100);
	ck_assert_int_eq(latency.n, 1);
	/* Due at 0, 100, 200, 300; all came at 400. */
	bench_latency_add(&latency, 400, 100);
	ck_assert_int_eq(latency.n, 5);
	assert_near(bench_latency_at(&latency, 100), 400);
	assert_near(bench_latency_at(&latency, 80), 300);
	assert_near(bench_latency_at(&latency, 60), 200);
	assert_near(bench_latency_at(&latency, 40), 100);
}

TEST(rounds_are_merged)
{
	static struct bench_latency other;

	bench_latency_add(&latency, 10, 0);
	bench_latency_add(&other, 20, 0);
	bench_latency_add(&other, 30, 0);
	bench_latency_merge(&latency, &other);
	ck_assert_int_eq(latency.n, 3);
	assert_near(bench_latency_at(&latency, 50), 20);
}
