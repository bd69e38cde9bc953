/* SPDX-License-Identifier: MIT */
/*
 * test_member_slow.c - consumers for whom producers do not wait, or not for ever
 *
 * The test is the daemon that finds one too slow. What a lagging reader then
 * reads is for other suites; here is who gates and who is told what.
 */
#include "shm/member.h"

#include <errno.h>

#include "tests/fixture.h"

static struct fixture f;

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

static struct seat
join_slow(const char *name, enum rb_slow slow, struct rb_barrier *ret)
{
	struct seat seat = fixture_join_spec(&f, name, RB_FROM_NOW,
					     SPEC(.slow = slow));

	rb_barrier_init(ret, &f.channel, seat.index, seat.epoch);
	return seat;
}

/* ------------------------------------------------------------------ lossy */

KINDS(lossy_one_never_gates)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	join_slow("lossy", RB_SLOW_LOSSY, &b);
	ck_assert_uint_eq(gating(), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_uint_eq(rb_member_count(&f.channel), 2);
	fixture_close(&f);
}

/* It comes after the first, and the first still gates itself. */
KINDS(lossy_one_relieves_nobody)
{
	struct rb_barrier first, lossy;
	struct rb_sequencer s;
	struct seat seat;

	fixture_format(&f, SHAPE(.producers = kind));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "lossy",
			SPEC(.after = 1, .slow = RB_SLOW_LOSSY));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	seat = fixture_join_consumer(&f, "lossy", RB_FROM_NOW);
	rb_barrier_init(&lossy, &f.channel, seat.index, seat.epoch);
	fixture_producer(&f, &s);
	ck_assert_uint_eq(gating(), 1);
	ck_assert_uint_eq(deps_of(1), 1);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_barrier_wait(&lossy, 0, 0), -EAGAIN);
	take(&first, 3);
	ck_assert_int_eq(rb_barrier_wait(&lossy, 0, 0), 3);
	ck_assert_int_eq(put(&s, 4, 0), 19);
	fixture_close(&f);
}

TEST(absent_lossy_one_gates_no_more_than_before)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	join_slow("lossy", RB_SLOW_LOSSY, &b);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	take(&b, 1);
	rb_member_leave_consumer(&f.channel, b.index, true);
	for (int i = 4; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "lossy", RB_FROM_RESUME);
	ck_assert_int_eq(
		rb_seq_load_acquire(
			&f.channel.gates->consumers[seat.index].sequence),
		1);
	ck_assert_uint_eq(gating(), 0);
	fixture_close(&f);
}

/* -------------------------------------------------------------- evictions */

KINDS(evicted_one_gates_no_longer_and_is_told)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	join_slow("slow", RB_SLOW_EVICT, &b);
	ck_assert_uint_eq(gating(), 1);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 15);
	rb_member_evict(&f.channel, b.index);
	ck_assert_uint_eq(gating(), 0);
	ck_assert_int_eq(put(&s, 16, 0), 31);
	ck_assert_int_eq(rb_barrier_commit(&b, 0), -ESTALE);
	ck_assert_int_eq(rb_barrier_wait(&b, 1, 0), -ESTALE);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(0)->pid), getpid());
	ck_assert_uint_eq(rb_member_count(&f.channel), 2);
	fixture_close(&f);
}

TEST(entry_of_an_evicted_one_is_nobodys_before_it_has_left)
{
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE());
	join_slow("slow", RB_SLOW_EVICT, &b);
	rb_member_evict(&f.channel, b.index);
	ck_assert_uint_eq(state_of(b.index), RB_MEMBER_EVICTED);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "slow"), -EBUSY);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "slow"), 0);
	seat = fixture_join_consumer(&f, "other", RB_FROM_NOW);
	ck_assert_uint_ne(seat.index, b.index);
	rb_member_leave_consumer(&f.channel, b.index, true); /* or so it says */
	ck_assert_uint_eq(state_of(b.index), RB_MEMBER_FREE);
	seat = fixture_join_consumer(&f, "third", RB_FROM_NOW);
	ck_assert_uint_eq(seat.index, b.index);
	ck_assert_uint_ne(seat.epoch, b.epoch);
	fixture_close(&f);
}

TEST(declared_one_comes_back_after_an_eviction)
{
	struct rb_barrier b;
	struct seat seat;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 0, "slow",
			SPEC(.slow = RB_SLOW_EVICT,
			     .on_death = RB_ON_DEATH_KEEP));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "slow", &b);
	rb_member_evict(&f.channel, 0);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "slow"), -EBUSY);
	rb_member_leave_consumer(&f.channel, 0, true);
	ck_assert_uint_eq(state_of(0), RB_MEMBER_FREE);
	seat = fixture_join_consumer(&f, "slow", RB_FROM_NOW);
	ck_assert_uint_eq(seat.index, 0);
	ck_assert_uint_eq(gating(), 1);
	fixture_close(&f);
}

