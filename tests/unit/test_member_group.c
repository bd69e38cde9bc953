/* SPDX-License-Identifier: MIT */
/*
 * test_member_group.c - groups come, go and gate as one consumer
 *
 * What workers do with the work is in test_group.c; here is the member table.
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

static uint64_t
workers_of(unsigned group)
{
	return rb_word64_load_acquire(&entry(group)->workers);
}

static int64_t
sequence_of(unsigned index)
{
	return rb_seq_load_acquire(&f.channel.gates->consumers[index].sequence);
}

/* first -> crew -> last */
static void
open_crew(enum rb_producers kind, enum rb_on_death on_death)
{
	fixture_format(&f, SHAPE(.producers = kind, .n_groups = 1));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "crew",
			SPEC(.after = 1, .is_group = true,
			     .on_death = on_death));
	fixture_declare(&f, 2, "last", SPEC(.after = 2));
	rb_channel_open(&f.channel);
}

TEST(groups_take_areas_in_the_order_of_declaration)
{
	fixture_format(&f, SHAPE(.n_groups = 2));
	fixture_declare(&f, 5, "a",
			SPEC(.is_group = true, .key_offset = 8, .key_size = 4));
	fixture_declare(&f, 1, "none", SPEC(0));
	fixture_declare(&f, 3, "b", SPEC(.is_group = true));
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(5)->group), 1);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(5)->key_offset), 8);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(5)->key_size), 4);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(3)->group), 2);
	ck_assert_uint_eq(rb_word32_load_relaxed(&entry(1)->group), 0);
	fixture_close(&f);
}

KINDS(group_is_there_while_it_has_workers)
{
	struct seat seats[2];

	open_crew(kind, RB_ON_DEATH_RELEASE);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_FREE);
	ck_assert_uint_eq(gating(), 0);
	seats[0] = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_ATTACHED);
	seats[1] = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	ck_assert_uint_ne(seats[0].index, seats[1].index);
	ck_assert_uint_eq(workers_of(1), UINT64_C(1) << seats[0].index |
						 UINT64_C(1) << seats[1].index);
	ck_assert_uint_eq(gating(), 2); /* none of its workers */
	ck_assert_uint_eq(rb_member_count(&f.channel), 2);
	rb_member_leave_consumer(&f.channel, seats[0].index, false);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_ATTACHED);
	ck_assert_uint_eq(workers_of(1), UINT64_C(1) << seats[1].index);
	rb_member_leave_consumer(&f.channel, seats[1].index, false);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_FREE);
	ck_assert_uint_eq(gating(), 0);
	ck_assert_uint_eq(rb_member_count(&f.channel), 0);
	fixture_close(&f);
}

TEST(worker_has_an_entry_of_its_own)
{
	const struct rb_member *m;
	struct seat seat;

	open_crew(RB_SINGLE, RB_ON_DEATH_KEEP);
	seat = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	m = entry(seat.index);
	ck_assert_uint_gt(seat.index, 2); /* the declared are not free */
	ck_assert_str_eq(m->name, "crew");
	ck_assert_uint_eq(rb_word32_load_relaxed(&m->worker_of), 2);
	ck_assert_uint_eq(rb_word32_load_relaxed(&m->pid), getpid());
	ck_assert_uint_eq(rb_word32_load_relaxed(&m->epoch), seat.epoch);
	ck_assert_uint_eq(rb_word32_load_relaxed(&m->on_death),
			  RB_ON_DEATH_RELEASE);
	/* By its name it is the group that is found, attached or not. */
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "crew"), 1);
	ck_assert_int_eq(rb_member_find_named(&f.channel, "crew"), 1);
	rb_member_leave_consumer(&f.channel, seat.index, true);
	ck_assert_uint_eq(state_of(seat.index), RB_MEMBER_FREE);
	ck_assert_uint_eq(rb_word32_load_relaxed(&m->worker_of), 0);
	ck_assert_uint_ne(rb_word32_load_relaxed(&m->epoch), seat.epoch);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "crew"), 1);
	fixture_close(&f);
}

/* The group's own on_death decides, whatever is said of the worker. */
TEST(place_of_a_group_is_kept_or_not_by_its_own_kind)
{
	struct rb_sequencer s;
	struct rb_barrier first;
	struct seat seat;

	open_crew(RB_MULTI, RB_ON_DEATH_KEEP);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_ABSENT);
	ck_assert_uint_eq(gating(), 2);
	ck_assert_uint_eq(rb_member_count(&f.channel), 1);
	fixture_consumer(&f, "first", &first);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	seat = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	ck_assert_int_eq(sequence_of(1), -1); /* it resumes */
	ck_assert_int_eq(seat.missed, 0);
	rb_seq_store_release(&f.channel.gates->consumers[1].sequence, 7);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_ABSENT);
	ck_assert_uint_eq(gating(), 2);
	seat = fixture_join_worker(&f, "crew", RB_FROM_RESUME);
	ck_assert_int_eq(sequence_of(1), 7);
	ck_assert_int_eq(sequence_of(seat.index), 7);
	fixture_close(&f);
}

