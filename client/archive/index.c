/* SPDX-License-Identifier: MIT */
/*
 * index.c - see index.h
 */
#include "client/archive/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/hash.h"
#include "client/archive/interrupted.h"

#define PART_SUFFIX ".part"

/* ------------------------------------------------------------------- making */

static int
grow(struct rb_journal_index *index)
{
	uint32_t capacity = index->capacity > 0 ? 2 * index->capacity : 1024;
	void *entries;

	if (index->n < index->capacity)
		return 0;
	if (index->n == RB_JOURNAL_INDEX_MAX)
		return -EFBIG;
	entries = realloc(index->entries, capacity * sizeof(*index->entries));
	if (entries == NULL)
		return -ENOMEM;
	index->entries = entries;
	index->capacity = capacity;
	return 0;
}

void
rb_journal_index_note(struct rb_journal_index *index,
		      const struct rb_journal_block *block, uint64_t offset)
{
	if (index->n > 0 && offset < index->entries[index->n - 1].offset +
					     RB_JOURNAL_INDEX_STEP)
		return;
	if (grow(index) < 0) {
		index->is_short = true;
		return;
	}
	index->entries[index->n++] = (struct rb_journal_index_entry){
		.sequence = block->first - (int64_t)block->skipped,
		.time_ns = block->time_ns,
		.offset = offset,
	};
}

void
rb_journal_index_deinit(struct rb_journal_index *index)
{
	free(index->entries);
	*index = (struct rb_journal_index){ 0 };
}

int
rb_journal_index_build(struct rb_journal_index *index,
		       struct rb_journal_file *file)
{
	const struct rb_journal_header *h = &file->header;
	uint64_t offset = RB_JOURNAL_START;
	struct rb_journal_block block;
	int64_t size = rb_journal_file_size(file);
	int r = 0;

	while (size >= 0 &&
	       (r = rb_journal_file_probe(file, offset, (uint64_t)size,
					  &offset)) > 0) {
		r = rb_journal_file_peek(file, offset, &block);
		if (r != RB_JOURNAL_BLOCK)
			break;
		rb_journal_index_note(index, &block, offset);
		offset += rb_journal_extent(&block, h->slot_size, h->align);
	}
	return size < 0 ? (int)size : r < 0 ? r : 0;
}

/* ------------------------------------------------------------------ the file */

static uint64_t
hash_of(const struct rb_journal_index_header *h,
	const struct rb_journal_index_entry *entries, uint64_t salt)
{
	uint64_t seed = rb_hash(
		h, offsetof(struct rb_journal_index_header, hash), salt);

	return rb_hash(entries, h->n * sizeof(*entries), seed);
}

/* Not through close() and its kin, which are points of cancellation. */
static int
write_all(int fd, const void *bytes, size_t size, off_t offset)
{
	unsigned n_tries = 0;

	while (size > 0) {
		ssize_t n = pwrite(fd, bytes, size, offset);

		if (n < 0 && rb_journal_is_interrupted(&n_tries))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes = (const char *)bytes + n;
		offset += n;
		size -= (size_t)n;
	}
	return 0;
}

static int
write_part(const struct rb_journal_index *index, int dirfd, const char *part,
	   const struct rb_journal_index_header *h)
{
	int err, fd = openat(dirfd, part,
			     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
				     O_CLOEXEC,
			     0640);

	if (fd < 0)
		return -errno;
	err = write_all(fd, h, sizeof(*h), 0);
	if (err == 0)
		err = write_all(fd, index->entries,
				h->n * sizeof(*index->entries), sizeof(*h));
	rb_closep(&fd);
	return err;
}

int
rb_journal_index_write(const struct rb_journal_index *index, int dirfd,
		       const struct rb_journal_header *header, uint64_t size)
{
	struct rb_journal_index_header h = {
		.magic = RB_JOURNAL_INDEX_MAGIC,
		.version = RB_JOURNAL_VERSION,
		.n = index->n,
		.segment = header->hash,
		.size = size,
	};
	char name[RB_JOURNAL_NAME_SIZE];
	char part[RB_JOURNAL_NAME_SIZE + sizeof(PART_SUFFIX)];
	int err;

	h.hash = hash_of(&h, index->entries, header->salt);
	rb_journal_name(name, header->epoch, header->first, "rbi");
	snprintf(part, sizeof(part), "%s" PART_SUFFIX, name);
	err = write_part(index, dirfd, part, &h);
	if (err == 0 && renameat(dirfd, part, dirfd, name) < 0)
		err = -errno;
	if (err < 0) {
		unlinkat(dirfd, part, 0);
		unlinkat(dirfd, name, 0);
	}
	return err;
}

static int
read_entries(struct rb_journal_index *ret, int fd,
	     const struct rb_journal_index_header *h, uint64_t salt)
{
	size_t size = h->n * sizeof(*ret->entries);
	struct rb_journal_index index = { .n = h->n, .capacity = h->n };

	index.entries = malloc(size + 1);
	if (index.entries == NULL)
		return -ENOMEM;
	if (pread(fd, index.entries, size, sizeof(*h)) != (ssize_t)size ||
	    h->hash != hash_of(h, index.entries, salt)) {
		free(index.entries);
		return -EBADMSG;
	}
	*ret = index;
	return 0;
}

int
rb_journal_index_read(struct rb_journal_index *ret, int dirfd,
		      const struct rb_journal_header *header, uint64_t size)
{
	struct rb_journal_index_header h;
	char name[RB_JOURNAL_NAME_SIZE];
	struct stat st;
	int err, fd;

	rb_journal_name(name, header->epoch, header->first, "rbi");
	fd = openat(dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
	    h.magic != RB_JOURNAL_INDEX_MAGIC ||
	    h.version != RB_JOURNAL_VERSION || h.n > RB_JOURNAL_INDEX_MAX ||
	    h.segment != header->hash || h.size != size)
		err = -EBADMSG;
	else
		err = read_entries(ret, fd, &h, header->salt);
	rb_closep(&fd);
	return err;
}

/* ------------------------------------------------------------------- finding */

const struct rb_journal_index_entry *
rb_journal_index_at(const struct rb_journal_index *index, int64_t sequence)
{
	uint32_t low = 0, high = index->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->entries[middle].sequence <= sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &index->entries[low - 1] : NULL;
}

const struct rb_journal_index_entry *
rb_journal_index_before(const struct rb_journal_index *index, int64_t time_ns)
{
	uint32_t low = 0, high = index->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->entries[middle].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &index->entries[low - 1] : NULL;
}
