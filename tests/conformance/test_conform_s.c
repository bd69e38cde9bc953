/* SPDX-License-Identifier: MIT */
/*
 * test_conform_s.c - LMAX's SequencerTest, between processes
 *
 * A ring of 16, a producer in one process and a consumer in another.
 */
#include <errno.h>

#include "tests/conformance/remote.h"
#include "tests/fixture.h"

/* The consumer may read up to there and no further. */
static void
can_read(struct t_pair *x, int64_t sequence)
{
	ck_assert_int_eq(t_remote_wait(&x->c, RINGBUS_NOW), sequence);
}

TEST(s01_a_second_process_on_a_single_producer_ring_is_refused)
{
	struct t_remote second;
	struct t_pair x;

	t_pair_begin(&x, RB_SINGLE);
	t_remote_start(&second, &x.b.daemon);
	ck_assert_int_eq(t_remote_put(&x.p, 2, RINGBUS_NOW), 1);
	ck_assert_int_eq(t_remote_claim(&x.p, 2, RINGBUS_NOW), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(t_remote_try_produce(&second, NULL), -EBUSY);
	t_ok(t_remote_publish(&x.p, 2, 3));
	ck_assert_int_eq(t_remote_put(&x.p, 12, RINGBUS_NOW), 15);
	t_remote_take(&x.c, 0, 15);
	t_remote_nothing(&x.c);
	t_remote_end(&second);
	t_pair_end(&x);
}

KINDS(s02_the_first_claim_is_zero)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), 0);
	t_pair_end(&x);
}

KINDS(s03_a_batch_claim_returns_the_highest)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_claim(&x.p, 4, RINGBUS_NOW), 3);
	t_pair_end(&x);
}

KINDS(s04_room_is_the_ring_exactly)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_remaining(&x.p), 16);
	ck_assert_int_eq(t_remote_claim(&x.p, 17, RINGBUS_NOW), -EINVAL);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 0);
	ck_assert_int_eq(t_remote_remaining(&x.p), 15);
	ck_assert_int_eq(t_remote_claim(&x.p, 16, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_remote_claim(&x.p, 15, RINGBUS_NOW), 15);
	t_pair_end(&x);
}

KINDS(s04_an_empty_ring_has_room_for_all_of_it)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_claim(&x.p, 16, RINGBUS_NOW), 15);
	t_pair_end(&x);
}

KINDS(s05_a_full_ring_has_no_room)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	ck_assert_int_eq(t_remote_remaining(&x.p), 0);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, T_MS), -ETIMEDOUT);
	t_pair_end(&x);
}

KINDS(s06_a_full_ring_holds_the_publisher_up)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	t_remote_begin_claim(&x.p, 1, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.p));
	can_read(&x, 15);
	can_read(&x, 15);
	ck_assert(!t_remote_is_done(&x.p));
	t_remote_take(&x.c, 0, 0);
	ck_assert_int_eq(t_remote_collect(&x.p), 16);
	t_ok(t_remote_publish(&x.p, 16, 16));
	t_remote_take(&x.c, 1, 16);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

TEST(s07_a_ring_that_is_all_claimed_is_full_single)
{
	struct t_pair x;

	t_pair_begin(&x, RB_SINGLE);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), i);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_remote_nothing(&x.c);
	t_ok(t_remote_publish(&x.p, 0, 15));
	t_remote_take(&x.c, 0, 15);
	t_pair_end(&x);
}

/* One claim at a time each, so that there have to be several. */
TEST(s07_a_ring_that_is_all_claimed_is_full_multi)
{
	struct t_remote others[4];
	struct t_pair x;

	t_pair_begin(&x, RB_MULTI);
	for (int i = 0; i < 4; i++) {
		t_remote_start(&others[i], &x.b.daemon);
		t_remote_produce(&others[i], NULL);
		ck_assert_int_eq(t_remote_claim(&others[i], 4, RINGBUS_NOW),
				 4 * i + 3);
	}
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_remote_nothing(&x.c);
	for (int i = 3; i >= 0; i--) {
		t_remote_nothing(&x.c);
		t_ok(t_remote_publish(&others[i], 4 * i, 4 * i + 3));
		t_remote_end(&others[i]);
	}
	t_remote_take(&x.c, 0, 15);
	t_pair_end(&x);
}

