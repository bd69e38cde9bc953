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
