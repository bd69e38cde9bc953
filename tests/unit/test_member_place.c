/* SPDX-License-Identifier: MIT */
/*
 * test_member_place.c - where a consumer starts, and what it is told it missed
 *
 * `now` and `oldest` are in test_member.c; here are sequences, resumes, what
 * cannot be had, and who comes after whom when somebody in between has gone.
 */
#include "shm/member.h"

#include <errno.h>

#include "tests/fixture.h"

static struct fixture f;

static int64_t
place_of(struct seat seat)
{
	return rb_seq_load_acquire(
		&f.channel.gates->consumers[seat.index].sequence);
}

static const struct rb_member *
entry(unsigned index)
{
	return &f.channel.meta->consumers[index];
}

static uint64_t
gating(void)
{
	return rb_word64_load_acquire(&f.channel.meta->control.gating);
}

static uint64_t
deps_of(unsigned index)
{
	return rb_word64_load_acquire(&entry(index)->deps);
}

static uint32_t
state_of(unsigned index)
{
	return rb_word32_load_acquire(&entry(index)->state);
}

static int
try_join(const char *name, int64_t from)
{
	struct rb_join join = { .who = { name, 1, 1 }, .from = from };
	struct rb_joined joined = { .epoch = 99 };
	int i = rb_member_find_consumer(&f.channel, name);
	int err;

	t_ok(i);
	err = rb_member_join_consumer(&f.channel, (unsigned)i, &join, &joined);
	if (err < 0) /* written on success only */
		ck_assert_uint_eq(joined.epoch, 99);
	return err;
}

/* ------------------------------------------------------------- a sequence */

KINDS(sequence_in_the_history_is_had_from_there_on)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	int64_t hi, last = 39;

	fixture_open(&f, SHAPE(.producers = kind, .history = 6));
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "c", 36);
	ck_assert_int_eq(place_of(seat), 35);
	ck_assert_int_eq(seat.missed, 0);
	while ((hi = put(&s, 1, 0)) >= 0)
		last = hi;
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	ck_assert_int_eq(take(&b, last), last - 35);
	fixture_close(&f);
}

KINDS(sequence_that_is_gone_becomes_the_oldest)
{
	struct rb_sequencer s;
	struct seat seat;

	fixture_open(&f, SHAPE(.producers = kind, .history = 6));
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "gone", 30);
	ck_assert_int_eq(place_of(seat), 33);
	ck_assert_int_eq(seat.missed, 4);
	seat = fixture_join_consumer(&f, "edge", 34);
	ck_assert_int_eq(place_of(seat), 33);
	ck_assert_int_eq(seat.missed, 0);
	seat = fixture_join_consumer(&f, "oldest", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 33);
	ck_assert_int_eq(seat.missed, 34);
	seat = fixture_join_consumer(&f, "zero", 0);
	ck_assert_int_eq(seat.missed, 34);
	seat = fixture_join_consumer(&f, "now", RB_FROM_NOW);
	ck_assert_int_eq(seat.missed, 0);
	fixture_close(&f);
}

KINDS(sequence_zero_of_a_new_channel_is_had)
{
	struct seat seat;

	fixture_open(&f, SHAPE(.producers = kind));
	seat = fixture_join_consumer(&f, "c", 0);
	ck_assert_int_eq(place_of(seat), -1);
	ck_assert_int_eq(seat.missed, 0);
	seat = fixture_join_consumer(&f, "d", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), -1);
	ck_assert_int_eq(seat.missed, 0);
	fixture_close(&f);
}

KINDS(sequence_beyond_the_next_is_refused_and_nothing_has_changed)
{
	struct rb_sequencer s;
	struct rb_meta before;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 5, 0), 4);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 7);
	memcpy(&before, f.channel.meta, sizeof(before));
	ck_assert_int_eq(try_join("c", 6), -ERANGE);
	ck_assert_int_eq(try_join("c", INT64_MAX), -ERANGE);
	ck_assert_int_eq(memcmp(&before, f.channel.meta, sizeof(before)), 0);
	ck_assert_int_eq(try_join("c", 5), 0);
	fixture_close(&f);
}

