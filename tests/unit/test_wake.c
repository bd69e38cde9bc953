/* SPDX-License-Identifier: MIT */
/*
 * test_wake.c - wake-ups: as many as needed, none lost, none for nobody
 *
 * A wake-up is counted where it is made: the counters say whether a sleeper was
 * woken or only its sleep's bound ended it.
 */
#include "shm/wait.h"

#include "tests/unit/waiters.h"

static uint64_t
read_counter(const struct rb_word64 *counter)
{
	return rb_word64_load_relaxed(counter);
}

/* Starts it, and returns when it sleeps on its futex. */
static pid_t
start_sleeper(struct waiter *w, const struct rb_word64 *sleeps)
{
	pid_t pid = t_child(run_waiter, w);

	t_until(read_counter(sleeps) > 0 && t_is_asleep(pid));
	return pid;
}

static void
sleeper_is_woken_once(int64_t n, enum rb_wake_mode wake)
{
	struct waiter w = { .timeout_ns = -1, .expected = n - 1 };
	struct rb_sequencer s;
	struct rb_gate *gate;
	uint32_t before;
	pid_t pid;

	fixture_open(&f, SHAPE(.producers = RB_MULTI, .wake = wake));
	fixture_producer(&f, &s);
	w.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	gate = &f.channel.gates->consumers[w.seat.index];
	pid = start_sleeper(&w, &gate->waits.sleeps);
	before = rb_word32_load_relaxed(&f.channel.ring->event);
	ck_assert_int_eq(put(&s, n, 0), n - 1);
	t_join(pid);
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 1);
	ck_assert_uint_eq(rb_word32_load_relaxed(&f.channel.ring->event),
			  before + 1);
	fixture_close(&f);
}

TEST(s10_single_publish_wakes_a_sleeper_once)
{
	sleeper_is_woken_once(1, RB_WAKE_MEMBARRIER);
}

TEST(s11_range_publish_wakes_a_sleeper_once)
{
	sleeper_is_woken_once(10, RB_WAKE_MEMBARRIER);
}

TEST(s10_single_publish_wakes_a_sleeper_once_where_wakers_fence)
{
	sleeper_is_woken_once(1, RB_WAKE_FENCE);
}

TEST(commit_wakes_a_dependant_once)
{
	struct stage stage;
	struct waiter w;
	pid_t pid;

	open_stages(RB_WAIT_BLOCKING, RB_WAKE_MEMBARRIER, &stage);
	w = waiter_for(DEPENDENCY, &stage, -1);
	w.expected = 15;
	pid = start_sleeper(&w, &stage.last.gate->waits.sleeps);
	serve(DEPENDENCY, &stage);
	t_join(pid);
	ck_assert_uint_eq(read_counter(&stage.first.gate->wakes), 1);
	fixture_close(&f);
}

TEST(commit_wakes_a_producer_once)
{
	struct stage stage;
	struct waiter w;
	pid_t pid;

	open_stages(RB_WAIT_BLOCKING, RB_WAKE_MEMBARRIER, &stage);
	w = waiter_for(SPACE, &stage, -1);
	w.expected = 16;
	pid = start_sleeper(
		&w, &f.channel.ring->handles[w.seat.index].waits.sleeps);
	serve(SPACE, &stage);
	t_join(pid);
	ck_assert_uint_eq(read_counter(&stage.last.gate->wakes), 1);
	fixture_close(&f);
}

#define N_SLEEPERS 4

/* Returns how many were woken by the bound of their sleep alone. */
static uint64_t
wake_sleepers(void)
{
	struct waiter w[N_SLEEPERS];
	pid_t pids[N_SLEEPERS];
	struct rb_sequencer s;
	uint64_t missed = 0;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	for (int i = 0; i < N_SLEEPERS; i++) {
		char name[] = { (char)('a' + i), '\0' };
		struct seat seat = fixture_join_consumer(&f, name, RB_FROM_NOW);

		w[i] = (struct waiter){ .seat = seat, .timeout_ns = -1 };
		pids[i] = start_sleeper(
			&w[i],
			&f.channel.gates->consumers[seat.index].waits.sleeps);
	}
	ck_assert_int_eq(put(&s, 1, 0), 0);
	for (int i = 0; i < N_SLEEPERS; i++) {
		t_join(pids[i]);
		missed += read_counter(
			&f.channel.gates->consumers[w[i].seat.index]
				 .waits.missed);
	}
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 1);
	fixture_close(&f);
	return missed;
}

