/* SPDX-License-Identifier: MIT */
/*
 * file.c - see file.h
 */
#include "client/archive/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/interrupted.h"

#define PEEK_SIZE (UINT64_C(16) << 10)
#define LOAD_SIZE (UINT64_C(256) << 10)

/* ------------------------------------------------------------------ reading */

/* As many bytes as there are; or a negative errno. */
static ssize_t
read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	unsigned n_tries = 0;
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buffer + done, size - done,
				  (off_t)(offset + done));

		if (n < 0 && rb_journal_is_interrupted(&n_tries))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool
has(const struct rb_journal_file *file, uint64_t offset, uint64_t size)
{
	return offset >= file->at &&
	       offset - file->at + size <= (uint64_t)file->filled;
}

static int
make_room(struct rb_journal_file *file, uint64_t size)
{
	char *buffer;

	if (size <= file->capacity)
		return 0;
	buffer = realloc(file->buffer, size);
	if (buffer == NULL)
		return -ENOMEM;
	file->buffer = buffer;
	file->capacity = size;
	return 0;
}

/* What is there already of what begins at `offset` comes to the front. */
static void
keep_from(struct rb_journal_file *file, uint64_t offset)
{
	size_t kept = 0;

	if (has(file, offset, 1)) {
		size_t gone = (size_t)(offset - file->at);

		kept = file->filled - gone;
		memmove(file->buffer, file->buffer + gone, kept);
	}
	file->at = offset;
	file->filled = kept;
}

/* Brings `size` bytes from `offset` on into the buffer, and reads `ahead` bytes in
 * one go: how many of `size` there are, or a negative errno. */
static int64_t
fetch(struct rb_journal_file *file, uint64_t offset, uint64_t size,
      uint64_t ahead)
{
	uint64_t wanted = size > ahead ? size : ahead;
	ssize_t n;
	int err;

	if (has(file, offset, size))
		return (int64_t)size;
	if (offset > RB_JOURNAL_SIZE_MAX)
		return 0;
	keep_from(file, offset);
	err = make_room(file, wanted);
	if (err < 0)
		return err;
	n = read_at(file->fd, file->buffer + file->filled,
		    (size_t)wanted - file->filled, offset + file->filled);
	if (n < 0)
		return n;
	file->filled += (size_t)n;
	return (int64_t)rb_min_u64(size, file->filled);
}

void
rb_journal_file_refresh(struct rb_journal_file *file)
{
	file->filled = 0;
}

