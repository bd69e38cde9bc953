/* SPDX-License-Identifier: MIT */
/*
 * test_translator.c - events that a callback writes: published or given up,
 * however the callback is left, and nothing claimed that could not be
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

struct desk {
	struct t_bus b;
	struct ringbus_consumer *c;
	struct ringbus_producer *p;
};

/* What a translator does, and what it saw. */
struct pen {
	struct ringbus_producer *producer;
	uint64_t value;               /* plus the number of the call */
	int fail_at;                  /* this call, from 1 on; 0: none */
	int verdict;                  /* of that call */
	void (*act)(struct pen *pen); /* in that call, instead */
	int n_calls;
	size_t size;
	int64_t last; /* sequence */
};

static void
begin(struct desk *d, const char *keys, enum rb_producers kind)
{
	t_bus_begin(&d->b, "slots: 16, %s, producers: %s", keys, t_kind(kind));
	d->c = t_consume(d->b.bus, NULL);
	d->p = t_produce(d->b.bus, NULL);
}

#define FIXED "event_size: 8"
#define FRAMED "framing: framed, slot_size: 256"

static int
translate(void *context, void *slot, size_t size, int64_t sequence)
{
	struct pen *pen = context;
	uint64_t value = pen->value + (uint64_t)pen->n_calls++;

	memcpy(slot, &value, sizeof(value));
	pen->size = size;
	pen->last = sequence;
	if (pen->n_calls != pen->fail_at)
		return 0;
	if (pen->act != NULL)
		pen->act(pen);
	return pen->verdict;
}

static int64_t
publish(struct desk *d, struct pen *pen)
{
	return ringbus_producer_publish_with(d->p, 8, RINGBUS_NOW, translate,
					     pen);
}

static int64_t
publish_batch(struct desk *d, int64_t n, struct pen *pen)
{
	return ringbus_producer_publish_batch_with(d->p, n, RINGBUS_NOW,
						   translate, pen);
}

/* Readers skip what a multi producer gave up. */
static void
expect_no_event(struct desk *d)
{
	struct ringbus_event event;

	while (ringbus_consumer_wait(d->c, RINGBUS_NOW) >= 0) {
		ck_assert_int_eq(ringbus_consumer_next(d->c, &event), 0);
		t_ok(ringbus_consumer_commit(d->c));
	}
	t_nothing(d->c);
}

/* Nothing came of what was tried, and all goes on as if it had not been. */
static void
expect_nothing(struct desk *d)
{
	expect_no_event(d);
	t_put(d->p, 77);
	t_take(d->c, 77, 77);
	t_nothing(d->c);
	t_put_all(d->p, 100, 115);
	t_take(d->c, 100, 115);
	ck_assert_int_eq(ringbus_producer_remaining(d->p), 16);
}

