/* SPDX-License-Identifier: MIT */
/*
 * forge.c - see forge.h
 */
#include "tests/fuzz/forge.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/hash.h"
#include "client/archive/index.h"
#include "shm/geometry.h"

#define PAYLOAD_MAX 16384
#define FILE_SIZE_MAX (1 << 18)

static uint8_t
byte_of(int64_t epoch, int64_t sequence, size_t i)
{
	return (uint8_t)(epoch * 31 + sequence * 131 + (int64_t)i * 7 + 1);
}

bool
forge_is_event(int64_t epoch, int64_t sequence, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != byte_of(epoch, sequence, i))
			return false;
	return true;
}

static void
empty(int dirfd)
{
	DIR *folder = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;

	fuzz_expect(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd, entry->d_name, 0);
	closedir(folder);
}

static void
choose_shape(struct forge *f)
{
	static const uint32_t aligns[] = { 8, 64, 512, 4096 };
	static const uint64_t sizes[] = { 8, 24, 64, 256 };
	struct rb_journal_header *h = &f->header;

	h->align = aligns[input_below(f->in, 4)];
	h->framing = input_below(f->in, 2);
	h->slot_size = h->framing == RB_FIXED
			       ? sizes[input_below(f->in, 4)]
			       : UINT64_C(16) << input_below(f->in, 4);
	h->event_size = h->framing == RB_FIXED ? h->slot_size : 4096 - 8;
}

void
forge_begin(struct forge *f, struct input *in, const char *folder)
{
	*f = (struct forge){
		.in = in,
		.fd = -1,
		.dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.is_honest = true,
		.time_ns = 1000,
		.header = {
			.epoch = 1,
			.salt = 77,
			.channel = "forged",
		},
	};
	fuzz_expect(f->dirfd >= 0);
	empty(f->dirfd);
	choose_shape(f);
}

static void
leave(struct forge *f)
{
	if (f->fd >= 0)
		f->header.first = f->chain.next;
	rb_closep(&f->fd);
	f->fd = -1;
}

void
forge_end(struct forge *f)
{
	leave(f);
	rb_closep(&f->dirfd);
}

static void
write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	if (offset + size <= FILE_SIZE_MAX)
		fuzz_expect(pwrite(fd, bytes, size, (off_t)offset) ==
			    (ssize_t)size);
}

static void
write_header(struct forge *f)
{
	char page[RB_JOURNAL_START];

	rb_journal_header_encode(&f->header, page);
	write_at(f->fd, page, sizeof(page), 0);
}

/* False if there is no room for more. */
static bool
begin(struct forge *f)
{
	if (f->fd >= 0)
		return f->chain.offset < FILE_SIZE_MAX / 2;
	if (!rb_journal_header_check(&f->header))
		return false;
	f->header.salt++;
	f->header.created_ns = f->time_ns;
	rb_journal_name(f->name, f->header.epoch, f->header.first, "rbj");
	f->fd = openat(f->dirfd, f->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fuzz_expect(f->fd >= 0);
	fuzz_expect(ftruncate(f->fd, 0) == 0);
	write_header(f);
	rb_journal_chain_begin(&f->chain, &f->header);
	return true;
}

/* -------------------------------------------------------------------- honestly */

static void
fill(const struct forge *f, uint8_t *event, size_t size, int64_t sequence)
{
	for (size_t i = 0; i < size; i++)
		event[i] = byte_of(f->header.epoch, sequence, i);
}

/* Whole events, of which the payload is full; how many slots they are. */
static uint64_t
fill_slots(struct forge *f, uint8_t *slots, unsigned n_events)
{
	uint64_t slot_size = f->header.slot_size, n = 0, taken = 1;

	for (; n_events > 0; n_events--, n += taken) {
		uint8_t *slot = slots + n * slot_size;
		int64_t sequence = f->chain.next + (int64_t)n;
		uint32_t size;

		if (f->header.framing == RB_FIXED) {
			fill(f, slot, slot_size, sequence);
			continue;
		}
		size = (uint32_t)input_bytes(f->in, 2) % 1000;
		taken = (size + 8 + slot_size - 1) / slot_size;
		memcpy(slot, &size, sizeof(size));
		fill(f, slot + 8, size, sequence);
	}
	return n;
}

static uint64_t
choose_acked(struct forge *f)
{
	return input_below(f->in, 3) == 0
		       ? f->chain.offset * input_below(f->in, 8) / 8
		       : f->chain.offset;
}

static void
put(struct forge *f, struct rb_journal_block *block, const void *payload)
{
	uint64_t offset = f->chain.offset;
	uint64_t size = rb_journal_payload_size(block, f->header.slot_size);

	f->time_ns += input_below(f->in, 4);
	block->time_ns = f->time_ns;
	rb_journal_block_encode(&f->chain, block, payload, choose_acked(f));
	write_at(f->fd, block, sizeof(*block), offset);
	if (size > 0)
		write_at(f->fd, payload, size,
			 offset +
				 rb_journal_payload_at(block, f->header.align));
	if (f->chain.offset <= FILE_SIZE_MAX)
		fuzz_expect(ftruncate(f->fd, (off_t)f->chain.offset) == 0);
}

static void
put_data(struct forge *f)
{
	static uint8_t slots[PAYLOAD_MAX];
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA,
					  .first = f->chain.next };

	memset(slots, 0, sizeof(slots));
	block.count = fill_slots(f, slots, input_below(f->in, 12));
	if (input_below(f->in, 2) == 1) {
		block.kind = RB_JOURNAL_APART;
		block.lead = (uint16_t)(input_bytes(f->in, 2) %
					(f->header.align / 8) * 8);
	}
	put(f, &block, slots);
}

