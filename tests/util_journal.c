/* SPDX-License-Identifier: MIT */
/*
 * util_journal.c - see util_journal.h
 */
#include "tests/util_journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/geometry.h"
#include "tests/t.h"

#define FRAME_SLOTS_MAX 64

void
t_journal_open(struct t_journal *j, const char *dir, uint32_t align,
	       uint32_t framing, uint64_t slot_size)
{
	*j = (struct t_journal){
		.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.fd = -1,
		.header = {
			.align = align,
			.slot_size = slot_size,
			.event_size = framing == RB_FIXED
					      ? slot_size
					      : FRAME_SLOTS_MAX * slot_size - 8,
			.epoch = 1,
			.generation = 4711,
			.created_ns = 1000000,
			.salt = 0x1234567890abcdef,
			.framing = framing,
			.channel = "orders",
		},
		.acked = UINT64_MAX,
		.time_ns = 1000000,
	};
	ck_assert_int_ge(j->dirfd, 0);
}

void
t_journal_close(struct t_journal *j)
{
	t_journal_leave(j);
	rb_closep(&j->dirfd);
}

void
t_journal_leave(struct t_journal *j)
{
	if (j->fd >= 0)
		j->header.first = j->chain.next;
	rb_closep(&j->fd);
	j->fd = -1;
}

static void
write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), size);
}

static void
begin(struct t_journal *j)
{
	char page[RB_JOURNAL_START];

	ck_assert(rb_journal_header_check(&j->header));
	j->header.salt += 1;
	j->header.created_ns = j->time_ns;
	rb_journal_name(j->name, j->header.epoch, j->header.first, "rbj");
	rb_journal_header_encode(&j->header, page);
	/* It gets its name with its header. */
	j->fd = openat(j->dirfd, ".next", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		       0600);
	ck_assert_int_ge(j->fd, 0);
	write_at(j->fd, page, sizeof(page), 0);
	ck_assert_int_eq(renameat(j->dirfd, ".next", j->dirfd, j->name), 0);
	rb_journal_chain_begin(&j->chain, &j->header);
}

char *
t_journal_encode(struct t_journal *j, struct rb_journal_block *block,
		 const void *payload, uint64_t *ret_size)
{
	uint64_t at, size, offset;
	char *bytes;

	if (j->fd < 0)
		begin(j);
	offset = j->chain.offset;
	block->time_ns = j->time_ns;
	if (block->kind == RB_JOURNAL_SEAL)
		block->time_ns = j->chain.time_ns;
	j->time_ns += 1000;
	rb_journal_block_encode(&j->chain, block, payload,
				j->acked == UINT64_MAX ? offset : j->acked);
	*ret_size = j->chain.offset - offset;
	bytes = malloc(*ret_size);
	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 0xee, *ret_size); /* what is no part of it */
	memcpy(bytes, block, sizeof(*block));
	at = rb_journal_payload_at(block, j->header.align);
	size = rb_journal_payload_size(block, j->header.slot_size);
	if (size > 0)
		memcpy(bytes + at, payload, size);
	return bytes;
}

void
t_journal_block(struct t_journal *j, struct rb_journal_block *block,
		const void *payload)
{
	uint64_t size;
	char *bytes = t_journal_encode(j, block, payload, &size);

	write_at(j->fd, bytes, size, j->chain.offset - size);
	free(bytes);
}

static void
put_data(struct t_journal *j, uint64_t count, const char *slots)
{
	struct rb_journal_block block = {
		.kind = j->is_apart ? RB_JOURNAL_APART : RB_JOURNAL_DATA,
		.lead = j->is_apart ? j->lead : 0,
		.count = count,
	};

	if (j->fd < 0)
		begin(j);
	block.first = j->chain.next;
	t_journal_block(j, &block, slots);
}

/* In its slot, at which the bytes of an event begin. */
static void
fill(char *event, size_t size, int64_t sequence)
{
	for (size_t i = 0; i < size; i++)
		event[i] = (char)t_event_byte(sequence, i);
}

