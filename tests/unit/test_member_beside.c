/* SPDX-License-Identifier: MIT */
/*
 * test_member_beside.c - where a consumer starts that joins beside one that is slower
 */
#include "shm/member.h"

#include "tests/fixture.h"

static struct fixture f;

static int64_t
place_of(struct seat seat)
{
	return rb_seq_load_acquire(
		&f.channel.gates->consumers[seat.index].sequence);
}

static void
begin_behind_a_slow_one(enum rb_producers kind, int64_t history)
{
	struct rb_sequencer s;
	struct seat slow;

	fixture_open(&f, SHAPE(.producers = kind, .history = history));
	slow = fixture_join_consumer(&f, "slow", 0);
	fixture_producer(&f, &s);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_seq_store_release(&f.channel.gates->consumers[slow.index].sequence,
			     5);
}

KINDS(what_another_has_yet_to_read_is_had)
{
	struct seat seat;

	begin_behind_a_slow_one(kind, 0);
	seat = fixture_join_consumer(&f, "beside", 7);
	ck_assert_int_eq(place_of(seat), 6);
	ck_assert_int_eq(seat.missed, 0);
	seat = fixture_join_consumer(&f, "before", 4);
	ck_assert_int_eq(place_of(seat), 5);
	ck_assert_int_eq(seat.missed, 2);
	fixture_close(&f);
}

KINDS(history_is_had_behind_what_another_has_read)
{
	struct seat seat;

	begin_behind_a_slow_one(kind, 4);
	seat = fixture_join_consumer(&f, "behind", 2);
	ck_assert_int_eq(place_of(seat), 1);
	ck_assert_int_eq(seat.missed, 0);
	/* Of the one that has just come nothing is known to have been read. */
	seat = fixture_join_consumer(&f, "further", 0);
	ck_assert_int_eq(place_of(seat), 1);
	ck_assert_int_eq(seat.missed, 2);
	fixture_close(&f);
}

/* A stage behind one that has started in the past: producers may have written over
 * what comes before that one's start. */
KINDS(a_stage_starts_no_earlier_than_the_one_before_it)
{
	struct rb_sequencer s;
	struct seat seat;

	fixture_format(&f, SHAPE(.producers = kind, .history = 4));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "second", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &s);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "first", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 5);
	seat = fixture_join_consumer(&f, "second", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 5);
	seat = fixture_join_consumer(&f, "beside", 3);
	ck_assert_int_eq(place_of(seat), 5);
	ck_assert_int_eq(seat.missed, 3);
	fixture_close(&f);
}

/* Parked, left behind by more than a ring, and back at 45 of 0..49. */
static struct seat
begin_beside_a_parked_one(enum rb_producers kind)
{
	struct rb_sequencer s;
	struct seat park;

	fixture_format(&f, SHAPE(.producers = kind));
	fixture_declare(&f, 0, "park", SPEC(.slow = RB_SLOW_PARK));
	fixture_declare(&f, 1, "next", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &s);
	park = fixture_join_consumer(&f, "park", 0);
	rb_member_set_parked(&f.channel, park.index, true);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_seq_store_release(&f.channel.gates->consumers[park.index].sequence,
			     45);
	rb_member_set_parked(&f.channel, park.index, false);
	return park;
}

KINDS(one_that_was_parked_holds_nothing_until_it_is_there)
{
	struct seat park = begin_beside_a_parked_one(kind);
	struct seat seat = fixture_join_consumer(&f, "beside", 47);

	ck_assert_int_eq(place_of(seat), 49);
	ck_assert_int_eq(seat.missed, 3);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	seat = fixture_join_consumer(&f, "next", RB_FROM_NOW);
	ck_assert_int_eq(place_of(seat), 49);
	ck_assert_int_eq(place_of(park), 45);
	fixture_close(&f);
}

KINDS(nor_after_a_daemon_that_died_as_it_came_back)
{
	struct seat park = begin_beside_a_parked_one(kind);
	struct seat seat;

	/* As that one left it. */
	rb_word64_store_relaxed(&f.channel.meta->consumers[park.index].known,
				RB_SEQUENCE_MAX);
	rb_member_adopt(&f.channel);
	seat = fixture_join_consumer(&f, "beside", 47);
	ck_assert_int_eq(place_of(seat), 49);
	ck_assert_int_eq(seat.missed, 3);
	fixture_close(&f);
}
