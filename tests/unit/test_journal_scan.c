/* SPDX-License-Identifier: MIT */
/*
 * test_journal_scan.c - how far a segment is whole, whatever happened to it
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/scan.h"
#include "shm/geometry.h"
#include "tests/t.h"
#include "tests/util_journal.h"

static struct t_journal j;
static uint64_t ends[8]; /* of the blocks, and of the header */
static unsigned n_ends;

static struct rb_journal_scan
scan_name(const char *name)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_scan scan;

	t_ok(rb_journal_file_open(&file, j.dirfd, name));
	rb_journal_scan_begin(&scan, &file);
	t_ok(rb_journal_scan(&scan, &file));
	rb_journal_file_close(&file);
	return scan;
}

static void
note_end(void)
{
	ends[n_ends++] = j.chain.offset;
}

/* Three blocks of two events each: sequences 0 to 5. */
static void
make_three(uint32_t align, bool is_apart)
{
	t_journal_open(&j, t_tmpdir(), align, RB_FIXED, 24);
	j.is_apart = is_apart;
	j.lead = is_apart && align > 8 ? 48 : 0;
	ends[n_ends++] = RB_JOURNAL_START;
	for (int i = 0; i < 3; i++) {
		t_journal_put(&j, 2);
		note_end();
	}
}

TEST(what_is_whole_is_found_whole)
{
	struct rb_journal_scan scan;

	make_three(8, false);
	scan = scan_name(j.name);
	ck_assert_uint_eq(scan.n_blocks, 3);
	ck_assert_uint_eq(scan.chain.offset, ends[3]);
	ck_assert_int_eq(scan.chain.next, 6);
	ck_assert_uint_eq(scan.chain.previous, j.chain.previous);
	ck_assert_int_eq(scan.chain.time_ns, 1002000);
	ck_assert_int_eq(scan.first_ns, 1000000);
	ck_assert(!scan.is_torn && !scan.is_sealed);
	ck_assert_uint_eq(scan.n_damages, 0);
	t_journal_close(&j);
}

TEST(payloads_apart_are_found_with_any_lead)
{
	for (uint16_t lead = 0; lead < 4096; lead = (uint16_t)(lead + 1360)) {
		struct rb_journal_scan scan;

		t_journal_open(&j, t_tmpdir(), 4096, RB_FIXED, 24);
		j.header.epoch += lead;
		j.is_apart = true;
		j.lead = lead;
		t_journal_put(&j, 200);
		t_journal_put(&j, 1);
		t_journal_seal(&j);
		scan = scan_name(j.name);
		ck_assert_int_eq(scan.chain.next, 201);
		ck_assert_uint_eq(scan.n_blocks, 3);
		ck_assert(scan.is_sealed);
		ck_assert_uint_eq(scan.chain.offset,
				  t_journal_size(&j, j.name));
		t_journal_close(&j);
	}
}

TEST(a_scan_goes_on_where_it_was)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_scan scan;

	make_three(8, false);
	t_ok(rb_journal_file_open(&file, j.dirfd, j.name));
	rb_journal_scan_begin(&scan, &file);
	t_ok(rb_journal_scan(&scan, &file));
	ck_assert_int_eq(scan.chain.next, 6);
	t_journal_put(&j, 5);
	t_ok(rb_journal_scan(&scan, &file));
	ck_assert_int_eq(scan.chain.next, 11);
	t_journal_seal(&j);
	t_ok(rb_journal_scan(&scan, &file));
	ck_assert(scan.is_sealed);
	ck_assert_uint_eq(scan.n_damages, 0);
	rb_journal_file_close(&file);
	t_journal_close(&j);
}

TEST(zeroes_behind_the_end_are_room_and_not_torn)
{
	struct rb_journal_scan scan;

	make_three(8, false);
	t_journal_cut(&j, j.name, 1 << 20);
	scan = scan_name(j.name);
	ck_assert_uint_eq(scan.chain.offset, ends[3]);
	ck_assert(!scan.is_torn);
	t_journal_close(&j);
}