void
t_journal_put(struct t_journal *j, uint64_t count)
{
	uint64_t slot_size = j->header.slot_size;
	uint32_t size = (uint32_t)slot_size - 8;
	char *slots = calloc(count + 1, slot_size);

	if (j->fd < 0)
		begin(j);
	for (uint64_t i = 0; i < count; i++) {
		char *slot = slots + i * slot_size;
		int64_t sequence = j->chain.next + (int64_t)i;

		if (j->header.framing == RB_FRAMED) {
			memcpy(slot, &size, sizeof(size));
			fill(slot + 8, size, sequence);
		} else {
			fill(slot, slot_size, sequence);
		}
	}
	put_data(j, count, slots);
	free(slots);
}

int64_t
t_journal_put_event(struct t_journal *j, size_t size)
{
	uint64_t slot_size = j->header.slot_size;
	uint64_t count = (size + 8 + slot_size - 1) / slot_size;
	uint32_t frame_size = (uint32_t)size;
	char *slots = calloc(count, slot_size);
	int64_t sequence;

	if (j->fd < 0)
		begin(j);
	sequence = j->chain.next;
	memcpy(slots, &frame_size, sizeof(frame_size));
	fill(slots + 8, size, sequence);
	put_data(j, count, slots);
	free(slots);
	return sequence;
}

void
t_journal_skip(struct t_journal *j, uint64_t count)
{
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA };

	if (j->fd < 0)
		begin(j);
	block.first = j->chain.next + (int64_t)count;
	t_journal_block(j, &block, NULL);
}

void
t_journal_lose(struct t_journal *j, uint64_t count, int reason)
{
	struct rb_journal_block block = {
		.kind = RB_JOURNAL_LOST,
		.reason = (uint8_t)reason,
		.count = count,
	};

	if (j->fd < 0)
		begin(j);
	block.first = j->chain.next;
	t_journal_block(j, &block, NULL);
}

void
t_journal_seal(struct t_journal *j)
{
	struct rb_journal_block block = { .kind = RB_JOURNAL_SEAL };

	if (j->fd < 0)
		begin(j);
	block.first = j->chain.next;
	t_journal_block(j, &block, NULL);
	t_journal_leave(j);
}

void
t_journal_epoch(struct t_journal *j, int64_t first)
{
	t_journal_leave(j);
	j->header.epoch++;
	j->header.generation++;
	j->header.first = first;
}

/* -------------------------------------------------------------------- events */

uint8_t
t_event_byte(int64_t sequence, size_t i)
{
	uint64_t x = (uint64_t)sequence * 0x9e3779b97f4a7c15 + i / 8;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return (uint8_t)(x >> 8 * (i % 8));
}

bool
t_event_is(const void *data, size_t size, int64_t sequence)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != t_event_byte(sequence, i))
			return false;
	return true;
}

/* ------------------------------------------------------------------ spoiling */

static int
open_file(const struct t_journal *j, const char *name)
{
	int fd = openat(j->dirfd, name, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void
t_journal_spoil(const struct t_journal *j, const char *name, uint64_t offset,
		const void *bytes, size_t size)
{
	int fd = open_file(j, name);

	write_at(fd, bytes, size, offset);
	close(fd);
}

void
t_journal_flip(const struct t_journal *j, const char *name, uint64_t offset,
	       uint8_t bits)
{
	int fd = open_file(j, name);
	uint8_t byte;

	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= bits;
	write_at(fd, &byte, 1, offset);
	close(fd);
}

void
t_journal_cut(const struct t_journal *j, const char *name, uint64_t size)
{
	int fd = open_file(j, name);

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

uint64_t
t_journal_size(const struct t_journal *j, const char *name)
{
	struct stat st;

	ck_assert_int_eq(fstatat(j->dirfd, name, &st, 0), 0);
	return (uint64_t)st.st_size;
}
