/* SPDX-License-Identifier: MIT */
/*
 * test_lagging.c - readers that may be overtaken and know how far they may read
 *
 * They get copies that are never torn, and every slot that they do not get is
 * told of once: as lost, or as a tombstone.
 */
#include "shm/tap.h"

#include "tests/fixture.h"

static struct fixture f;
static char buffer[65536];

static int
find(struct rb_tap *tap, int64_t available, int64_t first, int64_t last)
{
	struct rb_tap_found found = { .sequence = -1, .last = -1 };
	int kind = rb_tap_next(tap, available, buffer, sizeof(buffer), &found);

	ck_assert_int_eq(found.sequence, first);
	ck_assert_int_eq(found.last, last);
	if (kind > 0)
		ck_assert_int_eq(tap->next, last + 1);
	if (kind == 1)
		ck_assert(is_filled(buffer, found.view.size, (uint64_t)first));
	return kind;
}

KINDS(events_are_told_one_by_one_and_losses_in_a_row)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(put(&s, 2, 0), 1);
	ck_assert_int_eq(find(&tap, 1, 0, 0), 1);
	ck_assert_int_eq(find(&tap, 0, -1, -1), 0);
	ck_assert_int_eq(find(&tap, 1, 1, 1), 1);
	ck_assert_int_eq(find(&tap, 1, -1, -1), 0);
	ck_assert_int_eq(put(&s, 16, 0), 17);
	ck_assert_int_eq(put(&s, 4, 0), 21);
	ck_assert_int_eq(find(&tap, 21, 2, 5), RB_TAP_LOST);
	ck_assert_int_eq(find(&tap, 21, 6, 6), 1);
	ck_assert_int_eq(put(&s, 4, 0), 25);
	ck_assert_int_eq(find(&tap, 8, 7, 8), RB_TAP_LOST);
	ck_assert_int_eq(find(&tap, 8, -1, -1), 0);
	ck_assert_int_eq(tap.lost, 6);
	fixture_close(&f);
}

/* One who is overtaken again gives up more, for he would be overtaken again. */
KINDS(overtaken_twice_in_a_row_goes_on_further_ahead)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind, .slots = 64));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	for (int i = 0; i < 74; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(rb_tap_next(&tap, 73, buffer, 32,
				     &(struct rb_tap_found){ 0 }),
			 RB_TAP_LOST);
	for (int i = 74; i < 90; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(rb_tap_next(&tap, 89, buffer, 32,
				     &(struct rb_tap_found){ 0 }),
			 RB_TAP_LOST);
	ck_assert_int_ge(tap.next, 26 + 4);
	ck_assert_int_le(tap.next, 26 + 4 + 1); /* one is announced */
	ck_assert_int_eq(tap.lost, tap.next);
	fixture_close(&f);
}

TEST(tombstones_are_told_in_a_row)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert_int_eq(put(&s, 1, 0), 0);
	ck_assert_int_eq(rb_sequencer_claim(&s, 5, 0), 5);
	t_ok(rb_sequencer_abandon(&s, 1, 5));
	ck_assert_int_eq(put(&s, 1, 0), 6);
	ck_assert_int_eq(find(&tap, 6, 0, 0), 1);
	ck_assert_int_eq(find(&tap, 3, 1, 3), RB_TAP_GAP);
	ck_assert_int_eq(find(&tap, 6, 4, 5), RB_TAP_GAP);
	ck_assert_int_eq(find(&tap, 6, 6, 6), 1);
	ck_assert_int_eq(tap.lost, 0);
	fixture_close(&f);
}

KINDS(what_does_not_fit_is_told_again)
{
	struct rb_tap_found found;
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = kind, .framing = RB_FRAMED,
			       .slot_size = 64));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put_frame(&s, 100, 0), 0);
	rb_tap_init(&tap, &f.channel, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(rb_tap_next(&tap, 1, buffer, 99, &found),
				 -EMSGSIZE);
		ck_assert_uint_eq(found.view.size, 100);
	}
	ck_assert_int_eq(find(&tap, 1, 0, found.view.last), 1);
	fixture_close(&f);
}