/* Moved, it starts with an event; not moved, where it wants to. */
TEST(sequence_is_aligned_only_if_it_is_moved)
{
	struct rb_sequencer s;
	struct seat seat;

	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .slots = 64,
			       .slot_size = 64, .history = 8));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 500, 0), 0);  /* to 7 */
	ck_assert_int_eq(put_frame(&s, 500, 0), 8);  /* to 15 */
	ck_assert_int_eq(put_frame(&s, 200, 0), 16); /* to 19 */
	seat = fixture_join_consumer(&f, "within", 17);
	ck_assert_int_eq(place_of(seat), 16);
	ck_assert_int_eq(seat.missed, 0);
	seat = fixture_join_consumer(&f, "moved", 3);
	ck_assert_int_eq(place_of(seat), 15);
	ck_assert_int_eq(seat.missed, 13);
	seat = fixture_join_consumer(&f, "oldest", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 15);
	ck_assert_int_eq(seat.missed, 16);
	fixture_close(&f);
}

KINDS(whole_ring_can_be_asked_for_while_nobody_produces)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	int64_t first;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_member_leave_producer(&f.channel, s.index);
	seat = fixture_join_consumer(&f, "c", 20);
	first = place_of(seat) + 1;
	ck_assert_int_le(first, 28);
	ck_assert_int_eq(seat.missed, first - 20);
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	ck_assert_int_eq(take(&b, 39), 40 - first);
	fixture_close(&f);
}

/* Where slots are cleared what is cleared is gone, and what is being cleared. */
KINDS(joiner_does_not_start_in_what_is_cleared)
{
	struct rb_clearing *clear;
	struct rb_sequencer s;
	struct seat seat;

	fixture_open(&f, SHAPE(.producers = kind, .clear = RB_CLEAR_ZERO));
	clear = &f.channel.gates->clear;
	fixture_producer(&f, &s);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_member_leave_producer(&f.channel, s.index);
	rb_seq_store_release(&clear->done, 3);
	rb_seq_store_release(&clear->begun, 5);
	seat = fixture_join_consumer(&f, "oldest", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 5);
	ck_assert_int_eq(seat.missed, 6);
	seat = fixture_join_consumer(&f, "moved", 4);
	ck_assert_int_eq(place_of(seat), 5);
	ck_assert_int_eq(seat.missed, 2);
	seat = fixture_join_consumer(&f, "there", 8);
	ck_assert_int_eq(place_of(seat), 7);
	ck_assert_int_eq(seat.missed, 0);
	rb_seq_store_release(&clear->begun, INT64_MAX); /* a lie */
	seat = fixture_join_consumer(&f, "lied_to", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 11);
	fixture_close(&f);
}

/* What was published while nobody gated is nobody's to clear. */
KINDS(first_to_gate_has_nothing_cleared_before_it)
{
	const struct rb_word64 *skip;
	struct rb_sequencer s;
	struct seat seat;

	fixture_open(&f, SHAPE(.producers = kind, .clear = RB_CLEAR_ZERO));
	skip = &f.channel.meta->control.skip;
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 5, 0), 4);
	seat = fixture_join_consumer(&f, "a", RB_FROM_NOW);
	ck_assert_uint_eq(rb_word64_load_relaxed(skip), 4 + 1);
	ck_assert_int_eq(put(&s, 3, 0), 7);
	fixture_join_consumer(&f, "b", RB_FROM_NOW);
	ck_assert_uint_eq(rb_word64_load_relaxed(skip), 4 + 1);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	ck_assert_uint_eq(rb_word64_load_relaxed(skip), 4 + 1);
	fixture_close(&f);
}

/* ----------------------------------------------- a stage that starts ahead */

/* first -> middle -> last; the middle one starts where the first is not yet.
 * The first must still hold producers back, and the last not pass it. */
