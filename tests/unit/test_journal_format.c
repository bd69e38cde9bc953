/* SPDX-License-Identifier: MIT */
/*
 * test_journal_format.c - the bytes of a segment are those that the manual shows
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/archive/index.h"
#include "shm/geometry.h"
#include "tests/t.h"
#include "tests/util_journal.h"

#define BIG_ENDIAN_MACHINE (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

#define SECOND INT64_C(1000000000)
#define NEW_YEAR (INT64_C(1767225600) * SECOND) /* 2026 */

static struct t_journal j;
static char dump[8192];

static void
put_event(const char *text, uint64_t skipped)
{
	char slot[32] = "";
	uint32_t size = (uint32_t)strlen(text);
	struct rb_journal_block block = {
		.kind = RB_JOURNAL_DATA,
		.first = j.header.first + (int64_t)skipped,
		.count = 1,
	};

	if (j.fd >= 0)
		block.first = j.chain.next + (int64_t)skipped;
	memcpy(slot, &size, sizeof(size));
	memcpy(slot + 8, text, size);
	t_journal_block(&j, &block, slot);
}

/* One event; two tombstones and another; three that are lost; the end. */
static void
make_example(void)
{
	t_journal_open(&j, t_tmpdir(), 8, RB_FRAMED, 32);
	j.header.event_size = 56;
	j.header.generation = 0xc0ffee;
	j.header.first = 42;
	j.header.type_version = 3;
	memcpy(j.header.type, "trade", 6);
	j.time_ns = NEW_YEAR;
	put_event("buy 100 ACME", 0);
	j.acked = RB_JOURNAL_START;
	put_event("sell 7 ACME", 2);
	j.acked = UINT64_MAX;
	t_journal_lose(&j, 3, RB_JOURNAL_DROPPED);
	t_journal_seal(&j);
}

static size_t
read_file(const char *name, uint8_t *bytes, size_t size)
{
	int fd = openat(j.dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = pread(fd, bytes, size, 0);

	ck_assert_int_gt(n, 0);
	close(fd);
	return (size_t)n;
}

/* As `hexdump -C` has it. */
static void
write_line(FILE *to, const uint8_t *bytes, size_t at, size_t n)
{
	fprintf(to, "%08zx ", at);
	for (size_t i = 0; i < 16; i++) {
		fputs(i == 8 ? " " : "", to);
		if (i < n)
			fprintf(to, " %02x", bytes[i]);
		else
			fputs("   ", to);
	}
	fputs("  |", to);
	for (size_t i = 0; i < n; i++)
		fputc(isprint(bytes[i]) ? bytes[i] : '.', to);
	fputs("|\n", to);
}

static const char *
dump_file(const char *name)
{
	static uint8_t bytes[8192];
	size_t n = read_file(name, bytes, sizeof(bytes));
	FILE *to = fmemopen(dump, sizeof(dump), "w");
	bool is_short = false;

	for (size_t at = 0; at < n; at += 16) {
		size_t left = n - at < 16 ? n - at : 16;
		bool same = at > 0 && left == 16 &&
			    memcmp(bytes + at, bytes + at - 16, 16) == 0;

		if (!same)
			write_line(to, bytes + at, at, left);
		else if (!is_short)
			fputs("*\n", to);
		is_short = same;
	}
	fprintf(to, "%08zx\n", n);
	fclose(to);
	return dump;
}

static void
expect_documented(const char *text)
{
	static char manual[65536];
	FILE *file = fopen("docs/journal-format.md", "r");

	ck_assert_ptr_nonnull(file);
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	ck_assert_msg(strstr(manual, text) != NULL,
		      "docs/journal-format.md lacks:\n%s", text);
}

TEST(a_segment_is_as_the_manual_shows)
{
	if (BIG_ENDIAN_MACHINE)
		T_SKIP("the manual shows the other byte order");
	make_example();
	expect_documented(dump_file(j.name));
	t_journal_close(&j);
}

TEST(an_index_is_as_the_manual_shows)
{
	struct rb_journal_index index = { 0 };
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	char name[RB_JOURNAL_NAME_SIZE];

	if (BIG_ENDIAN_MACHINE)
		T_SKIP("the manual shows the other byte order");
	make_example();
	t_ok(rb_journal_file_open(&file, j.dirfd, j.name));
	t_ok(rb_journal_index_build(&index, &file));
	t_ok(rb_journal_index_write(&index, j.dirfd, &file.header,
				    t_journal_size(&j, j.name)));
	rb_journal_index_deinit(&index);
	rb_journal_file_close(&file);
	rb_journal_name(name, 1, 42, "rbi");
	expect_documented(dump_file(name));
	t_journal_close(&j);
}
