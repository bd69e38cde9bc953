/* SPDX-License-Identifier: MIT */
/*
 * test_conform_w.c - LMAX's RewindBatchEventProcessorTest, between processes
 *
 * Upstream's own checks compare counts only; these are the exact lists of what
 * was handled. An event that asks for its batch again is in the list, as it was
 * handed out, and "!" marks the one that was told to end its batch.
 */
#include <errno.h>

#include "tests/conformance/remote_run.h"
#include "tests/fixture.h"

static void
begin(struct t_scene *s, enum rb_producers kind)
{
	t_site_begin(&s->x, kind, "slots: 32, event_size: 8");
	t_runner_start(&s->c, &s->x, "c");
	s->c.work->handlers = t_all_handlers(&s->c.work->record);
	s->c.work->handlers.on_batch_start = NULL;
	s->c.work->handlers.rewind = RINGBUS_REWIND_ALWAYS;
}

/* The event of this number asks for its batch again, so many times. */
static void
rewind_at(struct t_scene *s, uint64_t number, int times)
{
	t_scene_answer(s, number, RINGBUS_REWIND, times);
}

/* Of n events the one of this number asks `times` times. */
static void
rewind_one(enum rb_producers kind, int64_t n, uint64_t number, int times,
	   const char *record)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, n, n - 1);
	rewind_at(&s, number, times);
	t_scene_ends(&s, record);
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), n - 1);
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 0);
	t_scene_end(&s);
}

KINDS(w01_w06_the_first_of_a_batch_of_one)
{
	rewind_one(kind, 1, 0, 1, "start 0! 0! end:0 shutdown");
}

KINDS(w02_the_first_of_ten)
{
	rewind_one(kind, 10, 0, 1, "start 0 0-9! end:9 shutdown");
}

KINDS(w03_the_middle_of_ten)
{
	rewind_one(kind, 10, 8, 1, "start 0-8 0-9! end:9 shutdown");
}

KINDS(w04_the_last_of_ten)
{
	rewind_one(kind, 10, 9, 1, "start 0-9! 0-9! end:9 shutdown");
}

KINDS(w05_another_middle)
{
	rewind_one(kind, 10, 4, 1, "start 0-4 0-9! end:9 shutdown");
}

KINDS(w07_the_middle_three_times)
{
	rewind_one(kind, 10, 8, 3, "start 0-8 0-8 0-8 0-9! end:9 shutdown");
}

KINDS(w08_the_last_three_times)
{
	rewind_one(kind, 10, 9, 3, "start 0-9! 0-9! 0-9! 0-9! end:9 shutdown");
}

KINDS(w09_two_places_three_times_each)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	rewind_at(&s, 4, 3);
	rewind_at(&s, 6, 3);
	t_scene_ends(&s, "start 0-4 0-4 0-4 0-6 0-6 0-6 0-9! end:9 shutdown");
	t_scene_end(&s);
}

KINDS(w10_a_batch_of_one_three_times)
{
	rewind_one(kind, 1, 0, 3, "start 0! 0! 0! 0! end:0 shutdown");
}

/* It is no rewind, and what comes after it is another batch. */
KINDS(w11_an_ordinary_failure_is_an_exception)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	t_scene_answer(&s, 3, -EIO, 1);
	rewind_at(&s, 6, 1);
	t_scene_ends(&s, "start 0-3 failed:-5@3 4-6 4-9! end:9 shutdown");
	ck_assert_int_eq(t_site_consumer(&s.x, "c").failed, 3);
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 1);
	t_scene_end(&s);
}

/* ... also in the midst of rewinds, and when it is fatal. */
KINDS(w11_an_ordinary_failure_may_be_fatal)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.on_exception = NULL;
	t_scene_answer(&s, 7, -EIO, 1);
	rewind_at(&s, 5, 2);
	ck_assert_int_eq(t_runner_run(&s.c), -EIO);
	t_runner_recorded(&s.c, "start 0-5 0-5 0-7 shutdown");
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), 6);
	t_scene_end(&s);
}

/* ------------------------------------------------------- one batch of many */

static void
begin_batches(struct t_scene *s, enum rb_producers kind)
{
	begin(s, kind);
	t_scene_put(s, 30, 29);
	s->c.work->handlers = t_all_handlers(&s->c.work->record);
	s->c.work->handlers.rewind = RINGBUS_REWIND_ALWAYS;
	s->c.work->handlers.max_batch = 10;
}

KINDS(w12_batches_are_cut)
{
	struct t_scene s;

	begin_batches(&s, kind);
	t_scene_ends(&s, "start batch:10/30 0-9! batch:10/20 10-19! "
			 "batch:10/10 20-29! end:29 shutdown");
	t_scene_end(&s);
}

