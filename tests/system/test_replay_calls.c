/* SPDX-License-Identifier: MIT */
/*
 * test_replay_calls.c - each call on a consumer that is still in the journal
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"
#include "tests/system/util_recorder.h"
#include "tests/system/util_span.h"

static int
count(void *context, const struct ringbus_event *event, int end_of_batch)
{
	int64_t *n = context;

	(void)end_of_batch;
	ck_assert_int_eq(event->sequence, *n);
	++*n;
	return RINGBUS_CONTINUE;
}

TEST(an_event_loop_comes_over_too)
{
	struct ringbus_consumer *c;
	struct pollfd fd = { .events = POLLIN };
	int64_t n = 5;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 1000);
	c = t_stage_open(&s, 5);
	fd.fd = ringbus_consumer_fd(c);
	t_ok(fd.fd);
	ck_assert_int_eq(ringbus_consumer_poll(c, 0, NULL, NULL),
			 RINGBUS_PROCESSING);
	while (ringbus_consumer_poll(c, 100, count, &n) == RINGBUS_PROCESSING)
		;
	t_until(ringbus_consumer_poll(c, 100, count, &n) == RINGBUS_IDLE);
	ck_assert_int_eq(n, 1000);
	ck_assert_int_eq(ringbus_consumer_arm(c), 0);
	ck_assert_int_eq(poll(&fd, 1, 0), 0);
	t_stage_journal(&s, 10);
	ck_assert_int_eq(poll(&fd, 1, T_PATIENCE * 1000), 1);
	ck_assert_int_eq(fd.fd, ringbus_consumer_fd(c));
	ck_assert_int_eq(ringbus_consumer_poll(c, 100, count, &n),
			 RINGBUS_PROCESSING);
	ck_assert_int_eq(n, 1010);
	t_stage_end(&s);
}

TEST(a_halt_before_the_crossing_is_told_once)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	ringbus_consumer_halt(c);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_FOREVER), -ECANCELED);
	t_take(c, 0, 99);
	t_nothing(c);
	t_stage_end(&s);
}

TEST(batches_are_rewound_there_too)
{
	struct ringbus_consumer *c;
	struct t_record r = { .answers = { { 7, RINGBUS_REWIND, 2 },
					   { 9, RINGBUS_STOP, 1 } } };
	struct ringbus_handlers h;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 40);
	c = t_stage_open(&s, 4);
	h = t_handlers(&r);
	h.rewind = RINGBUS_REWIND_ALWAYS;
	h.max_batch = 8;
	ck_assert_int_eq(ringbus_consumer_run(c, &h), RINGBUS_STOP);
	ck_assert_ptr_nonnull(strstr(r.text, " 4 5 6 7 batch:8/"));
	ck_assert_ptr_nonnull(strstr(r.text, " 4 5 6 7 8 9 shutdown"));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 9);
	t_take(c, 10, 39);
	t_stage_end(&s);
}

TEST(no_span_before_the_crossing)
{
	struct ringbus_span span = { .size = sizeof(span) };
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_span(c, 1, &span), -ENOTSUP);
	t_take(c, 0, 99);
	t_nothing(c);
	t_stage_journal(&s, 2);
	t_ok(ringbus_consumer_wait(c, RINGBUS_NOW));
	ck_assert_int_eq(ringbus_consumer_span(c, 1, &span), 1);
	t_stage_end(&s);
}

static int
use_as_child(void *arg)
{
	struct ringbus_consumer *c = arg;
	struct ringbus_event event;

	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ECHILD);
	ck_assert_int_lt(ringbus_consumer_next(c, &event), 1);
	ck_assert_int_eq(ringbus_consumer_commit(c), -ECHILD);
	ck_assert_int_eq(ringbus_consumer_fd(c), -ECHILD);
	ringbus_consumer_close(c);
	return 0;
}

TEST(a_forked_child_has_it_not)
{
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_join(t_child(use_as_child, c));
	t_take(c, 0, 89);
	t_join(t_child(use_as_child, c)); /* while it holds */
	t_next(c, &event);
	t_join(t_child(use_as_child, c));
	t_take(c, 91, 99);
	t_stage_end(&s);
}

TEST(who_publishes_in_the_same_thread_is_told_that_it_waits_for_itself)
{
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 85);
	for (int i = 0; i < 10; i++)
		t_next(c, &event);
	ck_assert_int_eq(t_stage_gates(&s), 1);
	for (int i = 0; i < 40; i++)
		if (ringbus_producer_claim(s.p, 1, RINGBUS_NOW) < 0)
			break;
	ck_assert_int_eq(ringbus_producer_claim(s.p, 1, RINGBUS_FOREVER),
			 -EDEADLK);
	t_stage_end(&s);
}

TEST(the_end_of_the_stream_comes_after_all_of_it)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_ok(ringbus_end(s.b.bus, "a"));
	t_take(c, 0, 99);
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
	t_stage_end(&s);
}