/* Cut at every length: the blocks before are there, and nothing is damage. */
static void
cut_everywhere(uint32_t align, bool is_apart)
{
	make_three(align, is_apart);
	for (uint64_t size = ends[3]; size > RB_JOURNAL_START; size--) {
		struct rb_journal_scan scan;
		unsigned n = 0;

		t_journal_cut(&j, j.name, size);
		scan = scan_name(j.name);
		while (n < 3 && ends[n + 1] <= scan.chain.offset)
			n++;
		/* The rest of a block need not be there, but for its payload. */
		ck_assert_uint_eq(scan.chain.offset, ends[n]);
		ck_assert_uint_eq(scan.n_blocks, n);
		ck_assert_int_eq(scan.chain.next, 2 * n);
		ck_assert(n == 3 || ends[n + 1] > size - align);
		ck_assert(size >= ends[n] || ends[n] - size < align);
		ck_assert_uint_eq(scan.n_damages, 0);
	}
	t_journal_close(&j);
}

TEST(a_file_cut_at_any_length_ends_with_a_whole_block)
{
	cut_everywhere(8, false);
}

TEST(so_does_one_with_payloads_apart)
{
	cut_everywhere(64, true);
}

TEST(a_file_cut_within_its_header_is_none)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;

	make_three(8, false);
	for (int size = RB_JOURNAL_START - 1; size >= 0; size--) {
		int r;

		t_journal_cut(&j, j.name, (uint64_t)size);
		r = rb_journal_file_open(&file, j.dirfd, j.name);
		ck_assert_int_eq(r, size >= 2048 ? 0 : -EBADMSG);
		if (r == 0)
			ck_assert(file.is_mended);
		rb_journal_file_close(&file);
	}
	t_journal_close(&j);
}

/* Which block a byte is part of; 3: none, as it may be anything. */
static unsigned
block_of(uint64_t offset, uint32_t align, bool is_apart)
{
	for (unsigned n = 0; n < 3; n++) {
		uint64_t at = offset - ends[n];
		uint64_t payload = is_apart ? align + j.lead : 64;

		if (offset < ends[n] || offset >= ends[n + 1])
			continue;
		return at < 64 || (at >= payload && at < payload + 48) ? n : 3;
	}
	return 3;
}

/* Flipped anywhere: the blocks before are there; a block that was acknowledged, as
 * the ones behind tell, is damage and named; the last one is torn. */
static void
flip_everywhere(uint32_t align, bool is_apart)
{
	make_three(align, is_apart);
	for (uint64_t at = RB_JOURNAL_START; at < ends[3]; at++) {
		unsigned n = block_of(at, align, is_apart);
		struct rb_journal_scan scan;

		t_journal_flip(&j, j.name, at, (uint8_t)(1 << at % 8));
		scan = scan_name(j.name);
		t_journal_flip(&j, j.name, at, (uint8_t)(1 << at % 8));
		ck_assert_uint_eq(scan.n_blocks, n < 3 ? 2 : 3);
		ck_assert_uint_eq(scan.n_damages, n < 2 ? 1 : 0);
		ck_assert(scan.is_torn == (n == 2));
		if (n < 2)
			ck_assert_uint_eq(scan.intact.offset, ends[n]);
		ck_assert_uint_eq(scan.chain.offset, ends[n == 2 ? 2 : 3]);
		ck_assert_int_eq(scan.chain.next, n == 2 ? 4 : 6);
		if (n >= 2)
			continue;
		rb_journal_scan_back(&scan);
		ck_assert_uint_eq(scan.chain.offset, ends[n]);
		ck_assert_int_eq(scan.chain.next, 2 * n);
		ck_assert_uint_eq(scan.n_damages, 0);
		ck_assert(scan.is_torn && !scan.is_sealed);
	}
	t_journal_close(&j);
}

TEST(a_byte_flipped_anywhere_is_damage_with_blocks_behind_it)
{
	flip_everywhere(8, false);
}

TEST(so_it_is_with_payloads_apart)
{
	flip_everywhere(64, true);
}

TEST(a_flipped_header_has_another_copy)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;

	make_three(8, false);
	for (uint64_t at = 0; at < RB_JOURNAL_START; at++) {
		t_journal_flip(&j, j.name, at, 0x10);
		t_ok(rb_journal_file_open(&file, j.dirfd, j.name));
		ck_assert(file.is_mended);
		ck_assert_int_eq(
			memcmp(&file.header, &j.header, sizeof(j.header)), 0);
		rb_journal_file_close(&file);
		t_journal_flip(&j, j.name, at, 0x10);
	}
	t_journal_flip(&j, j.name, 100, 1);
	t_journal_flip(&j, j.name, 2048 + 200, 1);
	ck_assert_int_eq(rb_journal_file_open(&file, j.dirfd, j.name),
			 -EBADMSG);
	t_journal_close(&j);
}

