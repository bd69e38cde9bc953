/* SPDX-License-Identifier: MIT */
/*
 * test_conform_p.c - LMAX's tests of the batch event processor and its
 * batches, between processes
 *
 * The producer is one process, each processor another, and the test, which
 * halts them and looks at the channel, a third. How runs end is in
 * test_conform_p_end.c.
 */
#include <errno.h>

#include "tests/conformance/remote_run.h"
#include "tests/fixture.h"

KINDS(p01_handlers_without_their_parts_are_refused)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 1, 0);
	s.c.work->handlers.on_event = NULL;
	ck_assert_int_eq(t_runner_run(&s.c), -EINVAL);
	s.c.work->handlers = t_handlers(&s.c.work->record);
	s.c.work->handlers.size++;
	ck_assert_int_eq(t_runner_run(&s.c), -EINVAL);
	s.c.work->handlers.size = 0;
	ck_assert_int_eq(t_runner_run(&s.c), -EINVAL);
	t_runner_recorded(&s.c, "");
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), -1);
	t_scene_end(&s);
}

KINDS(p02_the_lifecycle_in_its_order)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 2);
	t_runner_recorded(&s.c, "start batch:3/3 0-2! shutdown");
	t_scene_end(&s);
}

KINDS(p03_a_failure_reaches_on_exception_and_the_run_goes_on)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	s.c.work->handlers = t_all_handlers(&s.c.work->record);
	t_scene_answer(&s, 1, -EIO, 0);
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 2);
	t_runner_recorded(&s.c, "start batch:3/3 0 1 failed:-5@1 batch:1/1 2! "
				"shutdown");
	ck_assert_int_eq(t_site_consumer(&s.x, "c").failed, 1);
	ck_assert_int_eq(t_site_consumer(&s.x, "c").state,
			 RINGBUS_MEMBER_ATTACHED);
	t_scene_end(&s);
}

/* ------------------------------------------------------------------ batches */

/* One for each but the last, by a producer of the same process. */
static int
publish_another(void *context, const struct ringbus_event *event,
		int end_of_batch)
{
	struct t_work *work = context;

	t_record_event(&work->record, event, end_of_batch);
	if (!end_of_batch)
		t_put(work->place->p, 7);
	return RINGBUS_CONTINUE;
}

/* A single producer's place is taken over by the handler's process. */
KINDS(p04_batch_sizes_are_accurate)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 3, 2);
	if (kind == RB_SINGLE)
		t_remote_close_producer(&s.x.p);
	t_remote_produce(&s.c.remote, NULL);
	s.c.work->handlers.on_event = publish_another;
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 5);
	t_runner_recorded(&s.c, "start batch:3/3 0-2! batch:2/2 7 7! "
				"batch:1/1 7! shutdown");
	t_scene_end(&s);
}

/* What is claimed and not published makes no batch. */
TEST(p06_a_hole_makes_no_batch)
{
	struct t_scene s;
	uint64_t sleeps;

	t_scene_begin(&s, RB_MULTI);
	t_runner_begin(&s.c);
	t_until(t_remote_sleeps(&s.c.remote));
	ck_assert_int_eq(t_remote_claim(&s.x.p, 5, RINGBUS_NOW), 4);
	sleeps = t_site_consumer(&s.x, "c").sleeps;
	t_ok(t_remote_publish(&s.x.p, 2, 3));
	/* It has looked, and sleeps again. */
	t_until(t_site_consumer(&s.x, "c").sleeps > sleeps &&
		t_remote_sleeps(&s.c.remote));
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), -1);
	t_ok(t_remote_publish(&s.x.p, 1, 1));
	t_ok(t_remote_publish(&s.x.p, 0, 0));
	t_until(t_site_sequence(&s.x, "c") == 3);
	t_ok(t_remote_publish(&s.x.p, 4, 4));
	t_runner_stop(&s.c, 4);
	t_runner_recorded(&s.c, "start batch:4/4 0-3! batch:1/1 4! shutdown");
	t_scene_end(&s);
}

static int64_t
abandon_two(struct t_place *place, void *arg)
{
	int64_t highest = ringbus_producer_claim(place->p, 2, RINGBUS_NOW);

	(void)arg;
	t_ok(highest);
	return ringbus_producer_abandon(place->p, highest - 1, highest);
}

/* Nor do slots that were given up. */
TEST(p06_tombstones_make_no_batch)
{
	struct t_scene s;

	t_scene_begin(&s, RB_MULTI);
	t_runner_begin(&s.c);
	t_ok(t_remote_call(&s.x.p, abandon_two, NULL, 0));
	t_until(t_site_sequence(&s.x, "c") == 1);
	t_scene_put(&s, 1, 2);
	t_runner_stop(&s.c, 2);
	t_runner_recorded(&s.c, "start batch:1/1 2! shutdown");
	t_scene_end(&s);
}

/* Counts what is announced and what comes. */
struct tally {
	int64_t announced, n_events, n_batches, smallest;
	uint64_t parity, n_mine, last;
};

