/* SPDX-License-Identifier: MIT */
/*
 * test_daemon_steps.c - the daemon dies between any two stores of what it does
 * to the segments: repair, burial, the end of a stream, taking over
 *
 * Joins and leaves of consumers are in test_member_adopt.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shm/clear.h"
#include "shm/graph.h"
#include "shm/group.h"
#include "tests/crash/util_steps.h"
#include "tests/trace.h"

static struct fixture f;    /* in which the daemon dies */
static struct fixture twin; /* in which the next one goes on */

static void
die_everywhere(const char *what, const struct shape *shape,
	       void (*change)(struct rb_channel *), void (*next)(void))
{
	unsigned n = steps_die_everywhere(
		&(struct steps){ &f, &twin, shape, change, next });

	printf("%s: died after each of %u stores\n", what, n);
	ck_assert_uint_ge(n, 2);
}

static const struct rb_member *
producer(unsigned index)
{
	return &twin.channel.meta->producers[index];
}

static const struct rb_member *
consumer(unsigned index)
{
	return &twin.channel.meta->consumers[index];
}

static uint32_t
get(const struct rb_word32 *word)
{
	return rb_word32_load_acquire(word);
}

/* The next daemon finds that this producer's process is dead. */
static void
bury_producer(unsigned index)
{
	struct rb_repair report = { 0 };

	rb_member_adopt(&twin.channel);
	if (get(&producer(index)->state) != RB_MEMBER_FREE)
		fixture_bury(&twin, index, &report);
	ck_assert_uint_eq(get(&producer(index)->state), RB_MEMBER_FREE);
	ck_assert_int_eq(producer(index)->name[0], '\0');
}

/* --------------------------------------------------------------- producers */

#define SLOTS 16
#define FIXED SHAPE(.producers = RB_MULTI, .slots = SLOTS)
#define FRAMED                                                                 \
	SHAPE(.producers = RB_MULTI, .framing = RB_FRAMED, .slots = SLOTS,     \
	      .slot_size = 64)

static struct rb_sequencer dead, live;
static struct seat reader;
static int64_t kept_lo, kept_hi; /* claimed by the living, not published */
static int64_t n_events;         /* published before */

static void
open_for_two(const struct shape *shape)
{
	fixture_open(&f, shape);
	reader = fixture_join_consumer(&f, "reader", RB_FROM_NOW);
	fixture_producer(&f, &dead);
	fixture_producer(&f, &live);
}

/* The living claims two slots in the middle of it all. */
static void
claim_live(void)
{
	kept_hi = rb_sequencer_claim(&live, 2, 0);
	t_ok(kept_hi);
	kept_lo = kept_hi - 1;
	fill_slots(&live, kept_lo, kept_hi);
}

static void
publish_live(void)
{
	for (int64_t i = kept_lo; i <= kept_hi; i++) {
		struct rb_word64 *stamp = rb_channel_stamp(&twin.channel, i);

		/* Nobody may have buried what a living process is about to
		 * publish. */
		ck_assert_int_lt(
			rb_stamp_sequence(rb_word64_load_acquire(stamp)), i);
		rb_word64_store_release(stamp, rb_stamp(i, RB_STAMP_EVENT));
	}
}

/* All is readable, all of the ring can be claimed. */
static void
check_ring(int64_t n_wanted)
{
	int64_t claimed = rb_seq_load_acquire(&twin.channel.ring->claimed);
	struct rb_sequencer s;
	struct rb_barrier b;

	rb_barrier_init(&b, &twin.channel, reader.index, reader.epoch);
	ck_assert_int_eq(take(&b, claimed), n_wanted);
	rb_member_leave_producer(&twin.channel, live.index);
	fixture_producer(&twin, &s);
	ck_assert_int_eq(put(&s, SLOTS, 0), claimed + SLOTS);
	ck_assert_int_eq(take(&b, claimed + SLOTS), SLOTS);
}

static void
repair_dead(struct rb_channel *channel)
{
	struct rb_repair report = { 0 };

	rb_member_set_dying(channel, dead.index);
	while (rb_repair_producer(channel, dead.index, &report) != 0)
		;
	rb_member_leave_producer(channel, dead.index);
}

