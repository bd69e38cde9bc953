/* SPDX-License-Identifier: MIT */
/*
 * test_journal_bytes.c - what of a ring ringbus-journal writes, byte by byte
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/archive/format.h"
#include "tests/system/util_writer.h"

/* A block whose slots lie apart has nothing else in it: what is before and behind them
 * in the ring would change while the disk reads. */
static bool
is_apart_and_alone(int fd, const struct rb_journal_header *h,
		   const struct rb_journal_block *block, off_t at)
{
	uint64_t extent = rb_journal_extent(block, h->slot_size, h->align);
	uint64_t size = rb_journal_payload_size(block, h->slot_size);
	uint64_t from = rb_journal_payload_at(block, h->align);
	char *bytes = malloc(extent);
	bool is_apart = block->kind == RB_JOURNAL_APART;

	ck_assert_int_eq(pread(fd, bytes, extent, at), (ssize_t)extent);
	for (uint64_t i = sizeof(*block); is_apart && i < extent; i++)
		if (i < from || i >= from + size)
			ck_assert_msg(bytes[i] == 0, "byte %llu",
				      (unsigned long long)i);
	free(bytes);
	return is_apart;
}

TEST(writes_nothing_out_of_the_ring_but_the_slots_themselves)
{
	struct rb_journal_header h;
	struct rb_journal_block block;
	struct t_writer w = { 0 };
	struct ringbus_producer *p;
	off_t at = RB_JOURNAL_START;
	char path[PATH_MAX];
	unsigned n_apart = 0;
	struct t_bus b;
	int fd;

	t_bus_begin(&b, "slots: 4096, event_size: 64, " T_JOURNALLED);
	p = t_produce(b.bus, NULL);
	t_put_all(p, 0, 2999); /* so that it finds them all at once */
	t_writer_start(&w, &b.daemon, "segment_size=1MiB", NULL);
	t_writer_until(&b, 2999);
	t_put_all(p, 3000, 5999);
	t_writer_until(&b, 5999);
	t_writer_stop(&w);
	ringbus_producer_close(p);
	t_stored(&w, 1, 0, 5999);
	t_writer_last(&w, ".rbj", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, &h, sizeof(h), 0), sizeof(h));
	while (pread(fd, &block, sizeof(block), at) == sizeof(block)) {
		n_apart += is_apart_and_alone(fd, &h, &block, at);
		at += (off_t)rb_journal_extent(&block, h.slot_size, h.align);
	}
	close(fd);
	ck_assert(h.align == RB_JOURNAL_ALIGN_MIN || n_apart > 1);
	t_bus_end(&b);
}