KINDS(stage_that_starts_ahead_relieves_nobody_and_lets_nobody_pass)
{
	struct rb_barrier first, middle, last;
	struct rb_sequencer s;
	struct seat seat;

	fixture_format(&f, SHAPE(.producers = kind));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "middle", SPEC(.after = 1));
	fixture_declare(&f, 2, "last", SPEC(.after = 2));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&first, 3);
	seat = fixture_join_consumer(&f, "middle", 10);
	ck_assert_int_eq(place_of(seat), 9);
	ck_assert_int_eq(seat.missed, 0);
	fixture_consumer(&f, "last", &last);
	ck_assert_int_eq(put(&s, 4, 0), 19);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN); /* for the first */
	rb_barrier_init(&middle, &f.channel, seat.index, seat.epoch);
	ck_assert_int_eq(rb_barrier_wait(&middle, 10, 0), -EAGAIN);
	ck_assert_int_eq(rb_barrier_wait(&last, 4, 0), -EAGAIN);
	take(&first, 12);
	ck_assert_int_eq(rb_barrier_wait(&middle, 10, 0), 12);
	ck_assert_int_eq(rb_barrier_wait(&last, 4, 0), 9);
	take(&middle, 12);
	ck_assert_int_eq(take(&last, 12), 9);
	fixture_close(&f);
}

/* ----------------------------------------------------------------- resume */

TEST(resume_is_for_who_has_a_place)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(try_join("c", RB_FROM_RESUME), -ENOENT);
	ck_assert_uint_eq(state_of(0), RB_MEMBER_FREE);
	ck_assert_uint_eq(gating(), 0);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	take(&b, 3);
	rb_member_leave_consumer(&f.channel, b.index, true);
	ck_assert_int_eq(try_join("d", RB_FROM_RESUME), -ENOENT);
	seat = fixture_join_consumer(&f, "c", RB_FROM_RESUME);
	ck_assert_int_eq(place_of(seat), 3);
	ck_assert_int_eq(seat.missed, 0);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	ck_assert_int_eq(try_join("c", RB_FROM_RESUME), -ENOENT);
	fixture_close(&f);
}

/* Whatever else it asks for. */
TEST(kept_place_is_resumed_by_who_asks_for_another)
{
	const int64_t froms[] = { RB_FROM_NOW, RB_FROM_OLDEST, 7, 1000 };
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	take(&b, 3);
	for (size_t i = 0; i < RB_ARRAY_SIZE(froms); i++) {
		struct seat seat;

		rb_member_leave_consumer(&f.channel, b.index, true);
		seat = fixture_join_spec(&f, "c", froms[i],
					 SPEC(.slow = RB_SLOW_LOSSY));
		ck_assert_int_eq(place_of(seat), 3);
		ck_assert_int_eq(seat.missed, 0);
		ck_assert_uint_eq(gating(), 1); /* it is what it was */
	}
	fixture_close(&f);
}

TEST(counters_are_the_owners_own)
{
	struct rb_gate *gate;
	struct rb_word64 *counters[6];
	struct seat seat;

	fixture_open(&f, SHAPE());
	gate = &f.channel.gates->consumers[0];
	counters[0] = &gate->waits.sleeps;
	counters[1] = &gate->waits.missed;
	counters[2] = &gate->wakes;
	counters[3] = &gate->lost;
	counters[4] = &gate->errors;
	counters[5] = &gate->failed;
	seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	for (size_t i = 0; i < RB_ARRAY_SIZE(counters); i++)
		rb_word64_store_relaxed(counters[i], 7);
	rb_word32_store_relaxed(&gate->run, RB_RUN_FAILED);
	rb_member_leave_consumer(&f.channel, seat.index, true);
	seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	for (size_t i = 0; i < RB_ARRAY_SIZE(counters); i++)
		ck_assert_uint_eq(rb_word64_load_relaxed(counters[i]), 7);
	ck_assert_uint_eq(rb_word32_load_relaxed(&gate->run), RB_RUN_IDLE);
	rb_word32_store_relaxed(&gate->run, RB_RUN_RUNNING);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	fixture_join_consumer(&f, "d", RB_FROM_NOW);
	for (size_t i = 0; i < RB_ARRAY_SIZE(counters); i++)
		ck_assert_uint_eq(rb_word64_load_relaxed(counters[i]), 0);
	ck_assert_uint_eq(rb_word32_load_relaxed(&gate->run), RB_RUN_IDLE);
	fixture_close(&f);
}

TEST(leaver_takes_its_wish_for_the_bell_with_it)
{
	struct rb_word64 *bells;
	struct seat seat;

	fixture_open(&f, SHAPE());
	bells = &f.channel.gates->bells;
	for (int keep = 0; keep < 2; keep++) {
		seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
		rb_word64_store_relaxed(bells, 0x81);
		rb_member_leave_consumer(&f.channel, seat.index, keep != 0);
		ck_assert_uint_eq(rb_word64_load_relaxed(bells), 0x80);
	}
	fixture_close(&f);
}