static void
put_other(struct forge *f, int kind, uint64_t skipped, uint64_t count)
{
	struct rb_journal_block block = {
		.kind = (uint8_t)kind,
		.first = f->chain.next + (int64_t)skipped,
		.count = count,
	};

	put(f, &block, NULL);
}

static void
index_it(const struct forge *f)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	struct rb_journal_index index = { 0 };

	if (rb_journal_file_open(&file, f->dirfd, f->name) == 0) {
		fuzz_expect(rb_journal_index_build(&index, &file) == 0);
		fuzz_expect(rb_journal_index_write(&index, f->dirfd,
						   &file.header,
						   f->chain.offset) == 0);
	}
	rb_journal_index_deinit(&index);
	rb_journal_file_close(&file);
}

static void
end_segment(struct forge *f)
{
	if (input_below(f->in, 3) > 0) {
		put_other(f, RB_JOURNAL_SEAL, 0, 0);
		if (input_below(f->in, 2) > 0)
			index_it(f);
	}
	leave(f);
	switch (input_below(f->in, 5)) {
	case 0: /* what it was not sure of comes again */
		f->header.first -= input_below(f->in, 8);
		break;
	case 1: /* something is missing */
		f->header.first += input_below(f->in, 8);
		break;
	case 2:
		f->header.epoch++;
		f->header.generation++;
		f->header.first = input_below(f->in, 8);
		choose_shape(f);
		break;
	}
	if (f->header.first < 0)
		f->header.first = 0;
}

void
forge_write(struct forge *f)
{
	unsigned choice = input_below(f->in, 8);

	if (!begin(f))
		return;
	if (choice == 0)
		put_other(f, RB_JOURNAL_DATA, input_below(f->in, 20), 0);
	else if (choice == 1)
		put_other(f, RB_JOURNAL_LOST, input_below(f->in, 2),
			  1 + input_below(f->in, 20));
	else if (choice == 2)
		end_segment(f);
	else
		put_data(f);
}

/* --------------------------------------------------------------------- as a disk */

/* One of the names in the folder, by the input. */
static int
open_any(struct forge *f)
{
	DIR *folder = fdopendir(openat(f->dirfd, ".", O_RDONLY | O_DIRECTORY));
	unsigned n = input_below(f->in, 8);
	struct dirent *entry;
	char name[256] = "";
	int fd;

	fuzz_expect(folder != NULL);
	while ((entry = readdir(folder)) != NULL && n > 0)
		if (entry->d_name[0] != '.') {
			memcpy(name, entry->d_name, sizeof(entry->d_name));
			n--;
		}
	closedir(folder);
	if (f->fd >= 0 && (name[0] == '\0' || input_below(f->in, 2) > 0))
		return dup(f->fd);
	fd = name[0] != '\0' ? openat(f->dirfd, name, O_RDWR | O_CLOEXEC) : -1;
	return fd;
}

