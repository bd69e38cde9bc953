/* SPDX-License-Identifier: MIT */
/*
 * test_edges.c - where two rare things meet
 *
 * A repair while nobody consumes, a tap that is lapped by claims alone, a
 * daemon that dies while it closes a stream, a consumer that lies. Each part
 * has its own suite; what is here needs two of them.
 */
#include "tests/fixture.h"

static struct fixture f;
static char buffer[256];
static uint64_t size;

static int64_t
read_tap(struct rb_tap *tap)
{
	return rb_tap_read(tap, buffer, sizeof(buffer), &size);
}

/* -------------------------------------------------- repair without readers */

/* As one that waits for room: the claim is made and recorded already. */
static int64_t
claim_ahead(struct rb_sequencer *s)
{
	int64_t lo = rb_seq_add_acq_rel(&f.channel.ring->claimed, 1) + 1;

	rb_word64_store_release(&s->handle->n, 1);
	rb_word64_store_release(&s->handle->intent,
				(uint64_t)(lo + 1) << 2 | RB_INTENT_CLAIMED);
	return lo;
}

/* One that joins starts at the first hole, and wants the ring from there. */
TEST(repair_spares_what_a_later_consumer_will_read)
{
	struct rb_sequencer slow, fast, waiting, dead;
	struct rb_repair report = { 0 };
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.slots = 8, .producers = RB_MULTI));
	fixture_producer(&f, &slow);
	fixture_producer(&f, &fast);
	fixture_producer(&f, &waiting);
	fixture_producer(&f, &dead);
	ck_assert_int_eq(rb_sequencer_claim(&slow, 1, 0), 0);
	for (int i = 1; i < 8; i++)
		ck_assert_int_eq(put(&fast, 1, 0), i);
	ck_assert_int_eq(claim_ahead(&waiting), 8);
	ck_assert_int_eq(claim_ahead(&dead), 9);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 1);
	ck_assert_uint_eq(report.tombstones, 0);
	fixture_consumer(&f, "c", &b);
	fill_slots(&slow, 0, 0);
	ck_assert_int_eq(rb_sequencer_publish(&slow, 0, 0), 0);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 7);
	ck_assert_int_eq(take(&b, 7), 8);
	ck_assert_int_eq(fixture_repair(&f, dead.index, &report), 0);
	ck_assert_int_eq(report.first, 9);
	ck_assert_uint_eq(report.tombstones, 1);
	fixture_close(&f);
}

/* ------------------------------------------------------------------- taps */

#define FRAME_SLOTS 4
#define FRAME_SIZE (FRAME_SLOTS * 64 - sizeof(struct rb_frame))

/* Zeros would pass for the frames of empty events. */
static int64_t
claim_zeros(struct rb_sequencer *s)
{
	int64_t lo = claim_frame(s, FRAME_SIZE, 0);
	struct rb_frame *frame;

	t_ok(lo);
	frame = rb_channel_slot(&f.channel, lo);
	memset(frame + 1, 0, FRAME_SIZE);
	return lo;
}

/* A single producer announces more than it claims, but never so much that a tap
 * would take what it has not begun to write for lost. */
TEST(tap_is_not_driven_into_a_claim)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f,
		     SHAPE(.slots = 64, .slot_size = 64, .framing = RB_FRAMED));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	for (int64_t lo = 0; lo < 64; lo += FRAME_SLOTS)
		ck_assert_int_eq(claim_zeros(&s), lo);
	ck_assert_int_eq(read_tap(&tap), -EAGAIN);
	ck_assert_int_eq(tap.next, 0);
	for (int64_t lo = 0; lo < 64; lo += FRAME_SLOTS)
		t_ok(rb_sequencer_publish(&s, lo, lo + FRAME_SLOTS - 1));
	ck_assert_int_eq(read_tap(&tap), 0);
	ck_assert_uint_eq(size, FRAME_SIZE);
	ck_assert_int_eq(tap.lost, 0);
	fixture_close(&f);
}

TEST(tap_from_within_a_coming_event_waits_for_the_next)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f,
		     SHAPE(.slots = 64, .slot_size = 64, .framing = RB_FRAMED));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 1);
	ck_assert_int_eq(claim_zeros(&s), 0);
	t_ok(rb_sequencer_publish(&s, 0, FRAME_SLOTS - 1));
	ck_assert_int_eq(read_tap(&tap), -EAGAIN);
	ck_assert_int_eq(put_frame(&s, FRAME_SIZE, 0), FRAME_SLOTS);
	ck_assert_int_eq(read_tap(&tap), FRAME_SLOTS);
	fixture_close(&f);
}

TEST(tap_steps_over_a_long_row_of_tombstones)
{
	const int64_t n = 1500; /* more than the laps that it puts up with */
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.slots = 4096, .producers = RB_MULTI));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	ck_assert_int_eq(rb_sequencer_claim(&s, n, 0), n - 1);
	t_ok(rb_sequencer_abandon(&s, 0, n - 1));
	ck_assert_int_eq(put(&s, 1, 0), n);
	ck_assert_int_eq(read_tap(&tap), n);
	ck_assert_int_eq(tap.lost, 0);
	fixture_close(&f);
}

/* ---------------------------------------------------------- end of stream */

/* It is published in memory, and all the same nobody's to read. */
KINDS(nobody_reads_what_comes_after_the_end)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	fixture_consumer(&f, "c", &b);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(rb_sequencer_claim(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 0), -ESHUTDOWN);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -ESHUTDOWN);
	ck_assert_int_eq(read_tap(&tap), -ESHUTDOWN);
	fixture_close(&f);
}

/* Its predecessor had said that it closes, and not where the end is. */
KINDS(next_daemon_ends_a_stream_that_was_being_closed)
{
	struct rb_sequencer s;
	struct rb_barrier b;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	fixture_consumer(&f, "c", &b);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	rb_word32_store_release(&f.channel.meta->control.stream,
				RB_STREAM_CLOSING);
	rb_member_adopt(&f.channel);
	ck_assert_int_eq(take(&b, 1), 2);
	ck_assert_int_eq(rb_barrier_wait(&b, 2, 0), -ESHUTDOWN);
	fixture_close(&f);
}

/* ------------------------------------------------------------------- lies */

static void
pretend(struct rb_barrier *b, int64_t sequence)
{
	rb_seq_store_release(&f.channel.gates->consumers[b->index].sequence,
			     sequence);
}

/* A consumer that says it has read what is not even published lets others write
 * over a claim; who made that one must still get rid of it. */
TEST(claim_that_was_written_over_does_not_stay_open)
{
	struct rb_sequencer victim, other;
	struct rb_barrier liar;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &victim);
	fixture_producer(&f, &other);
	fixture_consumer(&f, "liar", &liar);
	ck_assert_int_eq(rb_sequencer_claim(&victim, 1, 0), 0);
	ck_assert_int_eq(put(&other, 15, 0), 15);
	pretend(&liar, 14);
	ck_assert_int_eq(put(&other, 1, 0), 16); /* in the slot of 0 */
	pretend(&liar, 16);
	ck_assert_int_eq(rb_sequencer_publish(&victim, 0, 0), 0);
	for (int i = 17; i < 20; i++)
		ck_assert_int_eq(put(&victim, 1, 0), i);
	fixture_close(&f);
}