KINDS(what_is_written_is_published)
{
	struct pen pen = { .value = 5 };
	struct desk d;

	begin(&d, FIXED, kind);
	ck_assert_int_eq(publish(&d, &pen), 0);
	ck_assert_int_eq(pen.last, 0);
	ck_assert_uint_eq(pen.size, 8);
	ck_assert_int_eq(publish(&d, &pen), 1);
	ck_assert_int_eq(pen.last, 1);
	t_take(d.c, 5, 6);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(a_framed_event_has_the_size_asked_for)
{
	struct pen pen = { .value = 5 };
	struct ringbus_event event;
	struct desk d;

	begin(&d, FRAMED, kind);
	ck_assert_int_eq(ringbus_producer_publish_with(d.p, 600, RINGBUS_NOW,
						       translate, &pen),
			 0);
	ck_assert_uint_eq(pen.size, 600);
	t_next(d.c, &event);
	ck_assert_uint_eq(event.size, 600);
	ck_assert_uint_eq(t_value(&event), 5);
	ck_assert_int_eq(event.last, 2);
	t_ok(ringbus_consumer_commit(d.c));
	pen.fail_at = 2;
	pen.verdict = -EIO;
	ck_assert_int_eq(ringbus_producer_publish_with(d.p, 600, RINGBUS_NOW,
						       translate, &pen),
			 -EIO);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(a_translator_that_fails_publishes_nothing)
{
	struct pen pen = { .fail_at = 1, .verdict = -EIO };
	struct desk d;

	begin(&d, FIXED, kind);
	ck_assert_int_eq(publish(&d, &pen), -EIO);
	ck_assert_int_eq(pen.n_calls, 1);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(a_batch_is_published_as_a_whole)
{
	struct pen pen = { .value = 0 };
	struct desk d;

	begin(&d, FIXED, kind);
	ck_assert_int_eq(publish_batch(&d, 16, &pen), 15);
	ck_assert_int_eq(pen.n_calls, 16);
	ck_assert_int_eq(pen.last, 15);
	ck_assert_uint_eq(pen.size, 8);
	t_take(d.c, 0, 15);
	ck_assert_int_eq(publish_batch(&d, 1, &pen), 16);
	t_take(d.c, 16, 16);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(a_batch_that_fails_publishes_nothing)
{
	struct desk d;

	begin(&d, FIXED, kind);
	for (int i = 1; i <= 8; i++) {
		struct pen pen = { .fail_at = i, .verdict = -i };

		ck_assert_int_eq(publish_batch(&d, 8, &pen), -i);
		ck_assert_int_eq(pen.n_calls, i);
		expect_no_event(&d);
	}
	expect_nothing(&d);
	t_bus_end(&d.b);
}

/* ----------------------------------------------------- before any claim */

KINDS(wrong_batches_leave_the_ring_untouched)
{
	static const int64_t counts[] = { 0, -1, INT64_MIN, 17, INT64_MAX };
	struct pen pen = { .value = 0 };
	struct desk d;

	begin(&d, FIXED, kind);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(publish_batch(&d, counts[i], &pen), -EINVAL);
		ck_assert_int_eq(ringbus_producer_publish_batch_with(
					 d.p, counts[i], RINGBUS_BY_POLICY,
					 translate, &pen),
				 -EINVAL);
	}
	ck_assert_int_eq(pen.n_calls, 0);
	ck_assert_int_eq(t_info(ringbus_producer_channel(d.p)).cursor, -1);
	ck_assert_int_eq(ringbus_producer_remaining(d.p), 16);
	t_nothing(d.c);
	ck_assert_int_eq(publish(&d, &pen), 0);
	t_take(d.c, 0, 0);
	t_bus_end(&d.b);
}

KINDS(what_cannot_be_written_is_not_begun)
{
	struct pen pen = { .value = 0 };
	struct desk d;

	begin(&d, FIXED, kind);
	ck_assert_int_eq(ringbus_producer_publish_with(d.p, 9, RINGBUS_NOW,
						       translate, &pen),
			 -EMSGSIZE);
	ck_assert_int_eq(ringbus_producer_publish_with(d.p, 8, RINGBUS_NOW,
						       NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(ringbus_producer_publish_batch_with(
				 d.p, 1, RINGBUS_NOW, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(t_info(ringbus_producer_channel(d.p)).cursor, -1);
	t_put_all(d.p, 0, 15);
	ck_assert_int_eq(publish(&d, &pen), -EAGAIN);
	ck_assert_int_eq(publish_batch(&d, 2, &pen), -EAGAIN);
	t_bus_ok(d.b.bus, ringbus_end(d.b.bus, "a"));
	ck_assert_int_eq(publish(&d, &pen), -ESHUTDOWN);
	ck_assert_int_eq(pen.n_calls, 0);
	t_bus_end(&d.b);
}

KINDS(a_framed_channel_has_no_batches)
{
	struct pen pen = { .value = 0 };
	struct desk d;

	begin(&d, FRAMED, kind);
	ck_assert_int_eq(publish_batch(&d, 1, &pen), -EINVAL);
	ck_assert_int_eq(pen.n_calls, 0);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(an_open_claim_comes_first)
{
	int err = kind == RB_MULTI ? -EBUSY : -EINVAL;
	struct pen pen = { .value = 1 };
	struct desk d;

	begin(&d, FIXED, kind);
	ck_assert_int_eq(ringbus_producer_claim(d.p, 1, RINGBUS_NOW), 0);
	ck_assert_int_eq(publish(&d, &pen), err);
	ck_assert_int_eq(publish_batch(&d, 2, &pen), err);
	ck_assert_int_eq(pen.n_calls, 0);
	memset(ringbus_producer_slot(d.p, 0), 0, 8);
	t_ok(ringbus_producer_publish(d.p, 0, 0));
	ck_assert_int_eq(publish(&d, &pen), 1);
	t_take(d.c, 0, 1);
	t_bus_end(&d.b);
}

KINDS(a_full_ring_drops_a_batch_unseen)
{
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct pen pen = { .value = 0 };
	struct desk d;

	begin(&d, FIXED, kind);
	ringbus_producer_close(d.p);
	o.full = RINGBUS_FULL_DROP;
	d.p = t_produce(d.b.bus, &o);
	t_put_all(d.p, 0, 15);
	ck_assert_int_eq(ringbus_producer_publish_batch_with(
				 d.p, 4, RINGBUS_BY_POLICY, translate, &pen),
			 -ENOBUFS);
	ck_assert_int_eq(ringbus_producer_publish_with(
				 d.p, 8, RINGBUS_BY_POLICY, translate, &pen),
			 -ENOBUFS);
	ck_assert_int_eq(pen.n_calls, 0);
	ck_assert_uint_eq(t_member(ringbus_producer_channel(d.p),
				   RINGBUS_PRODUCER, "producer")
				  .dropped,
			  5);
	t_bus_end(&d.b);
}

/* ------------------------------------- left by another way than a return */

struct leaving {
	struct desk *desk;
	int64_t n; /* 0: one, without a batch */
	struct pen pen;
	struct rb_word64 *inside;
};

static void *
publish_and_leave(void *arg)
{
	struct leaving *leaving = arg;

	if (leaving->n > 0)
		publish_batch(leaving->desk, leaving->n, &leaving->pen);
	else
		publish(leaving->desk, &leaving->pen);
	ck_abort_msg("it came back");
}

static void
leave_thread(struct pen *pen)
{
	(void)pen;
	pthread_exit(NULL);
}

static void
wait_to_be_cancelled(struct pen *pen)
{
	t_store(((struct leaving *)((char *)pen -
				    offsetof(struct leaving, pen)))
			->inside,
		1);
	while (true)
		pause();
}

static void
leave_by(enum rb_producers kind, const char *keys, int64_t n,
	 void (*act)(struct pen *))
{
	struct leaving leaving = {
		.n = n,
		.pen = { .fail_at = n > 1 ? 2 : 1, .act = act },
		.inside = t_counter(),
	};
	pthread_t thread;
	struct desk d;

	begin(&d, keys, kind);
	leaving.desk = &d;
	ck_assert_int_eq(
		pthread_create(&thread, NULL, publish_and_leave, &leaving), 0);
	if (act == wait_to_be_cancelled) {
		t_until(t_read(leaving.inside) == 1);
		ck_assert_int_eq(pthread_cancel(thread), 0);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

KINDS(a_thread_that_exits_gives_its_event_up)
{
	leave_by(kind, FIXED, 0, leave_thread);
}

KINDS(a_thread_that_exits_gives_its_frame_up)
{
	leave_by(kind, FRAMED, 0, leave_thread);
}

KINDS(a_thread_that_exits_gives_its_batch_up)
{
	leave_by(kind, FIXED, 8, leave_thread);
}

KINDS(a_thread_that_is_cancelled_gives_its_event_up)
{
	leave_by(kind, FIXED, 0, wait_to_be_cancelled);
}

KINDS(a_thread_that_is_cancelled_gives_its_batch_up)
{
	leave_by(kind, FIXED, 8, wait_to_be_cancelled);
}

/* --------------------------------------------- a translator that meddles */

static void
claim_another(struct pen *pen)
{
	ringbus_producer_claim(pen->producer, 3, RINGBUS_NOW);
}

KINDS(claims_of_a_translator_that_fails_are_given_up_too)
{
	struct pen pen = { .fail_at = 1, .act = claim_another, .verdict = -1 };
	struct desk d;

	begin(&d, FIXED, kind);
	pen.producer = d.p;
	ck_assert_int_eq(publish(&d, &pen), -1);
	expect_nothing(&d);
	t_bus_end(&d.b);
}

static void
publish_early(struct pen *pen)
{
	t_ok(ringbus_producer_publish_event(pen->producer, pen->last));
}

/* It is out already, and that cannot be taken back. */
KINDS(a_translator_that_publishes_by_itself_does_so_once)
{
	struct pen pen = { .value = 7, .fail_at = 1, .act = publish_early };
	struct desk d;

	begin(&d, FIXED, kind);
	pen.producer = d.p;
	ck_assert_int_eq(publish(&d, &pen), kind == RB_MULTI ? 0 : -EINVAL);
	t_take(d.c, 7, 7);
	expect_nothing(&d);
	t_bus_end(&d.b);
}