int64_t
rb_journal_file_size(const struct rb_journal_file *file)
{
	struct stat st;

	return fstat(file->fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

bool
rb_journal_file_is_gone(const struct rb_journal_file *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

/* ------------------------------------------------------------------- opening */

static int
read_header(struct rb_journal_file *file, const char *name)
{
	char page[RB_JOURNAL_START] = "";
	int64_t epoch, first;
	ssize_t n = read_at(file->fd, page, sizeof(page), 0);
	int r;

	if (n < 0)
		return (int)n;
	r = rb_journal_header_decode(page, &file->header);
	if (r < 0)
		return r;
	file->is_mended = r == 1;
	if (!rb_journal_parse_name(name, &epoch, &first) ||
	    epoch != file->header.epoch || first != file->header.first)
		return -EBADMSG;
	return 0;
}

static int
check_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EBADMSG;
}

int
rb_journal_file_open(struct rb_journal_file *file, int dirfd, const char *name)
{
	int err, fd = openat(dirfd, name,
			     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				     O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	*file = (struct rb_journal_file){ .fd = fd };
	err = check_kind(fd);
	if (err == 0)
		err = read_header(file, name);
	if (err < 0)
		rb_journal_file_close(file);
	return err;
}

void
rb_journal_file_close(struct rb_journal_file *file)
{
	rb_closep(&file->fd);
	free(file->buffer);
	*file = (struct rb_journal_file)RB_JOURNAL_FILE_NULL;
}

/* -------------------------------------------------------------------- blocks */

static bool
is_zero(const char *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static const char *
bytes_at(const struct rb_journal_file *file, uint64_t offset)
{
	return file->buffer + (offset - file->at);
}

/* By the header, of which `n` bytes are in the buffer. */
static enum rb_journal_found
look(const struct rb_journal_file *file, uint64_t offset, uint64_t n,
     struct rb_journal_block *ret)
{
	struct rb_journal_block block;

	if (n == 0)
		return RB_JOURNAL_NOTHING;
	if (n >= sizeof(block)) {
		memcpy(&block, bytes_at(file, offset), sizeof(block));
		if (rb_journal_block_check(&block, &file->header)) {
			*ret = block;
			return RB_JOURNAL_BLOCK;
		}
	}
	return is_zero(bytes_at(file, offset), n) ? RB_JOURNAL_NOTHING
						  : RB_JOURNAL_GARBAGE;
}

int
rb_journal_file_peek(struct rb_journal_file *file, uint64_t offset,
		     struct rb_journal_block *ret)
{
	int64_t n = fetch(file, offset, sizeof(*ret), PEEK_SIZE);

	if (n < 0)
		return (int)n;
	return (int)look(file, offset, (uint64_t)n, ret);
}

/* From what is in the buffer, or is read now. */
static int
load(struct rb_journal_file *file, uint64_t offset,
     struct rb_journal_block *ret, const void **ret_payload)
{
	const struct rb_journal_header *h = &file->header;
	int64_t n = fetch(file, offset, sizeof(*ret), LOAD_SIZE);
	uint64_t at, size;
	int found;

	if (n < 0)
		return (int)n;
	found = (int)look(file, offset, (uint64_t)n, ret);
	if (found != RB_JOURNAL_BLOCK)
		return found;
	at = rb_journal_payload_at(ret, h->align);
	size = rb_journal_payload_size(ret, h->slot_size);
	n = fetch(file, offset, at + size, LOAD_SIZE);
	if (n < 0)
		return (int)n;
	*ret_payload = bytes_at(file, offset) + at;
	return (uint64_t)n == at + size &&
			       rb_journal_payload_check(ret, h, *ret_payload)
		       ? RB_JOURNAL_BLOCK
		       : RB_JOURNAL_TORN;
}

int
rb_journal_file_load(struct rb_journal_file *file, uint64_t offset,
		     struct rb_journal_block *ret, const void **ret_payload)
{
	bool is_old = has(file, offset, 1);
	int found = load(file, offset, ret, ret_payload);

	if (found < 0 || found == RB_JOURNAL_BLOCK || !is_old)
		return found;
	rb_journal_file_refresh(file);
	return load(file, offset, ret, ret_payload);
}

int
rb_journal_file_find_seal(struct rb_journal_file *file,
			  struct rb_journal_block *ret)
{
	uint64_t align = file->header.align;
	uint64_t extent = rb_round_up(sizeof(*ret), align);
	int64_t size = rb_journal_file_size(file);
	int r;

	if (size < 0)
		return (int)size;
	if ((uint64_t)size < RB_JOURNAL_START + extent ||
	    (uint64_t)size % align != 0)
		return 0;
	r = rb_journal_file_peek(file, (uint64_t)size - extent, ret);
	if (r < 0)
		return r;
	return r == RB_JOURNAL_BLOCK && ret->kind == RB_JOURNAL_SEAL &&
	       rb_journal_payload_check(ret, &file->header, NULL);
}

/* ------------------------------------------------------------------- looking on */

/* Over what was never written, where the file system tells. */
static uint64_t
skip_hole(const struct rb_journal_file *file, uint64_t from)
{
	off_t data = lseek(file->fd, (off_t)from, SEEK_DATA);
	uint64_t align = file->header.align;

	if (data < 0)
		return errno == ENXIO ? UINT64_MAX : from;
	return rb_round_up(from, align) > (uint64_t)data
		       ? from
		       : (uint64_t)data / align * align;
}

/* In what was just brought into the buffer. */
static bool
probe_bytes(const struct rb_journal_file *file, uint64_t from, uint64_t to,
	    uint64_t *ret)
{
	struct rb_journal_block block;
	uint32_t magic;

	for (uint64_t at = from; at < to; at += file->header.align) {
		memcpy(&magic, bytes_at(file, at), sizeof(magic));
		if (magic == RB_JOURNAL_BLOCK_MAGIC &&
		    look(file, at, sizeof(block), &block) == RB_JOURNAL_BLOCK) {
			*ret = at;
			return true;
		}
	}
	return false;
}

int
rb_journal_file_probe(struct rb_journal_file *file, uint64_t from, uint64_t to,
		      uint64_t *ret)
{
	uint64_t align = file->header.align;

	from = rb_round_up(from, align);
	while (from < to) {
		uint64_t wanted, end;
		int64_t n;

		from = skip_hole(file, from);
		if (from >= to)
			break;
		wanted = rb_min_u64(to - from + sizeof(struct rb_journal_block),
				    LOAD_SIZE);
		n = fetch(file, from, wanted, wanted);
		if (n < (int64_t)sizeof(struct rb_journal_block))
			return n < 0 ? (int)n : 0;
		/* Of the last ones the header is not all here yet. */
		end = from +
		      ((uint64_t)n - sizeof(struct rb_journal_block)) / align *
			      align +
		      align;
		if (probe_bytes(file, from, rb_min_u64(end, to), ret))
			return 1;
		from = end;
	}
	return 0;
}

/* So that of many that are wrong each is not looked up to the same one behind them. */
static void
note_acked(struct rb_journal_file *file, uint64_t acked)
{
	if (acked > file->acked)
		file->acked = acked;
}

/* A block behind the wrong one that makes it damage: 1, and *ret is the next one that
 * there is at all; 0 if there is none, or a negative errno. */
static int
find_proof(struct rb_journal_file *file, const struct rb_journal_wrong *wrong,
	   uint64_t *ret)
{
	const struct rb_journal_header *h = &file->header;
	int64_t size = rb_journal_file_size(file);
	uint64_t at, first = 0, from = wrong->offset + h->align;
	struct rb_journal_block block;
	int r;

	if (size < 0)
		return (int)size;
	if (wrong->found == RB_JOURNAL_TORN)
		from = wrong->offset +
		       rb_journal_extent(&wrong->block, h->slot_size, h->align);
	if (from >= (uint64_t)size)
		from = wrong->offset + h->align;
	while ((r = rb_journal_file_probe(file, from, (uint64_t)size, &at)) >
	       0) {
		r = rb_journal_file_peek(file, at, &block);
		if (r != RB_JOURNAL_BLOCK)
			return r < 0 ? r : 0;
		first = first > 0 ? first : at;
		note_acked(file, rb_journal_acked(&block, at));
		if (wrong->is_ended || file->acked > wrong->offset ||
		    rb_journal_behind(&block) <= wrong->told) {
			*ret = first;
			return 1;
		}
		from = at + rb_journal_extent(&block, h->slot_size, h->align);
	}
	return r;
}

/* The writer may have come to its end while it was looked behind it. */
static int
is_whole_now(struct rb_journal_file *file, uint64_t offset)
{
	struct rb_journal_block block;
	const void *payload;
	int r;

	rb_journal_file_refresh(file);
	r = load(file, offset, &block, &payload);
	return r < 0 ? r : r == RB_JOURNAL_BLOCK;
}

int
rb_journal_file_judge(struct rb_journal_file *file,
		      const struct rb_journal_wrong *wrong, uint64_t *ret)
{
	int r = find_proof(file, wrong, ret);

	if (r <= 0 || wrong->is_ended)
		return r;
	r = is_whole_now(file, wrong->offset);
	if (r == 1)
		*ret = wrong->offset;
	return r < 0 ? r : r == 1 ? RB_JOURNAL_WHOLE : 1;
}
