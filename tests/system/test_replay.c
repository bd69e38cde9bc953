/* SPDX-License-Identifier: MIT */
/*
 * test_replay.c - a consumer that starts in the journal, and crosses over to the ring
 *
 * Each event is its own sequence as a number, so a gap or a repeat shows at once.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_record.h"
#include "tests/system/util_recorder.h"
#include "tests/system/util_span.h"

/* ------------------------------------------------------------------- the crossing */

KINDS(what_the_ring_no_longer_holds_comes_from_the_journal)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, kind);
	t_stage_journal(&s, 1000);
	c = t_stage_open(&s, 3);
	ck_assert_int_eq(ringbus_consumer_missed(c), 0);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 2);
	t_take(c, 3, 500);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 500);
	t_take(c, 501, 999);
	t_nothing(c);
	ck_assert(t_stage_has(&s, "app"));
	t_stage_journal(&s, 10);
	t_take(c, 1000, 1009);
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	ck_assert_str_eq(ringbus_consumer_error(c), "");
	t_stage_end(&s);
}

TEST(it_gates_nobody_before_it_comes_to_the_ring)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 1000);
	c = t_stage_open(&s, 0);
	t_take(c, 0, 9);
	ck_assert_int_eq(t_stage_gates(&s), 0);
	ck_assert(!t_stage_has(&s, "app"));
	t_stage_journal(&s, 1000);
	t_take(c, 10, 1900);
	ck_assert_int_eq(t_stage_gates(&s), 0);
	t_take(c, 1901, 1999);
	t_nothing(c);
	ck_assert_int_eq(t_stage_gates(&s), 1);
	/* Now it does. */
	for (int i = 0; i < 16; i++, s.next++)
		t_put_to(s.p, s.next, s.next);
	ck_assert_int_eq(ringbus_producer_claim(s.p, 1, RINGBUS_NOW), -EAGAIN);
	t_stage_end(&s);
}

TEST(the_oldest_is_the_oldest_of_the_journal)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, RINGBUS_FROM_OLDEST);
	ck_assert_int_eq(ringbus_consumer_missed(c), 0);
	t_take(c, 0, 99);
	t_stage_end(&s);
}

TEST(what_the_journal_no_longer_has_is_missed_and_told)
{
	struct ringbus_consumer_options o;
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 40);
	t_journal_seal(&s.r.journal);
	ck_assert_int_eq(unlinkat(s.r.journal.dirfd, s.r.journal.name, 0), 0);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 10);
	ck_assert_int_eq(ringbus_consumer_missed(c), 30);
	t_take(c, 40, 50);
	o = t_stage_options(&s, NULL, RINGBUS_FROM_OLDEST);
	c = t_consume(s.b.bus, &o);
	ck_assert_int_eq(ringbus_consumer_missed(c), 40);
	t_take(c, 40, 139);
	t_nothing(c);
	ck_assert_int_eq(ringbus_consumer_missed(c), 40);
	t_stage_end(&s);
}

TEST(what_the_ring_has_needs_no_journal)
{
	struct ringbus_consumer_options o;
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_put_to(s.p, 0, 9);
	s.dir = "/nonexistent";
	o = t_stage_options(&s, "app", 0);
	ringbus_producer_close(s.p); /* so that the whole ring is sure */
	c = t_consume(s.b.bus, &o);
	t_take(c, 0, 9);
	s.p = t_produce(s.b.bus, NULL);
	ck_assert(t_stage_has(&s, "app"));
	t_stage_end(&s);
}

TEST(a_name_whose_place_was_kept_needs_no_journal)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	t_take(c, 0, 99);
	t_nothing(c);
	t_stage_journal(&s, 10);
	t_take(c, 100, 104);
	ringbus_consumer_close(c);
	s.dir = "/nonexistent";
	c = t_stage_open(&s, 0);
	t_take(c, 105, 109);
	t_stage_end(&s);
}

TEST(a_name_has_no_place_before_it_has_read_up_to_it)
{
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 90);
	for (int i = 90; i < 100; i++)
		t_next(c, &event);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(t_stage_gates(&s), 1);
	ck_assert(!t_stage_has(&s, "app")); /* nothing is committed */
	t_stage_journal(&s, 5);
	t_next(c, &event); /* of the ring, on the holder's account */
	ck_assert_uint_eq(t_value(&event), 100);
	ck_assert(!t_stage_has(&s, "app"));
	ringbus_consumer_close(c);
	ck_assert_int_eq(t_stage_gates(&s), 0);
	ck_assert(!t_stage_has(&s, "app"));
	c = t_stage_open(&s, 90);
	t_take(c, 90, 104);
	t_stage_end(&s);
}

