/* SPDX-License-Identifier: MIT */
/*
 * test_group.c - each event to one worker, and no further than all is done
 */
#include "shm/group.h"

#include "shm/work.h"
#include "tests/unit/workers.h"

#define ANY SPEC(.is_group = true)

/* ------------------------------------------------------------ who gets what */

#define N_HANDS 4
#define N_EVENTS 3000

static void
check_ledger(const struct ledger *ledger, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		ck_assert_uint_eq(value_of(&ledger->begun[i]), 1);
		ck_assert_uint_eq(value_of(&ledger->finished[i]), 1);
		ck_assert_uint_eq(value_of(&ledger->attempt[i]), 1);
	}
	ck_assert_uint_eq(value_of(&ledger->begun[n]), 0);
}

KINDS_AND_SIDES(each_event_goes_to_one_worker)
{
	struct ledger *ledger = fixture_share(sizeof(*ledger));
	struct hand hands[N_HANDS];
	struct rb_sequencer s;

	open_group(SHAPE(.producers = kind, .slots = 64), ANY, &s);
	for (int i = 0; i < N_HANDS; i++)
		start_hand(&hands[i], side, ledger);
	for (int i = 0; i < N_EVENTS; i++)
		ck_assert_int_eq(put(&s, 1, -1), i);
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < N_HANDS; i++)
		task_join(&hands[i].task);
	check_ledger(ledger, N_EVENTS);
	ck_assert_int_eq(sequence_of_group(), N_EVENTS - 1);
	fixture_close(&f);
}

TEST(every_strategy_waits_for_work)
{
	for (int wait = 0; wait < RB_WAIT_KINDS; wait++) {
		struct ledger *ledger = fixture_share(sizeof(*ledger));
		struct hand hands[2];
		struct rb_sequencer s;

		open_group(SHAPE(.wait = WAIT(wait)), ANY, &s);
		for (int i = 0; i < 2; i++)
			start_hand(&hands[i], FORKED, ledger);
		ck_assert_int_eq(put(&s, 10, -1), 9);
		ck_assert_int_eq(put(&s, 10, -1), 19);
		rb_channel_close_stream(&f.channel, false);
		for (int i = 0; i < 2; i++)
			task_join(&hands[i].task);
		check_ledger(ledger, 20);
		fixture_close(&f);
	}
}

TEST(smallest_ring_goes_round_a_thousand_times)
{
	struct rb_worker a, b;
	struct rb_sequencer s;

	open_group(SHAPE(.slots = 2, .slot_size = 4096), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	for (int64_t i = 0; i < 2000; i += 2) {
		struct rb_work first, second;

		ck_assert_int_eq(put(&s, 2, 0), i + 1);
		ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
		first = take_work(&a);
		second = take_work(&b);
		ck_assert_int_eq(first.sequence, i);
		ck_assert_int_eq(second.sequence, i + 1);
		ck_assert_int_eq(rb_worker_take(&a, &first), 0);
		t_ok(rb_worker_done(&b, &second));
		ck_assert_int_eq(sequence_of_group(), i - 1);
		first.sequence = i;
		t_ok(rb_worker_done(&a, &first));
		ck_assert_int_eq(sequence_of_group(), i + 1);
	}
	fixture_close(&f);
}

/* Sizes from nothing to several slots, some of them given up. */
TEST(framed_events_and_tombstones_are_passed_over)
{
	struct ledger *ledger = fixture_share(sizeof(*ledger));
	struct hand hands[N_HANDS];
	struct rb_sequencer s;
	bool is_event[4096] = { false };
	int64_t lo = 0;

	open_group(SHAPE(.producers = RB_MULTI, .framing = RB_FRAMED,
			 .slots = 64, .slot_size = 64),
		   ANY, &s);
	for (int i = 0; i < N_HANDS; i++)
		start_hand(&hands[i], FORKED, ledger);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t size = i * 37 % 300;
		int64_t n = rb_geometry_frame_slots(&f.channel.geometry, size);

		lo = claim_frame(&s, size, -1);
		t_ok(lo);
		ck_assert_int_lt(lo + n, RB_ARRAY_SIZE(is_event));
		is_event[lo] = i % 5 != 4;
		if (is_event[lo])
			t_ok(rb_sequencer_publish(&s, lo, lo + n - 1));
		else
			t_ok(rb_sequencer_abandon(&s, lo, lo + n - 1));
		lo += n - 1;
	}
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < N_HANDS; i++)
		task_join(&hands[i].task);
	for (unsigned i = 0; i < RB_ARRAY_SIZE(is_event); i++)
		ck_assert_uint_eq(value_of(&ledger->finished[i]), is_event[i]);
	ck_assert_int_eq(sequence_of_group(), lo);
	fixture_close(&f);
}

