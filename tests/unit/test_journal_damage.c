/* SPDX-License-Identifier: MIT */
/*
 * test_journal_damage.c - what is told of a journal that is not as it was written, and
 * that what is read of it is right all the same
 */
#include <stdio.h>

#include "tests/unit/journals.h"

/* ----------------------------------------------------------------- the tail */

TEST(a_block_that_is_not_whole_yet_is_the_end_for_now)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	at = w.chain.offset;
	t_journal_put(&w, 2);
	t_journal_flip(&w, w.name, at + 64, 1);
	expect_events(0, 1);
	expect_end();
	ck_assert_ptr_nonnull(strstr(ringbus_journal_error(r), ": a block "));
	expect_end();
	t_journal_flip(&w, w.name, at + 64, 1);
	expect_events(2, 3);
	expect_end();
	ck_assert_str_eq(ringbus_journal_error(r), "");
	end();
}

TEST(so_it_is_while_a_later_one_has_come_before_it)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	at = w.chain.offset;
	w.acked = at;
	t_journal_put(&w, 2);
	t_journal_put(&w, 2);
	t_journal_flip(&w, w.name, at + 70, 1);
	expect_events(0, 1);
	for (int i = 0; i < 10; i++)
		expect_end();
	t_journal_flip(&w, w.name, at + 70, 1);
	expect_events(2, 5);
	expect_end();
	end();
}

/* The reader was there before. */
TEST(damage_is_found_also_by_who_follows)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_cut(&w, w.name, 1 << 20);
	expect_events(0, 1);
	expect_end();
	at = w.chain.offset;
	t_journal_put(&w, 2);
	t_journal_flip(&w, w.name, at + 70, 1);
	expect_end();
	t_journal_put(&w, 2);
	t_until(ringbus_journal_next(r, &e) == RINGBUS_JOURNAL_DAMAGE);
	expect_hole(2, 3);
	expect_events(4, 5);
	expect_end();
	end();
}

/* ------------------------------------------------------------------- damage */

TEST(damage_is_named_and_passed)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	at = w.chain.offset;
	t_journal_put(&w, 3);
	t_journal_put(&w, 2);
	t_journal_flip(&w, w.name, at + 64 + 9, 4);
	expect_events(0, 1);
	expect_damage(w.name, at);
	expect_hole(2, 4);
	expect_events(5, 6);
	expect_end();
	end();
}

TEST(zeroed_pages_are_damage)
{
	static const char zeroes[40000];

	begin(4096, RB_FIXED, 8);
	for (int i = 0; i < 20; i++)
		t_journal_put(&w, 3);
	t_journal_spoil(&w, w.name, 4096 * 5, zeroes, sizeof(zeroes));
	expect_events(0, 11);
	expect_damage(w.name, 4096 * 5);
	expect_hole(12, 41);
	expect_events(42, 59);
	expect_end();
	end();
}

/* Of a sealed segment all was acknowledged, whatever its blocks say. */
TEST(a_sealed_segment_has_no_tail)
{
	uint64_t at;
	char name[RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 8);
	w.acked = 0;
	t_journal_put(&w, 2);
	at = w.chain.offset;
	t_journal_put(&w, 2);
	memcpy(name, w.name, sizeof(name));
	t_journal_seal(&w);
	t_journal_flip(&w, name, at, 1);
	expect_events(0, 1);
	expect_damage(name, at);
	expect_hole(2, 3);
	expect_end();
	end();
}

TEST(a_torn_tail_before_another_segment_is_damage)
{
	uint64_t at;
	char name[RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	at = w.chain.offset;
	t_journal_put(&w, 2);
	memcpy(name, w.name, sizeof(name));
	t_journal_cut(&w, name, at + 70);
	t_journal_leave(&w);
	t_journal_put(&w, 2);
	expect_events(0, 1);
	expect_damage(name, at);
	expect_hole(2, 3);
	expect_events(4, 5);
	expect_end();
	end();
}

TEST(a_segment_without_a_header_is_passed)
{
	char name[RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_seal(&w);
	t_journal_put(&w, 2);
	memcpy(name, w.name, sizeof(name));
	t_journal_seal(&w);
	t_journal_put(&w, 2);
	t_journal_flip(&w, name, 17, 1);
	t_journal_flip(&w, name, 2048 + 17, 1);
	expect_events(0, 1);
	expect_damage(name, 0);
	expect_hole(2, 3);
	expect_events(4, 5);
	expect_end();
	end();
}

/* Its name says where it began. */
TEST(a_first_segment_without_a_header_is_a_hole)
{
	char name[RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	memcpy(name, w.name, sizeof(name));
	t_journal_seal(&w);
	t_journal_put(&w, 2);
	t_journal_flip(&w, name, 17, 1);
	t_journal_flip(&w, name, 2048 + 17, 1);
	expect_damage(name, 0);
	expect_hole(0, 1);
	expect_events(2, 3);
	expect_end();
	end();
}

TEST(a_header_with_one_copy_is_told_and_used)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_flip(&w, w.name, 17, 1);
	expect_damage(w.name, 0);
	expect_events(0, 1);
	expect_end();
	end();
}

TEST(a_block_that_goes_back_is_damage_and_not_read_twice)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 4);
	at = w.chain.offset;
	w.chain.next = 2;
	t_journal_put(&w, 4);
	t_journal_put(&w, 1);
	expect_events(0, 3);
	expect_damage(w.name, at);
	expect_hole(4, 5);
	expect_events(6, 6);
	expect_end();
	end();
}