KINDS(w12_w13_only_the_batch_that_was_cut_comes_again)
{
	struct t_scene s;

	begin_batches(&s, kind);
	rewind_at(&s, 15, 2);
	rewind_at(&s, 20, 1);
	t_scene_ends(&s, "start batch:10/30 0-9! batch:10/20 10-15 batch:10/20 "
			 "10-15 batch:10/20 10-19! batch:10/10 20 batch:10/10 "
			 "20-29! end:29 shutdown");
	t_scene_end(&s);
}

KINDS(w13_a_batch_that_is_committed_does_not_come_again)
{
	struct t_scene s;

	begin(&s, kind);
	rewind_at(&s, 15, 1);
	ck_assert_int_eq(t_remote_put(&s.x.p, 10, RINGBUS_NOW), 9);
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 9);
	ck_assert_int_eq(t_remote_put(&s.x.p, 10, RINGBUS_NOW), 19);
	t_runner_begin(&s.c);
	t_runner_stop(&s.c, 19);
	t_runner_recorded(&s.c,
			  "start 0-9! shutdown start 10-15 10-19! shutdown");
	t_scene_end(&s);
}

/* -------------------------------------------------------------- strategies */

/* Three rewinds are three attempts: a limit of four is not reached ... */
KINDS(w14_an_attempt_is_counted_once_a_failure)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.rewind_max = 4;
	rewind_at(&s, 8, 3);
	t_scene_ends(&s, "start 0-8 0-8 0-8 0-9! end:9 shutdown");
	t_scene_end(&s);
}

/* ... and one of three is, by the third. */
KINDS(w14_the_third_attempt_is_the_third)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.rewind_max = 3;
	rewind_at(&s, 8, 3);
	t_scene_ends(&s, "start 0-8 0-8 0-8 failed:-40@8 9! end:9 shutdown");
	ck_assert_int_eq(ELOOP, 40);
	t_scene_end(&s);
}

/* With a limit of one, to ask the strategy at all would be a failure. */
KINDS(w15_no_batch_is_announced_twice_without_a_failure)
{
	struct t_scene s;

	begin_batches(&s, kind);
	s.c.work->handlers.rewind_max = 1;
	t_scene_ends(&s, "start batch:10/30 0-9! batch:10/20 10-19! "
			 "batch:10/10 20-29! end:29 shutdown");
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 0);
	t_scene_end(&s);
}

static void
rewind_after_a_pause(enum rb_producers kind, int rewind, int64_t expected_ns)
{
	struct t_scene s;
	int64_t before;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.rewind = rewind;
	s.c.work->handlers.rewind_pause_ns = 2 * T_MS;
	rewind_at(&s, 4, 3);
	before = t_now_ns();
	t_scene_ends(&s, "start 0-4 0-4 0-4 0-9! end:9 shutdown");
	ck_assert_int_ge(t_now_ns() - before, expected_ns);
	t_scene_end(&s);
}

KINDS(w16_after_a_pause_all_of_the_batch_comes_again)
{
	rewind_after_a_pause(kind, RINGBUS_REWIND_PAUSE, 6 * T_MS);
}

KINDS(w16_pauses_may_grow)
{
	rewind_after_a_pause(kind, RINGBUS_REWIND_BACKOFF, 14 * T_MS);
}

KINDS(w17_it_gives_up_after_three)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 30, 29);
	s.c.work->handlers.rewind_max = 3;
	rewind_at(&s, 15, 0);
	rewind_at(&s, 25, 0);
	t_scene_ends(&s,
		     "start 0-15 0-15 0-15 failed:-40@15 "
		     "16-25 16-25 16-25 failed:-40@25 26-29! end:29 shutdown");
	ck_assert_uint_eq(t_site_consumer(&s.x, "c").errors, 2);
	t_scene_end(&s);
}

TEST(w18_a_strategy_that_is_none_is_refused)
{
	static const int none[] = { -1, RINGBUS_REWIND_BACKOFF + 1 };
	struct t_scene s;

	begin(&s, RB_SINGLE);
	t_scene_put(&s, 1, 0);
	for (int i = 0; i < 2; i++) {
		s.c.work->handlers.rewind = none[i];
		ck_assert_int_eq(t_runner_run(&s.c), -EINVAL);
		t_runner_recorded(&s.c, "");
	}
	s.c.work->handlers.rewind = RINGBUS_REWIND_ALWAYS;
	s.c.work->handlers.rewind_max = -1;
	ck_assert_int_eq(t_runner_run(&s.c), -EINVAL);
	s.c.work->handlers.rewind_max = 0;
	t_scene_ends(&s, "start 0! end:0 shutdown");
	t_scene_end(&s);
}