/* Nobody has anything to do, but producers need the room. */
TEST(tombstones_alone_do_not_fill_the_ring)
{
	struct ledger *ledger = fixture_share(sizeof(*ledger));
	struct rb_sequencer s;
	struct hand hand;

	open_group(SHAPE(.producers = RB_MULTI), ANY, &s);
	start_hand(&hand, FORKED, ledger);
	for (int64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), i);
		t_ok(rb_sequencer_abandon(&s, i, i));
	}
	rb_channel_close_stream(&f.channel, false);
	task_join(&hand.task);
	ck_assert_int_eq(sequence_of_group(), 99);
	fixture_close(&f);
}

/* --------------------------------------------------------- done, and how far */

TEST(sequence_moves_over_what_is_done_in_any_order)
{
	const int order[] = { 3, 1, 0, 2, 7, 6, 5, 4 };
	const int64_t after[] = { -1, -1, 1, 3, 3, 3, 3, 7 };
	struct rb_work work[8];
	struct rb_worker w[2];
	struct rb_sequencer s;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w[0]);
	join_worker(&w[1]);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	for (int i = 0; i < 8; i++)
		work[i] = take_work(&w[i % 2]);
	for (int i = 0; i < 8; i++) {
		t_ok(rb_worker_done(&w[order[i] % 2], &work[order[i]]));
		ck_assert_int_eq(sequence_of_group(), after[i]);
	}
	fixture_close(&f);
}

/* The one who closes the gap has looked last before the others took theirs. */
TEST(sequence_moves_beyond_what_its_mover_knew_of)
{
	struct rb_work first, second;
	struct rb_worker a, b;
	struct rb_sequencer s;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	first = take_work(&a);
	ck_assert_int_eq(put(&s, 3, 0), 3);
	for (int i = 0; i < 3; i++) {
		second = take_work(&b);
		t_ok(rb_worker_done(&b, &second));
	}
	ck_assert_int_eq(sequence_of_group(), -1);
	t_ok(rb_worker_done(&a, &first));
	ck_assert_int_eq(sequence_of_group(), 3);
	fixture_close(&f);
}

TEST(own_gate_tells_what_a_worker_did)
{
	struct rb_worker a, b;
	struct rb_sequencer s;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	take_work(&a);
	work = take_work(&b);
	t_ok(rb_worker_done(&b, &work));
	ck_assert_int_eq(rb_seq_load_relaxed(&a.barrier.gate->sequence), -1);
	ck_assert_int_eq(rb_seq_load_relaxed(&b.barrier.gate->sequence), 1);
	fixture_close(&f);
}

/* A stage before the group, the group, a stage behind it. */
static void
open_stages(struct rb_barrier *first, struct rb_worker *w,
	    struct rb_barrier *last, struct rb_sequencer *s)
{
	struct seat seat;

	fixture_format(&f, SHAPE(.producers = RB_MULTI, .n_groups = 1));
	fixture_declare(&f, 0, "g", SPEC(.after = 2, .is_group = true));
	fixture_declare(&f, 1, "first", SPEC(0));
	fixture_declare(&f, 2, "last", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", first);
	seat = fixture_join_worker(&f, "g", RB_FROM_NOW);
	t_ok(rb_worker_init(w, &f.channel, seat.index, seat.epoch));
	fixture_consumer(&f, "last", last);
	fixture_producer(&f, s);
}

TEST(group_is_one_stage_between_others)
{
	struct rb_barrier first, last;
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;

	open_stages(&first, &w, &last, &s);
	ck_assert_int_eq(put(&s, 3, 0), 2);
	ck_assert_int_eq(rb_worker_take(&w, &work), 0);
	ck_assert_int_eq(rb_worker_wait(&w, 0), -EAGAIN);
	take(&first, 1);
	work = take_work(&w);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), -EAGAIN);
	t_ok(rb_worker_done(&w, &work));
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 0);
	work = take_work(&w);
	t_ok(rb_worker_done(&w, &work));
	ck_assert_int_eq(rb_worker_take(&w, &work), 0);
	take(&last, 1);
	ck_assert_int_eq(sequence_of_group(), 1);
	fixture_close(&f);
}

