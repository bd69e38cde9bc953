/* SPDX-License-Identifier: MIT */
/*
 * test_pace.c - the search for how often to look, on streams that are made up
 *
 * A stream tells how many events a nanosecond come with an interval between the
 * looks. Each measurement of a thousand seconds is dated back, so that what the
 * test itself takes is nothing beside it.
 */
#include "shm/pace.h"

#include "shm/wait.h"
#include "tests/t.h"

#define SECOND INT64_C(1000000000)
#define MEASURED_NS (1000 * SECOND)
#define LONGEST_NS INT64_C(32768)
#define RATE 0.01 /* of a stream in lockstep */

/* By which factor more comes with this interval than without any. */
typedef double (*gain_fn)(int64_t interval_ns);

/* Measurements of a stream; how many of them were tries. */
static int
measure(struct rb_pace *pace, gain_fn gain, int n)
{
	int n_tries = 0;

	for (int i = 0; i < n; i++) {
		double rate = RATE * gain(pace->interval_ns);

		n_tries += pace->step == RB_PACE_TRY;
		pace->looks = RB_PACE_LOOKS - 1;
		rb_pace_note(pace, (int64_t)(rate * (double)MEASURED_NS));
		pace->since_ns = rb_clock_ns() - MEASURED_NS;
		rb_pace_conclude(pace);
		ck_assert_int_ge(pace->interval_ns, 0);
		ck_assert_int_le(pace->interval_ns, LONGEST_NS);
		ck_assert_int_le(pace->settled_ns, LONGEST_NS);
	}
	return n_tries;
}

static double
same(int64_t interval_ns)
{
	(void)interval_ns;
	return 1;
}

/* Twice as long is half as much again, up to a point. */
static double
up_to_8192(int64_t interval_ns)
{
	double gain = 1;

	for (int64_t ns = 128; ns <= interval_ns && ns <= 8192; ns *= 2)
		gain *= 1.5;
	return gain;
}

static double
ever_more(int64_t interval_ns)
{
	return 1 + (double)interval_ns;
}

/* Still in lockstep up to there; then ten times as much. */
static double
from_1024(int64_t interval_ns)
{
	return interval_ns < 1024 ? 1 : 10;
}

static double
less_from_256(int64_t interval_ns)
{
	return interval_ns < 256 ? 1 : 0.5;
}

TEST(climbs_to_where_more_gains_no_more)
{
	struct rb_pace pace = { 0 };

	measure(&pace, up_to_8192, 100);
	ck_assert_int_eq(pace.settled_ns, 8192);
}

TEST(crosses_a_plain_and_takes_the_shortest_that_will_do)
{
	struct rb_pace pace = { 0 };

	measure(&pace, from_1024, 200);
	ck_assert_int_eq(pace.settled_ns, 1024);
}

TEST(ends_at_the_longest)
{
	struct rb_pace pace = { 0 };

	measure(&pace, ever_more, 1000);
	ck_assert_int_eq(pace.settled_ns, LONGEST_NS);
	measure(&pace, same, 1000);
	ck_assert_int_eq(pace.settled_ns, 0);
}

TEST(comes_back_when_it_no_longer_pays)
{
	struct rb_pace pace = { 0 };

	measure(&pace, up_to_8192, 100);
	measure(&pace, same, 1000);
	ck_assert_int_eq(pace.settled_ns, 0);
	measure(&pace, up_to_8192, 1000);
	ck_assert_int_eq(pace.settled_ns, 8192);
	measure(&pace, less_from_256, 1000);
	ck_assert_int_lt(pace.settled_ns, 256);
}

/* Half of it to half as much again, whatever the interval. */
static double
anything(int64_t interval_ns)
{
	static uint32_t random = 1;

	(void)interval_ns;
	random = random * 1664525 + 1013904223;
	return 0.5 + (double)random / UINT32_MAX;
}

