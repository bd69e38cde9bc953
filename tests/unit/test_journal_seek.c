/* SPDX-License-Identifier: MIT */
/*
 * test_journal_seek.c - a journal is entered at a sequence or a time, with an index
 * and without
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/archive/index.h"
#include "tests/unit/journals.h"

static char first_name[RB_JOURNAL_NAME_SIZE];

static void
build_index(const char *name)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_index index = { 0 };

	t_ok(rb_journal_file_open(&file, w.dirfd, name));
	t_ok(rb_journal_index_build(&index, &file));
	ck_assert_uint_gt(index.n, 1);
	t_ok(rb_journal_index_write(&index, w.dirfd, &file.header,
				    t_journal_size(&w, name)));
	rb_journal_index_deinit(&index);
	rb_journal_file_close(&file);
}

static void
index_name(char *ret)
{
	memcpy(ret, first_name, RB_JOURNAL_NAME_SIZE);
	ret[strlen(ret) - 1] = 'i';
}

/* 0 to 299 in a sealed segment with an index of several entries, 300 to 349 in the
 * next, blocks of ten. A hole from 40 to 49, tombstones from 60 to 69. */
static void
make_journal(void)
{
	begin(8, RB_FIXED, 4000);
	for (int i = 0; i < 30; i++) {
		if (i == 4)
			t_journal_lose(&w, 10, RB_JOURNAL_OVERWRITTEN);
		else if (i == 6)
			t_journal_skip(&w, 10);
		else
			t_journal_put(&w, 10);
	}
	memcpy(first_name, w.name, sizeof(first_name));
	t_journal_seal(&w);
	build_index(first_name);
	for (int i = 0; i < 5; i++)
		t_journal_put(&w, 10);
}

static void
seek_everywhere(void)
{
	for (int64_t s = 0; s < 350; s++) {
		t_ok(ringbus_journal_seek(r, 0, s));
		if (s >= 40 && s < 50) {
			expect_hole(s, 49);
			expect_events(50, 50);
		} else if (s >= 60 && s < 70) {
			expect_events(70, 71);
		} else {
			expect_events(s, s);
		}
	}
	t_ok(ringbus_journal_seek(r, 0, 350));
	expect_end();
	ck_assert_int_eq(ringbus_journal_seek(r, 0, 351), -ERANGE);
	expect_end();
	t_journal_put(&w, 1);
	expect_events(350, 350);
}

TEST(a_sequence_is_found_by_the_index)
{
	make_journal();
	seek_everywhere();
	end();
}

TEST(a_sequence_is_found_without_an_index)
{
	char name[RB_JOURNAL_NAME_SIZE];

	make_journal();
	index_name(name);
	ck_assert_int_eq(unlinkat(w.dirfd, name, 0), 0);
	seek_everywhere();
	end();
}

/* It would lead astray if it were believed. */
TEST(a_damaged_index_is_not_used)
{
	struct rb_journal_index index = { 0 };
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	char name[RB_JOURNAL_NAME_SIZE];
	uint64_t size, whole;

	make_journal();
	index_name(name);
	size = t_journal_size(&w, name);
	whole = t_journal_size(&w, first_name);
	t_ok(rb_journal_file_open(&file, w.dirfd, first_name));
	for (uint64_t at = 0; at < size; at++) {
		t_journal_flip(&w, name, at, 0x40);
		ck_assert_int_eq(rb_journal_index_read(&index, w.dirfd,
						       &file.header, whole),
				 -EBADMSG);
		t_ok(ringbus_journal_seek(r, 0, 200));
		expect_events(200, 200);
		t_journal_flip(&w, name, at, 0x40);
	}
	t_ok(rb_journal_index_read(&index, w.dirfd, &file.header, whole));
	rb_journal_index_deinit(&index);
	while (size-- > 0) {
		t_journal_cut(&w, name, size);
		ck_assert_int_eq(rb_journal_index_read(&index, w.dirfd,
						       &file.header, whole),
				 -EBADMSG);
	}
	rb_journal_file_close(&file);
	seek_everywhere();
	end();
}

TEST(the_index_of_another_file_is_not_used)
{
	struct rb_journal_index index = { 0 };
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_header other;

	make_journal();
	t_ok(rb_journal_file_open(&file, w.dirfd, first_name));
	other = file.header;
	other.salt++;
	other.hash++;
	ck_assert_int_eq(rb_journal_index_read(&index, w.dirfd, &other,
					       t_journal_size(&w, first_name)),
			 -EBADMSG);
	ck_assert_int_eq(
		rb_journal_index_read(&index, w.dirfd, &file.header,
				      t_journal_size(&w, first_name) + 8),
		-EBADMSG);
	other.first++;
	ck_assert_int_eq(rb_journal_index_read(&index, w.dirfd, &other, 0),
			 -ENOENT);
	rb_journal_file_close(&file);
	end();
}

