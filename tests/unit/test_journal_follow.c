/* SPDX-License-Identifier: MIT */
/*
 * test_journal_follow.c - a journal is read while another process writes it, piece by
 * piece, with two blocks on their way at a time
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/journals.h"

#define BLOCKS 3000
#define EVENTS 7 /* of a block */

struct piece {
	char *bytes;
	uint64_t offset, size;
};

static struct piece
encode(void)
{
	uint8_t slots[EVENTS * 16];
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA,
					  .count = EVENTS };
	struct piece p;

	block.first = w.fd < 0 ? w.header.first : w.chain.next;
	for (int i = 0; i < EVENTS; i++)
		for (size_t k = 0; k < 16; k++)
			slots[16 * i + (int)k] = t_event_byte(block.first + i,
							      k);
	p.bytes = t_journal_encode(&w, &block, slots, &p.size);
	p.offset = w.chain.offset - p.size;
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
	a = encode();
	w.acked = a.offset;
	b = encode();
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