/* A tombstone may go where nobody has told the other producers that there is
 * room. */
TEST(slot_under_a_later_tombstone_is_lost)
{
	struct rb_sequencer s;
	struct rb_tap tap;

	fixture_open(&f, SHAPE(.producers = RB_MULTI));
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_tap_init(&tap, &f.channel, 0);
	ck_assert(!rb_tap_is_lapped(&f.channel, 0));
	rb_word64_store_release(rb_channel_stamp(&f.channel, 16),
				rb_stamp(16, RB_STAMP_TOMBSTONE));
	ck_assert(rb_tap_is_lapped(&f.channel, 0));
	ck_assert_int_eq(find(&tap, 15, 0, 0), RB_TAP_LOST);
	ck_assert_int_eq(find(&tap, 15, 1, 1), 1);
	fixture_close(&f);
}

static int
claim_for_ever(void *arg)
{
	const struct seat *seat = arg;
	struct rb_channel channel;
	struct rb_sequencer s;

	fixture_attach_producer(&f, *seat, &channel, &s);
	t_ok(put(&s, 16, -1));
	return 0;
}

/* Producers may have claimed rings ahead, and the one announces more than it
 * claims; but they write nothing that somebody has to read. */
KINDS(nothing_is_lost_for_whom_producers_wait)
{
	int n = kind == RB_MULTI ? 3 : 1;
	struct seat seats[3];
	struct rb_sequencer s;
	struct rb_barrier b;
	struct rb_tap tap;
	pid_t pids[3];

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_consumer(&f, "c", &b);
	fixture_producer(&f, &s);
	ck_assert_int_eq(put(&s, 16, 0), 15);
	rb_tap_init(&tap, &f.channel, 0);
	if (kind == RB_SINGLE)
		rb_member_leave_producer(&f.channel, s.index);
	for (int i = 0; i < n; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(claim_for_ever, &seats[i]);
	}
	t_until(rb_word32_load_relaxed(
			&f.channel.ring->space_wanted[b.index]) != 0);
	if (kind == RB_MULTI)
		t_until(rb_seq_load_relaxed(&f.channel.ring->claimed) == 63);
	ck_assert(!rb_tap_is_lapped(&f.channel, 0));
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(find(&tap, 15, i, i), 1);
	ck_assert_int_eq(tap.lost, 0);
	take(&b, 16 * n + 15);
	for (int i = 0; i < n; i++)
		t_join(pids[i]);
	fixture_close(&f);
}

/* ---------------------------------------------------------------- barriers */

KINDS(one_that_lags_is_told_of_what_it_lost)
{
	struct rb_sequencer s;
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE(.producers = kind));
	fixture_producer(&f, &s);
	seat = fixture_join_spec(&f, "c", RB_FROM_NOW,
				 SPEC(.slow = RB_SLOW_LOSSY));
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EAGAIN);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(put(&s, 1, 0), i);
	ck_assert_int_eq(rb_barrier_look(&b, 0), RB_BARRIER_READY);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), 999);
	t_ok(rb_barrier_commit(&b, 990));
	ck_assert_int_eq(rb_barrier_commit(&b, 1000), -EINVAL);
	ck_assert_int_eq(rb_barrier_wait(&b, 991, 0), 999);
	t_ok(rb_barrier_commit(&b, 999));
	ck_assert_int_eq(rb_barrier_wait(&b, 1000, 0), -EAGAIN);
	fixture_close(&f);
}

