/* SPDX-License-Identifier: MIT */
/*
 * test_tap.c - observers that nobody waits for: never torn, losses counted
 */
#include "shm/tap.h"

#include "tests/fixture.h"

static struct fixture f;
static char buffer[65536];
static uint64_t size;

static int64_t
next_of(struct rb_tap *tap)
{
	int64_t sequence = rb_tap_read(tap, buffer, sizeof(buffer), &size);

	if (sequence >= 0)
		ck_assert(is_filled(buffer, size, (uint64_t)sequence));
	return sequence;
}

KINDS(starts_where_it_is_told)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	rb_tap_init(&tap, &f.channel, RB_TAP_OLDEST);
	ck_assert_int_eq(next_of(&tap), -EAGAIN);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	ck_assert_int_eq(tap.next, 0);
	fixture_producer(&f, &s);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(next_of(&tap), 4);
	ck_assert_int_eq(tap.lost, 4);
	rb_tap_init(&tap, &f.channel, RB_TAP_OLDEST);
	ck_assert_int_eq(next_of(&tap), 4);
	ck_assert_int_eq(tap.lost, 0);
	rb_tap_init(&tap, &f.channel, 11);
	ck_assert_int_eq(next_of(&tap), 11);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	ck_assert_int_eq(next_of(&tap), -EAGAIN);
	ck_assert_int_eq(put(&s, 1, 0), 20);
	ck_assert_int_eq(next_of(&tap), 20);
	fixture_close(&f);
}

KINDS(reads_all_while_it_keeps_up)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(next_of(&tap), -EAGAIN);
		ck_assert_int_eq(put(&s, 1, 0), i);
		ck_assert_int_eq(next_of(&tap), i);
	}
	ck_assert_int_eq(tap.lost, 0);
	fixture_close(&f);
}

/* What is claimed may be under the pen, published or not. */
KINDS(claims_take_what_they_will_write_over)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 5, 0), 20);
	memset(rb_channel_slot(&f.channel, 16), 'x', 5 * 32);
	ck_assert_int_eq(next_of(&tap), 5);
	ck_assert_int_eq(tap.lost, 5);
	fixture_close(&f);
}

TEST(tombstones_are_no_events)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 3, 0), 2);
	ck_assert_int_eq(rb_sequencer_abandon(&s, 0, 2), 0);
	ck_assert_int_eq(put(&s, 1, 0), 3);
	ck_assert_int_eq(next_of(&tap), 3);
	ck_assert_int_eq(tap.lost, 0);
	fixture_close(&f);
}

KINDS(end_comes_after_the_last_event)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	rb_channel_close_stream(&f.channel, false);
	ck_assert_int_eq(next_of(&tap), 0);
	ck_assert_int_eq(next_of(&tap), 1);
	ck_assert_int_eq(next_of(&tap), -ESHUTDOWN);
	fixture_close(&f);
}

KINDS(event_that_does_not_fit_is_told_and_stays)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind, .framing = RB_FRAMED,
			       .slot_size = 64));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(rb_tap_read(&tap, buffer, 99, &size), -EMSGSIZE);
	ck_assert_uint_eq(size, 100);
	ck_assert_int_eq(rb_tap_read(&tap, buffer, 100, &size), 0);
	fixture_close(&f);
}

KINDS(starts_again_where_an_event_starts)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind, .framing = RB_FRAMED,
			       .slots = 64, .slot_size = 64));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	for (int i = 0; i < 22; i++) /* three slots each, two more than fit */
		ck_assert_int_eq(put_frame(&s, 150, 0), 3 * i);
	ck_assert_int_eq(next_of(&tap), 3);
	ck_assert_int_eq(tap.lost, 3);
	rb_tap_init(&tap, &f.channel, 7);
	ck_assert_int_eq(next_of(&tap), 9);
	fixture_close(&f);
}

/* Started within an event that comes to be published only then. */
TEST(rest_of_an_event_is_stepped_over)
{
	struct rb_sequencer s;
	struct rb_tap tap;
	int64_t lo;

	fixture_open(&f, SHAPE(.producers = RB_MULTI, .framing = RB_FRAMED,
			       .slots = 64, .slot_size = 64));
	fixture_producer(&f, &s);
	lo = claim_frame(&s, 150, 0);
	ck_assert_int_eq(lo, 0);
	rb_tap_init(&tap, &f.channel, 1);
	ck_assert_int_eq(next_of(&tap), -EAGAIN);
	ck_assert_int_eq(rb_sequencer_publish(&s, 0, 2), 0);
	ck_assert_int_eq(put_frame(&s, 20, 0), 3);
	ck_assert_int_eq(next_of(&tap), 3);
	ck_assert_int_eq(tap.lost, 2);
	fixture_close(&f);
}

