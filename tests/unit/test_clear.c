/* SPDX-License-Identifier: MIT */
/*
 * test_clear.c - slots are zero before they are free, not before they are read
 *
 * Producers check that what they are given is zero, consumers that what they
 * read is not. Under flow, at every instruction of one who clears, and whoever
 * comes, goes or dies meanwhile.
 */
#include "shm/clear.h"

#include "tests/unit/clearing.h"

/* ------------------------------------------------------ one after the other */

KINDS(slots_are_zero_when_all_have_read_them)
{
	struct rb_barrier first, second;
	struct rb_sequencer s;

	open_channel(kind);
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&first, 9);
	expect_events(0, 15);
	take(&second, 4);
	expect_zero(0, 4);
	expect_events(5, 15);
	ck_assert_int_eq(done(), 4);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 5);
	take(&second, 15);
	take(&first, 15);
	expect_zero(0, 15);
	ck_assert_int_eq(put(&s, 16, 0), 31);
	fixture_close(&f);
}

TEST(last_stage_clears_for_all)
{
	struct rb_barrier first, last;
	struct rb_sequencer s;

	fixture_format(&f, SHAPE(.clear = RB_CLEAR_ZERO));
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "last", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "last", &last);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	take(&first, 9);
	expect_events(0, 9);
	take(&last, 9);
	expect_zero(0, 9);
	fixture_close(&f);
}

TEST(headers_of_frames_are_cleared_too)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.slots = 64, .slot_size = 64,
			       .framing = RB_FRAMED, .clear = RB_CLEAR_ZERO));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	for (int i = 0; i < 21; i++)
		ck_assert_int_eq(put_frame(&s, 150, 0), 3 * i);
	take(&b, 62);
	expect_zero(0, 62);
	ck_assert_int_eq(put_frame(&s, 150, 0), 63);
	take(&b, 65);
	expect_zero(63, 65);
	fixture_close(&f);
}

TEST(nobody_gates_and_nothing_is_cleared)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_channel(RB_SINGLE);
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	expect_events(24, 39);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&s, 8, 0), 47);
	ck_assert_int_eq(take(&b, 44), 5);
	expect_events(32, 39); /* may be written over, and so are not cleared */
	expect_zero(40, 44);
	expect_events(45, 47);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 13);
	fixture_close(&f);
}

/* One that attaches then has no old leave to go by. */
KINDS(new_producer_is_not_held_by_what_was_never_cleared)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	open_channel(kind);
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_member_leave_producer(&f.channel, s.index);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	ck_assert_int_eq(put(&s, 16, 0), 55);
	ck_assert_int_eq(take(&b, 55), 16);
	expect_zero(40, 55);
	fixture_close(&f);
}

/* Producers have gone on without it, and have leave to do so for a while. */
KINDS(nothing_is_cleared_under_producers_when_a_parked_one_comes_back)
{
	struct rb_sequencer s, late;
	struct seat seat;
	struct rb_barrier b;

	open_channel(kind);
	fixture_producer(&f, &s);
	seat = fixture_join_spec(&f, "c", RB_FROM_NOW,
				 SPEC(.slow = RB_SLOW_PARK));
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	rb_member_set_parked(&f.channel, seat.index, true);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 39);
	t_ok(rb_barrier_commit(&b, 35));
	rb_member_set_parked(&f.channel, seat.index, false);
	ck_assert_int_eq(put(&s, 8, 0), 47);
	ck_assert_int_eq(rb_barrier_wait(&b, 36, 0), 47);
	t_ok(rb_barrier_commit(&b, 37));
	expect_events(32, 47);
	t_ok(rb_barrier_commit(&b, 47));
	expect_events(32, 39);
	expect_zero(40, 47);
	if (kind == RB_MULTI) {
		fixture_producer(&f, &late);
		ck_assert_int_eq(put(&late, 16, 0), 63);
	}
	fixture_close(&f);
}

/* What a slow one held up, and read, is cleared when it is gone. */
TEST(leaving_of_the_slowest_clears_for_those_who_stay)
{
	struct rb_barrier slow, fast;
	struct rb_sequencer s;

	open_channel(RB_SINGLE);
	fixture_consumer(&f, "slow", &slow);
	fixture_consumer(&f, "fast", &fast);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&fast, 15);
	rb_member_leave_consumer(&f.channel, slow.index, false);
	expect_zero(0, 15);
	ck_assert_int_eq(rb_sequencer_remaining(&s), 16);
	fixture_close(&f);
}

/* As if consumer `index` were in the middle of it. */
static void
pretend_to_clear(unsigned index, int64_t begun)
{
	rb_word32_store_release(&clearing()->owner,
				(index + 1) | RB_CLEAR_ZEROING);
	rb_seq_store_release(&clearing()->begun, begun);
}

