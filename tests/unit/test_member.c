/* SPDX-License-Identifier: MIT */
/*
 * test_member.c - joining and leaving, also in the worst moment
 *
 * What must hold: from its first sequence on a consumer misses nothing, and a
 * stage never gets ahead of those that it waits for.
 */
#include "shm/member.h"

#include <stdio.h>

#include "tests/fixture.h"
#include "tests/trace.h"

static struct fixture f;

static int64_t
place_of(struct seat seat)
{
	return rb_seq_load_acquire(
		&f.channel.gates->consumers[seat.index].sequence);
}

static uint64_t
gating(void)
{
	return rb_word64_load_acquire(&f.channel.meta->control.gating);
}

static uint64_t
deps_of(unsigned index)
{
	return rb_word64_load_acquire(&f.channel.meta->consumers[index].deps);
}

static void
declare(unsigned index, const char *name, uint64_t after)
{
	fixture_declare(&f, index, name, SPEC(.after = after));
}

/* first -> middle -> last */
static void
open_chain(const struct shape *shape)
{
	fixture_format(&f, shape);
	declare(0, "first", 0);
	declare(1, "middle", 1);
	declare(2, "last", 2);
	rb_channel_open(&f.channel);
}

KINDS(q12_joiner_starts_at_the_cursor)
{
	struct rb_sequencer s;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 11, 0), 10);
	ck_assert_int_eq(place_of(fixture_join_consumer(&f, "c", RB_FROM_NOW)),
			 10);
	fixture_close(&f);
}

TEST(only_leaves_gate)
{
	struct rb_barrier b[3];

	open_chain(SHAPE());
	ck_assert_uint_eq(gating(), 0);
	fixture_consumer(&f, "first", &b[0]);
	ck_assert_uint_eq(gating(), 1);
	fixture_consumer(&f, "middle", &b[1]);
	ck_assert_uint_eq(gating(), 2);
	fixture_consumer(&f, "last", &b[2]);
	ck_assert_uint_eq(gating(), 4);
	rb_member_leave_consumer(&f.channel, 2, false);
	ck_assert_uint_eq(gating(), 2);
	fixture_close(&f);
}

TEST(stage_whose_predecessor_is_gone_waits_for_the_one_before)
{
	struct rb_barrier first, last;
	struct rb_sequencer s;

	open_chain(SHAPE());
	fixture_consumer(&f, "first", &first);
	fixture_consumer(&f, "last", &last);
	ck_assert_uint_eq(deps_of(2), 1);
	ck_assert_uint_eq(gating(), 4);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), -EAGAIN);
	take(&first, 1);
	ck_assert_int_eq(rb_barrier_wait(&last, 0, 0), 1);
	fixture_close(&f);
}

static int
leave_middle(void *arg)
{
	struct rb_channel channel;

	(void)arg;
	t_ok(rb_channel_attach(&channel, f.fds, RB_ROLE_DAEMON));
	rb_member_leave_consumer(&channel, 1, false);
	trace_mark();
	return 0;
}

/* Whatever is gating, and whatever the last stage waits for, at any instant:
 * the first stage is waited for by the one or by the other. */
TEST_TIMEOUT(no_stage_is_uncovered_at_any_instruction_of_a_leave, 120)
{
	struct rb_barrier b[3];
	pid_t pid;

	TRACE_OR_SKIP();
	open_chain(SHAPE());
	fixture_consumer(&f, "first", &b[0]);
	fixture_consumer(&f, "middle", &b[1]);
	fixture_consumer(&f, "last", &b[2]);
	pid = trace_child(leave_middle, NULL);
	trace_to(pid, (trace_fn)rb_member_leave_consumer);
	while (!trace_is_at(pid, trace_mark)) {
		ck_assert((deps_of(2) & 3) != 0 || (gating() & 1) != 0);
		trace_step(pid);
	}
	trace_release(pid);
	t_join(pid);
	fixture_close(&f);
}

TEST(history_is_there_for_who_asks_for_the_oldest)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE(.history = 5, .producers = RB_MULTI));
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_consumer(&f, "c", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 34);
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	while (put(&s, 1, 0) >= 0)
		;
	ck_assert_int_ge(take(&b, 39), 5);
	fixture_close(&f);
}

