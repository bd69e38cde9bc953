/* SPDX-License-Identifier: MIT */
/*
 * test_conform_qu.c - LMAX's tests of sequence groups and utilities, between
 * processes
 *
 * A group of sequences is what producers wait for: the gating consumers.
 */
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/conformance/remote.h"
#include "tests/fixture.h"
#include "tests/system/util_peer.h"

static int64_t
gate(const struct t_pair *x)
{
	return t_info(x->channel).gating;
}

/* Members of a role, by looking at every place. */
static unsigned
size(const struct t_pair *x, int role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct ringbus_member m = { .size = sizeof(m) };

		n += ringbus_channel_member(x->channel, role, i, &m) == 1;
	}
	return n;
}

/* ------------------------------------------------------------- groups */

KINDS(q04_u03_without_consumers_there_is_no_gate)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_close_consumer(&x.c);
	for (int64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), i);
		ck_assert_int_eq(t_remote_remaining(&x.p), 16);
		ck_assert_int_eq(gate(&x), i);
	}
	t_pair_end(&x);
}

KINDS(q05_the_only_consumer_is_the_gate)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(gate(&x), -1);
	ck_assert_int_eq(t_remote_put(&x.p, 10, RINGBUS_NOW), 9);
	ck_assert_int_eq(gate(&x), -1);
	for (uint64_t i = 0; i < 10; i++) {
		t_remote_take(&x.c, i, i);
		ck_assert_int_eq(gate(&x), (int64_t)i);
		ck_assert_int_eq(gate(&x), t_remote_sequence(&x.c));
		ck_assert_int_eq(t_remote_remaining(&x.p), 7 + (int64_t)i);
	}
	t_pair_end(&x);
}

/* By hand: the library closes a handle once. */
KINDS(q06_leaving_twice_is_harmless)
{
	struct rb_control answer;
	struct t_pair x;
	int peer;

	t_pair_begin(&x, kind);
	peer = t_peer_greet(&x.b.daemon);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_CONSUMER, "d", &answer));
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 2);
	t_ok(t_peer_detach(peer, &answer));
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 1);
	ck_assert_int_lt(t_peer_detach(peer, &answer), 0);
	ck_assert_int_lt(t_peer_forget(peer, &answer), 0);
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 1);
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_remote_take(&x.c, 0, 15);
	close(peer);
	t_pair_end(&x);
}

/* The place of the first one has gone to the second. */
KINDS(q06_leaving_the_place_of_another_is_harmless)
{
	struct rb_control first, second;
	struct t_pair x;
	int peers[2];

	t_pair_begin(&x, kind);
	for (int i = 0; i < 2; i++)
		peers[i] = t_peer_greet(&x.b.daemon);
	t_ok(t_peer_attach(peers[0], "a", RB_ROLE_CONSUMER, "d", &first));
	t_ok(t_peer_detach(peers[0], &first));
	t_ok(t_peer_attach(peers[1], "a", RB_ROLE_CONSUMER, "e", &second));
	ck_assert_uint_eq(second.index, first.index);
	ck_assert_int_lt(t_peer_detach(peers[0], &first), 0);
	ck_assert_int_lt(t_peer_forget(peers[1], &first), 0);
	ck_assert(t_has_member(x.channel, RINGBUS_CONSUMER, "e"));
	t_ok(t_peer_detach(peers[1], &second));
	close(peers[0]);
	close(peers[1]);
	t_pair_end(&x);
}

KINDS(q06_a_close_that_the_daemon_does_not_hear_is_harmless)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_daemon_kill(&x.b.daemon);
	t_remote_close_consumer(&x.c);
	t_daemon_restart(&x.b.daemon);
	t_remote_close_producer(&x.p);
	t_pair_end(&x);
}