/* Entries that are right in form and wrong in what they say. */
TEST(an_index_that_leads_nowhere_is_not_believed)
{
	struct rb_journal_index index = { 0 };
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_block block = { .first = 5 };
	uint64_t offsets[] = { 0,       8,          4096 + 12,     100000,
			       1 << 30, UINT64_MAX, UINT64_MAX - 7 };

	make_journal();
	t_ok(rb_journal_file_open(&file, w.dirfd, first_name));
	for (size_t i = 0; i < RB_ARRAY_SIZE(offsets); i++) {
		index.n = 0;
		rb_journal_index_note(&index, &block, 0);
		index.entries[0].offset = offsets[i];
		t_ok(rb_journal_index_write(&index, w.dirfd, &file.header,
					    t_journal_size(&w, first_name)));
		t_ok(ringbus_journal_seek(r, 0, 200));
		expect_events(200, 201);
	}
	/* To a block that is behind what is sought. */
	rb_journal_index_deinit(&index);
	t_ok(rb_journal_index_build(&index, &file));
	index.entries[0].offset = index.entries[3].offset;
	index.n = 1;
	t_ok(rb_journal_index_write(&index, w.dirfd, &file.header,
				    t_journal_size(&w, first_name)));
	t_ok(ringbus_journal_seek(r, 0, 3));
	expect_events(3, 3);
	rb_journal_index_deinit(&index);
	rb_journal_file_close(&file);
	end();
}

TEST(an_index_has_an_entry_for_some_blocks_alone)
{
	struct rb_journal_index index = { 0 };
	struct rb_journal_block block = { .first = 100, .skipped = 10 };

	for (uint64_t at = 4096; at < (1 << 20); at += 4096) {
		block.time_ns = (int64_t)at;
		rb_journal_index_note(&index, &block, at);
		block.first += 10;
	}
	ck_assert_uint_eq(index.n, 16);
	ck_assert_int_eq(index.entries[0].sequence, 90);
	for (uint32_t i = 1; i < index.n; i++)
		ck_assert_uint_eq(index.entries[i].offset -
					  index.entries[i - 1].offset,
				  RB_JOURNAL_INDEX_STEP);
	ck_assert_ptr_null(rb_journal_index_at(&index, 89));
	ck_assert_ptr_eq(rb_journal_index_at(&index, 90), index.entries);
	ck_assert_ptr_eq(rb_journal_index_at(&index, 249), index.entries);
	ck_assert_ptr_eq(rb_journal_index_at(&index, 250), index.entries + 1);
	ck_assert_ptr_eq(rb_journal_index_at(&index, INT64_MAX),
			 index.entries + 15);
	ck_assert_ptr_null(rb_journal_index_before(&index, 4096));
	ck_assert_ptr_eq(rb_journal_index_before(&index, 4097), index.entries);
	rb_journal_index_deinit(&index);
}

TEST(the_oldest_and_the_end_are_places)
{
	make_journal();
	t_ok(ringbus_journal_seek(r, 0, RINGBUS_FROM_NOW));
	expect_end();
	t_journal_put(&w, 2);
	expect_events(350, 351);
	t_ok(ringbus_journal_seek(r, 0, RINGBUS_FROM_OLDEST));
	expect_events(0, 1);
	end();
}

TEST(what_was_trimmed_before_it_is_a_hole)
{
	make_journal();
	ck_assert_int_eq(unlinkat(w.dirfd, first_name, 0), 0);
	t_ok(ringbus_journal_seek(r, 0, 123));
	expect_hole(123, 299);
	expect_events(300, 349);
	t_ok(ringbus_journal_seek(r, 0, RINGBUS_FROM_OLDEST));
	expect_events(300, 301);
	end();
}

TEST(a_place_between_segments_is_a_hole)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 10);
	t_journal_leave(&w);
	w.header.first = 20;
	t_journal_put(&w, 1);
	t_ok(ringbus_journal_seek(r, 0, 15));
	expect_hole(15, 19);
	expect_events(20, 20);
	t_ok(ringbus_journal_seek(r, 0, 10));
	expect_hole(10, 19);
	end();
}

