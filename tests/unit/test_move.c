/* SPDX-License-Identifier: MIT */
/*
 * test_move.c - another place for a consumer that is absent: how far, and that
 * nothing it then reads has been overwritten
 */
#include "shm/move.h"

#include <errno.h>

#include "shm/sequencer.h"
#include "tests/fixture.h"

static struct fixture f;
static struct rb_moved moved;

#define KEPT SPEC(.on_death = RB_ON_DEATH_KEEP)

static int64_t
sequence_of(unsigned index)
{
	return rb_seq_load_acquire(&f.channel.gates->consumers[index].sequence);
}

static void
commit(unsigned index, int64_t sequence)
{
	rb_seq_store_release(&f.channel.gates->consumers[index].sequence,
			     sequence);
}

static void
put_all(struct rb_sequencer *s, int64_t n)
{
	for (; n > 0; n--)
		ck_assert_int_ge(put(s, 1, 0), 0);
}

/* 16 slots of which 4 are history; absent at 5 of 0..9. */
static void
begin(struct rb_sequencer *s, enum rb_producers producers)
{
	fixture_format(&f, SHAPE(.history = 4, .producers = producers));
	fixture_declare(&f, 0, "c", KEPT);
	rb_channel_open(&f.channel);
	fixture_producer(&f, s);
	put_all(s, 10);
	commit(0, 5);
}

static void
goes_as_far_as_it_can(enum rb_producers producers)
{
	struct rb_sequencer s;

	begin(&s, producers);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, 11, &moved), -ERANGE);
	ck_assert_int_eq(moved.lowest, 2);
	ck_assert_int_eq(moved.highest, 10);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, 1, &moved), -ERANGE);
	ck_assert_int_eq(sequence_of(0), 5);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, 10, &moved), 0);
	ck_assert_int_eq(moved.next, 10);
	ck_assert_int_eq(sequence_of(0), 9);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_OLDEST, &moved),
			 0);
	ck_assert_int_eq(moved.next, 6);
	/* Where it was moved back from, producers may know of still. */
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_OLDEST, &moved),
			 0);
	ck_assert_int_eq(moved.next, 6);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_NOW, &moved), 0);
	ck_assert_int_eq(moved.next, 10);
	fixture_close(&f);
}

TEST(single_goes_as_far_as_it_can)
{
	goes_as_far_as_it_can(RB_SINGLE);
}

TEST(multi_goes_as_far_as_it_can)
{
	goes_as_far_as_it_can(RB_MULTI);
}

/* The producer has taken all the room that it could know of. */
TEST(what_it_goes_back_to_is_there)
{
	struct rb_sequencer s;

	begin(&s, RB_SINGLE);
	put_all(&s, 5 + 12 - 9);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_OLDEST, &moved),
			 0);
	ck_assert_int_eq(moved.next, 2);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	for (int64_t i = 2; i <= 17; i++)
		ck_assert(is_filled(rb_channel_slot(&f.channel, i),
				    f.channel.geometry.event_size,
				    (uint64_t)i));
	fixture_close(&f);
}

/* Once it has gone back, producers wait for it again. */
TEST(producers_wait_for_its_new_place)
{
	struct rb_sequencer s;

	begin(&s, RB_MULTI);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, 2, &moved), 0);
	put_all(&s, 1 + 12 - 9);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, 0);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_NOW, &moved), 0);
	ck_assert_int_ge(rb_sequencer_claim(&s, 1, 0), 0);
	fixture_close(&f);
}

/* The whole ring is there while nobody can write over it, but not to those that
 * come and may have known of more room. */
TEST(without_producers_it_goes_back_by_a_ring)
{
	struct rb_sequencer s;

	begin(&s, RB_MULTI);
	put_all(&s, 6);
	commit(0, 15);
	put_all(&s, 4);
	rb_member_leave_producer(&f.channel, s.index);
	ck_assert_int_eq(rb_member_move(&f.channel, 0, RB_FROM_OLDEST, &moved),
			 0);
	ck_assert_int_eq(moved.next, 4);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	fixture_close(&f);
}

TEST(stage_stays_behind_the_one_it_comes_after)
{
	struct rb_sequencer s;

	fixture_format(&f, SHAPE(.history = 4));
	fixture_declare(&f, 0, "first", KEPT);
	fixture_declare(&f, 1, "second",
			SPEC(.on_death = RB_ON_DEATH_KEEP, .after = 1));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &s);
	put_all(&s, 10);
	commit(0, 7);
	ck_assert_int_eq(rb_member_move(&f.channel, 1, RB_FROM_NOW, &moved), 0);
	ck_assert_int_eq(moved.next, 8);
	ck_assert_int_eq(rb_member_move(&f.channel, 1, 9, &moved), -ERANGE);
	/* And what the first one goes back to is kept for it. */
	ck_assert_int_eq(rb_member_move(&f.channel, 0, 4, &moved), 0);
	put_all(&s, 3 + 12 - 9);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, 0);
	fixture_close(&f);
}