static void
check_repaired(void)
{
	bury_producer(dead.index);
	publish_live();
	check_ring(n_events + 2);
}

TEST_TIMEOUT(repair_of_a_claim_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_for_two(FIXED);
	ck_assert_int_eq(rb_sequencer_claim(&dead, 5, 0), 4);
	fill_slots(&dead, 0, 1);
	t_ok(rb_sequencer_publish(&dead, 1, 1));
	claim_live();
	n_events = 1;
	die_everywhere("repair", FIXED, repair_dead, check_repaired);
}

TEST_TIMEOUT(repair_of_a_claim_that_was_not_written_down_can_be_cut, 300)
{
	TRACE_OR_SKIP();
	open_for_two(FIXED);
	ck_assert_int_eq(put(&dead, 2, 0), 1);
	claim_live();
	rb_word64_store_release(&dead.handle->intent, RB_INTENT_CLAIMING);
	rb_word64_store_release(&dead.handle->n, 4);
	rb_seq_add_acq_rel(&f.channel.ring->claimed, 4);
	n_events = 2;
	die_everywhere("repair of a claim that was not written down", FIXED,
		       repair_dead, check_repaired);
}

/* A frame of four slots, all but the first of which are stamped. */
static void
check_frame_repaired(void)
{
	int64_t claimed = rb_seq_load_acquire(&twin.channel.ring->claimed);
	struct rb_event_view view;
	struct rb_barrier b;

	bury_producer(dead.index);
	rb_barrier_init(&b, &twin.channel, reader.index, reader.epoch);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), claimed);
	for (int64_t i = 0; i <= claimed; i++)
		ck_assert_int_gt(rb_event_at(&twin.channel, i, claimed, &view),
				 0);
	t_ok(rb_barrier_commit(&b, claimed));
}

TEST_TIMEOUT(repair_of_a_frame_can_be_cut_anywhere, 300)
{
	int64_t lo;

	TRACE_OR_SKIP();
	open_for_two(FRAMED);
	lo = claim_frame(&dead, 3 * (uint32_t)f.channel.geometry.slot_size, 0);
	ck_assert_int_eq(lo, 0);
	ck_assert_int_eq(rb_seq_load_acquire(&f.channel.ring->claimed), 3);
	for (int64_t i = 3; i > 0; i--)
		rb_word64_store_release(rb_channel_stamp(&f.channel, i),
					rb_stamp(i, RB_STAMP_REST));
	die_everywhere("repair of a frame", FRAMED, repair_dead,
		       check_frame_repaired);
}

static void
let_producer_in(struct rb_channel *channel)
{
	struct rb_identity who = { .name = "newcomer",
				   .pid = 1,
				   .start_time = 1 };
	int i = rb_member_find_producer(channel);

	t_ok(i);
	rb_member_join_producer(channel, (unsigned)i, &who);
}

static void
check_let_in(void)
{
	bury_producer(2);
	kept_lo = 0;
	kept_hi = -1;
	check_ring(0);
}

TEST_TIMEOUT(join_of_a_producer_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_for_two(FIXED);
	die_everywhere("join of a producer", FIXED, let_producer_in,
		       check_let_in);
}

/* ------------------------------------------------------------ end of stream */

static void
close_stream(struct rb_channel *channel)
{
	rb_channel_close_stream(channel, false);
}

static void
abort_stream(struct rb_channel *channel)
{
	rb_channel_close_stream(channel, true);
}

static void
check_closed(void)
{
	const struct rb_meta_control *control = &twin.channel.meta->control;
	bool begun = get(&control->stream) != RB_STREAM_OPEN;

	rb_member_adopt(&twin.channel);
	ck_assert(begun ==
		  (rb_seq_load_acquire(&control->end) != RB_SEQUENCE_MAX));
	close_stream(&twin.channel);
	ck_assert_uint_ge(get(&control->stream), RB_STREAM_CLOSING);
	ck_assert_int_eq(rb_seq_load_acquire(&control->end), 2);
}

static void
check_aborted(void)
{
	check_closed();
	abort_stream(&twin.channel);
	ck_assert_uint_eq(get(&twin.channel.meta->control.stream),
			  RB_STREAM_ABORTED);
	ck_assert_int_eq(rb_seq_load_acquire(&twin.channel.meta->control.end),
			 2);
}