TEST(an_epoch_is_entered_by_its_number)
{
	begin(8, RB_FIXED, 8);
	ck_assert_int_eq(ringbus_journal_seek(r, 0, 0), -ENOENT);
	ck_assert_int_eq(ringbus_journal_seek_time(r, 0), -ENOENT);
	t_journal_put(&w, 10);
	t_journal_epoch(&w, 0);
	t_journal_put(&w, 5);
	t_ok(ringbus_journal_seek(r, 1, 7));
	expect_events(7, 9);
	expect(RINGBUS_JOURNAL_EPOCH);
	expect_events(0, 4);
	expect_end();
	t_ok(ringbus_journal_seek(r, 0, 3));
	expect_events(3, 4);
	t_ok(ringbus_journal_seek(r, 2, 3));
	expect_events(3, 4);
	t_ok(ringbus_journal_seek(r, 1, RINGBUS_FROM_NOW));
	expect(RINGBUS_JOURNAL_EPOCH);
	ck_assert_int_eq(ringbus_journal_seek(r, 1, 11), -ERANGE);
	ck_assert_int_eq(ringbus_journal_seek(r, 3, 0), -ENOENT);
	ck_assert_int_eq(ringbus_journal_seek(r, -1, 0), -EINVAL);
	ck_assert_int_eq(ringbus_journal_seek(r, 0, RINGBUS_FROM_RESUME),
			 -EINVAL);
	end();
}

TEST(an_event_that_began_before_the_place_is_not_given)
{
	begin(8, RB_FRAMED, 32);
	for (int i = 0; i < 5; i++)
		t_journal_put_event(&w, 80); /* three slots each */
	for (int64_t s = 0; s < 13; s++) {
		t_ok(ringbus_journal_seek(r, 0, s));
		expect(RINGBUS_JOURNAL_EVENT);
		ck_assert_int_eq(e.sequence, (s + 2) / 3 * 3);
		ck_assert(t_event_is(e.data, e.size, e.sequence));
	}
	t_ok(ringbus_journal_seek(r, 0, 13));
	expect_end();
	end();
}

/* Blocks are 1000 ns apart, the first at 1000000. */
static void
seek_times(void)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };

	for (int64_t ns = 999000; ns < 1037000; ns += 250) {
		int64_t block = ns <= 1000000 ? 0 : (ns - 1000000 + 999) / 1000;

		if (block == 30) /* the seal has no time of its own */
			continue;
		t_ok(ringbus_journal_seek_time(r, ns));
		if (block == 4) {
			expect_hole(40, 49);
		} else if (block > 35) {
			expect_end();
		} else {
			int64_t s = block == 6   ? 70
				    : block > 30 ? (block - 1) * 10
						 : block * 10;

			expect_events(s, s);
			t_ok(ringbus_journal_place(r, &place));
			ck_assert_int_ge(place.time_ns, ns);
		}
	}
}

TEST(a_time_is_found_by_the_index)
{
	make_journal();
	seek_times();
	end();
}

TEST(a_time_is_found_without_an_index)
{
	char name[RB_JOURNAL_NAME_SIZE];

	make_journal();
	index_name(name);
	ck_assert_int_eq(unlinkat(w.dirfd, name, 0), 0);
	seek_times();
	end();
}

/* A writer that comes again cuts it away, and writes something else there. */
TEST(who_starts_at_the_end_is_not_behind_what_was_torn)
{
	struct rb_journal_chain chain;
	int64_t places[] = { RINGBUS_FROM_NOW, 10, 5 };

	for (size_t i = 0; i < RB_ARRAY_SIZE(places); i++) {
		begin(8, RB_FIXED, 8);
		w.header.epoch += (int64_t)i;
		t_journal_put(&w, 10);
		chain = w.chain;
		w.acked = chain.offset;
		t_journal_put(&w, 3);
		t_journal_put(&w, 3);
		t_journal_flip(&w, w.name, chain.offset + 70, 1);
		t_ok(ringbus_journal_seek(r, 0, places[i]));
		expect_events(places[i] < 0 ? 10 : places[i], 9);
		expect_end();
		t_journal_cut(&w, w.name, chain.offset);
		w.chain = chain;
		for (int n = 0; n < 5; n++)
			t_journal_put(&w, 1);
		expect_events(10, 14);
		expect_end();
		end();
	}
}

TEST(damage_before_the_place_is_passed)
{
	uint64_t at;

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 10);
	at = w.chain.offset;
	t_journal_put(&w, 10);
	t_journal_put(&w, 10);
	t_journal_put(&w, 10);
	t_journal_flip(&w, w.name, at + 9, 1); /* in its header */
	t_ok(ringbus_journal_seek(r, 0, 25));
	expect_events(25, 39);
	expect_end();
	t_ok(ringbus_journal_seek(r, 0, 15));
	expect_damage(w.name, at);
	expect_hole(15, 19);
	expect_events(20, 39);
	t_ok(ringbus_journal_seek_time(r, 1002001));
	expect_events(30, 39);
	end();
}

TEST(a_segment_without_a_header_is_told_there)
{
	make_journal();
	t_journal_flip(&w, first_name, 17, 1);
	t_journal_flip(&w, first_name, 2048 + 17, 1);
	t_ok(ringbus_journal_seek(r, 0, 123));
	expect_damage(first_name, 0);
	expect_hole(123, 299);
	expect_events(300, 300);
	t_ok(ringbus_journal_seek(r, 0, 310));
	expect_events(310, 310);
	end();
}
