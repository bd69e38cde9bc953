/* SPDX-License-Identifier: MIT */
/*
 * test_conform_e.c - LMAX's tests of publishing by translators, between
 * processes: one event and batches, and what is refused before any claim
 */
#include <errno.h>

#include "tests/conformance/remote.h"
#include "tests/fixture.h"

#define N_ARGS_MAX 8

/* How to publish, with which arguments, and how the translator was called. */
struct order {
	int64_t n; /* of a batch; 0: one event, without a batch */
	int64_t timeout_ns;
	unsigned n_args; /* of each event: their sum is written */
	unsigned first;  /* where in `args` the first event's are */
	uint64_t args[N_ARGS_MAX * 4];
	int n_calls;
	int64_t sequence; /* of the last call */
	bool was_in_order;
	bool was_in_place;
};

struct translation {
	struct order *order;
	struct ringbus_producer *p;
};

static int
translate(void *context, void *slot, size_t size, int64_t sequence)
{
	struct translation *t = context;
	struct order *o = t->order;
	unsigned at = o->first + (unsigned)o->n_calls * o->n_args;
	uint64_t sum = 0;

	for (unsigned i = 0; i < o->n_args; i++)
		sum += o->args[at + i];
	ck_assert_uint_eq(size, sizeof(sum));
	memcpy(slot, &sum, sizeof(sum));
	o->was_in_place &= slot == ringbus_producer_slot(t->p, sequence);
	o->was_in_order &= o->n_calls == 0 || sequence == o->sequence + 1;
	o->n_calls++;
	o->sequence = sequence;
	return 0;
}

static int64_t
carry_out(struct t_place *place, void *arg)
{
	struct translation t = { arg, place->p };
	struct order *o = arg;

	o->was_in_place = o->was_in_order = true;
	if (o->n == 0)
		return ringbus_producer_publish_with(place->p, 8, o->timeout_ns,
						     translate, &t);
	return ringbus_producer_publish_batch_with(
		place->p, o->n, o->timeout_ns, translate, &t);
}

static int64_t
publish(struct t_pair *x, struct order *o)
{
	return t_remote_call(&x->p, carry_out, o, sizeof(*o));
}

static void
expect_calls(const struct order *o, int n, int64_t last)
{
	ck_assert_int_eq(o->n_calls, n);
	ck_assert_int_eq(o->sequence, last);
	ck_assert(o->was_in_order);
	ck_assert(o->was_in_place);
}

KINDS(r08_to_r12_an_event_is_published_with_any_number_of_arguments)
{
	static const int64_t timeouts[] = { RINGBUS_FOREVER, RINGBUS_NOW };
	static const unsigned counts[] = { 0, 1, 2, 3, N_ARGS_MAX };
	static const uint64_t sums[] = { 0, 1, 12, 123, 12345678 };
	int64_t sequence = 0;
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 2; k++) {
			struct order o = { .timeout_ns = timeouts[k],
					   .n_args = counts[i] };
			uint64_t scale = 1;

			for (unsigned a = counts[i]; a > 0; a--, scale *= 10)
				o.args[a - 1] = a * scale;
			ck_assert_int_eq(publish(&x, &o), sequence);
			expect_calls(&o, 1, sequence++);
			t_remote_take(&x.c, sums[i], sums[i]);
		}
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

/* Events 10, 11, ... and of more than one argument each a part of it. */
static struct order
batch(int64_t n, int64_t timeout_ns, unsigned n_args)
{
	struct order o = { .n = n, .timeout_ns = timeout_ns, .n_args = n_args };

	for (unsigned i = 0; n_args > 0 && i < N_ARGS_MAX * 4 / n_args; i++)
		o.args[i * n_args] = 10 + i;
	return o;
}

/* Up to the end of the ring and beyond: the whole array, one of it, and two
 * from the second on. */
static void
publish_batches(struct t_pair *x, int64_t timeout_ns, unsigned n_args)
{
	struct order whole = batch(4, timeout_ns, n_args);
	struct order one = batch(1, timeout_ns, n_args);
	struct order part = batch(2, timeout_ns, n_args);
	int64_t s = t_info(x->channel).cursor;

	ck_assert_int_eq(publish(x, &whole), s + 4);
	expect_calls(&whole, 4, s + 4);
	t_remote_take(&x->c, 10, 13);
	ck_assert_int_eq(publish(x, &one), s + 5);
	expect_calls(&one, 1, s + 5);
	t_remote_take(&x->c, 10, 10);
	part.first = n_args;
	ck_assert_int_eq(publish(x, &part), s + 7);
	expect_calls(&part, 2, s + 7);
	t_remote_take(&x->c, 11, 12);
	t_remote_nothing(&x->c);
}

KINDS(r13_to_r32_batches_are_published)
{
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	for (unsigned n_args = 1; n_args <= N_ARGS_MAX; n_args++) {
		publish_batches(&x, RINGBUS_NOW, n_args);
		publish_batches(&x, RINGBUS_FOREVER, n_args);
	}
	t_pair_end(&x);
}