KINDS(q07_the_slower_of_two_is_the_gate)
{
	struct t_remote other;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_pair_consumer(&x, &other, "d");
	ck_assert_int_eq(t_remote_put(&x.p, 10, RINGBUS_NOW), 9);
	t_remote_take(&x.c, 0, 5);
	ck_assert_int_eq(gate(&x), -1);
	t_remote_take(&other, 0, 3);
	ck_assert_int_eq(gate(&x), 3);
	ck_assert_int_eq(t_remote_remaining(&x.p), 10);
	ck_assert_int_eq(t_remote_put(&x.p, 11, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_remote_put(&x.p, 10, RINGBUS_NOW), 19);
	t_remote_end(&other);
	t_pair_end(&x);
}

KINDS(q08_members_are_counted)
{
	struct t_remote others[3];
	struct t_pair x;
	char name[8];

	t_pair_begin(&x, kind);
	ck_assert_uint_eq(size(&x, RINGBUS_PRODUCER), 1);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 1 + i);
		snprintf(name, sizeof(name), "d%u", i);
		t_pair_consumer(&x, &others[i], name);
	}
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 4);
	t_remote_kill(&others[1]);
	t_until(size(&x, RINGBUS_CONSUMER) == 3);
	t_remote_close_consumer(&others[0]);
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 2);
	t_remote_end(&others[2]);
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 1);
	t_remote_close_producer(&x.p);
	ck_assert_uint_eq(size(&x, RINGBUS_PRODUCER), 0);
	t_remote_end(&others[0]);
	t_pair_end(&x);
}

KINDS(q09_the_gate_moves_when_the_slowest_leaves)
{
	struct t_remote other;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_pair_consumer(&x, &other, "d");
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	t_remote_take(&x.c, 0, 7);
	t_remote_take(&other, 0, 3);
	ck_assert_int_eq(gate(&x), 3);
	t_remote_begin_put(&x.p, 8, RINGBUS_FOREVER);
	t_until(t_remote_sleeps(&x.p));
	t_remote_close_consumer(&other);
	ck_assert_int_eq(gate(&x), 7);
	ck_assert_int_eq(t_remote_collect(&x.p), 23);
	t_remote_take(&x.c, 8, 23);
	t_remote_end(&other);
	t_pair_end(&x);
}

KINDS(q10_a_name_is_attached_once)
{
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_remote other;
	struct t_pair x;

	t_pair_begin(&x, kind);
	t_remote_start(&other, &x.b.daemon);
	ck_assert_int_eq(t_remote_put(&x.p, 4, RINGBUS_NOW), 3);
	t_remote_take(&x.c, 0, 1);
	o.name = "c";
	ck_assert_int_eq(t_remote_try_consume(&other, &o), -EBUSY);
	ck_assert_uint_eq(size(&x, RINGBUS_CONSUMER), 1);
	ck_assert_int_eq(gate(&x), 1);
	t_remote_take(&x.c, 2, 3);
	t_remote_close_consumer(&x.c);
	t_remote_consume(&other, &o);
	t_remote_end(&other);
	t_pair_end(&x);
}

KINDS(q12_a_joiner_stands_at_the_cursor)
{
	struct t_remote late;
	struct t_pair x;

	t_pair_begin(&x, kind);
	ck_assert_int_eq(t_remote_put(&x.p, 11, RINGBUS_NOW), 10);
	t_pair_consumer(&x, &late, "d");
	ck_assert_int_eq(t_member(x.channel, RINGBUS_CONSUMER, "d").sequence,
			 10);
	ck_assert_int_eq(t_remote_sequence(&late), 10);
	t_remote_nothing(&late);
	ck_assert_int_eq(t_remote_put(&x.p, 1, RINGBUS_NOW), 11);
	t_remote_take(&late, 11, 11);
	t_remote_end(&late);
	t_pair_end(&x);
}

/* Not 0: the joiner has joined. */
static struct rb_word64 *joined;

/* Numbers its events by their sequences, until then and 1000 more. */
static int64_t
flood(struct t_place *place, void *arg)
{
	uint64_t n = 0;

	(void)arg;
	for (; t_read(joined) == 0; n++)
		t_put_all(place->p, n, n);
	t_put_all(place->p, n, n + 999);
	t_ok(ringbus_end(place->bus, "a"));
	return (int64_t)n + 999;
}

/* Reads all from the number in *arg on; then that is the last. */
static int64_t
read_on(struct t_place *place, void *arg)
{
	struct ringbus_event event;
	uint64_t *at = arg;
	uint64_t n = *at;
	int64_t found;

	while ((found = ringbus_consumer_wait(place->c, T_LONG)) >= 0) {
		while (ringbus_consumer_next(place->c, &event) == 1)
			if (t_value(&event) != n++)
				ck_abort_msg("out of order");
		t_ok(ringbus_consumer_commit(place->c));
	}
	*at = n - 1;
	return found;
}

