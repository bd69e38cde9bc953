/* SPDX-License-Identifier: MIT */
/*
 * clearing.h - a channel whose slots are cleared, and whether they are
 *
 * For the tests of clearing. The channel is the static `f` of the test file.
 */
#ifndef T_CLEARING_H
#define T_CLEARING_H

#include "shm/clear.h"
#include "tests/fixture.h"

static struct fixture f;

static inline void
open_channel(enum rb_producers kind)
{
	fixture_open(&f, SHAPE(.producers = kind, .clear = RB_CLEAR_ZERO));
}

static inline bool
is_zero(const struct rb_channel *c, int64_t sequence)
{
	const char *slot = rb_channel_slot(c, sequence);

	for (uint64_t i = 0; i < c->geometry.slot_size; i++)
		if (slot[i] != 0)
			return false;
	return true;
}

static inline bool
is_event(const struct rb_channel *c, int64_t sequence)
{
	return is_filled(rb_channel_slot(c, sequence), c->geometry.event_size,
			 (uint64_t)sequence);
}

static inline struct rb_clearing *
clearing(void)
{
	return &f.channel.gates->clear;
}

static inline int64_t
done(void)
{
	return rb_seq_load_acquire(&clearing()->done);
}

static inline uint32_t
owner(void)
{
	return rb_word32_load_acquire(&clearing()->owner);
}

static inline void
expect_zero(int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i <= hi; i++)
		ck_assert_msg(is_zero(&f.channel, i), "slot %lld is not zero",
			      (long long)i);
}

static inline void
expect_events(int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i <= hi; i++)
		ck_assert_msg(is_event(&f.channel, i), "event %lld is gone",
			      (long long)i);
}

#endif