/* Two writes were on their way, and the second has come alone. */
TEST(what_was_never_acknowledged_is_torn_also_before_a_whole_block)
{
	struct rb_journal_scan scan;

	make_three(8, false);
	j.acked = ends[3];
	t_journal_put(&j, 2);
	t_journal_put(&j, 2);
	t_journal_flip(&j, j.name, ends[3] + 70, 1);
	scan = scan_name(j.name);
	ck_assert_uint_eq(scan.n_damages, 0);
	ck_assert(scan.is_torn);
	ck_assert_uint_eq(scan.chain.offset, ends[3]);
	ck_assert_int_eq(scan.chain.next, 6);
	/* A third one says that they were safe. */
	j.acked = UINT64_MAX;
	t_journal_put(&j, 2);
	scan = scan_name(j.name);
	ck_assert_uint_eq(scan.n_damages, 1);
	ck_assert_uint_eq(scan.intact.offset, ends[3]);
	ck_assert_int_eq(scan.chain.next, 12);
	t_journal_close(&j);
}

TEST(a_block_of_a_file_before_is_no_block)
{
	struct rb_journal_scan scan;
	char old[1024];
	int fd;
	ssize_t n;

	make_three(8, false);
	fd = openat(j.dirfd, j.name, O_RDONLY);
	n = pread(fd, old, sizeof(old), RB_JOURNAL_START);
	close(fd);
	ck_assert_int_gt(n, 300);
	/* The same disk space, a new segment. */
	t_journal_leave(&j);
	t_journal_put(&j, 2);
	t_journal_spoil(&j, j.name, j.chain.offset, old, (size_t)n);
	scan = scan_name(j.name);
	ck_assert_uint_eq(scan.n_blocks, 1);
	ck_assert(scan.is_torn);
	ck_assert_uint_eq(scan.n_damages, 0);
	t_journal_close(&j);
}

/* Of this segment, but in another's place. */
TEST(a_block_that_does_not_follow_is_damage)
{
	struct rb_journal_scan scan;
	char bytes[512];
	size_t size;
	int fd;

	make_three(8, false);
	size = ends[2] - ends[1];
	fd = openat(j.dirfd, j.name, O_RDONLY);
	ck_assert_int_eq(pread(fd, bytes, size, (off_t)ends[0]), size);
	close(fd);
	t_journal_spoil(&j, j.name, ends[1], bytes, size);
	scan = scan_name(j.name);
	ck_assert_uint_ge(scan.n_damages, 1);
	ck_assert_uint_eq(scan.intact.offset, ends[1]);
	ck_assert_uint_eq(scan.n_blocks, 2);
	ck_assert_int_eq(scan.chain.next, 6);
	t_journal_close(&j);
}

TEST(skips_and_holes_move_the_sequence)
{
	struct rb_journal_scan scan;

	make_three(8, false);
	t_journal_skip(&j, 10);
	t_journal_lose(&j, 5, RB_JOURNAL_DROPPED);
	t_journal_put(&j, 1);
	scan = scan_name(j.name);
	ck_assert_int_eq(scan.chain.next, 22);
	ck_assert_uint_eq(scan.n_blocks, 6);
	ck_assert_uint_eq(scan.n_damages, 0);
	t_journal_close(&j);
}

TEST(a_clock_set_back_stands_still)
{
	make_three(8, false);
	j.time_ns = 5;
	t_journal_put(&j, 1);
	ck_assert_int_eq(j.chain.time_ns, 1002000);
	ck_assert_int_eq(scan_name(j.name).chain.time_ns, 1002000);
	t_journal_close(&j);
}