/* And from there on it misses nothing, whatever is being published. */
KINDS(q12_a_joiner_under_load_misses_nothing)
{
	uint64_t at = 1000, late_at;
	struct t_remote late;
	struct t_pair x;
	int64_t last;

	joined = t_counter();
	t_pair_begin_with(&x, kind, "slots: 64, event_size: 8");
	t_remote_start(&late, &x.b.daemon);
	t_remote_begin(&x.p, flood, NULL, 0);
	t_remote_take(&x.c, 0, 999);
	t_remote_begin(&x.c, read_on, &at, sizeof(at));
	t_remote_join(&late, "d", RINGBUS_FROM_NOW);
	late_at = (uint64_t)t_remote_sequence(&late) + 1;
	t_store(joined, 1);
	ck_assert_uint_ge(late_at, 1000);
	ck_assert_int_eq(t_remote_call(&late, read_on, &late_at,
				       sizeof(late_at)),
			 -ESHUTDOWN);
	ck_assert_int_eq(t_remote_collect(&x.c), -ESHUTDOWN);
	last = t_remote_collect(&x.p);
	ck_assert_uint_eq(at, (uint64_t)last);
	ck_assert_uint_eq(late_at, (uint64_t)last);
	t_remote_end(&late);
	t_pair_end(&x);
}

/* One after another goes on, and up to there. */
struct step {
	unsigned who;
	int64_t to;
	int64_t gate; /* from then on */
};

KINDS(q13_u02_the_gate_is_the_smallest_as_they_overtake)
{
	static const struct step steps[] = {
		{ 0, 3, -1 },  { 1, 5, -1 },  { 2, 4, 3 },   { 0, 9, 4 },
		{ 2, 12, 5 },  { 1, 10, 9 },  { 0, 15, 10 }, { 1, 14, 12 },
		{ 2, 15, 14 }, { 1, 15, 15 },
	};
	int64_t at[3] = { -1, -1, -1 };
	struct t_remote r[3];
	struct t_pair x;
	char name[8];

	t_pair_begin(&x, kind);
	t_remote_close_consumer(&x.c);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		t_pair_consumer(&x, &r[i], name);
	}
	ck_assert_int_eq(t_remote_put(&x.p, 16, RINGBUS_NOW), 15);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *s = &steps[i];

		t_remote_take(&r[s->who], (uint64_t)at[s->who] + 1,
			      (uint64_t)s->to);
		at[s->who] = s->to;
		ck_assert_int_eq(gate(&x), s->gate);
		ck_assert_int_eq(t_remote_remaining(&x.p), s->gate + 1);
	}
	for (unsigned i = 0; i < 3; i++)
		t_remote_end(&r[i]);
	t_pair_end(&x);
}

/* ----------------------------------------------------------- utilities */

TEST(u01_slots_are_a_power_of_two_in_the_configuration)
{
	struct t_daemon d;

	t_daemon_prepare(&d, "channels: { a: { slots: 1000, event_size: 8 } }");
	t_daemon_launch(&d, NULL);
	t_daemon_ends(&d, EX_CONFIG);
	ck_assert(t_daemon_said(&d, "the next power of two is 1024"));
	t_daemon_prepare(&d, "channels: { a: { slots: 1024, event_size: 8 } }");
	t_daemon_restart(&d);
	t_daemon_stop(&d);
}

static int64_t
create_with(struct t_place *place, void *arg)
{
	struct ringbus_channel_options o = RINGBUS_CHANNEL_OPTIONS_INIT;
	const uint64_t *slots = arg;

	o.slots = *slots;
	return ringbus_create(place->bus, "a", &o);
}

TEST(u01_slots_are_a_power_of_two_in_a_request)
{
	uint64_t wrong = 1000, right = 1024;
	struct t_remote r;
	struct t_bus b;

	t_bus_begin_with(&b, "dynamic: { allow: any }");
	t_remote_start(&r, &b.daemon);
	ck_assert_int_eq(t_remote_call(&r, create_with, &wrong, sizeof(wrong)),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(t_remote_error(&r), "1024"));
	t_ok(t_remote_call(&r, create_with, &right, sizeof(right)));
	ck_assert_uint_eq(
		t_info(ringbus_tap_channel(t_tap(b.bus, RINGBUS_FROM_NOW)))
			.slots,
		1024);
	t_remote_end(&r);
	t_bus_end(&b);
}