static int
count_batch(void *context, int64_t size, int64_t depth)
{
	struct tally *t = context;

	ck_assert_int_eq(t->announced, t->n_events);
	ck_assert_int_ge(depth, size);
	if (t->n_batches++ == 0 || size < t->smallest)
		t->smallest = size;
	t->announced += size;
	return 0;
}

static int
count_event(void *context, const struct ringbus_event *event, int end_of_batch)
{
	struct tally *t = context;
	uint64_t number = t_value(event);

	if (event->sequence != t->n_events ||
	    end_of_batch != (t->n_events + 1 == t->announced))
		ck_abort_msg("event %lld of %lld ends its batch: %d",
			     (long long)event->sequence,
			     (long long)t->announced, end_of_batch);
	t->n_events++;
	if (number % 2 == t->parity) {
		t->n_mine++;
		t->last = number;
	}
	return RINGBUS_CONTINUE;
}

static struct tally *
count_with(struct t_runner *runner)
{
	struct tally *t = (struct tally *)runner->work->own;
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;

	_Static_assert(sizeof(*t) <= sizeof(runner->work->own), "too large");
	h.context = t;
	h.on_event = count_event;
	h.on_batch_start = count_batch;
	runner->work->handlers = h;
	return t;
}

/* Between claim and publish it waits at times until the consumer, which `arg`
 * is the process of, has done all before and sleeps. */
static int64_t
publish_slowly(struct t_place *place, void *arg)
{
	const pid_t *consumer = arg;

	for (uint64_t i = 0; i < 2000; i++) {
		int64_t s = ringbus_producer_claim(place->p, 1, T_LONG);

		t_ok(s);
		memcpy(ringbus_producer_slot(place->p, s), &i, sizeof(i));
		if (i % 7 == 0)
			t_until(t_is_asleep(*consumer));
		t_ok(ringbus_producer_publish(place->p, s, s));
	}
	return 0;
}

KINDS(p06_a_slow_producer_makes_no_batch_of_nothing)
{
	struct tally *tally;
	struct t_scene s;

	t_scene_begin(&s, kind);
	tally = count_with(&s.c);
	t_runner_begin(&s.c);
	t_ok(t_remote_call(&s.x.p, publish_slowly, &s.c.remote.pid,
			   sizeof(s.c.remote.pid)));
	t_runner_stop(&s.c, 1999);
	ck_assert_int_eq(tally->n_events, 2000);
	ck_assert_int_eq(tally->announced, 2000);
	ck_assert_int_ge(tally->smallest, 1);
	t_scene_end(&s);
}

KINDS(p07_p08_a_batch_is_cut_and_told_with_its_depth)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 5, 4);
	s.c.work->handlers.max_batch = 3;
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 4);
	t_runner_recorded(&s.c, "start batch:3/5 0-2! batch:2/2 3-4! shutdown");
	t_scene_end(&s);
}

static int64_t
publish_ten_thousand(struct t_place *place, void *arg)
{
	(void)arg;
	t_put_all(place->p, 0, 9999);
	return 0;
}

KINDS(p09_two_processes_share_a_stream_by_parity)
{
	struct t_runner odd;
	struct tally *t[2];
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_runner_start(&odd, &s.x, "odd");
	t[0] = count_with(&s.c);
	t[1] = count_with(&odd);
	t[1]->parity = 1;
	t_runner_begin(&s.c);
	t_runner_begin(&odd);
	t_ok(t_remote_call(&s.x.p, publish_ten_thousand, NULL, 0));
	t_runner_stop(&s.c, 9999);
	t_runner_stop(&odd, 9999);
	for (uint64_t i = 0; i < 2; i++) {
		ck_assert_int_eq(t[i]->n_events, 10000);
		ck_assert_uint_eq(t[i]->n_mine, 5000);
		ck_assert_uint_eq(t[i]->last, 9998 + i);
	}
	t_runner_end(&odd);
	t_scene_end(&s);
}

KINDS(p10_a_release_is_seen_within_the_batch)
{
	struct t_scene s;

	t_scene_begin(&s, kind);
	t_scene_put(&s, 16, 15);
	t_scene_answer(&s, 0, RINGBUS_RELEASE, 0);
	t_runner_hold(&s.c, 0);
	t_runner_begin(&s.c);
	t_until(t_runner_is_at(&s.c, 0));
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), -1);
	ck_assert_int_eq(t_remote_claim(&s.x.p, 1, RINGBUS_NOW), -EAGAIN);
	t_runner_hold(&s.c, 1);
	t_until(t_runner_is_at(&s.c, 1));
	/* It is inside the batch still, and one slot is free. */
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), 0);
	ck_assert_int_eq(t_remote_remaining(&s.x.p), 1);
	t_scene_put(&s, 1, 16);
	t_runner_hold(&s.c, T_HOLD_NONE);
	t_runner_stop(&s.c, 16);
	t_runner_recorded(&s.c, "start batch:16/16 0-15! batch:1/1 16! "
				"shutdown");
	t_scene_end(&s);
}