TEST(one_publish_wakes_all_sleepers)
{
	uint64_t missed = 1;

	/* A bound may come to its end just then, but not every time. */
	for (int i = 0; i < 20 && missed > 0; i++)
		missed = wake_sleepers();
	ck_assert_uint_eq(missed, 0);
}

KINDS(nobody_is_woken_while_nobody_sleeps)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(put(&s, 1, 0), i);
		ck_assert_int_eq(take(&b, i), 1);
	}
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 0);
	ck_assert_uint_eq(read_counter(&b.gate->wakes), 0);
	ck_assert_uint_eq(read_counter(&b.gate->waits.sleeps), 0);
	ck_assert_uint_eq(rb_word32_load_relaxed(&f.channel.ring->event), 0);
	fixture_close(&f);
}

TEST(wish_of_a_dead_sleeper_costs_one_wake)
{
	struct waiter w = { .timeout_ns = -1 };
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	w.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	t_kill(start_sleeper(
		&w, &f.channel.gates->consumers[w.seat.index].waits.sleeps));
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 1);
	fixture_close(&f);
}

TEST(absurd_wish_costs_one_wake)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	rb_word32_store_relaxed(&f.channel.gates->data_wanted, INT32_MAX);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 1);
	fixture_close(&f);
}

TEST(event_word_may_wrap_around)
{
	struct waiter w = { .timeout_ns = -1 };
	struct rb_sequencer s;
	pid_t pid;

	fixture_open(&f, SHAPE());
	fixture_producer(&f, &s);
	rb_word32_store_relaxed(&f.channel.ring->event, UINT32_MAX);
	rb_word32_store_relaxed(&f.channel.gates->data_wanted, UINT32_MAX);
	w.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	pid = start_sleeper(
		&w, &f.channel.gates->consumers[w.seat.index].waits.sleeps);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	t_join(pid);
	ck_assert_uint_eq(read_counter(&s.handle->wakes), 1);
	ck_assert_uint_eq(rb_word32_load_relaxed(&f.channel.ring->event), 0);
	fixture_close(&f);
}

/* As if the publisher had been killed between its store and its wake-up. */
TEST(sleep_is_bounded_and_the_missed_wake_up_is_counted)
{
	uint64_t missed = 0;

	/* The store may just hit the moment between two sleeps. */
	for (int i = 0; i < 20 && missed == 0; i++) {
		struct waiter w = { .timeout_ns = -1 };
		struct rb_gate *gate;
		pid_t pid;

		fixture_open(&f, SHAPE());
		w.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
		gate = &f.channel.gates->consumers[w.seat.index];
		pid = start_sleeper(&w, &gate->waits.sleeps);
		rb_seq_store_release(&f.channel.ring->published, 0);
		t_join(pid);
		missed = read_counter(&gate->waits.missed);
		fixture_close(&f);
	}
	ck_assert_uint_eq(missed, 1);
}

static int
wait_for_end(void *arg)
{
	struct waiter w = *(struct waiter *)arg;

	w.expected = -ESHUTDOWN;
	return run_waiter(&w);
}

static uint32_t
events(void)
{
	return rb_word32_load_relaxed(&f.channel.ring->event) +
	       rb_word32_load_relaxed(&f.channel.gates->consumers[0].event) +
	       rb_word32_load_relaxed(&f.channel.gates->consumers[1].event);
}

/* All who sleep for whatever are woken when the stream is aborted. */
TEST(abort_wakes_all)
{
	pid_t pids[RB_ARRAY_SIZE(matters)];
	struct stage stage;
	uint32_t before;

	open_stages(RB_WAIT_BLOCKING, RB_WAKE_MEMBARRIER, &stage);
	take(&stage.first, 15);
	for (size_t i = 0; i < RB_ARRAY_SIZE(matters); i++) {
		struct waiter w = waiter_for(matters[i], &stage, -1);

		w.next = 16;
		pids[i] = t_child(wait_for_end, &w);
	}
	t_until(read_counter(&stage.first.gate->waits.sleeps) > 0 &&
		read_counter(&stage.last.gate->waits.sleeps) > 0 &&
		read_counter(&f.channel.ring->handles[1].waits.sleeps) > 0);
	before = events();
	rb_channel_close_stream(&f.channel, true);
	ck_assert_uint_eq(events(), before + 3);
	for (size_t i = 0; i < RB_ARRAY_SIZE(matters); i++)
		t_join(pids[i]);
	fixture_close(&f);
}
