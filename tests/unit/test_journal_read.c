/* SPDX-License-Identifier: MIT */
/*
 * test_journal_read.c - what comes next in a journal, from event to event
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/journals.h"

TEST(events_come_as_they_were_written)
{
	begin(8, RB_FIXED, 24);
	t_journal_put(&w, 3);
	t_journal_put(&w, 1);
	expect_events(0, 3);
	ck_assert_uint_eq(e.size, 24);
	expect_end();
	ck_assert_str_eq(ringbus_journal_error(r), "");
	end();
}

TEST(payloads_apart_are_read_alike)
{
	begin(4096, RB_FIXED, 24);
	w.is_apart = true;
	for (w.lead = 0; w.lead < 4096; w.lead = (uint16_t)(w.lead + 1000))
		t_journal_put(&w, 500);
	expect_events(0, 2499);
	expect_end();
	end();
}

TEST(framed_events_have_any_size)
{
	size_t sizes[] = { 0, 1, 24, 25, 56, 2040 };
	int64_t next = 0;

	begin(8, RB_FRAMED, 32);
	for (size_t i = 0; i < RB_ARRAY_SIZE(sizes); i++)
		t_journal_put_event(&w, sizes[i]);
	t_journal_put(&w, 2);
	for (size_t i = 0; i < RB_ARRAY_SIZE(sizes); i++) {
		expect(RINGBUS_JOURNAL_EVENT);
		ck_assert_int_eq(e.sequence, next);
		ck_assert_uint_eq(e.size, sizes[i]);
		ck_assert(t_event_is(e.data, e.size, e.sequence));
		next = e.last + 1;
		ck_assert_int_eq(next - e.sequence, (sizes[i] + 8 + 31) / 32);
	}
	expect_events(next, next + 1);
	expect_end();
	end();
}

TEST(a_large_block_comes_whole)
{
	begin(8, RB_FRAMED, 65536);
	t_journal_put_event(&w, 65536 * 60);
	t_journal_put(&w, 1);
	expect(RINGBUS_JOURNAL_EVENT);
	ck_assert_uint_eq(e.size, 65536 * 60);
	ck_assert(t_event_is(e.data, e.size, 0));
	expect_events(61, 61);
	expect_end();
	end();
}

TEST(slots_without_events_are_skipped)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_skip(&w, 5);
	t_journal_put(&w, 1);
	expect_events(0, 1);
	expect_events(7, 7);
	expect_end();
	end();
}

TEST(a_hole_that_was_written_down_is_told)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_lose(&w, 3, RB_JOURNAL_DROPPED);
	t_journal_put(&w, 1);
	expect_events(0, 1);
	expect_hole(2, 4);
	expect_events(5, 5);
	expect_end();
	end();
}

TEST(a_hole_that_was_not_is_found)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_leave(&w);
	w.header.first = 10;
	t_journal_put(&w, 2);
	expect_events(0, 1);
	expect_hole(2, 9);
	expect_events(10, 11);
	expect_end();
	end();
}

TEST(segments_follow_each_other)
{
	begin(8, RB_FIXED, 8);
	for (int i = 0; i < 20; i++) {
		t_journal_put(&w, 5);
		if (i % 3 == 0)
			t_journal_leave(&w);
		else
			t_journal_seal(&w);
	}
	expect_events(0, 99);
	expect_end();
	end();
}

TEST(a_journal_is_followed_while_it_is_written)
{
	int64_t next = 0;

	begin(8, RB_FIXED, 16);
	expect_end();
	for (int i = 0; i < 50; i++) {
		t_journal_put(&w, 3);
		expect_events(next, next + 2);
		expect_end();
		next += 3;
		if (i % 7 == 3) {
			t_journal_seal(&w);
			expect_end();
		}
		if (i % 7 == 5)
			t_journal_leave(&w);
	}
	end();
}

/* What is written into the room of a file that is there already. */
TEST(a_preallocated_file_is_followed_alike)
{
	begin(8, RB_FIXED, 16);
	t_journal_put(&w, 1);
	t_journal_cut(&w, w.name, 4 << 20);
	expect_events(0, 0);
	for (int i = 1; i < 200; i++) {
		expect_end();
		t_journal_put(&w, 1);
		expect_events(i, i);
	}
	end();
}

/* Before the writer came there it was in the buffer already, half written. */
TEST(what_was_read_ahead_is_read_once_more)
{
	static const char zeroes[4096];
	char bytes[512];
	uint64_t at, size;
	int fd;

	begin(8, RB_FIXED, 16);
	t_journal_put(&w, 2);
	at = w.chain.offset;
	t_journal_put(&w, 2);
	t_journal_put(&w, 2);
	size = w.chain.offset - at;
	fd = openat(w.dirfd, w.name, O_RDONLY);
	ck_assert_int_eq(pread(fd, bytes, size, (off_t)at), size);
	close(fd);
	t_journal_spoil(&w, w.name, at + 64, zeroes, size - 64);
	expect_events(0, 0);
	t_journal_spoil(&w, w.name, at, bytes, size);
	expect_events(1, 5);
	expect_end();
	end();
}