TEST(s08_remaining_falls_with_each_claim_single)
{
	struct t_pair x;

	t_pair_begin(&x, RB_SINGLE);
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(t_remote_remaining(&x.p), 16 - i);
		ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), i);
	}
	ck_assert_int_eq(t_remote_remaining(&x.p), 0);
	ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_remote_remaining(&x.p), 0);
	t_pair_end(&x);
}

/* Also while others wait with claims that there is no room for. */
TEST(s08_remaining_falls_with_each_claim_multi)
{
	struct t_remote other;
	struct t_pair x;

	t_pair_begin(&x, RB_MULTI);
	t_remote_start(&other, &x.b.daemon);
	t_remote_produce(&other, NULL);
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(t_remote_remaining(&x.p), 16 - i);
		ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), i);
		ck_assert_int_eq(t_remote_remaining(&other), 15 - i);
		t_ok(t_remote_publish(&x.p, i, i));
	}
	t_remote_begin_put(&other, 5, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&other));
	ck_assert_int_eq(t_remote_remaining(&x.p), 0);
	t_remote_take(&x.c, 0, 4);
	ck_assert_int_eq(t_remote_collect(&other), 20);
	ck_assert_int_eq(t_remote_remaining(&x.p), 0);
	t_remote_end(&other);
	t_pair_end(&x);
}

KINDS(s09_nothing_is_there_before_its_publish)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_claim(&x.p, 6, RINGBUS_NOW), 5);
	t_remote_nothing(&x.c);
	t_ok(t_remote_publish(&x.p, 0, 5));
	can_read(&x, 5);
	t_remote_take(&x.c, 0, 5);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

/* The consumer sleeps, the producer publishes n at once. */
static void
publish_to_a_sleeper(enum rb_producers kind, int64_t n)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_begin_wait(&x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.c));
	ck_assert_int_eq(t_remote_claim(&x.p, n, RINGBUS_NOW), n - 1);
	ck_assert_uint_eq(
		t_member(x.channel, RINGBUS_PRODUCER, "producer").wakes, 0);
	t_ok(t_remote_publish(&x.p, 0, n - 1));
	ck_assert_int_eq(t_remote_collect(&x.c), n - 1);
	ck_assert_uint_eq(
		t_member(x.channel, RINGBUS_PRODUCER, "producer").wakes, 1);
	t_pair_end(&x);
}

KINDS(s10_a_publish_wakes_a_sleeper_once)
{
	publish_to_a_sleeper(kind, 1);
}

KINDS(s11_a_publish_of_many_wakes_a_sleeper_once)
{
	publish_to_a_sleeper(kind, 10);
}

KINDS(s12_a_waiter_sees_what_is_published)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_begin_wait(&x.c, RINGBUS_FOREVER);
	ck_assert_int_eq(t_remote_claim(&x.p, 10, RINGBUS_NOW), 9);
	t_until(t_remote_sleeps(&x.c));
	t_ok(t_remote_publish(&x.p, 0, 3));
	ck_assert_int_eq(t_remote_collect(&x.c), 3);
	t_remote_take(&x.c, 0, 3);
	t_remote_begin_wait(&x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.c));
	t_ok(t_remote_publish(&x.p, 4, 9));
	ck_assert_int_eq(t_remote_collect(&x.c), 9);
	t_remote_take(&x.c, 4, 9);
	t_pair_end(&x);
}