TEST(a_commit_is_what_it_crosses_with)
{
	struct ringbus_consumer *c;
	struct ringbus_event event;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 95);
	for (int i = 95; i < 100; i++)
		t_next(c, &event);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	t_stage_journal(&s, 8);
	t_next(c, &event);
	t_ok(ringbus_consumer_commit(c));
	ck_assert_int_eq(ringbus_consumer_sequence(c), 100);
	t_take(c, 101, 107);
	t_nothing(c);
	ck_assert_int_eq(t_member(ringbus_producer_channel(s.p),
				  RINGBUS_CONSUMER, "app")
				 .sequence,
			 107);
	t_stage_end(&s);
}

/* ------------------------------------------------------------- what is not there */

TEST(what_is_nowhere_is_an_error_and_no_gap)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	c = t_stage_open(&s, 0);
	ringbus_consumer_forget(s.r.consumer);
	t_journal_close(&s.r.journal);
	t_put_to(s.p, 100, 199);
	t_take(c, 0, 99);
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ENODATA);
	ck_assert_ptr_nonnull(
		strstr(ringbus_consumer_error(c), "sequence 100"));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EAGAIN);
	ck_assert_int_eq(ringbus_consumer_wait(c, T_LONG), -ENODATA);
	ck_assert_int_eq(ringbus_consumer_sequence(c), 99);
	t_bus_end(&s.b);
}

/* Its place is kept, and so the ring holds what it has not got. */
TEST(what_the_journal_has_yet_to_get_comes_from_the_ring)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	t_recorder_close(&s.r);
	for (int i = 0; i < 10; i++, s.next++)
		t_put_to(s.p, s.next, s.next);
	c = t_stage_open(&s, 50);
	t_take(c, 50, 109);
	t_nothing(c);
	ck_assert(t_stage_has(&s, "app"));
	t_bus_end(&s.b);
}

TEST(holes_of_the_journal_are_told)
{
	struct ringbus_consumer *c;
	struct t_record r = { .halt_at = 24 };
	struct ringbus_handlers h;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 10);
	t_put_to(s.p, 10, 19);
	t_drop_to(&s.r, 19);
	s.next = 20;
	t_stage_journal(&s, 80);
	c = t_stage_open(&s, 8);
	h = t_all_handlers(&r);
	r.halts = c;
	h.max_batch = 17;
	ck_assert_int_eq(ringbus_consumer_run(c, &h), 0);
	t_recorded(&r, "start batch:17/76 8 9 lost:10-19 20 21 22 23 24 "
		       "25! shutdown");
	ck_assert_int_eq(ringbus_consumer_lost(c), 10);
	t_take(c, 26, 99);
	t_nothing(c);
	ck_assert_int_eq(ringbus_consumer_lost(c), 10);
	ck_assert_uint_eq(t_member(ringbus_producer_channel(s.p),
				   RINGBUS_CONSUMER, "app")
				  .lost,
			  10);
	t_stage_end(&s);
}

TEST(damage_is_named_and_is_the_end)
{
	struct ringbus_consumer *c;
	char place[128];
	uint64_t at;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	t_stage_journal(&s, 100);
	at = 4096 + 50 * (64 + s.r.journal.header.slot_size);
	/* Each block has a header of 64 bytes and one slot. */
	t_journal_flip(&s.r.journal, s.r.journal.name, at + 64, 1);
	c = t_stage_open(&s, 40);
	t_take(c, 40, 49);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EBADMSG);
	snprintf(place, sizeof(place), "%s:%llu", s.r.journal.name,
		 (unsigned long long)at);
	ck_assert_ptr_nonnull(strstr(ringbus_consumer_error(c), place));
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EBADMSG);
	ringbus_consumer_close(c);
	c = t_stage_open(&s, 50); /* with nothing to read before it */
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EBADMSG);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(ringbus_consumer_error(c), place));
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	t_stage_end(&s);
}

TEST(tombstones_are_passed_over_and_told)
{
	struct ringbus_consumer *c;
	struct t_record r = { .halt_at = 9 };
	struct ringbus_handlers h;
	struct t_stage s;

	t_stage_begin(&s, RB_MULTI);
	t_stage_journal(&s, 4);
	t_abandon(s.p, 3);
	s.next = 7;
	t_stage_journal(&s, 50);
	c = t_stage_open(&s, 2);
	h = t_all_handlers(&r);
	r.halts = c;
	ck_assert_int_eq(ringbus_consumer_run(c, &h), 0);
	ck_assert_ptr_nonnull(strstr(r.text, " 2 3 gap:4-6 7 8 9 10!"));
	t_take(c, 11, 56);
	ck_assert_int_eq(ringbus_consumer_lost(c), 0);
	t_stage_end(&s);
}

