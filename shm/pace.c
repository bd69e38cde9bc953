/* SPDX-License-Identifier: MIT */
/*
 * pace.c - see pace.h
 */
#include "shm/pace.h"

#include "shm/wait.h"

/* The shortest interval is about what reading the clock costs; the longest, the
 * time in which a fast core writes more than its caches hold. */
#define INTERVAL_MIN_NS INT64_C(32)
#define INTERVAL_MAX_NS INT64_C(200000)

/* A longer interval has to gain so much, a shorter one may lose so little. */
#define GAIN 1.05
#define LOSS 0.97

/* A rate that has fallen by more than this was taken of another stream. */
#define COLLAPSE 0.7

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
neighbour(int64_t interval, bool longer)
{
	if (longer) {
		interval = interval == 0 ? INTERVAL_MIN_NS : 2 * interval;
		return interval < INTERVAL_MAX_NS ? interval : INTERVAL_MAX_NS;
	}
	return interval <= INTERVAL_MIN_NS ? 0 : interval / 2;
}

/* Holds the rate of an interval that was tried against the settled one. */
static void
judge(struct rb_pace *pace, double rate)
{
	bool longer = pace->interval_ns > pace->settled_ns;

	if (rate > pace->rate * (longer ? GAIN : LOSS)) {
		pace->settled_ns = pace->interval_ns;
		pace->rate = rate;
		pace->rest = 1;
		pace->patience = 1;
		return;
	}
	pace->interval_ns = pace->settled_ns;
	pace->try_longer = !longer;
	pace->patience = pace->rest;
	if (pace->rest < REST_MAX)
		pace->rest *= 2;
}

static void
watch(struct rb_pace *pace, double rate)
{
	if (rate < pace->rate * COLLAPSE) {
		pace->try_longer = true;
		pace->rest = 1;
		pace->patience = 1;
		pace->rate = rate;
	}
	pace->rate += (rate - pace->rate) / 4;
	if (pace->patience > 0 && --pace->patience > 0)
		return;
	pace->interval_ns = neighbour(pace->settled_ns, pace->try_longer);
	if (pace->interval_ns == pace->settled_ns) {
		pace->try_longer = !pace->try_longer;
		pace->patience = pace->rest;
	}
}

static void
conclude(struct rb_pace *pace, int64_t now)
{
	int64_t took = now - pace->since_ns;
	double rate = (double)pace->events / (double)(took > 0 ? took : 1);

	if (pace->interval_ns == pace->settled_ns)
		watch(pace, rate);
	else
		judge(pace, rate);
}

void
rb_pace_measure(struct rb_pace *pace, int64_t events)
{
	if (pace->looks == 0) {
		pace->since_ns = rb_clock_ns();
		pace->events = 0;
		if (pace->rest == 0)
			pace->rest = 1;
		pace->looks = 1;
		return;
	}
	pace->events += events;
	if (++pace->looks <= RB_PACE_LOOKS)
		return;
	conclude(pace, rb_clock_ns());
	pace->looks = 0;
}