TEST_TIMEOUT(end_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_for_two(FIXED);
	ck_assert_int_eq(put(&live, 3, 0), 2);
	die_everywhere("end of a stream", FIXED, close_stream, check_closed);
}

TEST_TIMEOUT(abort_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_for_two(FIXED);
	ck_assert_int_eq(put(&live, 3, 0), 2);
	die_everywhere("abort of a stream", FIXED, abort_stream, check_aborted);
}

/* ----------------------------------------------------------------- groups */

#define GROUP SHAPE(.producers = RB_MULTI, .slots = SLOTS, .n_groups = 1)

static struct seat dying, staying;

static struct rb_work
take_one(struct seat seat, struct rb_worker *w)
{
	struct rb_work work;

	t_ok(rb_worker_init(w, &f.channel, seat.index, seat.epoch));
	ck_assert_int_eq(rb_worker_take(w, &work), 1);
	return work;
}

/* Six events: one is done, two taken by the one who dies, two by one who stays,
 * and one is open. */
static void
open_group(void)
{
	struct rb_worker w[2];
	struct rb_work work;

	fixture_format(&f, GROUP);
	fixture_declare(&f, 0, "crew", SPEC(.is_group = true));
	rb_channel_open(&f.channel);
	dying = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	staying = fixture_join_worker(&f, "crew", RB_FROM_NOW);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, 6, 0), 5);
	work = take_one(staying, &w[1]);
	t_ok(rb_worker_done(&w[1], &work));
	for (int i = 0; i < 2; i++) {
		take_one(dying, &w[0]);
		take_one(staying, &w[1]);
	}
}

static void
bury_consumer(struct rb_channel *channel)
{
	rb_member_leave_consumer(channel, dying.index, false);
}

/* Everything that is not in the hands of the one who stays. */
static void
check_work(void)
{
	struct rb_worker w;
	struct rb_work work;
	struct seat seat;
	unsigned n = 0;

	rb_member_adopt(&twin.channel);
	if (get(&consumer(dying.index)->state) != RB_MEMBER_FREE)
		bury_consumer(&twin.channel);
	ck_assert_uint_eq(get(&consumer(dying.index)->state), RB_MEMBER_FREE);
	ck_assert_uint_eq(rb_word64_load_acquire(&consumer(0)->workers),
			  UINT64_C(1) << staying.index);
	seat = fixture_join_worker(&twin, "crew", RB_FROM_NOW);
	t_ok(rb_worker_init(&w, &twin.channel, seat.index, seat.epoch));
	while (rb_worker_wait(&w, 0) >= 0 && rb_worker_take(&w, &work) == 1) {
		ck_assert(is_filled(work.view.data, work.view.size,
				    (uint64_t)work.sequence));
		t_ok(rb_worker_done(&w, &work));
		n++;
	}
	ck_assert_uint_eq(n, 3);
}

TEST_TIMEOUT(burial_of_a_worker_can_be_cut_anywhere, 300)
{
	TRACE_OR_SKIP();
	open_group();
	die_everywhere("burial of a worker with work", GROUP, bury_consumer,
		       check_work);
}

/* ---------------------------------------------------------------- clearing */

#define CLEARED                                                                \
	SHAPE(.producers = RB_MULTI, .slots = SLOTS, .clear = RB_CLEAR_ZERO)

static void
check_cleared(void)
{
	static const char zeroes[32];
	const struct rb_clearing *clear = &twin.channel.gates->clear;

	rb_member_adopt(&twin.channel);
	if (get(&consumer(dying.index)->state) != RB_MEMBER_FREE)
		bury_consumer(&twin.channel);
	ck_assert_uint_eq(get(&clear->owner), 0);
	ck_assert_int_eq(rb_seq_load_acquire(&clear->done), SLOTS - 1);
	ck_assert_int_eq(rb_seq_load_acquire(&clear->begun), SLOTS - 1);
	for (int64_t i = 0; i < SLOTS; i++)
		ck_assert_mem_eq(rb_channel_slot(&twin.channel, i), zeroes,
				 sizeof(zeroes));
}

