/* SPDX-License-Identifier: MIT */
/*
 * test_journal_follow.c - a journal is read while another process writes it, piece by
 * piece, with two blocks on their way at a time
 *
 * Or the writer comes between two looks of the reader: at its next lseek(2), which it
 * does behind what is not whole.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/archive/scan.h"
#include "tests/unit/journals.h"

#define BLOCKS 3000
#define EVENTS 7 /* of a block */

struct piece {
	char *bytes;
	uint64_t offset, size;
};

static struct piece
encode(int n)
{
	uint8_t *slots = malloc((size_t)n * 16);
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA,
					  .count = (uint64_t)n };
	struct piece p;

	block.first = w.fd < 0 ? w.header.first : w.chain.next;
	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < 16; k++)
			slots[16 * i + (int)k] = t_event_byte(block.first + i,
							      k);
	p.bytes = t_journal_encode(&w, &block, slots, &p.size);
	p.offset = w.chain.offset - p.size;
	free(slots);
	return p;
}

static void
write_piece(const struct piece *p, uint64_t from, uint64_t to)
{
	ck_assert_int_eq(pwrite(w.fd, p->bytes + from, to - from,
				(off_t)(p->offset + from)),
			 to - from);
}

/* The later one whole, before the earlier one comes, its payload first. */
static void
write_two(unsigned cut)
{
	struct piece a, b;

	w.acked = UINT64_MAX;
	a = encode(EVENTS);
	w.acked = a.offset;
	b = encode(EVENTS);
	write_piece(&b, 0, b.size);
	cut = 1 + cut % (unsigned)(a.size - 1);
	write_piece(&a, cut, a.size);
	write_piece(&a, 0, cut);
	free(a.bytes);
	free(b.bytes);
}

static int
write_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < BLOCKS / 2; i++) {
		write_two(i * 37);
		if (i % 100 == 70)
			t_journal_seal(&w);
		if (i % 100 == 90)
			t_journal_leave(&w);
		if (i % 100 == 95) /* room for what comes */
			t_journal_cut(&w, w.name, w.chain.offset + 65536);
	}
	return 0;
}

TEST(a_journal_is_followed_while_another_process_writes_it)
{
	int64_t next = 0;
	pid_t writer;

	begin(8, RB_FIXED, 16);
	writer = t_child(write_all, NULL);
	while (next < BLOCKS * EVENTS) {
		int what = 0;

		t_until((what = ringbus_journal_next(r, &e)) != 0);
		ck_assert_msg(what == RINGBUS_JOURNAL_EVENT,
			      "%d before %lld: %s", what, (long long)next,
			      ringbus_journal_error(r));
		ck_assert_int_eq(e.sequence, next++);
		ck_assert(t_event_is(e.data, e.size, e.sequence));
	}
	expect_end();
	t_join(writer);
	end();
}

/* ---------------------------------------------------------- between two looks */

static struct piece late[2];

off_t
lseek(int fd, off_t offset, int whence)
{
	for (int i = 0; i < 2; i++) {
		struct piece p = late[i];

		late[i].bytes = NULL;
		if (p.bytes == NULL)
			continue;
		write_piece(&p, 0, p.size);
		free(p.bytes);
	}
	return syscall(SYS_lseek, fd, offset, whence);
}

/* The second counts the first, of n events, as safe, and both come while the reader,
 * who has not seen that, looks behind it. */
static void
come_late(int n)
{
	late[0] = encode(n);
	late[1] = encode(EVENTS);
	t_journal_cut(&w, w.name, late[1].offset + 4096);
}

static void
expect_late(void)
{
	int64_t first = w.chain.next - 2 * EVENTS;

	int what;

	/* It may have been looked further behind first. */
	while ((what = ringbus_journal_next(r, &e)) == RINGBUS_JOURNAL_END)
		;
	ck_assert_ptr_null(late[0].bytes);
	ck_assert_msg(what == RINGBUS_JOURNAL_EVENT, "%d: %s", what,
		      ringbus_journal_error(r));
	ck_assert_int_eq(e.sequence, first);
	expect_events(first + 1, w.chain.next - 1);
}

TEST(what_comes_while_it_is_looked_behind_is_no_damage)
{
	begin(8, RB_FIXED, 16);
	t_journal_put(&w, EVENTS);
	expect_events(0, EVENTS - 1);
	expect_end();
	for (int i = 0; i < 10; i++) {
		come_late(EVENTS);
		expect_late();
		expect_end();
	}
	end();
}

/* So much that the second is not read together with what precedes it. */
#define MANY 20000

TEST(what_comes_while_a_scan_looks_behind_is_no_damage)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_scan scan;

	begin(8, RB_FIXED, 16);
	t_journal_put(&w, EVENTS);
	come_late(MANY);
	t_ok(rb_journal_file_open(&file, w.dirfd, w.name));
	rb_journal_scan_begin(&scan, &file);
	t_ok(rb_journal_scan(&scan, &file));
	rb_journal_file_close(&file);
	ck_assert_ptr_null(late[0].bytes);
	ck_assert_uint_eq(scan.n_damages, 0);
	ck_assert_uint_eq(scan.n_blocks, 3);
	end();
}