/* A blocking one waits for room for all of it. */
KINDS(r13_to_r32_a_batch_waits_for_room)
{
	struct order o = batch(3, RINGBUS_FOREVER, 1);
	struct order try = batch(3, RINGBUS_NOW, 1);
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	ck_assert_int_eq(t_remote_put(&x.p, 4, RINGBUS_NOW), 3);
	ck_assert_int_eq(publish(&x, &try), -EAGAIN);
	ck_assert_int_eq(try.n_calls, 0);
	t_remote_begin(&x.p, carry_out, &o, sizeof(o));
	t_until(t_remote_sleeps(&x.p));
	t_remote_take(&x.c, 0, 1);
	ck_assert(!t_remote_is_done(&x.p));
	t_remote_take(&x.c, 2, 2);
	ck_assert_int_eq(t_remote_collect(&x.p), 6);
	expect_calls(&o, 3, 6);
	t_remote_take(&x.c, 3, 3);
	t_remote_take(&x.c, 10, 12);
	t_pair_end(&x);
}

/* The ring is empty, nothing was claimed, and all of it can be used. */
static void
expect_untouched(struct t_pair *x)
{
	ck_assert_int_eq(t_info(x->channel).cursor, -1);
	ck_assert_int_eq(t_remote_remaining(&x->p), 4);
	t_remote_nothing(&x->c);
}

KINDS(r13_to_r70_wrong_batches_leave_the_ring_untouched)
{
	static const int64_t counts[] = { -1, INT64_MIN, 5, 1000, INT64_MAX };
	static const int64_t timeouts[] = { RINGBUS_NOW, RINGBUS_FOREVER, T_MS,
					    RINGBUS_BY_POLICY };
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 4; k++) {
			struct order o = batch(counts[i], timeouts[k], 1);

			ck_assert_int_eq(publish(&x, &o), -EINVAL);
			ck_assert_int_eq(o.n_calls, 0);
			expect_untouched(&x);
		}
	publish_batches(&x, RINGBUS_NOW, 1);
	t_pair_end(&x);
}

/* 0 stands for another call in an order. */
static int64_t
publish_none(struct t_place *place, void *arg)
{
	const int64_t *timeout_ns = arg;

	return ringbus_producer_publish_batch_with(place->p, 0, *timeout_ns,
						   translate, NULL);
}

KINDS(r33_to_r70_a_batch_of_none_leaves_the_ring_untouched)
{
	static const int64_t timeouts[] = { RINGBUS_NOW, RINGBUS_FOREVER, T_MS,
					    RINGBUS_BY_POLICY };
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 4, event_size: 8");
	for (int k = 0; k < 4; k++) {
		int64_t timeout_ns = timeouts[k];

		ck_assert_int_eq(t_remote_call(&x.p, publish_none, &timeout_ns,
					       sizeof(timeout_ns)),
				 -EINVAL);
		expect_untouched(&x);
	}
	publish_batches(&x, RINGBUS_NOW, 1);
	t_pair_end(&x);
}

/* ---------------------------------------------------------- publishers */

KINDS(e01_a_translated_event_arrives)
{
	struct order o = { .timeout_ns = RINGBUS_FOREVER, .n_args = 1 };
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 32, event_size: 8");
	for (uint64_t i = 0; i < 2; i++) {
		o.args[0] = 29 + i;
		o.n_calls = 0;
		ck_assert_int_eq(publish(&x, &o), (int64_t)i);
	}
	t_remote_take(&x.c, 29, 30);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

KINDS(e02_thirty_two_tries_succeed)
{
	struct order o = { .timeout_ns = RINGBUS_NOW, .n_args = 1 };
	struct t_pair x;

	t_pair_begin_with(&x, kind, "slots: 32, event_size: 8");
	for (uint64_t i = 0; i < 32; i++) {
		o.args[0] = 500 + i;
		o.n_calls = 0;
		ck_assert_int_eq(publish(&x, &o), (int64_t)i);
	}
	o.n_calls = 0;
	ck_assert_int_eq(publish(&x, &o), -EAGAIN);
	ck_assert_int_eq(o.n_calls, 0);
	t_remote_take(&x.c, 500, 531);
	t_remote_nothing(&x.c);
	t_pair_end(&x);
}

static int
copy(void *context, void *slot, size_t size, int64_t sequence)
{
	(void)sequence;
	memcpy(slot, context, size);
	return 0;
}

/* The context is changed as soon as it was used. */
static int64_t
publish_copy(struct t_place *place, void *arg)
{
	uint64_t *value = arg;
	int64_t sequence = ringbus_producer_publish_with(
		place->p, sizeof(*value), RINGBUS_NOW, copy, value);

	*value = UINT64_MAX;
	return sequence;
}

KINDS(e03_the_event_holds_what_the_context_held)
{
	struct t_pair x;

	t_pair_begin(&x, kind);
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t value = 100 + i;

		ck_assert_int_eq(t_remote_call(&x.p, publish_copy, &value,
					       sizeof(value)),
				 (int64_t)i);
		ck_assert_uint_eq(value, UINT64_MAX);
	}
	t_remote_take(&x.c, 100, 102);
	t_pair_end(&x);
}