TEST(tombstone_is_not_passed_before_an_earlier_stage)
{
	struct rb_barrier first, last;
	struct rb_sequencer s;
	struct rb_worker w;
	struct rb_work work;

	open_stages(&first, &w, &last, &s);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 1);
	t_ok(rb_sequencer_abandon(&s, 1, 1));
	take(&first, 0);
	work = take_work(&w);
	t_ok(rb_worker_done(&w, &work));
	ck_assert_int_eq(rb_worker_wait(&w, 0), -EAGAIN);
	ck_assert_int_eq(sequence_of_group(), 0);
	take(&first, 1);
	ck_assert_int_eq(rb_worker_wait(&w, 0), -EAGAIN);
	ck_assert_int_eq(sequence_of_group(), 1);
	fixture_close(&f);
}

struct sleeper {
	struct seat seat;
	bool claims;
};

static int
sleep_for_group(void *arg)
{
	const struct sleeper *sleeper = arg;
	struct rb_channel channel;
	struct rb_sequencer s;
	struct rb_barrier b;

	if (sleeper->claims) {
		fixture_attach_producer(&f, sleeper->seat, &channel, &s);
		ck_assert_int_eq(rb_sequencer_claim(&s, 1, -1), 16);
	} else {
		fixture_attach_consumer(&f, sleeper->seat, &channel, &b);
		ck_assert_int_eq(rb_barrier_wait(&b, 0, -1), 0);
	}
	return 0;
}

static void
wake_by_doing(struct rb_worker *w, struct sleeper *sleeper)
{
	pid_t pid = t_child(sleep_for_group, sleeper);
	uint64_t wakes = rb_word64_load_relaxed(&w->barrier.gate->wakes);
	struct rb_work work;

	t_until(t_is_asleep(pid));
	work = take_work(w);
	t_ok(rb_worker_done(w, &work));
	t_join(pid);
	ck_assert_uint_gt(rb_word64_load_relaxed(&w->barrier.gate->wakes),
			  wakes);
}

TEST(group_wakes_a_later_stage)
{
	struct rb_barrier first, last;
	struct sleeper sleeper;
	struct rb_sequencer s;
	struct rb_worker w;

	open_stages(&first, &w, &last, &s);
	sleeper = (struct sleeper){ { last.index, last.epoch, 0 }, false };
	ck_assert_int_eq(put(&s, 1, 0), 0);
	take(&first, 0);
	wake_by_doing(&w, &sleeper);
	fixture_close(&f);
}

TEST(group_wakes_a_producer)
{
	struct sleeper sleeper;
	struct rb_sequencer s;
	struct rb_worker w;

	open_group(SHAPE(.producers = RB_MULTI), ANY, &s);
	join_worker(&w);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	sleeper = (struct sleeper){ fixture_join_producer(&f), true };
	wake_by_doing(&w, &sleeper);
	fixture_close(&f);
}

/* ------------------------------------------------------ returned, and not ours */

TEST(returned_work_goes_to_another_with_one_attempt_more)
{
	struct rb_worker a, b;
	struct rb_sequencer s;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	for (unsigned attempt = 1; attempt <= 5; attempt++) {
		work = take_work(attempt % 2 ? &a : &b);
		ck_assert_int_eq(work.sequence, 0);
		ck_assert_uint_eq(work.attempt, attempt);
		if (attempt < 5)
			t_ok(rb_worker_return(attempt % 2 ? &a : &b, &work));
	}
	t_ok(rb_worker_done(&a, &work));
	ck_assert_int_eq(rb_worker_done(&a, &work), -ESTALE);
	ck_assert_int_eq(rb_worker_return(&a, &work), -ESTALE);
	work = take_work(&b);
	ck_assert_int_eq(work.sequence, 1);
	ck_assert_uint_eq(work.attempt, 1);
	ck_assert_int_eq(rb_worker_done(&a, &work), -ESTALE);
	fixture_close(&f);
}