TEST(a_block_that_was_cut_out_is_missed)
{
	struct rb_journal_chain chain;
	char empty[8] = "";
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA, .count = 1 };

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	chain = w.chain;
	/* It follows one that is not there: written with a lie about that. */
	w.chain.previous ^= 1;
	block.first = 2;
	t_journal_block(&w, &block, empty);
	expect_events(0, 1);
	expect_damage(w.name, chain.offset);
	expect(RINGBUS_JOURNAL_EVENT);
	ck_assert_int_eq(e.sequence, 2);
	expect_end();
	end();
}

/* A producer has written what it liked. */
TEST(an_event_that_is_longer_than_its_block_is_damage)
{
	uint32_t sizes[] = { 25 + 32, 2041, UINT32_MAX };

	for (size_t i = 0; i < RB_ARRAY_SIZE(sizes); i++) {
		char slots[3 * 32] = "";
		struct rb_journal_block block = { .kind = RB_JOURNAL_DATA,
						  .count = 3 };
		uint64_t at;

		begin(8, RB_FRAMED, 32);
		w.header.epoch += (int64_t)i;
		t_journal_put(&w, 1);
		at = w.chain.offset;
		memcpy(slots + 32, &sizes[i], sizeof(sizes[i]));
		block.first = 1;
		t_journal_block(&w, &block, slots);
		t_journal_put(&w, 1);
		t_ok(ringbus_journal_seek(r, 0, RINGBUS_FROM_OLDEST));
		expect_events(0, 0);
		expect(RINGBUS_JOURNAL_EVENT);
		ck_assert_int_eq(e.sequence, 1);
		ck_assert_uint_eq(e.size, 0);
		expect_damage(w.name, at + 64 + 32);
		expect_hole(2, 3);
		expect_events(4, 4);
		expect_end();
		end();
	}
}

/* Two sealed segments and one more: flipped at any byte, what comes is right, in
 * order, and all else is told as damage and holes. */
static void
read_all(uint64_t at, const char *name, bool is_seal)
{
	int64_t next = 0;
	int n_damages = 0, n = 0, what;

	while ((what = ringbus_journal_next(r, &e)) > 0) {
		ck_assert_int_lt(n++, 100);
		n_damages += what == RINGBUS_JOURNAL_DAMAGE;
		if (what == RINGBUS_JOURNAL_DAMAGE)
			continue;
		ck_assert_int_eq(e.sequence, next);
		next = e.last + 1;
		if (what == RINGBUS_JOURNAL_EVENT)
			ck_assert(t_event_is(e.data, e.size, e.sequence));
		else
			ck_assert_int_eq(what, RINGBUS_JOURNAL_HOLE);
	}
	ck_assert_int_eq(what, 0);
	ck_assert_msg(n_damages > 0 || is_seal ||
			      strstr(ringbus_journal_error(r), name),
		      "nothing said of %s:%llu", name, (unsigned long long)at);
	ck_assert(next == 12 || (next >= 8 && n_damages == 0));
}

TEST(a_byte_flipped_anywhere_never_makes_a_wrong_event)
{
	char names[3][RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 16);
	for (int i = 0; i < 3; i++) {
		t_journal_put(&w, 3);
		t_journal_put(&w, 1);
		memcpy(names[i], w.name, sizeof(names[i]));
		if (i < 2)
			t_journal_seal(&w);
	}
	for (int i = 0; i < 3; i++) {
		uint64_t size = t_journal_size(&w, names[i]);

		for (uint64_t at = 0; at < size; at += at < 4000 ? 97 : 1) {
			t_journal_flip(&w, names[i], at, 0x20);
			reopen();
			/* A seal is not missed where the next one follows. */
			read_all(at, names[i], i < 2 && at >= size - 64);
			t_journal_flip(&w, names[i], at, 0x20);
		}
	}
	end();
}
