/* SPDX-License-Identifier: MIT */
/*
 * test_journal_look.c - what a journal says that it has, and what of it can be removed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/journals.h"

static struct ringbus_journal_info info;
static struct ringbus_segment s;

static void
get_info(void)
{
	info.size = sizeof(info);
	t_ok(ringbus_journal_info(r, &info));
}

static void
get_segment(unsigned index)
{
	s.size = sizeof(s);
	ck_assert_int_eq(ringbus_journal_segment(r, index, &s), 1);
}

static void
expect_segment(unsigned index, int64_t epoch, int64_t first, int64_t last)
{
	get_segment(index);
	ck_assert_int_eq(s.epoch, epoch);
	ck_assert_int_eq(s.first, first);
	ck_assert_int_eq(s.last, last);
}

/* Epoch 1: 0 to 9 sealed, 10 to 19 left; epoch 2: 0 to 4 sealed, 5 to 6. */
static void
make_journal(void)
{
	begin(8, RB_FRAMED, 16);
	memcpy(w.header.type, "trade", 6);
	w.header.type_version = 3;
	t_journal_put(&w, 10);
	t_journal_seal(&w);
	t_journal_put(&w, 10);
	t_journal_epoch(&w, 0);
	t_journal_put(&w, 5);
	t_journal_seal(&w);
	t_journal_put(&w, 1);
	t_journal_put(&w, 1);
}

TEST(an_empty_folder_has_nothing)
{
	begin(8, RB_FIXED, 8);
	get_info();
	ck_assert_int_eq(info.epoch, 0);
	ck_assert_int_eq(info.last, -1);
	ck_assert_uint_eq(info.segments, 0);
	s.size = sizeof(s);
	ck_assert_int_eq(ringbus_journal_segment(r, 0, &s), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 5), 0);
	end();
}

TEST(a_journal_says_what_it_is)
{
	uint64_t bytes = 0;

	make_journal();
	get_info();
	ck_assert_str_eq(info.channel, "orders");
	ck_assert_str_eq(info.type, "trade");
	ck_assert_uint_eq(info.type_version, 3);
	ck_assert_int_eq(info.framing, RINGBUS_FRAMED);
	ck_assert_uint_eq(info.slot_size, 16);
	ck_assert_uint_eq(info.event_size, 64 * 16 - 8);
	ck_assert_int_eq(info.epoch, 2);
	ck_assert_uint_eq(info.generation, 4712);
	ck_assert_int_eq(info.first, 0);
	ck_assert_int_eq(info.last, 6);
	ck_assert_int_eq(info.first_ns, 1003000);
	ck_assert_int_eq(info.last_ns, 1006000);
	ck_assert_uint_eq(info.segments, 4);
	for (unsigned i = 0; i < 4; i++) {
		get_segment(i);
		bytes += s.bytes;
	}
	ck_assert_uint_eq(info.bytes, bytes);
	info.size--;
	ck_assert_int_eq(ringbus_journal_info(r, &info), -EINVAL);
	end();
}

TEST(it_says_how_far_it_has_come_since)
{
	make_journal();
	get_info();
	t_journal_put(&w, 10);
	get_info();
	ck_assert_int_eq(info.last, 16);
	t_journal_seal(&w);
	get_info();
	ck_assert_int_eq(info.last, 16);
	t_journal_put(&w, 1);
	get_info();
	ck_assert_int_eq(info.last, 17);
	ck_assert_uint_eq(info.segments, 5);
	end();
}

TEST(segments_say_what_they_have)
{
	make_journal();
	expect_segment(0, 1, 0, 9);
	ck_assert(s.sealed);
	ck_assert_int_eq(s.first_ns, 1000000);
	ck_assert_int_eq(s.last_ns, 1000000);
	ck_assert_str_eq(s.file, "0000000001-00000000000000000000.rbj");
	ck_assert_uint_eq(s.generation, 4711);
	ck_assert_uint_eq(s.bytes, t_journal_size(&w, s.file));
	expect_segment(1, 1, 10, 19);
	ck_assert(!s.sealed);
	expect_segment(2, 2, 0, 4);
	expect_segment(3, 2, 5, 6);
	ck_assert_int_eq(s.first_ns, 1005000);
	ck_assert_int_eq(s.last_ns, 1006000);
	ck_assert_int_eq(ringbus_journal_segment(r, 4, &s), 0);
	s.size = 0;
	ck_assert_int_eq(ringbus_journal_segment(r, 0, &s), -EINVAL);
	end();
}

TEST(what_was_written_again_is_the_next_ones)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 10);
	t_journal_leave(&w);
	w.header.first = 7;
	t_journal_put(&w, 1);
	expect_segment(0, 1, 0, 6);
	expect_segment(1, 1, 7, 7);
	end();
}

TEST(a_torn_tail_is_not_counted)
{
	begin(8, RB_FIXED, 8);
	t_journal_put(&w, 10);
	t_journal_put(&w, 10);
	t_journal_cut(&w, w.name, w.chain.offset - 1);
	get_info();
	ck_assert_int_eq(info.last, 9);
	end();
}

/* Both copies of a header, as of a sector that cannot be read any more. */
static void
damage_header(const char *name)
{
	t_journal_flip(&w, name, 9, 1);
	t_journal_flip(&w, name, 2057, 1);
}