TEST(s12_a_waiter_stops_before_a_hole_multi)
{
	struct t_pair x;

	t_pair_begin(&x, RB_MULTI);
	ck_assert_int_eq(t_remote_claim(&x.p, 10, RINGBUS_NOW), 9);
	t_ok(t_remote_publish(&x.p, 5, 9));
	t_remote_nothing(&x.c);
	t_ok(t_remote_publish(&x.p, 0, 3));
	can_read(&x, 3);
	t_remote_take(&x.c, 0, 3);
	t_remote_nothing(&x.c);
	t_remote_begin_wait(&x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.c));
	t_ok(t_remote_publish(&x.p, 4, 4));
	ck_assert_int_eq(t_remote_collect(&x.c), 9);
	t_remote_take(&x.c, 4, 9);
	t_pair_end(&x);
}

KINDS(s13_sixteen_tries_succeed)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), i);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_remote_take(&x.c, 0, 0);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 16);
	t_pair_end(&x);
}

KINDS(s14_the_next_producer_goes_on_where_the_last_one_stopped)
{
	struct t_remote next;
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_put(&x.p, 15, RINGBUS_NOW), 14);
	t_remote_close_producer(&x.p);
	t_remote_start(&next, &x.b.daemon);
	t_remote_produce(&next, NULL);
	ck_assert_int_eq(t_remote_claim(&next, 1, RINGBUS_NOW), 15);
	t_ok(t_remote_publish(&next, 15, 15));
	t_remote_take(&x.c, 0, 15);
	t_remote_nothing(&x.c);
	t_remote_end(&next);
	t_pair_end(&x);
}

/* A single producer's claims are nobody's when it leaves; those of a multi
 * producer lie between those of others, and readers skip them. */
KINDS(s14_nobody_repeats_a_claim_that_was_left)
{
	struct t_remote next;
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_put(&x.p, 3, RINGBUS_NOW), 2);
	ck_assert_int_eq(t_remote_claim(&x.p, 2, RINGBUS_NOW), 4);
	t_remote_close_producer(&x.p);
	t_remote_start(&next, &x.b.daemon);
	t_remote_produce(&next, NULL);
	ck_assert_int_eq(t_remote_put(&next, 1, RINGBUS_NOW),
			 kind == RB_SINGLE ? 3 : 5);
	t_remote_take(&x.c, 0, 2);
	t_remote_take(&x.c, kind == RB_SINGLE ? 3 : 5,
		      kind == RB_SINGLE ? 3 : 5);
	t_remote_nothing(&x.c);
	t_remote_end(&next);
	t_pair_end(&x);
}

static int64_t
claim_available(struct t_place *place, void *arg)
{
	const int64_t *n = arg;
	int64_t lowest;

	return ringbus_producer_claim_available(place->p, *n, &lowest);
}

KINDS(s15_to_s18_wrong_counts_change_nothing)
{
	static const int64_t timeouts[] = { RINGBUS_NOW, RINGBUS_FOREVER,
					    T_MS };
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (int64_t n = -1; n <= 0; n++) {
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(t_remote_claim(&x.p, n, timeouts[i]),
					 -EINVAL);
		ck_assert_int_eq(t_remote_call(&x.p, claim_available, &n,
					       sizeof(n)),
				 -EINVAL);
	}
	ck_assert_int_eq(t_remote_remaining(&x.p), 16);
	t_remote_nothing(&x.c);
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	t_remote_take(&x.c, 0, 15);
	t_pair_end(&x);
}

KINDS(s19_available_after_a_publish)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_nothing(&x.c);
	ck_assert_int_eq(t_remote_write(&x.p, 77, RINGBUS_NOW), 0);
	can_read(&x, 0);
	t_remote_take(&x.c, 77, 77);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

/* What a tap that does not wait gets: its sequence is its number. */
static int64_t
look(struct ringbus_tap *tap)
{
	uint64_t value = 0;
	size_t size;
	int64_t found = ringbus_tap_read(tap, &value, sizeof(value), &size,
					 RINGBUS_NOW);

	if (found >= 0)
		ck_assert_uint_eq(value, (uint64_t)found);
	return found;
}

