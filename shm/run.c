/* SPDX-License-Identifier: MIT */
/*
 * run.c - see run.h
 *
 * Where slots are events, only their stamps have to be looked at, and those by
 * the block: one comparison tells whether all of a block are as they should be. Of a
 * block that has something else in it they are looked at one by one.
 */
#include "shm/run.h"

#define BLOCK 64
#define STEP (rb_stamp(1, RB_STAMP_EVENT) - rb_stamp(0, RB_STAMP_EVENT))

/* How many of the n stamps from here on are those of events from `sequence` on.
 * They lie in a row: no wrap. */
static int64_t
count_events(const struct rb_word64 *stamps, int64_t sequence, int64_t n)
{
	uint64_t event = rb_stamp(sequence, RB_STAMP_EVENT);
	int64_t i = 0;

	while (n - i >= BLOCK &&
	       rb_word64_is_series(&stamps[i], BLOCK,
				   event + (uint64_t)i * STEP, STEP))
		i += BLOCK;
	/* ORDER(none, relaxed) - a wait has acquired it already. */
	while (i < n &&
	       rb_word64_load_relaxed(&stamps[i]) == event + (uint64_t)i * STEP)
		i++;
	return i;
}

/* The last of the events from `sequence` on up to `last`, slot by slot. */
static int64_t
find_last(const struct rb_channel *c, int64_t sequence, int64_t last)
{
	int64_t at = sequence;

	while (at <= last) {
		const struct rb_word64 *stamps = rb_channel_stamp(c, at);
		int64_t row = c->stamps + c->geometry.slots - stamps;
		int64_t n = last - at + 1 < row ? last - at + 1 : row;
		int64_t found = count_events(stamps, at, n);

		at += found;
		if (found < n)
			break;
	}
	return at - 1;
}

static int64_t
find_last_framed(const struct rb_channel *c, int64_t last, int64_t available,
		 int64_t max_last)
{
	struct rb_event_view view;

	while (last < max_last &&
	       rb_event_at(c, last + 1, available, &view) == 0 &&
	       view.last <= max_last)
		last = view.last;
	return last;
}

int
rb_run_at(const struct rb_channel *channel, int64_t sequence, int64_t available,
	  int64_t max, int64_t *ret_last)
{
	int64_t last = available - sequence < max ? available
						  : sequence + max - 1;
	struct rb_event_view view;
	int kind = rb_event_at(channel, sequence, available, &view);

	if (kind != 0)
		return kind;
	if (rb_channel_is_framed(channel))
		last = find_last_framed(channel, view.last, available, last);
	else if (channel->stamps != NULL)
		last = find_last(channel, sequence, last);
	*ret_last = last;
	return 0;
}

bool
rb_run_cuts(const struct rb_channel *channel, int64_t sequence)
{
	if (!rb_channel_is_framed(channel))
		return false;
	/* ORDER(none, relaxed) - a wait has acquired it already. */
	return rb_word64_load_relaxed(
		       rb_channel_stamp(channel, sequence + 1)) ==
	       rb_stamp(sequence + 1, RB_STAMP_REST);
}
