/* SPDX-License-Identifier: MIT */
/*
 * test_conform_r.c - LMAX's RingBufferTest, between processes
 */
#include <errno.h>

#include "tests/conformance/remote.h"
#include "tests/fixture.h"

#define EVENT_SIZE 64

/* An event of many bytes, all of them by its seed. */
static int64_t
write_filled(struct t_place *place, void *arg)
{
	const uint64_t *seed = arg;
	char bytes[EVENT_SIZE];

	fill(bytes, sizeof(bytes), *seed);
	return ringbus_producer_write(place->p, bytes, sizeof(bytes),
				      RINGBUS_NOW);
}

/* Its sequence, if it is what write_filled() wrote. */
static int64_t
read_filled(struct t_place *place, void *arg)
{
	const uint64_t *seed = arg;
	struct ringbus_event event;

	ck_assert_int_eq(ringbus_consumer_next(place->c, &event), 1);
	ck_assert_uint_eq(event.size, EVENT_SIZE);
	ck_assert(is_filled(event.data, event.size, *seed));
	t_ok(ringbus_consumer_commit(place->c));
	return event.sequence;
}

#define FILLED "slots: 32, event_size: 64"

/* In one process: its producer and its consumer are neighbours. */
KINDS(r01_claim_and_get_in_one_process)
{
	struct t_remote both;
	uint64_t seed = 2701;
	struct t_pair x;

	t_pair_begin_with(&x, kind, FILLED);
	t_remote_close_producer(&x.p);
	t_remote_start(&both, &x.b.daemon);
	t_remote_produce(&both, NULL);
	t_remote_join(&both, "both", RINGBUS_FROM_NOW);
	ck_assert_int_eq(t_info(x.channel).cursor, -1);
	ck_assert_int_eq(
		t_remote_call(&both, write_filled, &seed, sizeof(seed)), 0);
	ck_assert_int_eq(t_remote_wait(&both, RINGBUS_FOREVER), 0);
	ck_assert_int_eq(t_remote_call(&both, read_filled, &seed, sizeof(seed)),
			 0);
	ck_assert_int_eq(t_info(x.channel).cursor, 0);
	t_remote_end(&both);
	t_pair_end(&x);
}

KINDS(r01_r02_claim_and_get_in_another_process)
{
	uint64_t seed = 2701;
	struct t_pair x;

	t_pair_begin_with(&x, kind, FILLED);
	ck_assert_int_eq(t_info(x.channel).cursor, -1);
	t_remote_begin_wait(&x.c, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.c));
	ck_assert_int_eq(t_remote_call(&x.p, write_filled, &seed, sizeof(seed)),
			 0);
	ck_assert_int_eq(t_remote_collect(&x.c), 0);
	ck_assert_int_eq(t_remote_call(&x.c, read_filled, &seed, sizeof(seed)),
			 0);
	ck_assert_int_eq(t_info(x.channel).cursor, 0);
	t_pair_end(&x);
}