TEST(names_are_those_of_segments_alone)
{
	char name[RB_JOURNAL_NAME_SIZE];
	int64_t epoch, first;

	rb_journal_name(name, 3, 42, "rbj");
	ck_assert_str_eq(name, "0000000003-00000000000000000042.rbj");
	ck_assert(rb_journal_parse_name(name, &epoch, &first));
	ck_assert_int_eq(epoch, 3);
	ck_assert_int_eq(first, 42);
	rb_journal_name(name, 3, 42, "rbi");
	ck_assert(!rb_journal_parse_name(name, &epoch, &first));
	ck_assert(!rb_journal_parse_name("", &epoch, &first));
	ck_assert(!rb_journal_parse_name("0000000000-00000000000000000042.rbj",
					 &epoch, &first));
	ck_assert(!rb_journal_parse_name("0000000001-99999999999999999999.rbj",
					 &epoch, &first));
	ck_assert(!rb_journal_parse_name("000000000x-00000000000000000042.rbj",
					 &epoch, &first));
	ck_assert(!rb_journal_parse_name("0000000001_00000000000000000042.rbj",
					 &epoch, &first));
}

static void
expect_open(const char *name, int err)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;

	ck_assert_int_eq(rb_journal_file_open(&file, j.dirfd, name), err);
	rb_journal_file_close(&file);
}

TEST(what_is_no_segment_is_not_opened)
{
	char name[RB_JOURNAL_NAME_SIZE];

	make_three(8, false);
	expect_open("nothing.rbj", -ENOENT);
	rb_journal_name(name, 1, 77, "rbj"); /* another place than it says */
	ck_assert_int_eq(linkat(j.dirfd, j.name, j.dirfd, name, 0), 0);
	expect_open(name, -EBADMSG);
	rb_journal_name(name, 1, 78, "rbj");
	ck_assert_int_eq(symlinkat(j.name, j.dirfd, name), 0);
	expect_open(name, -EBADMSG);
	rb_journal_name(name, 1, 79, "rbj");
	ck_assert_int_eq(mkfifoat(j.dirfd, name, 0600), 0);
	expect_open(name, -EBADMSG);
	rb_journal_name(name, 1, 80, "rbj");
	ck_assert_int_eq(mkdirat(j.dirfd, name, 0700), 0);
	expect_open(name, -EBADMSG);
	t_journal_close(&j);
}

static void
expect_header(int err)
{
	char page[RB_JOURNAL_START];
	struct rb_journal_header header = j.header, ret;

	rb_journal_header_encode(&header, page);
	ck_assert_int_eq(rb_journal_header_decode(page, &ret), err);
}

/* It is written as asked for, whatever it says: a lie with a right hash. */
#define LIE(field, value)                                                      \
	do {                                                                   \
		struct rb_journal_header honest_ = j.header;                   \
                                                                               \
		j.header.field = (value);                                      \
		expect_header(-EBADMSG);                                       \
		j.header = honest_;                                            \
	} while (0)

TEST(numbers_that_cannot_be_are_refused)
{
	t_journal_open(&j, t_tmpdir(), 8, RB_FIXED, 24);
	expect_header(0);
	LIE(align, 0);
	LIE(align, 4);
	LIE(align, 24);
	LIE(align, 8192);
	LIE(slot_size, 0);
	LIE(slot_size, 20);
	LIE(slot_size, RB_JOURNAL_PAYLOAD_MAX + 8);
	LIE(event_size, 0);
	LIE(event_size, 25);
	LIE(epoch, 0);
	LIE(epoch, RB_JOURNAL_EPOCH_MAX + 1);
	LIE(first, -1);
	LIE(first, RB_JOURNAL_SEQUENCE_MAX + 1);
	LIE(created_ns, -1);
	LIE(framing, 2);
	LIE(framing, RB_FRAMED); /* whose slots are powers of two */
	LIE(channel[0], '/');
	LIE(channel[0], '\0');
	LIE(type[0], '\n');
	t_journal_close(&j);
}

TEST(another_version_or_byte_order_is_named_as_such)
{
	char page[RB_JOURNAL_START];
	struct rb_journal_header ret;
	uint64_t magic = __builtin_bswap64(RB_JOURNAL_MAGIC);

	t_journal_open(&j, t_tmpdir(), 8, RB_FIXED, 24);
	rb_journal_header_encode(&j.header, page);
	memcpy(page, &magic, sizeof(magic));
	memcpy(page + 2048, &magic, sizeof(magic));
	ck_assert_int_eq(rb_journal_header_decode(page, &ret),
			 -EPROTONOSUPPORT);
	t_journal_close(&j);
}