TEST(chance_does_not_drive_it_up)
{
	struct rb_pace pace = { 0 };
	double sum = 0;

	for (int i = 0; i < 20000; i++) {
		measure(&pace, anything, 1);
		sum += (double)pace.settled_ns;
	}
	ck_assert_double_lt(sum / 20000, 1000);
}

TEST(tries_become_rare)
{
	struct rb_pace pace = { 0 };

	measure(&pace, up_to_8192, 2000);
	ck_assert_int_le(measure(&pace, up_to_8192, 2048), 2048 / 256 + 1);
	ck_assert_int_eq(pace.settled_ns, 8192);
}

/* A look that had to wait and found so many. */
static void
find_late(struct rb_pace *pace, int64_t events)
{
	pace->has_held = true;
	rb_pace_note(pace, events);
}

static struct rb_pace
settled_at_8192(void)
{
	struct rb_pace pace = { 0 };

	measure(&pace, up_to_8192, 2000);
	while (pace.step != RB_PACE_REST)
		measure(&pace, up_to_8192, 1);
	ck_assert_int_eq(pace.interval_ns, 8192);
	return pace;
}

TEST(stream_that_is_over_is_not_waited_for)
{
	struct rb_pace pace = settled_at_8192();

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pace.interval_ns, 8192);
		find_late(&pace, 2);
	}
	ck_assert_int_eq(pace.interval_ns, 0);
	/* The next one like it need not climb. */
	while (pace.step != RB_PACE_TRY)
		measure(&pace, up_to_8192, 1);
	measure(&pace, up_to_8192, 2);
	ck_assert_int_eq(pace.settled_ns, 8192);
}

TEST(stream_that_stutters_is_not_over)
{
	struct rb_pace pace = settled_at_8192();

	for (int i = 0; i < 100; i++)
		find_late(&pace, i % 4 == 3 ? 10000 : 2);
	ck_assert_int_eq(pace.interval_ns, 8192);
}

/* One event at a time, of whatever rate: a ping-pong, perhaps. */
static int
ping_pong(struct rb_pace *pace, int n_looks)
{
	int n_held = 0;

	for (int i = 0; i < n_looks; i++) {
		int64_t before = pace->looked_ns;

		rb_pace_keep(pace, -1);
		if (pace->looked_ns != before) {
			ck_assert_int_eq(pace->step, RB_PACE_TRY);
			n_held++;
		}
		rb_pace_note(pace, 1);
	}
	return n_held;
}

TEST(single_events_are_not_held_back_but_for_a_try)
{
	struct rb_pace pace = { 0 };

	/* Not one of the first thousands. */
	ck_assert_int_eq(ping_pong(&pace, 128 * RB_PACE_LOOKS), 0);
	ck_assert_int_le(ping_pong(&pace, 4096 * RB_PACE_LOOKS),
			 2 * 4096 / 256 * RB_PACE_LOOKS);
}

/* Also where it was settled that a stream is left alone. */
TEST(single_events_after_a_stream_are_not_held_back)
{
	struct rb_pace pace = settled_at_8192();

	rb_pace_note(&pace, 1);
	ck_assert_int_eq(ping_pong(&pace, RB_PACE_LOOKS - 2), 0);
}

TEST(hold_ends_in_time_for_a_deadline)
{
	struct rb_pace pace = { .interval_ns = 3600 * SECOND };

	/* Else the test does not end. */
	pace.looked_ns = rb_clock_ns();
	rb_pace_keep(&pace, 1000);
	pace.looked_ns = rb_clock_ns();
	rb_pace_keep(&pace, 0);
	pace.is_single = true;
	rb_pace_keep(&pace, -1);
}

/* What is due is due from the last look, and not from now. */
TEST(hold_counts_from_the_last_look)
{
	struct rb_pace pace = { .interval_ns = 3600 * SECOND };

	pace.looked_ns = rb_clock_ns() - 3600 * SECOND;
	rb_pace_keep(&pace, -1);
	ck_assert_int_gt(pace.looked_ns, 0);
}
