/* SPDX-License-Identifier: MIT */
/*
 * pace.c - see pace.h
 *
 * A search for the top of a hill that moves: try a neighbour, keep it if it is
 * better, and after a failure rest twice as long as after the last one. The hill
 * has a plain before it (as long as the line still comes back and forth, a little
 * more time does not help), so after a failure the next try reaches further.
 */
#include "shm/pace.h"

#include "shm/wait.h"

/* No interval is shorter than some looks take; none is longer than it takes a
 * fast core to write more than its caches hold. */
#define INTERVAL_MIN_NS INT64_C(128)
#define INTERVAL_MAX_NS INT64_C(131072)

/* A longer interval has to gain so much, a shorter one may lose so little. */
#define GAIN 1.1
#define LOSS 0.95

/* A rate that has fallen below this part was that of another stream. */
#define COLLAPSE 0.7

#define STRIDE_MAX 4
#define REST_MAX 256

void
rb_pace_hold_back(struct rb_pace *pace, int64_t at_most_ns)
{
	int64_t interval = pace->interval_ns;
	int64_t now = rb_clock_ns();

	if (at_most_ns >= 0 && interval > at_most_ns)
		interval = at_most_ns;
	while (now - pace->looked_ns < interval) {
		rb_cpu_relax();
		now = rb_clock_ns();
	}
	pace->looked_ns = now;
}

static int64_t
shorter_than(int64_t interval)
{
	return interval <= INTERVAL_MIN_NS ? 0 : interval / 2;
}

static int64_t
longer_than(int64_t interval, unsigned stride)
{
	if (interval == 0)
		interval = INTERVAL_MIN_NS / 2;
	interval <<= stride;
	return interval < INTERVAL_MAX_NS ? interval : INTERVAL_MAX_NS;
}

static void
settle(struct rb_pace *pace, double rate)
{
	pace->settled_ns = pace->interval_ns;
	pace->rate = rate;
	pace->stride = 1;
	pace->rest = 1;
	pace->patience = 1;
}

static void
go_back(struct rb_pace *pace)
{
	if (pace->interval_ns > pace->settled_ns)
		pace->stride = pace->stride % STRIDE_MAX + 1;
	pace->interval_ns = pace->settled_ns;
	pace->try_shorter = !pace->try_shorter;
	pace->patience = pace->rest;
	if (pace->rest < REST_MAX)
		pace->rest *= 2;
}

/* The end of a try. */
static void
judge(struct rb_pace *pace, double rate)
{
	bool is_longer = pace->interval_ns > pace->settled_ns;

	pace->is_trying = false;
	if (rate > pace->rate * (is_longer ? GAIN : LOSS))
		settle(pace, rate);
	else
		go_back(pace);
}

static void
try_another(struct rb_pace *pace)
{
	if (pace->settled_ns == 0)
		pace->try_shorter = false;
	pace->interval_ns = pace->try_shorter ? shorter_than(pace->settled_ns)
					      : longer_than(pace->settled_ns,
							    pace->stride);
	pace->is_trying = pace->interval_ns != pace->settled_ns;
	if (!pace->is_trying)
		go_back(pace);
}

/* Between tries: they start soon if there is a stream to be hurried. */
static void
observe(struct rb_pace *pace, double rate, bool is_stream)
{
	if (pace->rest == 0)
		settle(pace, rate);
	if (rate < pace->rate * COLLAPSE) {
		pace->rate = rate;
		pace->try_shorter = false;
		pace->rest = 1;
		pace->patience = 1;
	}
	pace->rate += (rate - pace->rate) / 4;
	if (!is_stream && pace->rest < REST_MAX) {
		pace->rest = REST_MAX;
		pace->patience = REST_MAX;
	}
	if (--pace->patience == 0)
		try_another(pace);
}

void
rb_pace_conclude(struct rb_pace *pace)
{
	int64_t now = rb_clock_ns(), took = now - pace->since_ns;
	double rate = (double)pace->events / (double)(took > 0 ? took : 1);
	bool is_stream = pace->events > (int64_t)pace->looks;

	if (pace->is_trying)
		judge(pace, rate);
	else
		observe(pace, rate, is_stream);
	pace->looks = 0;
	pace->events = 0;
	pace->since_ns = now;
}