KINDS(whole_ring_is_there_while_nobody_produces)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	int64_t n;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	rb_member_leave_producer(&f.channel, s.index);
	seat = fixture_join_consumer(&f, "c", RB_FROM_OLDEST);
	ck_assert_int_le(place_of(seat), 27);
	/* The next producer has to wait for it, whatever the last one knew. */
	fixture_producer(&f, &s);
	n = put(&s, 8, 0);
	ck_assert_int_eq(n, -EAGAIN);
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	take(&b, 39);
	ck_assert_int_eq(put(&s, 8, 0), 47);
	take(&b, 47);
	fixture_close(&f);
}

/* The history ends where the first unpublished event begins; and it begins with
 * the start of an event, not within one. */
TEST(joiner_gets_whole_events_and_those_that_were_claimed_before_it_came)
{
	struct rb_sequencer slow, fast;
	struct rb_barrier b;
	struct seat seat;
	int64_t lo;

	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .producers = RB_MULTI,
			       .slots = 64, .slot_size = 64, .history = 8));
	fixture_producer(&f, &slow);
	fixture_producer(&f, &fast);
	ck_assert_int_eq(put_frame(&fast, 300, 0), 0); /* to 4 */
	for (int i = 5; i < 10; i++)
		ck_assert_int_eq(put_frame(&fast, 20, 0), i);
	lo = claim_frame(&slow, 200, 0);
	ck_assert_int_eq(lo, 10); /* to 13 */
	for (int i = 14; i < 20; i++)
		ck_assert_int_eq(put_frame(&fast, 20, 0), i);
	seat = fixture_join_consumer(&f, "c", RB_FROM_OLDEST);
	ck_assert_int_eq(place_of(seat), 4);
	ck_assert_int_eq(rb_sequencer_publish(&slow, lo, lo + 3), 0);
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	ck_assert_int_eq(take(&b, 19), 5 + 1 + 6);
	fixture_close(&f);
}

/* It is waited for by one that is ahead of it, and that one holds nobody back
 * for it. */
KINDS(stage_that_starts_in_the_past_is_waited_for)
{
	struct rb_barrier first, last;
	struct rb_sequencer s;
	struct seat seat;

	fixture_format(&f, SHAPE(.producers = kind));
	declare(0, "first", 0);
	declare(1, "last", 1);
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "last", &last);
	fixture_producer(&f, &s);
	for (int i = 0; i < 40; i++) {
		ck_assert_int_eq(put(&s, 1, 0), i);
		take(&last, i);
	}
	rb_member_leave_producer(&f.channel, s.index);
	seat = fixture_join_consumer(&f, "first", RB_FROM_OLDEST);
	ck_assert_int_lt(place_of(seat), 30);
	fixture_producer(&f, &s);
	while (put(&s, 1, 0) >= 0)
		;
	rb_barrier_init(&first, &f.channel, seat.index, seat.epoch);
	ck_assert_int_ge(take(&first, 39), 10);
	fixture_close(&f);
}

TEST(absent_consumer_resumes_where_it_was)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	uint32_t epoch;

	fixture_open(&f, SHAPE());
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 10, 0), 9);
	take(&b, 3);
	epoch = b.epoch;
	rb_member_leave_consumer(&f.channel, b.index, true);
	ck_assert_int_eq(put(&s, 10, 0), 19);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	fixture_consumer(&f, "c", &b);
	ck_assert_uint_ne(b.epoch, epoch);
	ck_assert_int_eq(b.committed, 3);
	ck_assert_int_eq(take(&b, 19), 16);
	fixture_close(&f);
}

TEST(declared_consumer_that_is_kept_gates_from_the_start)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_format(&f, SHAPE());
	fixture_declare(&f, 0, "journal", SPEC(.on_death = RB_ON_DEATH_KEEP));
	rb_channel_open(&f.channel);
	ck_assert_uint_eq(rb_member_count(&f.channel), 1);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	fixture_consumer(&f, "journal", &b);
	ck_assert_int_eq(take(&b, 15), 16);
	fixture_close(&f);
}

TEST(names_are_taken_while_attached)
{
	struct rb_barrier b;

	fixture_format(&f, SHAPE());
	declare(1, "declared", 0);
	rb_channel_open(&f.channel);
	fixture_consumer(&f, "c", &b);
	ck_assert_uint_eq(b.index, 0);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "c"), -EBUSY);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "declared"), 1);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "d"), 2);
	rb_member_leave_consumer(&f.channel, 0, false);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "d"), 0);
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "declared"), 1);
	fixture_close(&f);
}