TEST(lie_is_an_error_and_no_endless_loop)
{
	struct rb_sequencer s;
	struct rb_frame *frame;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.framing = RB_FRAMED, .slot_size = 64));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 10, 0), 0);
	frame = rb_channel_slot(&f.channel, 0);
	rb_word32_store_relaxed(&frame->size, UINT32_MAX);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(next_of(&tap), -EBADMSG);
	rb_seq_store_relaxed(&f.channel.ring->claimed, INT64_MAX);
	rb_seq_store_relaxed(&f.channel.ring->published, INT64_MAX);
	ck_assert_int_lt(next_of(&tap), 0);
	fixture_close(&f);
}

/* Where there is no sequence, or where the next would be none. */
KINDS(now_is_a_sequence_whatever_producers_say)
{
	const int64_t lies[] = { INT64_MIN, -2, INT64_MAX - 1, INT64_MAX };
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	for (unsigned i = 0; i < RB_ARRAY_SIZE(lies); i++) {
		rb_seq_store_relaxed(&f.channel.ring->claimed, lies[i]);
		rb_seq_store_relaxed(&f.channel.ring->published, lies[i]);
		rb_tap_init(&tap, &f.channel, RB_TAP_NOW);
		ck_assert_int_ge(tap.next, 0);
		ck_assert_int_le(tap.next, RB_SEQUENCE_MAX / 2 + 1);
	}
	fixture_close(&f);
}

/* ------------------------------------------------------- at full speed */

#define N_EVENTS 100000

static bool framed;

static int
publish_at_full_speed(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	for (int64_t i = 0; i < N_EVENTS; i++)
		t_ok(framed ? put_frame(&s, (uint32_t)(i * 31 % 400), -1)
			    : put(&s, 1, -1));
	return 0;
}

/*
 * Reads on to the end. Between two events it returns there are only slots that
 * are counted as lost, or (framed) belong to the first of the two.
 */
static int
read_to_the_end(void *arg)
{
	const int64_t pause = *(const int64_t *)arg;
	struct rb_channel channel;
	struct rb_tap tap;
	int64_t expected = 0, lost = 0, n = 0, sequence;

	t_ok(rb_channel_attach(&channel, f.fds, RB_ROLE_TAP));
	rb_tap_init(&tap, &channel, 0);
	while ((sequence = next_of(&tap)) != -ESHUTDOWN) {
		if (sequence == -EAGAIN)
			continue;
		t_ok(sequence);
		ck_assert_int_eq(sequence, expected + tap.lost - lost);
		lost = tap.lost;
		expected = sequence + 1;
		if (framed)
			expected = sequence + rb_geometry_frame_slots(
						      &channel.geometry, size);
		for (int64_t i = 0; n % 64 == 0 && i < pause; i++)
			rb_cpu_relax();
		n++;
	}
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(tap.next,
			 rb_seq_load_acquire(&channel.meta->control.end) + 1);
	return 0;
}

static void
tap_at_full_speed(enum rb_producers kind, bool is_framed)
{
	const int64_t pauses[] = { 0, 20000 };
	int n = kind == RB_MULTI ? 2 : 1;
	struct seat seats[2];
	pid_t pids[2], taps[2];

	framed = is_framed;
	fixture_open(&f, SHAPE(.producers = kind, .slots = 128, .slot_size = 64,
			       .framing = framed ? RB_FRAMED : RB_FIXED));
	for (int i = 0; i < 2; i++)
		taps[i] = t_child(read_to_the_end, (void *)&pauses[i]);
	for (int i = 0; i < n; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_at_full_speed, &seats[i]);
	}
	for (int i = 0; i < n; i++)
		t_join(pids[i]);
	rb_channel_close_stream(&f.channel, false);
	for (int i = 0; i < 2; i++)
		t_join(taps[i]);
	fixture_close(&f);
}

TEST_TIMEOUT(never_torn_single_fixed, 120)
{
	tap_at_full_speed(RB_SINGLE, false);
}

TEST_TIMEOUT(never_torn_single_framed, 120)
{
	tap_at_full_speed(RB_SINGLE, true);
}

TEST_TIMEOUT(never_torn_multi_fixed, 120)
{
	tap_at_full_speed(RB_MULTI, false);
}

TEST_TIMEOUT(never_torn_multi_framed, 120)
{
	tap_at_full_speed(RB_MULTI, true);
}