KINDS(producers_wait_for_who_clears)
{
	struct rb_barrier other, b;
	struct rb_sequencer s;

	open_channel(kind);
	fixture_consumer(&f, "other", &other);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&other, 3);
	pretend_to_clear(other.index, 3);
	take(&b, 15);
	take(&other, 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	ck_assert_int_eq(s.blocker, (int)other.index);
	expect_events(0, 15);
	/* Nor does it help that nobody gates any more. */
	rb_member_leave_consumer(&f.channel, b.index, false);
	rb_member_evict(&f.channel, other.index);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	rb_member_leave_consumer(&f.channel, other.index, false);
	expect_zero(0, 3);
	expect_events(4, 15);
	ck_assert_int_eq(owner(), 0);
	ck_assert_int_eq(put(&s, 16, 0), 31);
	expect_events(16, 31);
	fixture_close(&f);
}

/* --------------------------------------------------------- taps and laggards */

TEST(what_is_cleared_or_being_cleared_is_lost_to_taps)
{
	struct rb_tap_found found;
	struct rb_sequencer s;
	struct rb_barrier b;
	struct rb_tap tap;
	char buffer[32];

	open_channel(RB_MULTI);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 8, 0), 7);
	take(&b, 2);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(rb_tap_next(&tap, 7, buffer, 32, &found), RB_TAP_LOST);
	ck_assert_int_eq(found.sequence, 0);
	ck_assert_int_eq(found.last, 2);
	ck_assert_int_eq(rb_tap_next(&tap, 7, buffer, 32, &found), 1);
	ck_assert_int_eq(found.sequence, 3);
	pretend_to_clear(b.index, 5);
	ck_assert_int_eq(rb_tap_next(&tap, 7, buffer, 32, &found), RB_TAP_LOST);
	ck_assert_int_eq(found.last, 5);
	ck_assert_int_eq(rb_tap_next(&tap, 7, buffer, 32, &found), 1);
	ck_assert_int_eq(found.sequence, 6);
	ck_assert_int_eq(tap.lost, 5);
	fixture_close(&f);
}

/* --------------------------------------------------------------- under flow */

#define N_EVENTS 100000

struct part {
	struct seat seat;
	int64_t batch;
	bool expects_zeroes;
};

static int
publish_all(void *arg)
{
	const struct part *p = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, p->seat, &channel, &s);
	for (int64_t n = 0; n < N_EVENTS; n += p->batch) {
		int64_t hi = rb_sequencer_claim(&s, p->batch, -1);

		t_ok(hi);
		for (int64_t i = hi - p->batch + 1;
		     p->expects_zeroes && i <= hi; i++)
			ck_assert(is_zero(&channel, i));
		fill_slots(&s, hi - p->batch + 1, hi);
		t_ok(rb_sequencer_publish(&s, hi - p->batch + 1, hi));
	}
	return 0;
}

static int
read_to_the_end(void *arg)
{
	const struct part *p = arg;
	struct rb_channel channel;
	struct rb_barrier b;
	int64_t hi;

	fixture_attach_consumer(&f, p->seat, &channel, &b);
	while ((hi = rb_barrier_wait(&b, b.committed + 1, -1)) >= 0) {
		if (hi > b.committed + p->batch)
			hi = b.committed + p->batch;
		take(&b, hi);
	}
	ck_assert_int_eq(hi, -ESHUTDOWN);
	return 0;
}

static int
tap_to_the_end(void *arg)
{
	struct rb_channel channel;
	struct rb_tap tap;
	uint64_t size;
	char buffer[32];
	int64_t found;

	(void)arg;
	t_ok(rb_channel_attach(&channel, f.fds, RB_ROLE_TAP));
	rb_tap_init(&tap, &channel, 0);
	while ((found = rb_tap_read(&tap, buffer, 32, &size)) != -ESHUTDOWN) {
		if (found == -EAGAIN)
			continue;
		t_ok(found);
		ck_assert(is_filled(buffer, size, (uint64_t)found));
	}
	return 0;
}

static void
race_two_leaves(enum rb_producers kind, enum rb_wait_kind wait)
{
	const char *const names[] = { "first", "second" };
	struct part consumers[2] = { { .batch = 3 }, { .batch = 5 } };
	struct part producers[2];
	int n = kind == RB_MULTI ? 2 : 1;
	pid_t readers[2], writers[2], tap;

	fixture_open(&f, SHAPE(.producers = kind, .clear = RB_CLEAR_ZERO,
			       .wait = WAIT(wait)));
	for (int i = 0; i < 2; i++) {
		consumers[i].seat = fixture_join_consumer(&f, names[i],
							  RB_FROM_NOW);
		readers[i] = t_child(read_to_the_end, &consumers[i]);
	}
	tap = t_child(tap_to_the_end, NULL);
	for (int i = 0; i < n; i++) {
		producers[i] = (struct part){ .seat = fixture_join_producer(&f),
					      .batch = 1 + i,
					      .expects_zeroes = true };
		writers[i] = t_child(publish_all, &producers[i]);
	}
	for (int i = 0; i < n; i++)
		t_join(writers[i]);
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < 2; i++)
		t_join(readers[i]);
	t_join(tap);
	expect_zero(0, 15);
	fixture_close(&f);
}