TEST(one_that_lags_is_not_led_astray_by_a_lie)
{
	struct rb_barrier b;
	struct seat seat;

	fixture_open(&f, SHAPE(0));
	seat = fixture_join_spec(&f, "c", RB_FROM_NOW,
				 SPEC(.slow = RB_SLOW_LOSSY));
	rb_barrier_init(&b, &f.channel, seat.index, seat.epoch);
	rb_seq_store_relaxed(&f.channel.ring->published, INT64_MAX);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EBADMSG);
	rb_seq_store_relaxed(&f.channel.ring->claimed, INT64_MAX);
	ck_assert_int_eq(rb_barrier_wait(&b, 0, 0), -EBADMSG);
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

/* What it was told of the slots: how many were of which kind. */
struct account {
	int64_t n[RB_TAP_GAP + 1]; /* by what rb_tap_next() returned */
};

static int64_t
total_of(const struct account *a)
{
	return a->n[1] + a->n[RB_TAP_LOST] + a->n[RB_TAP_GAP];
}

/* Reads up to `available`, some events slowly; each slot is told of once. */
static void
read_up_to(struct rb_tap *tap, int64_t available, struct account *a)
{
	struct rb_tap_found found;
	int kind;

	while ((kind = rb_tap_next(tap, available, buffer, sizeof(buffer),
				   &found)) > 0) {
		ck_assert_int_eq(found.sequence, total_of(a));
		a->n[kind] += found.last - found.sequence + 1;
		if (kind != 1)
			continue;
		ck_assert(is_filled(buffer, found.view.size,
				    (uint64_t)found.sequence));
		for (int64_t pause = a->n[1] % 100; pause > 0; pause--)
			rb_cpu_relax();
	}
	t_ok(kind);
}

static int
account_for_all(void *arg)
{
	const struct seat *seat = arg;
	struct account a = { 0 };
	struct rb_channel channel;
	int64_t available, end;
	struct rb_barrier b;
	struct rb_tap tap;

	fixture_attach_consumer(&f, *seat, &channel, &b);
	ck_assert(b.lags);
	rb_tap_init(&tap, &channel, 0);
	while ((available = rb_barrier_wait(&b, tap.next, -1)) >= 0) {
		read_up_to(&tap, available, &a);
		t_ok(rb_barrier_commit(&b, tap.next - 1));
	}
	ck_assert_int_eq(available, -ESHUTDOWN);
	end = rb_seq_load_acquire(&channel.meta->control.end);
	ck_assert_int_eq(total_of(&a), end + 1);
	ck_assert_int_eq(tap.lost, a.n[RB_TAP_LOST]);
	ck_assert_int_gt(a.n[1], 0);
	return 0;
}

static void
lossy_at_full_speed(enum rb_producers kind, bool is_framed)
{
	int n = kind == RB_MULTI ? 2 : 1;
	struct seat seats[3];
	pid_t pids[3];

	framed = is_framed;
	fixture_open(&f, SHAPE(.producers = kind, .slots = 128, .slot_size = 64,
			       .framing = framed ? RB_FRAMED : RB_FIXED));
	seats[2] = fixture_join_spec(&f, "c", RB_FROM_NOW,
				     SPEC(.slow = RB_SLOW_LOSSY));
	pids[2] = t_child(account_for_all, &seats[2]);
	for (int i = 0; i < n; i++) {
		seats[i] = fixture_join_producer(&f);
		pids[i] = t_child(publish_at_full_speed, &seats[i]);
	}
	for (int i = 0; i < n; i++)
		t_join(pids[i]);
	rb_channel_close_stream(&f.channel, false);
	t_join(pids[2]);
	fixture_close(&f);
}

TEST_TIMEOUT(losses_are_exact_single_fixed, 120)
{
	lossy_at_full_speed(RB_SINGLE, false);
}

TEST_TIMEOUT(losses_are_exact_single_framed, 120)
{
	lossy_at_full_speed(RB_SINGLE, true);
}

TEST_TIMEOUT(losses_are_exact_multi_fixed, 120)
{
	lossy_at_full_speed(RB_MULTI, false);
}

TEST_TIMEOUT(losses_are_exact_multi_framed, 120)
{
	lossy_at_full_speed(RB_MULTI, true);
}