/* To one who looks at it, in a process that does not publish. */
KINDS(s20_lapped_is_not_the_same_as_not_yet)
{
	struct ringbus_tap *tap;
	struct t_pair x;
	int64_t first;

	t_pair_begin(&x, kind);
	tap = t_tap(x.b.bus, 0);
	ck_assert_int_eq(look(tap), -EAGAIN);
	ck_assert_int_eq(ringbus_tap_lost(tap), 0);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 0);
	t_remote_take(&x.c, 0, 0);
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 16);
	first = look(tap);
	ck_assert_int_ge(first, 1);
	ck_assert_int_eq(ringbus_tap_lost(tap), first);
	for (int64_t i = first + 1; i <= 16; i++)
		ck_assert_int_eq(look(tap), i);
	ck_assert_int_eq(look(tap), -EAGAIN);
	ck_assert_int_eq(ringbus_tap_lost(tap), first);
	t_pair_end(&x);
}

static int64_t
missed(struct t_place *place, void *arg)
{
	(void)arg;
	return ringbus_consumer_missed(place->c);
}

/* To one who comes to read it. */
KINDS(s20_who_asks_for_it_is_told_gone_or_not_yet)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote late;
	struct t_pair x;
	uint64_t first;

	t_pair_begin_with(&x, kind, "slots: 16, event_size: 8, history: 4");
	for (uint64_t i = 0; i < 20; i++) {
		ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW),
				 (int64_t)i);
		t_remote_take(&x.c, i, i);
	}
	t_remote_start(&late, &x.b.daemon);
	o.from = 21;
	ck_assert_int_eq(t_remote_try_consume(&late, &o), -ERANGE);
	o.from = 0;
	t_remote_consume(&late, &o);
	first = (uint64_t)t_remote_call(&late, missed, NULL, 0);
	ck_assert_uint_ge(first, 4);
	ck_assert_uint_le(first, 16);
	t_remote_take(&late, first, 19);
	t_remote_nothing(&late);
	t_remote_end(&late);
	t_pair_end(&x);
}

KINDS(s21_claims_and_queries_do_not_move_the_cursor)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (int64_t i = 0; i < 32; i++) {
		ck_assert_int_eq(t_remote_remaining(&x.p), 16);
		t_remote_nothing(&x.c);
		ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), i);
		ck_assert_int_eq(t_remote_remaining(&x.p), 15);
		t_remote_nothing(&x.c);
		if (kind == RB_SINGLE)
			ck_assert_int_eq(t_info(x.channel).cursor, i - 1);
		t_ok(t_remote_publish(&x.p, i, i));
		can_read(&x, i);
		t_remote_take(&x.c, (uint64_t)i, (uint64_t)i);
	}
	t_pair_end(&x);
}

static int64_t
abandon(struct t_place *place, void *arg)
{
	const int64_t *bounds = arg;

	return ringbus_producer_abandon(place->p, bounds[0], bounds[1]);
}

/* The rest is given up, not published. */
TEST(s22_only_what_is_published_is_read_multi)
{
	uint64_t value;
	int64_t below[] = { 0, 2 }, between[] = { 4, 4 };
	struct t_pair x;

	t_pair_begin(&x, RB_MULTI);
	ck_assert_int_eq(t_remote_claim(&x.p, 6, RINGBUS_NOW), 5);
	t_ok(t_remote_publish(&x.p, 3, 3));
	t_remote_nothing(&x.c);
	t_ok(t_remote_publish(&x.p, 5, 5));
	t_remote_nothing(&x.c);
	t_ok(t_remote_call(&x.p, abandon, below, sizeof(below)));
	can_read(&x, 3);
	t_ok(t_remote_call(&x.p, abandon, between, sizeof(between)));
	can_read(&x, 5);
	for (uint64_t i = 3; i <= 5; i += 2) {
		ck_assert_int_eq(t_remote_next(&x.c, &value), 1);
		ck_assert_uint_eq(value, i);
	}
	ck_assert_int_eq(t_remote_next(&x.c, &value), 0);
	t_ok(t_remote_commit(&x.c));
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}