TEST(an_epoch_is_told_and_begins_anew)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	t_journal_epoch(&w, 0);
	t_journal_put(&w, 1);
	t_journal_epoch(&w, 50);
	t_journal_put(&w, 1);
	expect_events(0, 1);
	expect(RINGBUS_JOURNAL_EPOCH);
	ck_assert_int_eq(e.sequence, 0);
	t_ok(ringbus_journal_place(r, &place));
	ck_assert_int_eq(place.epoch, 2);
	ck_assert_uint_eq(place.generation, 4712);
	expect_events(0, 0);
	expect(RINGBUS_JOURNAL_EPOCH);
	ck_assert_int_eq(e.sequence, 50);
	expect_events(50, 50);
	expect_end();
	end();
}

TEST(an_event_has_a_place)
{
	struct ringbus_journal_place place = { .size = sizeof(place) };
	char bytes[24];
	int fd;

	begin(8, RB_FIXED, 24);
	ck_assert_int_eq(ringbus_journal_place(r, &place), -ENODATA);
	t_journal_put(&w, 2);
	expect_events(0, 1);
	t_ok(ringbus_journal_place(r, &place));
	ck_assert_int_eq(place.epoch, 1);
	ck_assert_uint_eq(place.generation, 4711);
	ck_assert_int_eq(place.sequence, 1);
	ck_assert_int_eq(place.time_ns, 1000000);
	ck_assert_str_eq(place.file, w.name);
	ck_assert_int_eq(place.offset, 4096 + 64 + 24);
	fd = openat(w.dirfd, place.file, O_RDONLY);
	ck_assert_int_eq(pread(fd, bytes, 24, place.offset), 24);
	close(fd);
	ck_assert(t_event_is(bytes, 24, 1));
	expect_end();
	ck_assert_int_eq(ringbus_journal_place(r, &place), -ENODATA);
	place.size--;
	ck_assert_int_eq(ringbus_journal_place(r, &place), -EINVAL);
	end();
}

/* -------------------------------------------------- what was written again */

TEST(what_was_written_again_comes_once)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 4);
	t_journal_put(&w, 4);
	t_journal_leave(&w);
	w.header.first = 6; /* of what came then the writer was not sure */
	t_journal_put(&w, 6);
	expect_events(0, 11);
	expect_end();
	end();
}

TEST(it_comes_once_to_who_has_seen_it_already)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 4);
	t_journal_put(&w, 4);
	expect_events(0, 7);
	expect_end();
	t_journal_leave(&w);
	w.header.first = 6;
	t_journal_put(&w, 1);
	expect_end();
	t_journal_put(&w, 5);
	expect_events(8, 11);
	expect_end();
	end();
}

TEST(the_rest_of_such_a_file_is_no_damage)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 4);
	t_journal_put(&w, 4);
	t_journal_put(&w, 4);
	t_journal_flip(&w, w.name, 4096 + 64 + 32 + 70, 1);
	t_journal_leave(&w);
	w.header.first = 4;
	t_journal_put(&w, 8);
	expect_events(0, 11);
	expect_end();
	end();
}

/* ------------------------------------------------------------- the folder */

TEST(what_is_no_segment_is_not_looked_at)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	ck_assert_int_eq(mkdirat(w.dirfd, "0000000001-x.rbj", 0700), 0);
	close(openat(w.dirfd, "lock", O_CREAT | O_RDWR, 0600));
	close(openat(w.dirfd, ".spare", O_CREAT | O_RDWR, 0600));
	expect_events(0, 1);
	expect_end();
	end();
}

TEST(who_reads_a_segment_that_is_removed_reads_on)
{
	char name[RB_JOURNAL_NAME_SIZE];

	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	memcpy(name, w.name, sizeof(name));
	t_journal_seal(&w);
	t_journal_put(&w, 2);
	t_journal_seal(&w);
	expect_events(0, 0);
	ck_assert_int_eq(unlinkat(w.dirfd, name, 0), 0);
	ck_assert_int_eq(unlinkat(w.dirfd, w.name, 0), 0);
	t_journal_put(&w, 1);
	expect_events(1, 1);
	expect_hole(2, 3);
	expect_events(4, 4);
	expect_end();
	end();
}

TEST(a_file_made_anew_under_its_name_is_found)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 2);
	expect_events(0, 1);
	expect_end();
	ck_assert_int_eq(unlinkat(w.dirfd, w.name, 0), 0);
	t_journal_leave(&w);
	w.header.first = 0;
	t_journal_put(&w, 4);
	expect_events(2, 3);
	expect_end();
	end();
}

TEST(a_journal_that_cannot_be_is_not_opened)
{
	char path[4200];

	ck_assert_int_eq(ringbus_journal_open(NULL, &r), -EINVAL);
	ck_assert_int_eq(ringbus_journal_open("/nothing/here", &r), -ENOENT);
	ck_assert_int_eq(ringbus_journal_open("/dev/null", &r), -ENOTDIR);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ringbus_journal_open(path, &r), -EINVAL);
	ringbus_journal_close(NULL);
}