/* "a" with more slots, as soon as all have left it. */
static void
configure_anew(struct t_stage *s)
{
	t_daemon_configure(&s->b.daemon,
			   "channels: { a: { slots: 32, event_size: 8, "
			   "consumers: { journal: { on_death: keep } } } }");
}

static void
have_made_anew(struct t_stage *s)
{
	configure_anew(s);
	t_bus_ok(s->b.bus, ringbus_reload(s->b.bus, RINGBUS_RELOAD_RECREATE));
}

/* Its name is let in no more, and it has the ring all the same. */
TEST(one_that_holds_reads_to_the_end_of_what_is_made_anew)
{
	struct ringbus_event event;
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	for (int64_t n = 0; n < 95; n++) {
		t_next(c, &event);
		ck_assert_int_eq(event.sequence, n);
	}
	ck_assert_int_eq(t_stage_gates(&s), 1);
	have_made_anew(&s);
	t_ok(ringbus_consumer_commit(c));
	t_take(c, 95, 99);
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ESHUTDOWN);
	ringbus_consumer_close(c);
	t_stage_end(&s);
}

/* Who stands by keeps nobody from that, and is to know that something is left. */
TEST(one_that_stands_by_is_told_of_what_it_has_not_read_of_a_channel_that_is_removed)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_take(c, 0, 9);
	ck_assert_int_eq(t_stage_gates(&s), 0);
	have_made_anew(&s);
	ringbus_producer_close(s.p);
	t_recorder_close(&s.r);
	t_until(ringbus_consumer_wait(c, RINGBUS_NOW) == -ESTALE);
	ck_assert_ptr_nonnull(
		strstr(ringbus_consumer_error(c), "in the journal alone"));
	t_bus_end(&s.b);
}

/* By a daemon that finds it, and nobody in it. */
TEST(one_that_stands_by_is_told_so_by_the_next_daemon_too)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_take(c, 0, 9);
	ringbus_producer_close(s.p);
	t_recorder_close(&s.r);
	t_daemon_kill(&s.b.daemon);
	configure_anew(&s);
	t_daemon_restart(&s.b.daemon);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ESTALE);
	t_bus_end(&s.b);
}

TEST(one_that_stands_by_is_told_of_an_abort_as_all_are)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_take(c, 0, 9);
	t_bus_ok(s.b.bus, ringbus_abort(s.b.bus, "a"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -ESHUTDOWN);
	t_stage_end(&s);
}

TEST(the_bus_closes_one_that_has_not_crossed)
{
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	t_take(t_stage_open(&s, 0), 0, 3);
	t_take(t_stage_open(&s, 0), 0, 95);
	t_stage_end(&s);
}

struct waiter {
	struct ringbus_producer *producer;
	struct rb_word32 is_done;
};

/* Finds the ring full, and looks each time whether it is us who read there. */
static void *
want_room(void *arg)
{
	struct waiter *w = arg;
	int64_t found = -ETIMEDOUT;

	/* ORDER(none, relaxed) - a flag that carries no data. */
	while (rb_word32_load_relaxed(&w->is_done) == 0 && found == -ETIMEDOUT)
		found = ringbus_producer_claim(w->producer, 1, 1);
	return found == -ETIMEDOUT ? w : NULL;
}

TEST(one_that_has_not_crossed_is_closed_while_a_producer_waits)
{
	struct waiter w = { 0 };
	pthread_t thread;
	struct t_stage s;
	void *well;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	t_put_to(s.p, 100, 115);
	w.producer = s.p;
	ck_assert_int_eq(pthread_create(&thread, NULL, want_room, &w), 0);
	for (int i = 0; i < 100; i++)
		ringbus_consumer_close(t_stage_open(&s, 0));
	/* ORDER(none, relaxed) - as above. */
	rb_word32_store_relaxed(&w.is_done, 1);
	ck_assert_int_eq(pthread_join(thread, &well), 0);
	ck_assert_ptr_nonnull(well);
	t_stage_end(&s);
}

TEST(framed_events_come_as_they_were)
{
	struct ringbus_consumer *c;
	struct ringbus_consumer_options o;
	struct ringbus_event event;
	struct t_stage s;
	int n = 0;

	t_bus_begin(&s.b, "slots: 64, slot_size: 64, framing: framed, "
			  "consumers: { journal: { on_death: keep } }");
	s.dir = t_tmpdir();
	s.p = t_produce(s.b.bus, NULL);
	t_recorder_open(&s.r, s.b.bus, s.dir);
	for (size_t size = 0; size < 900; size += 3) {
		t_write_filled(s.p, size);
		while (t_recorder_write(&s.r, 64, RINGBUS_NOW) >= 0)
			;
	}
	o = t_stage_options(&s, "late", 0);
	c = t_consume(s.b.bus, &o);
	for (size_t size = 0; size < 900; size += 3, n++) {
		t_next(c, &event);
		ck_assert_uint_eq(event.size, size);
		ck_assert(
			is_filled(event.data, size, (uint64_t)event.sequence));
		t_ok(ringbus_consumer_commit(c));
	}
	t_nothing(c);
	ck_assert(t_stage_has(&s, "late"));
	t_stage_end(&s);
}