TEST_TIMEOUT(two_leaves_race_for_one_producer, 120)
{
	race_two_leaves(RB_SINGLE, RB_WAIT_BLOCKING);
}

TEST_TIMEOUT(two_leaves_race_for_two_producers, 120)
{
	race_two_leaves(RB_MULTI, RB_WAIT_BLOCKING);
}

TEST_TIMEOUT(two_leaves_race_and_yield, 120)
{
	race_two_leaves(RB_MULTI, RB_WAIT_YIELDING);
}

/* Now one gates, now two, now nobody, while producers run. */
static void
come_and_go(enum rb_producers kind, bool somebody_stays)
{
	struct part stays = { .batch = 7 };
	struct part writer = { .batch = 1, .expects_zeroes = somebody_stays };
	struct rb_barrier b;
	pid_t reader = 0, pid;

	open_channel(kind);
	if (somebody_stays) {
		stays.seat = fixture_join_consumer(&f, "stays", RB_FROM_NOW);
		reader = t_child(read_to_the_end, &stays);
	}
	writer.seat = fixture_join_producer(&f);
	pid = t_child(publish_all, &writer);
	for (int i = 0; i < 2000; i++) {
		struct seat seat = fixture_join_consumer(
			&f, "c", i % 2 ? RB_FROM_NOW : RB_FROM_OLDEST);

		rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
		if (rb_barrier_wait(&b, b.committed + 1, MS) >= 0)
			take(&b, b.available - i % 3);
		rb_member_leave_consumer(&f.channel, b.index, false);
	}
	t_join(pid);
	rb_channel_close_stream(&f.channel, false);
	if (somebody_stays)
		t_join(reader);
	fixture_close(&f);
}

TEST_TIMEOUT(consumers_come_and_go_beside_one_that_stays, 120)
{
	come_and_go(RB_MULTI, true);
}

TEST_TIMEOUT(consumers_come_and_go_and_nobody_stays_single, 120)
{
	come_and_go(RB_SINGLE, false);
}

TEST_TIMEOUT(consumers_come_and_go_and_nobody_stays_multi, 120)
{
	come_and_go(RB_MULTI, false);
}

/* ----------------------------------------------------------------- sleeping */

static int
claim_one(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_eq(put(&s, 1, -1), 16);
	return 0;
}

/* Returns how often only the bound of its sleep woke it. */
static uint64_t
wake_one_that_waits(bool by_daemon)
{
	struct rb_barrier first, second;
	struct rb_sequencer s;
	struct rb_handle *handle;
	struct seat seat;
	uint64_t missed;
	pid_t pid;

	open_channel(RB_MULTI);
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "second", &second);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&first, 15);
	seat = fixture_join_producer(&f);
	handle = &f.channel.ring->handles[seat.index];
	pid = t_child(claim_one, &seat);
	t_until(rb_word64_load_relaxed(&handle->waits.sleeps) > 0 &&
		t_is_asleep(pid));
	if (by_daemon) {
		pretend_to_clear(second.index, done());
		second.available = 15;
		t_ok(rb_barrier_commit(&second, 15));
		rb_clear_dispossess(&f.channel, second.index);
	} else {
		take(&second, 0);
	}
	t_join(pid);
	missed = rb_word64_load_relaxed(&handle->waits.missed);
	fixture_close(&f);
	return missed;
}

static void
expect_a_wake_up(bool by_daemon)
{
	uint64_t missed = 1; /* a bound may come to its end just then */

	for (int i = 0; i < 20 && missed > 0; i++)
		missed = wake_one_that_waits(by_daemon);
	ck_assert_uint_eq(missed, 0);
}

TEST(whoever_clears_wakes_producers)
{
	expect_a_wake_up(false);
}

TEST(daemon_wakes_producers_when_it_clears)
{
	expect_a_wake_up(true);
}

static bool
is_anybody(void *context, int consumer)
{
	(void)context;
	(void)consumer;
	return true;
}

/* It has read all; what is left to do is another's. */
TEST(waiting_for_the_clearing_is_no_deadlock)
{
	struct rb_barrier other, b;
	struct rb_sequencer s;

	open_channel(RB_SINGLE);
	fixture_consumer(&f, "other", &other);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	s.is_self = is_anybody;
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -EDEADLK);
	take(&other, 15);
	pretend_to_clear(other.index, done());
	take(&b, 15);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), -ETIMEDOUT);
	rb_clear_dispossess(&f.channel, other.index);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, MS), 16);
	fixture_close(&f);
}
