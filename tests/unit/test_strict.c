/* SPDX-License-Identifier: MIT */
/*
 * test_strict.c - a stream that stops where a dead producer left a hole
 *
 * The dead one is a handle that claims and is never heard of again; the test is
 * the daemon, which looks, says where the stream stops, and buries when the
 * operator tells it to.
 */
#include "shm/claim.h"
#include "shm/hole.h"
#include "tests/unit/workers.h"

/* Of 16 slots: 0..1 are published, 2..4 claimed, 5..6 published. */
#define HOLE 2
#define HOLE_LAST 4
#define LAST 6

static struct rb_sequencer dead, live;
static struct rb_repair found;

static struct shape
strict_shape(void)
{
	return (struct shape){ .producers = RB_MULTI, .strict = true };
}

static void
leave_hole(void)
{
	ck_assert_int_eq(put(&live, 2, -1), HOLE - 1);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 3, -1), HOLE_LAST);
	ck_assert_int_eq(put(&live, 2, -1), LAST);
}

static void
open_strict(void)
{
	struct shape shape = strict_shape();

	fixture_open(&f, &shape);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
}

/* What the daemon does once the pidfd has fired. */
static void
stop_stream(void)
{
	found = (struct rb_repair){ .only_looks = true };
	ck_assert_int_eq(fixture_repair(&f, dead.index, &found), 0);
	rb_repair_set_broken(&f.channel, found.tombstones > 0
						 ? found.first
						 : RB_SEQUENCE_MAX);
}

/* What it does when the operator gives the hole up. */
static void
mend(void)
{
	struct rb_repair report = { 0 };

	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_uint_eq(report.tombstones, found.tombstones);
	rb_repair_set_broken(&f.channel, RB_SEQUENCE_MAX);
	rb_member_leave_producer(&f.channel, dead.index);
}

TEST(a_look_stores_nothing)
{
	open_strict();
	leave_hole();
	stop_stream();
	ck_assert_uint_eq(found.tombstones, 3);
	ck_assert_int_eq(found.first, HOLE);
	ck_assert_int_eq(found.last, HOLE_LAST);
	for (int64_t i = HOLE; i <= HOLE_LAST; i++)
		ck_assert(!is_readable(&f.channel, i));
	ck_assert_int_eq(rb_channel_broken_at(&f.channel), HOLE);
	fixture_close(&f);
}

/* Every consumer sees all that comes before it, and no more. */
TEST(consumer_reads_up_to_the_hole)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(rb_barrier_wait(&b, 0, -1), HOLE - 1);
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, 0), -EOWNERDEAD);
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, -1), -EOWNERDEAD);
	ck_assert_int_eq(rb_barrier_look(&b, HOLE), -EOWNERDEAD);
	ck_assert_int_eq(rb_barrier_arm(&b, HOLE), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(take(&b, LAST), 2);
	ck_assert_int_eq(rb_barrier_wait(&b, LAST + 1, 0), -EAGAIN);
	fixture_close(&f);
}

TEST(abort_comes_before_the_hole)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, 0), -EOWNERDEAD);
	rb_channel_close_stream(&f.channel, true);
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, 0), -ESHUTDOWN);
	fixture_close(&f);
}

