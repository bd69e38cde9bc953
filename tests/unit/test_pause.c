/* SPDX-License-Identifier: MIT */
/*
 * test_pause.c - an operator's pause, seen by producers: claims find no room
 * whatever is free, and all else goes on
 */
#include "shm/sequencer.h"

#include "tests/fixture.h"

static struct fixture f;

static void
pause_it(void)
{
	rb_channel_set_paused(&f.channel, 1);
}

static void
resume_it(void)
{
	rb_channel_set_paused(&f.channel, 0);
}

static const struct shape *
shape_of(enum rb_producers producers)
{
	static struct shape shape;

	shape = (struct shape){ .producers = producers, .slots = 64 };
	return &shape;
}

/* Neither a claim that finds room by itself, nor one that knows of some. */
static void
holds_claims(enum rb_producers producers)
{
	struct rb_sequencer s;
	int64_t lo;

	fixture_open(&f, shape_of(producers));
	fixture_producer(&f, &s);
	pause_it();
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, RB_OPERATOR);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -ETIMEDOUT);
	ck_assert_int_eq(rb_sequencer_claim_available(&s, 9, &lo), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 0);
	resume_it();
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	pause_it();
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_eq(rb_published_from(&f.channel, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	resume_it();
	ck_assert_int_gt(rb_sequencer_remaining(&s), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 1);
	fixture_close(&f);
}

TEST(single_producer_is_held)
{
	holds_claims(RB_SINGLE);
}

TEST(several_producers_are_held)
{
	holds_claims(RB_MULTI);
}

/* One that knows of room stops after what it makes of that at most. */
TEST(single_producer_stops_within_what_it_had_looked_up)
{
	struct rb_sequencer s;
	int64_t n = 0, most = 1024 / 64;

	fixture_open(&f, SHAPE(.slots = 1024));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	pause_it();
	while (rb_sequencer_claim(&s, 1, 0) >= 0)
		n++;
	ck_assert_int_le(n, most);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, n), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

/* It only looks up what it can do without a look, so that a pause is told. */
TEST(publish_takes_the_room_away_that_was_known)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.slots = 1024));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	ck_assert_int_gt(s.claimable, s.next);
	pause_it();
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	ck_assert_int_lt(s.claimable, s.next + 1);
	fixture_close(&f);
}

TEST(ended_while_paused)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	pause_it();
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), 0);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), 1);
	ck_assert_int_eq(rb_sequencer_publish(&s, 1, 1), -ESHUTDOWN);
	fixture_close(&f);
}

TEST(claim_that_waits_is_cancelled)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	pause_it();
	rb_sequencer_cancel(&s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), -ECANCELED);
	fixture_close(&f);
}

/* The next daemon has not ended what its predecessor had paused. */
TEST(taken_over_as_it_is)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	pause_it();
	rb_member_adopt(&f.channel);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	resume_it();
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	fixture_close(&f);
}