TEST(tables_have_an_end)
{
	char name[16];

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	for (int i = 0; i < RB_CONSUMERS_MAX; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		fixture_join_consumer(&f, name, RB_FROM_NOW);
		fixture_join_producer(&f);
	}
	ck_assert_int_eq(rb_member_find_consumer(&f.channel, "d"), -EUSERS);
	ck_assert_int_eq(rb_member_find_producer(&f.channel), -EUSERS);
	ck_assert_uint_eq(rb_member_count(&f.channel), 128);
	ck_assert_uint_eq(gating(), UINT64_MAX);
	fixture_close(&f);
}

/* A gate beyond a slot that is claimed and not published would let it be
 * lapped, and the two producers write into it both. */
TEST(joiner_does_not_stand_beyond_what_is_published)
{
	struct rb_sequencer slow, fast;
	struct rb_barrier b;
	int64_t hi, last = 4;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &slow);
	fixture_producer(&f, &fast);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 1, 0), 0);
	ck_assert_int_eq(put(&fast, 4, 0), 4);
	fixture_consumer(&f, "c", &b);
	while ((hi = put(&fast, 1, 0)) >= 0)
		last = hi;
	ck_assert_int_eq(last, 15);
	fill_slots(&slow, 0, 0);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 0, 0), 0);
	ck_assert_int_eq(take(&b, 15), 16);
	fixture_close(&f);
}

/* ------------------------------------------------ in the worst moment */

static int
claim_while_one_joins(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_eq(put(&s, 1, 0), -EAGAIN);
	return 0;
}

/*
 * A producer takes the minimum of a set and is stopped; one joins; others fill
 * the ring for it. The first must not go on with what has come since.
 */
TEST(stopped_producer_does_not_write_over_what_a_joiner_has_to_read)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	pid_t pid;

	TRACE_OR_SKIP();
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	seat = fixture_join_producer(&f);
	pid = trace_child(claim_while_one_joins, &seat);
	trace_to(pid, (trace_fn)rb_multi_frontier);
	fixture_consumer(&f, "c", &b);
	for (int i = 16; i < 32; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	trace_release(pid);
	t_join(pid);
	ck_assert_int_eq(take(&b, 31), 16);
	fixture_close(&f);
}

/* The same without anybody joining: a consumer stands at the last claim when it
 * is looked at, and falls behind while the producer is stopped. */
TEST(stopped_producer_does_not_write_over_what_a_consumer_has_to_read)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	pid_t pid;

	TRACE_OR_SKIP();
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	take(&b, 15);
	seat = fixture_join_producer(&f);
	pid = trace_child(claim_while_one_joins, &seat);
	trace_to(pid, (trace_fn)rb_multi_frontier);
	for (int i = 16; i < 32; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	trace_release(pid);
	t_join(pid);
	ck_assert_int_eq(take(&b, 31), 16);
	fixture_close(&f);
}

static int
claim_all_while_one_joins(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	ck_assert_int_eq(rb_sequencer_claim(&s, 16, 0), -EAGAIN);
	return 0;
}

/* What was claimed already is published only after one has joined. */
TEST(stopped_producer_leaves_the_joiner_what_is_published_after_it_came)
{
	struct rb_sequencer s, slow;
	struct rb_barrier b;
	struct seat seat;
	pid_t pid;

	TRACE_OR_SKIP();
	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	fixture_producer(&f, &slow);
	ck_assert_int_eq(put(&s, 15, 0), 14);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 1, 0), 15);
	fill_slots(&slow, 15, 15);
	seat = fixture_join_producer(&f);
	pid = trace_child(claim_all_while_one_joins, &seat);
	trace_to(pid, (trace_fn)rb_multi_frontier);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 15, 15), 0);
	trace_release(pid);
	t_join(pid);
	ck_assert_int_eq(take(&b, 15), 1);
	fixture_close(&f);
}

static int
look_while_one_joins(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_barrier b;

	fixture_attach_consumer(&f, *seat, &channel, &b);
	ck_assert_int_eq(rb_barrier_wait(&b, 4, 0), -EAGAIN);
	return 0;
}

/* The same for a stage: it looks at the cursor, for nobody is before it; then
 * somebody is. */
TEST(stopped_stage_does_not_pass_one_that_joins_before_it)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;
	pid_t pid;

	TRACE_OR_SKIP();
	open_chain(SHAPE());
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 4, 0), 3);
	seat = fixture_join_consumer(&f, "middle", RB_FROM_NOW);
	pid = trace_child(look_while_one_joins, &seat);
	trace_to(pid, (trace_fn)rb_published_from);
	fixture_consumer(&f, "first", &b);
	ck_assert_int_eq(put(&s, 1, 0), 4);
	trace_release(pid);
	t_join(pid);
	fixture_close(&f);
}