TEST(dependant_reads_up_to_the_hole)
{
	struct shape shape = strict_shape();
	struct rb_barrier first, then;
	struct rb_channel c;

	fixture_format(&f, &shape);
	fixture_declare(&f, 0, "first", SPEC(.after = 0));
	fixture_declare(&f, 1, "then", SPEC(.after = 1));
	rb_channel_open(&f.channel);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	fixture_consumer(&f, "first", &first);
	fixture_attach_consumer(
		&f, fixture_join_consumer(&f, "then", RB_FROM_NOW), &c, &then);
	leave_hole();
	stop_stream();
	/* Its own stage before it is what it waits for. */
	ck_assert_int_eq(rb_barrier_wait(&then, 0, 0), -EAGAIN);
	ck_assert_int_eq(take(&first, HOLE - 1), HOLE);
	ck_assert_int_eq(take(&then, HOLE - 1), HOLE);
	ck_assert_int_eq(rb_barrier_wait(&then, HOLE, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(rb_barrier_wait(&then, HOLE, 0), -EAGAIN);
	ck_assert_int_eq(take(&first, LAST), 2);
	ck_assert_int_eq(take(&then, LAST), 2);
	fixture_close(&f);
}

TEST(one_that_lags_reads_up_to_the_hole)
{
	struct seat seat;
	struct rb_barrier b;
	struct rb_channel c;

	open_strict();
	seat = fixture_join_spec(&f, "c", RB_FROM_NOW,
				 SPEC(.slow = RB_SLOW_LOSSY));
	fixture_attach_consumer(&f, seat, &c, &b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(rb_barrier_wait(&b, HOLE, 0), LAST);
	fixture_close(&f);
}

TEST(tap_reads_up_to_the_hole)
{
	struct rb_tap tap;
	char buffer[32];
	uint64_t size;

	open_strict();
	rb_tap_init(&tap, &f.channel, 0);
	leave_hole();
	stop_stream();
	for (int64_t i = 0; i < HOLE; i++)
		ck_assert_int_eq(
			rb_tap_read(&tap, buffer, sizeof(buffer), &size), i);
	ck_assert_int_eq(rb_tap_read(&tap, buffer, sizeof(buffer), &size),
			 -EOWNERDEAD);
	mend();
	ck_assert_int_eq(rb_tap_read(&tap, buffer, sizeof(buffer), &size),
			 HOLE_LAST + 1);
	fixture_close(&f);
}

/* Nobody leaves as long as a colleague may still return what it has. */
TEST(workers_finish_what_comes_before_the_hole)
{
	struct shape shape = strict_shape();
	struct rb_worker a, b;
	struct rb_work first, second;

	open_group(&shape, SPEC(.is_group = true), &live);
	fixture_producer(&f, &dead);
	join_worker(&a);
	join_worker(&b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(rb_worker_take(&a, &first), 1);
	ck_assert_int_eq(rb_worker_take(&b, &second), 1);
	ck_assert_int_eq(rb_worker_wait(&b, 0), -EAGAIN);
	ck_assert_int_eq(rb_worker_look(&b), RB_BARRIER_IDLE);
	ck_assert_int_eq(rb_worker_arm(&b), 0);
	t_ok(rb_worker_done(&b, &second));
	ck_assert_int_eq(rb_worker_wait(&b, 0), -EAGAIN);
	t_ok(rb_worker_done(&a, &first));
	ck_assert_int_eq(rb_worker_wait(&a, -1), -EOWNERDEAD);
	ck_assert_int_eq(rb_worker_wait(&b, -1), -EOWNERDEAD);
	ck_assert_int_eq(rb_worker_look(&b), -EOWNERDEAD);
	ck_assert_int_eq(rb_worker_arm(&b), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(rb_worker_wait(&a, 0), HOLE_LAST + 1);
	fixture_close(&f);
}

/* As much as consumers can still make room for is not refused. */
TEST(producer_is_told_when_no_room_can_come)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(put(&live, 9, 0), 15);
	ck_assert_int_eq(put(&live, HOLE, 0), -EAGAIN);
	ck_assert_int_eq(put(&live, HOLE + 1, 0), -EOWNERDEAD);
	ck_assert_int_eq(put(&live, HOLE + 1, -1), -EOWNERDEAD);
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	ck_assert_int_eq(put(&live, HOLE, 0), 15 + HOLE);
	ck_assert_int_eq(put(&live, 1, -1), -EOWNERDEAD);
	ck_assert_int_eq(put(&live, 1, MS), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(put(&live, 1, 0), -EAGAIN);
	ck_assert_int_eq(take(&b, 15 + HOLE), 13);
	ck_assert_int_eq(put(&live, 1, 0), 16 + HOLE);
	fixture_close(&f);
}

/* Where nobody gates producers do not lap what is not published. */
TEST(producer_without_consumers_is_told)
{
	open_strict();
	leave_hole();
	stop_stream();
	ck_assert_int_eq(put(&live, 9, 0), 15);
	ck_assert_int_eq(put(&live, HOLE + 1, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(put(&live, HOLE + 1, -1), 16 + HOLE);
	fixture_close(&f);
}

TEST(drain_is_told)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	leave_hole();
	stop_stream();
	ck_assert_int_eq(rb_sequencer_drain(&live, 0), -EAGAIN);
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	ck_assert_int_eq(rb_sequencer_drain(&live, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(take(&b, LAST), 2);
	ck_assert_int_eq(rb_sequencer_drain(&live, -1), 0);
	fixture_close(&f);
}

/* ----------------------------------------------------------- who is asleep */

struct sleeper {
	struct seat seat;
	bool publishes;
};

static int
sleep_until_told(void *arg)
{
	const struct sleeper *who = arg;
	struct rb_channel c;
	struct rb_sequencer s;
	struct rb_barrier b;

	if (who->publishes) {
		fixture_attach(&f, RB_ROLE_PRODUCER, &c);
		fixture_attach_producer(&f, who->seat, &c, &s);
		return rb_sequencer_claim(&s, 3, -1) == -EOWNERDEAD ? 0 : 1;
	}
	fixture_attach(&f, RB_ROLE_CONSUMER, &c);
	fixture_attach_consumer(&f, who->seat, &c, &b);
	return rb_barrier_wait(&b, HOLE, -1) == -EOWNERDEAD ? 0 : 1;
}

/* A sleep that is counted has begun, or its event word has moved on. */
TEST(sleepers_are_told)
{
	struct sleeper reader = { 0 }, writer = { .publishes = true };
	struct rb_barrier b;
	pid_t pids[2];

	open_strict();
	fixture_consumer(&f, "b", &b);
	leave_hole();
	ck_assert_int_eq(put(&live, 9, 0), 15);
	reader.seat = fixture_join_consumer(&f, "c", RB_FROM_NOW);
	writer.seat = fixture_join_producer(&f);
	ck_assert_int_eq(take(&b, HOLE - 1), HOLE);
	pids[0] = t_child(sleep_until_told, &reader);
	pids[1] = t_child(sleep_until_told, &writer);
	t_until(rb_word64_load_acquire(
			&f.channel.gates->consumers[reader.seat.index]
				 .waits.sleeps) > 0);
	t_until(rb_word64_load_acquire(
			&f.channel.ring->handles[writer.seat.index]
				 .waits.sleeps) > 0);
	stop_stream();
	t_join(pids[0]);
	t_join(pids[1]);
	fixture_close(&f);
}

/* ------------------------------------------------------------ several dead */

TEST(the_lowest_hole_counts)
{
	struct rb_repair first = { .only_looks = true };
	struct rb_repair second = { .only_looks = true };

	open_strict();
	ck_assert_int_eq(rb_sequencer_claim(&live, 2, 0), 1);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 2, 0), 3);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &first), 0);
	ck_assert_int_eq(first.first, 2);
	ck_assert_int_eq(fixture_repair(&f, live.index, &second), 0);
	ck_assert_int_eq(second.first, 0);
	fixture_close(&f);
}

/* It had claimed, and no record says where: nobody's slots are its. */
TEST(unrecorded_claim_stops_the_stream)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&live, 2, 0), 1);
	rb_word64_store_release(&dead.handle->intent, RB_INTENT_CLAIMING);
	rb_seq_add_acq_rel(&f.channel.ring->claimed, 3);
	stop_stream();
	ck_assert_int_eq(found.first, 2);
	ck_assert_uint_eq(found.tombstones, 3);
	ck_assert_int_eq(take(&b, 1), 2);
	ck_assert_int_eq(rb_barrier_wait(&b, 2, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(take(&b, 4), 0);
	fixture_close(&f);
}

/* Some of its slots may carry stamps, and it is no event all the same. */
TEST(framed_event_is_missing_as_a_whole)
{
	struct rb_barrier b;
	int64_t first;

	fixture_open(&f, SHAPE(.producers = RB_MULTI, .framing = RB_FRAMED,
			       .slots = 64, .strict = true));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put_frame(&live, 8, 0), 0);
	first = claim_frame(&dead, 80, 0);
	ck_assert_int_eq(first, 1);
	ck_assert_int_eq(dead.next, 2);
	rb_word64_store_release(rb_channel_stamp(&f.channel, 2),
				rb_stamp(2, RB_STAMP_REST));
	ck_assert_int_eq(put_frame(&live, 8, 0), 3);
	stop_stream();
	ck_assert_int_eq(found.first, 1);
	ck_assert_uint_eq(found.tombstones, 2);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 0);
	t_ok(rb_barrier_commit(&b, 0));
	ck_assert_int_eq(rb_barrier_wait(&b, 1, -1), -EOWNERDEAD);
	mend();
	ck_assert_int_eq(rb_barrier_wait(&b, 1, 0), 3);
	fixture_close(&f);
}

TEST(nothing_claimed_stops_nothing)
{
	struct rb_barrier b;

	open_strict();
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&dead, 2, 0), 1);
	stop_stream();
	ck_assert_uint_eq(found.tombstones, 0);
	ck_assert_int_eq(take(&b, 1), 2);
	ck_assert_int_eq(rb_barrier_wait(&b, 2, 0), -EAGAIN);
	fixture_close(&f);
}