/* It dies in the middle of clearing 0..3, and all have read all. */
TEST_TIMEOUT(burial_of_one_who_clears_can_be_cut_anywhere, 300)
{
	struct rb_clearing *clear;
	struct rb_barrier a, b;

	TRACE_OR_SKIP();
	fixture_open(&f, CLEARED);
	clear = &f.channel.gates->clear;
	dying = fixture_join_consumer(&f, "dying", RB_FROM_NOW);
	rb_barrier_init(&a, &f.channel, dying.index, dying.epoch);
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &live);
	ck_assert_int_eq(put(&live, SLOTS, 0), SLOTS - 1);
	take(&a, 3);
	rb_word32_store_release(&clear->owner,
				(dying.index + 1) | RB_CLEAR_ZEROING);
	rb_seq_store_release(&clear->begun, 3);
	take(&b, SLOTS - 1);
	die_everywhere("burial of one who clears", CLEARED, bury_consumer,
		       check_cleared);
}

/* -------------------------------------------------------------- taking over */

#define CHAIN SHAPE(.producers = RB_MULTI, .slots = SLOTS, .n_groups = 1)

/* first -> crew -> last; and one by request after the first. */
static void
open_chain(void)
{
	fixture_format(&f, CHAIN);
	fixture_declare(&f, 0, "first", SPEC(0));
	fixture_declare(&f, 1, "crew", SPEC(.after = 1, .is_group = true));
	fixture_declare(&f, 2, "last", SPEC(.after = 2));
	rb_channel_open(&f.channel);
	fixture_join_consumer(&f, "first", RB_FROM_NOW);
	fixture_join_spec(&f, "extra", RB_FROM_NOW, SPEC(.after = 1));
}

static void
join_and_leave(struct rb_channel *channel)
{
	struct rb_join join = { .who = { .name = "crew" },
				.from = RB_FROM_NOW };
	struct rb_joined joined;
	unsigned worker;
	int extra = rb_member_find_named(channel, "extra");

	t_ok(extra);
	t_ok(rb_member_join_worker(channel, 1, &join, &worker, &joined));
	rb_member_leave_consumer(channel, (unsigned)extra, false);
	rb_member_leave_consumer(channel, worker, false);
	rb_member_evict(channel, 0);
	rb_channel_close_stream(channel, false);
}

static void
adopt(struct rb_channel *channel)
{
	rb_member_adopt(channel);
}

/* What the third daemon comes to is what the second would have. */
static void
check_adopted(void)
{
	struct rb_meta *meta = twin.channel.meta;

	rb_member_adopt(&twin.channel);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = consumer(i);

		ck_assert_uint_ne(get(&m->state), RB_MEMBER_JOINING);
		ck_assert_uint_eq(rb_word64_load_acquire(&m->deps),
				  rb_graph_deps(meta, i));
		if (get(&m->state) != RB_MEMBER_FREE || get(&m->declared) != 0)
			continue;
		ck_assert_int_eq(m->name[0], '\0');
		ck_assert_uint_eq(get(&m->worker_of), 0);
		ck_assert_uint_eq(rb_word64_load_acquire(&m->after), 0);
	}
	if (get(&meta->control.stream) != RB_STREAM_OPEN)
		ck_assert_int_eq(rb_seq_load_acquire(&meta->control.end), -1);
}

/* Everything with CRASH=1; else some of the join, and little of the rest, most
 * of which is to wake everybody. */
static unsigned
next_of(unsigned n)
{
	if (getenv("CRASH") != NULL)
		return n + 1;
	return n < 21 ? n + 4 : n + 97;
}

/* A first daemon dies after n stores, a second anywhere in what it makes of
 * that, and so for each n. */
TEST_TIMEOUT(taking_over_what_was_cut_can_be_cut_anywhere, 900)
{
	unsigned n_states = 0, n_stores = 0;
	bool more = true;

	TRACE_OR_SKIP();
	for (unsigned n = 1; more; n = next_of(n)) {
		open_chain();
		more = steps_die_at(&f, join_and_leave, n);
		n_stores += steps_die_everywhere(&(struct steps){
			&f, &twin, CHAIN, adopt, check_adopted });
		n_states++;
	}
	printf("taking over: died after each of %u stores, %u states\n",
	       n_stores, n_states);
}