TEST(a_damaged_header_is_named_and_the_others_are_there)
{
	make_journal();
	damage_header("0000000001-00000000000000000010.rbj");
	get_segment(0);
	s.size = sizeof(s);
	ck_assert_int_eq(ringbus_journal_segment(r, 1, &s), -EBADMSG);
	ck_assert_str_eq(s.file, "0000000001-00000000000000000010.rbj");
	ck_assert_int_eq(s.first, 10);
	ck_assert_ptr_nonnull(
		strstr(ringbus_journal_error(r), "0000010.rbj:0: the header"));
	expect_segment(2, 2, 0, 4);
	get_info();
	end();
}

TEST(a_damaged_header_hides_only_what_is_behind_it)
{
	begin(8, RB_FRAMED, 16);
	for (int i = 0; i < 3; i++) {
		t_journal_put(&w, 10);
		t_journal_seal(&w);
	}
	damage_header("0000000001-00000000000000000020.rbj");
	get_info();
	ck_assert_str_eq(info.channel, "orders");
	ck_assert_int_eq(info.first, 0);
	ck_assert_int_eq(info.last, 19);
	ck_assert_uint_eq(info.segments, 3);
	ck_assert_ptr_nonnull(
		strstr(ringbus_journal_error(r), "0000020.rbj:0: the header"));
	damage_header("0000000001-00000000000000000000.rbj");
	get_info();
	ck_assert_int_eq(info.framing, RINGBUS_FRAMED);
	ck_assert_int_eq(info.first, 10);
	ck_assert_int_eq(info.last, 19);
	damage_header("0000000001-00000000000000000010.rbj");
	ck_assert_int_eq(ringbus_journal_info(r, &info), -EBADMSG);
	end();
}

/* Each epoch is of a channel that was made anew, and maybe otherwise. */
TEST(a_segment_tells_what_its_events_are_like)
{
	make_journal();
	t_journal_epoch(&w, 0);
	memcpy(w.header.type, "quote", 6);
	w.header.type_version = 4;
	w.header.framing = RB_FIXED;
	w.header.event_size = w.header.slot_size = 24;
	t_journal_put(&w, 1);
	get_segment(0);
	get_segment(2);
	ck_assert_str_eq(s.channel, "orders");
	ck_assert_str_eq(s.type, "trade");
	ck_assert_uint_eq(s.type_version, 3);
	ck_assert_int_eq(s.framing, RINGBUS_FRAMED);
	ck_assert_uint_eq(s.slot_size, 16);
	ck_assert_uint_eq(s.event_size, 64 * 16 - 8);
	get_segment(4);
	ck_assert_str_eq(s.type, "quote");
	ck_assert_uint_eq(s.type_version, 4);
	ck_assert_int_eq(s.framing, RINGBUS_FIXED);
	ck_assert_uint_eq(s.slot_size, 24);
	ck_assert_uint_eq(s.event_size, 24);
	end();
}

/* ------------------------------------------------------------------ trimming */

TEST(what_is_all_before_a_sequence_is_removed)
{
	make_journal();
	ck_assert_int_eq(faccessat(w.dirfd, w.name, F_OK, 0), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 1, 9), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 1, 10), 1);
	expect_segment(0, 1, 10, 19);
	ck_assert_int_eq(ringbus_journal_trim(r, 1, 19), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 1, 20), 1);
	expect_segment(0, 2, 0, 4);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 1000), 1);
	expect_segment(0, 2, 5, 6);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 1000), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 9, 0), 0);
	expect_segment(0, 2, 5, 6);
	end();
}

TEST(earlier_epochs_are_before_any_sequence)
{
	make_journal();
	close(openat(w.dirfd, "0000000001-00000000000000000000.rbi",
		     O_CREAT | O_RDWR, 0600));
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 0), 2);
	expect_segment(0, 2, 0, 4);
	ck_assert_int_eq(faccessat(w.dirfd,
				   "0000000001-00000000000000000000.rbi", F_OK,
				   0),
			 -1);
	end();
}

TEST(who_reads_is_told_what_was_trimmed)
{
	make_journal();
	t_ok(ringbus_journal_seek(r, 1, 4));
	expect_events(4, 5);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 0), 2);
	expect_events(6, 9); /* it has that one open */
	expect(RINGBUS_JOURNAL_EPOCH);
	expect_events(0, 6);
	expect_end();
	end();
}

TEST(a_trim_that_cannot_be_is_refused)
{
	make_journal();
	ck_assert_int_eq(ringbus_journal_trim(r, -1, 0), -EINVAL);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, -1), -EINVAL);
	end();
}

static int
trim_as_nobody(void *arg)
{
	(void)arg;
	ck_assert_int_eq(fchmod(w.dirfd, 0555), 0);
	ck_assert_int_eq(setuid(65534), 0);
	ck_assert_int_eq(ringbus_journal_trim(r, 0, 0), -EACCES);
	ck_assert_ptr_nonnull(
		strstr(ringbus_journal_error(r), "cannot be removed"));
	return 0;
}

TEST(who_may_not_remove_is_told_so)
{
	if (geteuid() != 0)
		T_SKIP("only root can be somebody else");
	make_journal();
	for (unsigned i = 0; i < 4; i++) {
		get_segment(i);
		ck_assert_int_eq(fchmodat(w.dirfd, s.file, 0644, 0), 0);
	}
	t_join(t_child(trim_as_nobody, NULL));
	expect_segment(0, 1, 0, 9);
	end();
}