KINDS(workers_wait_for_whom_their_group_waits)
{
	struct rb_barrier first, worker, last;
	struct rb_sequencer s;
	struct seat seats[2];

	open_crew(kind, RB_ON_DEATH_RELEASE);
	fixture_consumer(&f, "first", &first);
	seats[0] = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	seats[1] = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	fixture_consumer(&f, "last", &last);
	ck_assert_uint_eq(deps_of(seats[0].index), 1);
	ck_assert_uint_eq(deps_of(seats[1].index), 1);
	ck_assert_uint_eq(deps_of(2), 2);
	ck_assert_uint_eq(gating(), 4);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	rb_barrier_init(&worker, &f.channel, seats[1].index, seats[1].epoch);
	ck_assert_int_eq(rb_barrier_wait(&worker, 0, 0), -EAGAIN);
	take(&first, 2);
	ck_assert_int_eq(rb_barrier_wait(&worker, 0, 0), 2);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), -EAGAIN);
	rb_member_leave_consumer(&f.channel, 0, false);
	ck_assert_uint_eq(deps_of(seats[0].index), 0);
	fixture_close(&f);
}

static int
try_worker(int64_t from)
{
	struct rb_join join = { .who = { "crew", 1, 1 }, .from = from };
	struct rb_joined joined;
	unsigned index = 99;
	int err = rb_member_join_worker(&f.channel, 1, &join, &index, &joined);

	ck_assert((err < 0) == (index == 99));
	return err;
}

TEST(group_is_placed_as_a_consumer_is)
{
	struct rb_sequencer s;
	struct rb_meta before;
	struct seat seat;

	open_crew(RB_MULTI, RB_ON_DEATH_RELEASE);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	memcpy(&before, f.channel.meta, sizeof(before));
	ck_assert_int_eq(try_worker(RB_FROM_RESUME), -ENOENT);
	ck_assert_int_eq(try_worker(9), -ERANGE);
	ck_assert_int_eq(memcmp(&before, f.channel.meta, sizeof(before)), 0);
	seat = fixture_join_worker(&f, "crew", 3);
	ck_assert_int_eq(sequence_of(1), 7);
	ck_assert_int_eq(seat.missed, 5); /* there is no history */
	/* The others come to where it is. */
	seat = fixture_join_worker(&f, "crew", 1000);
	ck_assert_int_eq(seat.missed, 0);
	seat = fixture_join_worker(&f, "crew", RB_FROM_RESUME);
	ck_assert_int_eq(seat.missed, 0);
	ck_assert_int_eq(sequence_of(1), 7);
	fixture_close(&f);
}

TEST(workers_have_an_end)
{
	struct seat seats[RB_CONSUMERS_MAX];
	unsigned n = 0;

	open_crew(RB_SINGLE, RB_ON_DEATH_RELEASE);
	while (n < RB_CONSUMERS_MAX - 3)
		seats[n++] = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	ck_assert_int_eq(try_worker(RB_FROM_NOW), -EUSERS);
	ck_assert_uint_eq(rb_member_count(&f.channel), n);
	while (n > 0)
		rb_member_leave_consumer(&f.channel, seats[--n].index, false);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_FREE);
	/* A refusal attaches no group either. */
	for (int i = 0; i < RB_CONSUMERS_MAX - 3; i++) {
		char name[] = { 'c', (char)('0' + i), '\0' };

		fixture_join_consumer(&f, name, RB_FROM_NOW);
	}
	ck_assert_int_eq(try_worker(RB_FROM_NOW), -EUSERS);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_FREE);
	fixture_close(&f);
}

/* An entry that a worker had is like any other afterwards. */
TEST(entry_of_a_worker_can_be_a_consumers)
{
	struct seat seat, other;

	open_crew(RB_SINGLE, RB_ON_DEATH_RELEASE);
	seat = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	rb_member_leave_consumer(&f.channel, seat.index, false);
	other = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	ck_assert_uint_eq(other.index, seat.index);
	ck_assert_uint_eq(deps_of(other.index), 0);
	ck_assert_uint_eq(gating(), UINT64_C(1) << other.index);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "c"), -EBUSY);
	fixture_close(&f);
}

TEST(kept_place_of_a_group_can_be_given_up)
{
	open_crew(RB_SINGLE, RB_ON_DEATH_KEEP);
	rb_member_leave_consumer(&f.channel, 1, false);
	ck_assert_uint_eq(state_of(1), RB_MEMBER_FREE);
	ck_assert_uint_eq(gating(), 0);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "crew"), 1);
	fixture_join_worker(&f, "crew", RB_FROM_NOW);
	ck_assert_uint_eq(gating(), 2);
	fixture_close(&f);
}