TEST(attempts_stop_counting_at_their_end)
{
	struct rb_worker w;
	struct rb_sequencer s;
	struct rb_work work;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&w);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	/* lap 1, attempt 65534, open */
	rb_word64_store_relaxed(&w.group->work[0], UINT64_C(0x1fffe0000));
	for (int i = 0; i < 3; i++) {
		work = take_work(&w);
		ck_assert_uint_eq(work.attempt, 65535);
		t_ok(rb_worker_return(&w, &work));
	}
	work = take_work(&w);
	t_ok(rb_worker_done(&w, &work));
	ck_assert_int_eq(sequence_of_group(), 0);
	fixture_close(&f);
}

TEST(what_is_returned_is_found_below_what_was_taken_since)
{
	struct rb_work work[8], again;
	struct rb_worker a, b;
	struct rb_sequencer s;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	for (int i = 0; i < 8; i++)
		work[i] = take_work(&a);
	ck_assert_int_eq(rb_worker_wait(&b, 0), -EAGAIN);
	t_ok(rb_worker_return(&a, &work[5]));
	t_ok(rb_worker_return(&a, &work[2]));
	ck_assert_int_eq(rb_worker_wait(&b, 0), 2);
	again = take_work(&b);
	ck_assert_int_eq(again.sequence, 2);
	again = take_work(&b);
	ck_assert_int_eq(again.sequence, 5);
	ck_assert_int_eq(rb_worker_take(&b, &again), 0);
	fixture_close(&f);
}

TEST(one_that_was_thrown_out_learns_it)
{
	struct rb_worker a, b;
	struct rb_sequencer s;
	struct rb_work work, again;
	struct seat seat;

	open_group(SHAPE(0), ANY, &s);
	seat = join_worker(&a);
	join_worker(&b);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	work = take_work(&a);
	leave_worker(seat.index);
	ck_assert_int_eq(rb_worker_done(&a, &work), -ESTALE);
	ck_assert_int_eq(rb_worker_take(&a, &again), 0);
	ck_assert_int_eq(rb_worker_wait(&a, -1), -ESTALE);
	again = take_work(&b);
	ck_assert_int_eq(again.sequence, work.sequence);
	ck_assert_uint_eq(again.attempt, 2);
	/* Nor may one with its old place do it in its name. */
	ck_assert_uint_eq(join_worker(&a).index, seat.index);
	ck_assert_int_eq(rb_worker_done(&a, &work), -ESTALE);
	t_ok(rb_worker_done(&b, &again));
	fixture_close(&f);
}

/* When attempts are no longer told apart. */
TEST(successor_is_not_taken_for_the_one_before)
{
	struct rb_worker old, young;
	struct rb_sequencer s;
	struct rb_work work, again;
	struct seat seat;

	open_group(SHAPE(0), ANY, &s);
	join_worker(&young); /* so that the group stays */
	seat = join_worker(&old);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	/* lap 1, attempt 65535, open */
	rb_word64_store_relaxed(&old.group->work[0], UINT64_C(0x1ffff0000));
	work = take_work(&old);
	leave_worker(seat.index);
	ck_assert_uint_eq(join_worker(&young).index, seat.index);
	again = take_work(&young);
	ck_assert_int_eq(rb_worker_done(&old, &work), -ESTALE);
	ck_assert_int_eq(sequence_of_group(), -1);
	t_ok(rb_worker_done(&young, &again));
	fixture_close(&f);
}

TEST(last_worker_that_leaves_a_kept_group_loses_nothing)
{
	struct rb_work work[3];
	struct rb_sequencer s;
	struct rb_worker w;
	struct seat seat;

	open_group(SHAPE(0),
		   SPEC(.is_group = true, .on_death = RB_ON_DEATH_KEEP), &s);
	seat = join_worker(&w);
	ck_assert_int_eq(put(&s, 3, 0), 2);
	for (int i = 0; i < 3; i++)
		work[i] = take_work(&w);
	t_ok(rb_worker_done(&w, &work[1]));
	leave_worker(seat.index);
	ck_assert_int_eq(sequence_of_group(), -1);
	join_worker(&w);
	work[0] = take_work(&w);
	ck_assert_int_eq(work[0].sequence, 0);
	ck_assert_uint_eq(work[0].attempt, 2);
	work[2] = take_work(&w); /* the second is done */
	ck_assert_int_eq(work[2].sequence, 2);
	t_ok(rb_worker_done(&w, &work[2]));
	t_ok(rb_worker_done(&w, &work[0]));
	ck_assert_int_eq(sequence_of_group(), 2);
	fixture_close(&f);
}