/* ------------------------------------------------------------ after others */

/* a <- b <- c: when b has gone c waits for a, and whoever is in b's entry next
 * is none of c's business. */
TEST(who_came_after_one_that_left_comes_after_whom_that_came_after)
{
	struct rb_barrier a, c;
	struct rb_sequencer s;
	struct seat seat[4];

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	seat[0] = fixture_join_consumer(&f, "a", RB_FROM_NOW);
	seat[1] = fixture_join_spec(&f, "b", RB_FROM_NOW, SPEC(.after = 1));
	seat[2] = fixture_join_spec(&f, "c", RB_FROM_NOW, SPEC(.after = 2));
	ck_assert_uint_eq(gating(), 4);
	rb_member_leave_consumer(&f.channel, seat[1].index, false);
	ck_assert_uint_eq(deps_of(2), 1);
	seat[3] = fixture_join_consumer(&f, "new", RB_FROM_NOW);
	ck_assert_uint_eq(seat[3].index, seat[1].index);
	ck_assert_uint_eq(deps_of(2), 1);
	ck_assert_uint_eq(gating(), 6);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	rb_barrier_init(&a, &f.channel, seat[0].index, seat[0].epoch);
	rb_barrier_init(&c, &f.channel, seat[2].index, seat[2].epoch);
	ck_assert_int_eq(rb_barrier_wait(&c, 0, 0), -EAGAIN);
	take(&a, 3);
	ck_assert_int_eq(rb_barrier_wait(&c, 0, 0), 3);
	fixture_close(&f);
}

/* And whom the new owner of the entry comes after is its own business. */
TEST(new_owner_of_an_entry_comes_after_nobody_that_the_old_one_did)
{
	struct seat seat;

	fixture_open(&f, SHAPE());
	fixture_join_consumer(&f, "a", RB_FROM_NOW);
	seat = fixture_join_spec(&f, "b", RB_FROM_NOW,
				 SPEC(.after = 1, .slow = RB_SLOW_EVICT,
				      .on_death = RB_ON_DEATH_KEEP,
				      .keep_for_ns = 5, .max_lag = 6,
				      .max_stall_ns = 7));
	ck_assert_uint_eq(deps_of(seat.index), 1);
	ck_assert_uint_eq(rb_word64_load_relaxed(&entry(1)->keep_for_ns), 5);
	ck_assert_uint_eq(rb_word64_load_relaxed(&entry(1)->max_lag), 6);
	ck_assert_uint_eq(rb_word64_load_relaxed(&entry(1)->max_stall_ns), 7);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	ck_assert_uint_eq(seat.index, 1);
	ck_assert_uint_eq(deps_of(1), 0);
	ck_assert_uint_eq(rb_word64_load_relaxed(&entry(1)->after), 0);
	ck_assert_uint_eq(rb_word64_load_relaxed(&entry(1)->max_lag), 0);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(1)->slow),
			  RB_SLOW_GATE);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(1)->on_death),
			  RB_ON_DEATH_RELEASE);
	fixture_close(&f);
}

/* A declared one will be back. */
TEST(who_comes_after_a_declared_one_that_left_still_does_when_it_is_back)
{
	struct seat seat;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 0, "journal", SPEC(0));
	rb_channel_open(&f.channel);
	fixture_join_consumer(&f, "journal", RB_FROM_NOW);
	seat = fixture_join_spec(&f, "c", RB_FROM_NOW, SPEC(.after = 1));
	rb_member_leave_consumer(&f.channel, 0, false);
	ck_assert_uint_eq(deps_of(seat.index), 0);
	fixture_join_consumer(&f, "journal", RB_FROM_NOW);
	ck_assert_uint_eq(deps_of(seat.index), 1);
	ck_assert_uint_eq(gating(), 2);
	fixture_close(&f);
}

TEST(named_ones_are_found_whatever_they_do)
{
	struct rb_barrier b;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 3, "journal", SPEC(0));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "journal"), 3);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "c"), 0);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "d"), -ENOENT);
	rb_member_leave_consumer(&f.channel, b.index, true);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "c"), 0);
	rb_member_leave_consumer(&f.channel, b.index, false);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "c"), -ENOENT);
	fixture_close(&f);
}