KINDS(w18_to_rewind_without_a_strategy_is_a_failure)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.rewind = RINGBUS_REWIND_NEVER;
	rewind_at(&s, 4, 1);
	rewind_at(&s, 8, 0);
	t_scene_ends(&s, "start 0-4 failed:-95@4 5-8 failed:-95@8 9! end:9 "
			 "shutdown");
	ck_assert_int_eq(ENOTSUP, 95);
	t_scene_end(&s);
}

KINDS(w18_which_is_fatal_by_default)
{
	struct t_scene s;

	begin(&s, kind);
	t_scene_put(&s, 10, 9);
	s.c.work->handlers.rewind = RINGBUS_REWIND_NEVER;
	s.c.work->handlers.on_exception = NULL;
	rewind_at(&s, 4, 1);
	ck_assert_int_eq(t_runner_run(&s.c), -ENOTSUP);
	t_runner_recorded(&s.c, "start 0-4 shutdown");
	ck_assert_int_eq(t_site_sequence(&s.x, "c"), 3);
	t_scene_end(&s);
}

/* ------------------------------------------- a producer that wants to lap it */

#define SLOTS 16
#define LAPS 5
#define REWINDS 3

/* Shared: the handler's view of a ring that is all one batch. */
struct lap {
	struct rb_word64 sleeper; /* the producer's process */
	uint64_t slot_size;
	uint64_t first, next; /* of this batch */
	unsigned n_rewinds;   /* of this batch */
	unsigned n_batches;
	unsigned n_waits; /* how often the producer waited for its slots */
};

/* All of the ring once more, by their addresses: nobody has written there. */
static void
look_back(const struct lap *lap, const struct ringbus_event *last)
{
	const char *slot = last->data;
	uint64_t value;

	for (uint64_t i = lap->next; i-- > lap->first;) {
		memcpy(&value, slot, sizeof(value));
		if (value != i)
			ck_abort_msg("%llu has become %llu",
				     (unsigned long long)i,
				     (unsigned long long)value);
		slot -= lap->slot_size;
	}
}

static int
ask_for_the_ring_again(void *context, const struct ringbus_event *event,
		       int end_of_batch)
{
	struct lap *lap = context;

	if (t_value(event) != lap->next)
		ck_abort_msg("%llu instead of %llu",
			     (unsigned long long)t_value(event),
			     (unsigned long long)lap->next);
	if (++lap->next - lap->first < SLOTS) {
		/* Of a batch that is not yet all of the ring: once it is. */
		if (end_of_batch)
			lap->next = lap->first;
		return end_of_batch ? RINGBUS_REWIND : RINGBUS_CONTINUE;
	}
	ck_assert(end_of_batch);
	if (lap->n_batches < LAPS - 1) {
		t_until(t_is_asleep((pid_t)t_read(&lap->sleeper)));
		lap->n_waits++;
	}
	look_back(lap, event);
	if (lap->n_rewinds++ < REWINDS) {
		lap->next = lap->first;
		return RINGBUS_REWIND;
	}
	lap->n_batches++;
	lap->n_rewinds = 0;
	lap->first = lap->next;
	return RINGBUS_CONTINUE;
}

/* As fast as there is room. */
static int64_t
write_laps(struct t_place *place, void *arg)
{
	(void)arg;
	t_put_all(place->p, 0, LAPS * SLOTS - 1);
	return ringbus_end(place->bus, "a");
}

KINDS(w19_no_slot_is_overwritten_while_its_batch_is_rewound)
{
	struct ringbus_handlers h = RINGBUS_HANDLERS_INIT;
	struct lap *lap;
	struct t_scene s;

	t_site_begin(&s.x, kind, "slots: 16, event_size: 8");
	t_runner_start(&s.c, &s.x, "c");
	lap = (struct lap *)s.c.work->own;
	_Static_assert(sizeof(*lap) <= sizeof(s.c.work->own), "too large");
	lap->slot_size = t_info(s.x.channel).slot_size;
	t_store(&lap->sleeper, (uint64_t)s.x.p.pid);
	h.on_event = ask_for_the_ring_again;
	h.context = lap;
	h.rewind = RINGBUS_REWIND_PAUSE;
	h.rewind_pause_ns = T_MS;
	s.c.work->handlers = h;
	t_remote_begin(&s.x.p, write_laps, NULL, 0);
	ck_assert_int_eq(t_runner_run(&s.c), -ESHUTDOWN);
	t_ok(t_remote_collect(&s.x.p));
	ck_assert_uint_eq(lap->n_batches, LAPS);
	ck_assert_uint_eq(lap->n_waits, (LAPS - 1) * (REWINDS + 1));
	ck_assert_uint_eq(lap->next, LAPS * SLOTS);
	t_scene_end(&s);
}