/* A word in `meta` that no daemon stored stops nobody who has something to do. */
TEST(broken_word_of_another_channel_is_nothing)
{
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &live);
	rb_repair_set_broken(&f.channel, 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	ck_assert_int_eq(put(&live, 1, -1), 0);
	ck_assert_int_eq(take(&b, 0), 1);
	fixture_close(&f);
}

/* ------------------------------------------------------------------- holes */

TEST(hole_is_told_with_its_owner)
{
	struct rb_hole hole;

	open_strict();
	ck_assert(!rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(put(&live, 2, 0), 1);
	ck_assert(!rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(rb_sequencer_claim(&dead, 3, 0), HOLE_LAST);
	ck_assert(rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(hole.sequence, HOLE);
	ck_assert_int_eq(hole.first, HOLE);
	ck_assert_int_eq(hole.last, HOLE_LAST);
	ck_assert_int_eq(hole.producer, (int)dead.index);
	ck_assert_int_eq(hole.state, RB_INTENT_CLAIMED);
	ck_assert(!rb_hole_is_in_the_way(&f.channel, &hole));
	ck_assert(rb_hole_has_room(&f.channel, &hole));
	ck_assert_int_eq(put(&live, 1, 0), HOLE_LAST + 1);
	ck_assert(rb_hole_is_in_the_way(&f.channel, &hole));
	fill_slots(&dead, HOLE, HOLE);
	t_ok(rb_sequencer_publish(&dead, HOLE, HOLE));
	ck_assert(rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(hole.sequence, HOLE + 1);
	ck_assert_int_eq(hole.first, HOLE);
	fixture_close(&f);
}

TEST(unrecorded_hole_is_of_whom_claims)
{
	struct rb_hole hole;

	open_strict();
	rb_word64_store_release(&dead.handle->intent, RB_INTENT_CLAIMING);
	rb_seq_add_acq_rel(&f.channel.ring->claimed, 1);
	ck_assert(rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(hole.producer, (int)dead.index);
	ck_assert_int_eq(hole.state, RB_INTENT_CLAIMING);
	rb_word64_store_release(&live.handle->intent, RB_INTENT_CLAIMING);
	ck_assert(rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(hole.producer, -1);
	ck_assert_int_eq(hole.state, RB_INTENT_CLAIMING);
	fixture_close(&f);
}

/* A claim made before there is room is no fault of its owner. */
TEST(claim_beyond_the_room_has_none)
{
	struct rb_barrier b;
	struct rb_hole hole;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &live);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(put(&live, 14, 0), 13);
	rb_word64_store_release(&dead.handle->n, 4);
	rb_word64_store_release(&dead.handle->intent,
				UINT64_C(15) << 2 | RB_INTENT_CLAIMED);
	rb_seq_add_acq_rel(&f.channel.ring->claimed, 4);
	ck_assert(rb_hole_find(&f.channel, &hole));
	ck_assert_int_eq(hole.producer, (int)dead.index);
	ck_assert(!rb_hole_has_room(&f.channel, &hole));
	ck_assert_int_eq(take(&b, 1), 2);
	ck_assert(rb_hole_has_room(&f.channel, &hole));
	fixture_close(&f);
}

TEST(single_producer_has_no_holes)
{
	struct rb_sequencer s;
	struct rb_hole hole;

	fixture_open(&f, SHAPE(.strict = true));
	fixture_producer(&f, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 2);
	ck_assert(!rb_hole_find(&f.channel, &hole));
	fixture_close(&f);
}
