/* SPDX-License-Identifier: MIT */
/*
 * test_histogram.c - a histogram's buckets, and what is counted in them
 */
#include "shm/latency.h"

#include <errno.h>
#include <stdlib.h>

#include "client/ringbus.h"
#include "tests/fixture.h"

static struct fixture f;

static uint64_t
total(const struct rb_channel *c, unsigned index)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < RB_LATENCY_BUCKETS; i++)
		n += rb_word64_load_relaxed(&c->latencies[index].counts[i]);
	return n;
}

TEST(each_time_has_the_bucket_that_bounds_it)
{
	for (unsigned i = 0; i < RB_LATENCY_BUCKETS; i++) {
		int64_t bound = rb_latency_bound(i);

		ck_assert_uint_eq(rb_latency_bucket(bound), i);
		if (i + 1 < RB_LATENCY_BUCKETS)
			ck_assert_uint_eq(rb_latency_bucket(bound + 1), i + 1);
		if (i >= RB_LATENCY_EXACT && i + 1 < RB_LATENCY_BUCKETS)
			ck_assert_int_le(bound - rb_latency_bound(i - 1),
					 bound / 8 + 1);
	}
}

TEST(times_that_cannot_be_have_a_bucket_too)
{
	ck_assert_uint_eq(rb_latency_bucket(INT64_MIN), 0);
	ck_assert_uint_eq(rb_latency_bucket(-1), 0);
	ck_assert_uint_eq(rb_latency_bucket(INT64_MAX), RB_LATENCY_BUCKETS - 1);
	ck_assert_int_eq(ringbus_latency_bound(RB_LATENCY_BUCKETS), -EINVAL);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the samples themselves, sorted. */
TEST(quantiles_are_those_of_the_samples)
{
	static const double quantiles[] = { 0,   0.001, 0.25,  0.5,
					    0.9, 0.99,  0.999, 1 };
	static int64_t samples[9999];
	struct ringbus_latency l = { .size = sizeof(l) };
	size_t n = RB_ARRAY_SIZE(samples);

	ck_assert_int_eq(ringbus_latency_quantile(&l, 0.5), -EAGAIN);
	srandom(7);
	for (size_t i = 0; i < n; i++) {
		samples[i] = random() >> random() % 31;
		l.counts[rb_latency_bucket(samples[i])]++;
		l.count++;
	}
	qsort(samples, n, sizeof(samples[0]), compare);
	for (size_t i = 0; i < RB_ARRAY_SIZE(quantiles); i++) {
		double rank = quantiles[i] * (double)n;
		size_t at = (size_t)rank;

		if (at > 0 && (double)at == rank)
			at--;
		ck_assert_int_eq(
			ringbus_latency_quantile(&l, quantiles[i]),
			rb_latency_bound(rb_latency_bucket(samples[at])));
	}
	ck_assert_int_eq(ringbus_latency_quantile(&l, 1.1), -EINVAL);
	ck_assert_int_eq(ringbus_latency_quantile(&l, -0.1), -EINVAL);
}

static void
expect_counts(const struct shape *shape, int64_t n, uint64_t expected)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, shape);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 2; i++) {
		int64_t hi = rb_sequencer_claim(&s, n, 0);

		ck_assert_int_eq(hi, (i + 1) * n - 1);
		ck_assert_int_eq(rb_sequencer_publish(&s, hi - n + 1, hi), 0);
	}
	ck_assert_int_ge(rb_barrier_wait(&b, 0, 0), n - 1);
	ck_assert_int_eq(rb_barrier_commit(&b, 2 * n - 1), 0);
	ck_assert_uint_eq(total(&f.channel, b.index), expected);
	fixture_close(&f);
}

TEST(each_event_is_counted_once)
{
	expect_counts(SHAPE(.latency = true), 3, 6);
	expect_counts(SHAPE(.latency = true, .producers = RB_MULTI), 3, 6);
	expect_counts(SHAPE(.latency = true, .framing = RB_FRAMED), 3, 2);
	expect_counts(SHAPE(.latency = true, .framing = RB_FRAMED,
			    .producers = RB_MULTI),
		      3, 2);
}

TEST(tombstones_have_no_time)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.latency = true, .producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 4, 0), 3);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 1, 3), 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 3);
	ck_assert_int_eq(rb_barrier_commit(&b, 3), 0);
	ck_assert_uint_eq(total(&f.channel, b.index), 1);
	fixture_close(&f);
}

/* Who writes the ring writes what he likes. */
TEST(lies_are_counted_somewhere)
{
	static const uint64_t lies[] = { 0,         1,          UINT64_MAX,
					 INT64_MAX, 1ull << 63, INT64_MAX / 2 };
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.latency = true));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (size_t i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), (int64_t)i);
		ck_assert_int_eq(
			rb_sequencer_publish(&s, (int64_t)i, (int64_t)i), 0);
		rb_word64_store_relaxed(rb_channel_time(&f.channel, (int64_t)i),
					lies[i]);
	}
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0),
			 (int64_t)RB_ARRAY_SIZE(lies) - 1);
	ck_assert_int_eq(rb_barrier_commit(&b, b.available), 0);
	ck_assert_uint_eq(total(&f.channel, b.index), RB_ARRAY_SIZE(lies));
	fixture_close(&f);
}

TEST(the_next_owner_begins_anew)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	unsigned index;

	fixture_open(&f, SHAPE(.latency = true));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 0);
	ck_assert_int_eq(rb_barrier_commit(&b, 0), 0);
	index = b.index;
	ck_assert_uint_eq(total(&f.channel, index), 1);
	rb_member_leave_consumer(&f.channel, index, false);
	fixture_consumer(&f, "d", &b);
	ck_assert_uint_eq(b.index, index);
	ck_assert_uint_eq(total(&f.channel, index), 0);
	fixture_close(&f);
}