/* first -> slow -> last */
KINDS(those_after_an_evicted_one_come_after_whom_it_came_after)
{
	struct rb_barrier first, slow, last;
	struct rb_sequencer s;

	fixture_format(&f, SHAPE(.producers = kind));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "slow", SPEC(.after = 1, .slow = RB_SLOW_EVICT));
	fixture_declare(&f, 2, "last", SPEC(.after = 2));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "slow", &slow);
	fixture_consumer(&f, "last", &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	take(&first, 5);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), -EAGAIN);
	rb_member_evict(&f.channel, 1);
	ck_assert_uint_eq(deps_of(2), 1);
	ck_assert_uint_eq(gating(), 4);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 5);
	fixture_close(&f);
}

static int
wait_for_room(void *arg)
{
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *(struct seat *)arg, &channel, &s);
	t_ok(put(&s, 1, -1));
	return 0;
}

KINDS(who_sleeps_for_an_evicted_or_a_parked_one_goes_on)
{
	struct rb_barrier b;
	struct seat seat;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		struct rb_sequencer s;
		uint32_t count;

		fixture_open(&f, SHAPE(.producers = kind));
		fixture_producer(&f, &s);
		join_slow("slow", i == 0 ? RB_SLOW_EVICT : RB_SLOW_PARK, &b);
		ck_assert_int_eq(put(&s, 16, 0), 15);
		rb_member_leave_producer(&f.channel, s.index);
		seat = fixture_join_producer(&f);
		pid = t_child(wait_for_room, &seat);
		t_until(t_is_asleep(pid));
		count = rb_word32_load_acquire(&b.gate->event);
		if (i == 0)
			rb_member_evict(&f.channel, b.index);
		else
			rb_member_set_parked(&f.channel, b.index, true);
		/* It was woken, and not only let out by its bound. */
		ck_assert_uint_ne(rb_word32_load_acquire(&b.gate->event),
				  count);
		t_join(pid);
		fixture_close(&f);
	}
}

/* ---------------------------------------------------------------- parking */

KINDS(parked_one_gates_again_when_it_is_back)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	int64_t last = 0, hi;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	join_slow("park", RB_SLOW_PARK, &b);
	ck_assert_uint_eq(gating(), 1);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	rb_member_set_parked(&f.channel, b.index, true);
	ck_assert_uint_eq(gating(), 0);
	ck_assert_uint_eq(state_of(b.index), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(0)->epoch), b.epoch);
	for (int i = 16; i < 50; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	/* As one that has skipped what is gone. */
	rb_seq_store_release(&b.gate->sequence, 45);
	rb_member_set_parked(&f.channel, b.index, false);
	ck_assert_uint_eq(gating(), 1);
	while ((hi = put(&s, 1, 0)) >= 0)
		last = hi;
	ck_assert_int_ge(last, 61);
	ck_assert_int_lt(last, 50 + 16);
	fixture_close(&f);
}

TEST(parked_one_is_kept_and_comes_back_parked)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	join_slow("park", RB_SLOW_PARK, &b);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(0)->on_death),
			  RB_ON_DEATH_KEEP);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	rb_member_leave_consumer(&f.channel, b.index, true);
	ck_assert_uint_eq(state_of(0), RB_MEMBER_ABSENT);
	ck_assert_uint_eq(gating(), 1); /* until it lags */
	rb_member_set_parked(&f.channel, 0, true);
	ck_assert_uint_eq(gating(), 0);
	for (int i = 4; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "park", RB_FROM_RESUME);
	ck_assert_int_eq(seat.missed, 0); /* which its reader counts */
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(0)->parked), 1);
	ck_assert_uint_eq(gating(), 0);
	rb_member_leave_consumer(&f.channel, 0, false);
	join_slow("park", RB_SLOW_PARK, &b);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(0)->parked), 0);
	ck_assert_uint_eq(gating(), 1);
	fixture_close(&f);
}

/* first -> park: the first gates again while the other does not. */
TEST(parked_one_relieves_nobody)
{
	struct rb_barrier first, park;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "park", SPEC(.after = 1, .slow = RB_SLOW_PARK));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	ck_assert_uint_eq(gating(), 2); /* it is kept, though not there yet */
	fixture_consumer(&f, "park", &park);
	rb_member_set_parked(&f.channel, 1, true);
	ck_assert_uint_eq(gating(), 1);
	ck_assert_uint_eq(deps_of(1), 1);
	rb_member_set_parked(&f.channel, 1, false);
	ck_assert_uint_eq(gating(), 2);
	fixture_close(&f);
}

/* park -> last, which has gone on: the one that is back must not count on it to
 * hold producers back. */
TEST(parked_one_that_is_back_gates_by_itself)
{
	struct rb_barrier park, last;
	struct rb_sequencer s;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 0, "park", SPEC(.slow = RB_SLOW_PARK));
	fixture_declare(&f, 1, "last", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "park", &park);
	fixture_consumer(&f, "last", &last);
	fixture_producer(&f, &s);
	rb_member_set_parked(&f.channel, 0, true);
	ck_assert_uint_eq(deps_of(1), 0);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	take(&last, 9);
	rb_member_set_parked(&f.channel, 0, false);
	ck_assert_uint_eq(deps_of(1), 1);
	ck_assert_int_eq(put(&s, 6, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(take(&park, 15), 16);
	fixture_close(&f);
}