KINDS(r03_a_full_ring_is_read_back_in_order)
{
	struct t_pair x;

	t_pair_begin_with(&x, kind, FILLED);
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_int_eq(t_remote_call(&x.p, write_filled, &i,
					       sizeof(i)),
				 (int64_t)i);
	ck_assert_int_eq(t_remote_wait(&x.c, RINGBUS_FOREVER), 31);
	for (uint64_t i = 0; i < 32; i++)
		ck_assert_int_eq(t_remote_call(&x.c, read_filled, &i,
					       sizeof(i)),
				 (int64_t)i);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

#define N_WRAP (32 + 1000)

static int64_t
write_many(struct t_place *place, void *arg)
{
	const uint64_t *n = arg;

	t_put_all(place->p, 0, *n - 1);
	return 0;
}

/* The consumer follows, from lap to lap. What is left in the end is intact, to
 * a third process that comes to look. */
KINDS(r04_the_ring_wraps)
{
	struct ringbus_tap *tap;
	uint64_t n = N_WRAP, value = 0;
	struct t_pair x;
	size_t size;

	t_pair_begin_with(&x, kind, "slots: 32, event_size: 8");
	t_remote_begin(&x.p, write_many, &n, sizeof(n));
	t_remote_take(&x.c, 0, N_WRAP - 1);
	t_ok(t_remote_collect(&x.p));
	t_remote_nothing(&x.c);
	tap = t_tap(x.b.bus, RINGBUS_FROM_OLDEST);
	for (int64_t i = N_WRAP - 32; i < N_WRAP; i++) {
		ck_assert_int_eq(ringbus_tap_read(tap, &value, sizeof(value),
						  &size, RINGBUS_NOW),
				 i);
		ck_assert_uint_eq(value, (uint64_t)i);
	}
	t_pair_end(&x);
}

KINDS(r05_a_ring_of_four_takes_four)
{
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(t_remote_write(&x.p, 7, RINGBUS_NOW), i);
	ck_assert_int_eq(t_remote_write(&x.p, 7, RINGBUS_NOW), -EAGAIN);
	t_pair_end(&x);
}

/* As if it had been left by one who came from a much longer or another ring. */
static void
leave_in_word(struct t_pair *x, unsigned index, int64_t sequence)
{
	struct rb_channel c;

	t_daemon_map(&x->b.daemon, "a", RB_ROLE_CONSUMER, &c);
	t_commit(&c, index, sequence);
	rb_channel_detach(&c);
}

KINDS(r06_a_joiner_stands_at_the_cursor_whatever_its_word_held)
{
	static const int64_t silly[] = {
		-1, -2, 0, 1000, INT64_MAX, INT64_MIN
	};
	struct ringbus_member m;
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (int i = 0; i < 6; i++) {
		m = t_member(x.channel, RINGBUS_CONSUMER, "c");
		t_remote_close_consumer(&x.c);
		ck_assert_int_eq(t_remote_put(&x.p, 3, RINGBUS_NOW),
				 19 * i + 2);
		leave_in_word(&x, m.index, silly[i]);
		t_remote_join(&x.c, "c", RINGBUS_FROM_NOW);
		m = t_member(x.channel, RINGBUS_CONSUMER, "c");
		ck_assert_int_eq(m.sequence, 19 * i + 2);
		ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW),
				 19 * i + 18);
		ck_assert_int_eq(t_remote_claim(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	}
	t_pair_end(&x);
}

KINDS(r07_publishers_do_not_overtake_the_wrap_point)
{
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	ck_assert_int_eq(t_remote_put(&x.p, 4, RINGBUS_NOW), 3);
	t_remote_begin_write(&x.p, 4, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.p));
	/* One of several claims first, and waits before it writes. */
	ck_assert_int_eq(t_info(x.channel).cursor, kind == RB_SINGLE ? 3 : 4);
	ck_assert_int_eq(t_remote_wait(&x.c, RINGBUS_NOW), 3);
	t_remote_take(&x.c, 0, 3);
	ck_assert_int_eq(t_remote_collect(&x.p), 4);
	ck_assert_int_eq(t_info(x.channel).cursor, 4);
	t_remote_take(&x.c, 4, 4);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

KINDS(r71_gates_are_added_and_removed)
{
	struct t_remote other;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_pair_consumer(&x, &other, "d");
	ck_assert_int_eq(t_remote_put(&x.p, 10, RINGBUS_NOW), 9);
	t_remote_take(&other, 0, 3);
	t_remote_take(&x.c, 0, 7);
	ck_assert_int_eq(t_info(x.channel).gating, 3);
	t_remote_end(&other);
	ck_assert_int_eq(t_info(x.channel).gating, 7);
	t_remote_close_consumer(&x.c);
	ck_assert_int_eq(t_info(x.channel).gating, 9);
	t_pair_end(&x);
}
