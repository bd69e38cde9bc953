/* SPDX-License-Identifier: MIT */
/*
 * pace.c - see pace.h
 *
 * A search for the top of a hill that moves: try a neighbour, keep it if it is
 * better, and after a failure rest twice as long as after the last one. The hill
 * has a plain before it (as long as the line still comes back and forth, a little
 * more time does not help), so after a failure the next try reaches further.
 *
 * What comes at random, or in bursts, makes any two measurements differ. So a
 * try is held against its two neighbours in time, and no rate is believed for
 * longer than that, but for one thing: whether a stream is over.
 */
#include "shm/pace.h"

#include "shm/wait.h"

/* No interval is shorter than some looks take; none is longer than a halt or a
 * burst may be kept waiting. */
#define INTERVAL_MIN_NS INT64_C(128)
#define INTERVAL_MAX_NS INT64_C(32768)

/* A longer interval has to gain so much, a shorter one may lose so little. */
#define GAIN 1.25
#define LOSS 0.95

#define STRIDES 4
#define REST_MAX 256

/* A stream is over once so many looks in a row found less than this part. */
#define SHORT_PART 0.25
#define SHORT_LOOKS 4

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
		pace->has_held = true;
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
	interval = interval == 0 ? INTERVAL_MIN_NS : 2 * interval;
	interval <<= stride;
	return interval < INTERVAL_MAX_NS ? interval : INTERVAL_MAX_NS;
}

static void
settle(struct rb_pace *pace, int64_t interval_ns)
{
	pace->settled_ns = interval_ns;
	pace->interval_ns = interval_ns;
	pace->stride = 0;
	pace->n_short = 0;
}

/* Before the next try, longer each time. */
static void
take_rest(struct rb_pace *pace)
{
	pace->rest = pace->rest < REST_MAX / 2 ? 2 * pace->rest + 1 : REST_MAX;
	pace->patience = pace->rest;
	pace->step = RB_PACE_REST;
}

static int64_t
choose(struct rb_pace *pace)
{
	if (pace->settled_ns == 0)
		pace->try_shorter = false;
	if (pace->settled_ns == 0 && pace->again_ns > 0)
		return pace->again_ns;
	return pace->try_shorter ? shorter_than(pace->settled_ns)
				 : longer_than(pace->settled_ns, pace->stride);
}

static void
begin_try(struct rb_pace *pace)
{
	pace->candidate_ns = choose(pace);
	pace->interval_ns = pace->candidate_ns;
	pace->step = RB_PACE_TRY;
}

static void
fail(struct rb_pace *pace)
{
	if (pace->again_ns > 0)
		pace->again_ns = 0;
	else if (!pace->try_shorter)
		pace->stride = (pace->stride + 1) % STRIDES;
	pace->try_shorter = !pace->try_shorter;
	take_rest(pace);
}

static void
judge(struct rb_pace *pace, double after)
{
	double more = pace->before > after ? pace->before : after;
	bool is_shorter = pace->candidate_ns < pace->settled_ns;

	/* At the longest there is none to gain by: then a shorter one is due. */
	if (pace->tried <= more * (is_shorter ? LOSS : GAIN)) {
		fail(pace);
		return;
	}
	settle(pace, pace->candidate_ns);
	pace->again_ns = 0;
	pace->rate = pace->tried;
	pace->rest = 0;
	pace->step = RB_PACE_BEFORE;
}

/* Tries come soon if there is a stream to be hurried. */
static void
pass_rest(struct rb_pace *pace, bool is_stream)
{
	if (!is_stream && pace->rest < REST_MAX) {
		pace->rest = REST_MAX;
		pace->patience = REST_MAX;
	}
	if (pace->patience <= 1)
		pace->step = RB_PACE_BEFORE;
	else
		pace->patience--;
}

void
rb_pace_conclude(struct rb_pace *pace)
{
	int64_t now = rb_clock_ns(), took = now - pace->since_ns;
	double rate = (double)pace->events / (double)(took > 0 ? took : 1);

	switch (pace->step) {
	case RB_PACE_REST:
		pass_rest(pace, pace->events > (int64_t)pace->looks);
		break;
	case RB_PACE_BEFORE:
		pace->before = rate;
		begin_try(pace);
		break;
	case RB_PACE_TRY:
		pace->tried = rate;
		pace->interval_ns = pace->settled_ns;
		pace->step = RB_PACE_AFTER;
		break;
	case RB_PACE_AFTER:
		judge(pace, rate);
		break;
	}
	pace->looks = 0;
	pace->events = 0;
	pace->since_ns = now;
}

void
rb_pace_expect(struct rb_pace *pace, int64_t events)
{
	double due = pace->rate * (double)pace->settled_ns;

	if (pace->step == RB_PACE_TRY || (double)events >= due * SHORT_PART) {
		pace->n_short = 0;
	} else if (++pace->n_short == SHORT_LOOKS) {
		pace->again_ns = pace->settled_ns;
		settle(pace, 0);
		take_rest(pace);
	}
}