/* The journal has nothing to write for them. */
TEST(tombstones_at_the_end_of_the_journal_keep_nobody)
{
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_MULTI);
	t_stage_journal(&s, 40);
	t_abandon(s.p, 3);
	t_ok(ringbus_consumer_wait(s.r.consumer, RINGBUS_NOW));
	{
		struct ringbus_event event;

		ck_assert_int_eq(ringbus_consumer_next(s.r.consumer, &event),
				 0);
		t_recorder_commit(&s.r);
	}
	c = t_stage_open(&s, 30);
	t_take(c, 30, 39);
	ck_assert_int_eq(ringbus_consumer_wait(c, RINGBUS_NOW), 42);
	t_nothing(c);
	s.next = 43;
	t_stage_journal(&s, 3);
	t_take(c, 43, 45);
	t_stage_end(&s);
}

TEST(a_journal_of_another_incarnation_is_not_read)
{
	struct ringbus_consumer_options o;
	struct ringbus_consumer *c;
	struct t_stage s;

	t_stage_begin(&s, RB_SINGLE);
	s.r.journal.header.generation++;
	t_stage_journal(&s, 100);
	o = t_stage_options(&s, "app", 10);
	ck_assert_int_eq(ringbus_consumer_open(s.b.bus, "a", &o, &c), -ENODATA);
	ck_assert_ptr_nonnull(strstr(ringbus_error(s.b.bus), s.dir));
	o.journal = "/nonexistent";
	ck_assert_int_eq(ringbus_consumer_open(s.b.bus, "a", &o, &c), -ENOENT);
	o.from = 1000;
	ck_assert_int_eq(ringbus_consumer_open(s.b.bus, "a", &o, &c), -ERANGE);
	ck_assert_int_eq(t_stage_gates(&s), 0);
	t_stage_end(&s);
}

TEST(a_group_cannot_begin_in_a_journal)
{
	struct ringbus_consumer_options o;
	struct ringbus_consumer *c;
	struct t_stage s;

	t_bus_begin(&s.b, "slots: 16, event_size: 8, consumers: { "
			  "journal: { on_death: keep }, "
			  "app: { group: true, on_death: keep, "
			  "keep_for: 10ms } }");
	s.dir = t_tmpdir();
	s.next = 0;
	s.p = t_produce(s.b.bus, NULL);
	t_recorder_open(&s.r, s.b.bus, s.dir);
	t_until(t_stage_gates(&s) == 0);
	t_stage_journal(&s, 100);
	o = t_stage_options(&s, "app", 10);
	o.keep_for_ns = 0;
	ck_assert_int_eq(ringbus_consumer_open(s.b.bus, "a", &o, &c), -ENOTSUP);
	t_stage_end(&s);
}

/* --------------------------------------------------------------- stages before it */

TEST(nothing_is_handed_out_before_those_that_it_comes_after)
{
	struct ringbus_consumer_options o;
	struct ringbus_consumer *c, *first;
	struct t_stage s;

	t_bus_begin(&s.b, "slots: 16, event_size: 8, consumers: { "
			  "journal: { on_death: keep }, first: {}, "
			  "app: { after: [journal, first] } }");
	s.dir = t_tmpdir();
	s.next = 0;
	s.p = t_produce(s.b.bus, NULL);
	t_recorder_open(&s.r, s.b.bus, s.dir);
	first = t_consume_as(s.b.bus, "first", RINGBUS_FROM_NOW);
	for (uint64_t i = 0; i < 100; i++) {
		t_stage_journal(&s, 1);
		t_take(first, i, i);
	}
	t_stage_journal(&s, 6); /* those `first` has not read, */
	for (int i = 0; i < 6; i++, s.next++)
		t_put_to(s.p, s.next, s.next);
	/* and those that are in the file, and not committed. */
	t_ok(t_recorder_write_only(&s.r, 100, RINGBUS_NOW));
	o = t_stage_options(&s, "app", 50);
	o.keep_for_ns = 0;
	c = t_consume(s.b.bus, &o);
	t_take(c, 50, 99);
	t_nothing(c);
	t_take(first, 100, 103);
	t_take(c, 100, 103);
	t_nothing(c);
	t_take(first, 104, 111);
	t_take(c, 104, 105);
	t_nothing(c);
	t_recorder_commit(&s.r);
	t_take(c, 106, 111);
	t_stage_end(&s);
}