static uint64_t
choose_place(struct forge *f, int fd)
{
	struct stat st;
	uint64_t place = input_bytes(f->in, 3);

	fuzz_expect(fstat(fd, &st) == 0);
	return st.st_size > 0 ? place % (uint64_t)st.st_size : 0;
}

void
forge_spoil(struct forge *f)
{
	static const char zeroes[4096];
	int fd = open_any(f);
	uint64_t at, size;
	uint8_t byte = 0;

	if (fd < 0)
		return;
	at = choose_place(f, fd);
	switch (input_below(f->in, 5)) {
	case 0:
		fuzz_expect(ftruncate(fd, (off_t)at) == 0);
		break;
	case 1:
		size = input_bytes(f->in, 2) % sizeof(zeroes);
		write_at(fd, zeroes, size, at);
		break;
	case 2: /* room, as if preallocated */
		fuzz_expect(ftruncate(fd, FILE_SIZE_MAX) == 0);
		break;
	default:
		if (pread(fd, &byte, 1, (off_t)at) < 0)
			break;
		byte ^= (uint8_t)(1 << input_below(f->in, 8));
		write_at(fd, &byte, 1, at);
	}
	close(fd);
}

/* ---------------------------------------------------------------------- as a liar */

static void
lie_in_header(struct forge *f)
{
	struct rb_journal_header honest = f->header;
	size_t at = input_below(f->in, 26) * 8;
	uint64_t value = (uint64_t)input_number(f->in);

	memcpy((char *)&f->header + at, &value, sizeof(value));
	if (f->fd >= 0)
		write_header(f);
	f->header = honest;
}

static void
lie_in_block(struct forge *f)
{
	static uint8_t payload[PAYLOAD_MAX];
	struct rb_journal_block block = { .kind = RB_JOURNAL_DATA };
	uint64_t offset, size, value;

	if (!begin(f))
		return;
	offset = f->chain.offset;
	block.first = f->chain.next;
	block.count = 1 + input_below(f->in, 8);
	size = block.count * f->header.slot_size;
	for (uint64_t i = 0; i < size; i += 8) {
		value = (uint64_t)input_number(f->in);
		memcpy(payload + i, &value, sizeof(value));
	}
	rb_journal_block_encode(&f->chain, &block, payload, choose_acked(f));
	for (unsigned n = input_below(f->in, 3); n > 0; n--) {
		value = (uint64_t)input_number(f->in);
		memcpy((char *)&block + input_below(f->in, 7) * 8, &value,
		       sizeof(value));
	}
	block.magic = RB_JOURNAL_BLOCK_MAGIC;
	block.check = (uint32_t)rb_hash(
		&block, offsetof(struct rb_journal_block, check),
		f->header.salt);
	block.hash = rb_hash(
		payload,
		rb_journal_payload_size(&block, f->header.slot_size) %
			PAYLOAD_MAX,
		rb_hash(&block, offsetof(struct rb_journal_block, hash),
			f->header.salt));
	f->chain.previous = block.hash;
	write_at(f->fd, &block, sizeof(block), offset);
	write_at(f->fd, payload, size, offset + sizeof(block));
}

static void
lie_in_index(struct forge *f)
{
	struct rb_journal_block block = { 0 };
	struct rb_journal_index index = { 0 };
	struct stat st;

	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return;
	for (unsigned n = input_below(f->in, 5); n > 0; n--) {
		rb_journal_index_note(&index, &block, n << 20);
		index.entries[index.n - 1] = (struct rb_journal_index_entry){
			.sequence = input_number(f->in),
			.time_ns = input_number(f->in),
			.offset = input_below(f->in, 2) == 0
					  ? (uint64_t)input_number(f->in)
					  : choose_place(f, f->fd) / 8 * 8,
		};
		index.entries[0].offset %= UINT64_C(1) << 62;
	}
	fuzz_expect(rb_journal_index_write(&index, f->dirfd, &f->header,
					   (uint64_t)st.st_size) == 0);
	rb_journal_index_deinit(&index);
}

void
forge_lie(struct forge *f)
{
	f->is_honest = false;
	switch (input_below(f->in, 4)) {
	case 0:
		lie_in_header(f);
		break;
	case 1:
		lie_in_index(f);
		break;
	default:
		lie_in_block(f);
	}
}
