/* SPDX-License-Identifier: MIT */
/*
 * segment.c - see segment.h
 */
#include "client/journal/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/interrupted.h"
#include "client/journal/notice.h"

/* As far as a disk can write, whatever its pages are. */
#define SECTOR 512

uint64_t
segment_size_for(uint64_t bytes)
{
	/* The block's header page, its slots from and to the middle of a page,
	 * and the SEAL. */
	return RB_JOURNAL_START + rb_round_up(bytes, 4096) + 4 * 4096;
}

static void
describe(struct segment *s, const struct segment_stream *stream, int64_t first)
{
	struct rb_journal_header *h = &s->header;

	*h = (struct rb_journal_header){
		.align = s->is_direct ? 4096 : RB_JOURNAL_ALIGN_MIN,
		.slot_size = stream->slot_size,
		.event_size = stream->event_size,
		.epoch = stream->epoch,
		.generation = stream->generation,
		.first = first,
		.created_ns = notice_time_ns(),
		.framing = (uint32_t)stream->framing,
		.type_version = stream->type_version,
	};
	memcpy(h->channel, stream->channel, sizeof(stream->channel));
	memcpy(h->type, stream->type, sizeof(stream->type));
	if (getrandom(&h->salt, sizeof(h->salt), 0) != sizeof(h->salt))
		h->salt = (uint64_t)h->created_ns;
}

static int
write_whole(int fd, const void *data, size_t size, uint64_t at)
{
	unsigned n_tries = 0;
	ssize_t n;

	do
		n = pwrite(fd, data, size, (off_t)at);
	while (n < 0 && rb_journal_is_interrupted(&n_tries));
	/* So little is short only where there is no room for the rest. */
	return n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
}

static int
sync_if(bool wanted, int fd)
{
	return wanted && fsync(fd) < 0 ? -errno : 0;
}

/* Never over one that is there: that has something that was stored. */
static int
rename_new(int dirfd, const char *from, const char *to)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* The file system cannot say so in one. */
	if (faccessat(dirfd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(dirfd, from, dirfd, to) < 0 ? -errno : 0;
}

/* Removes what has the name of a segment of ours in which there is nothing. */
static int
clear_name(int dirfd, const struct segment_stream *stream)
{
	struct stat named;

	if (fstatat(dirfd, stream->vacant, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_ino == stream->vacant_inode &&
	    unlinkat(dirfd, stream->vacant, 0) < 0)
		return -errno;
	return 0;
}

/* What does not go now is in the way of the next one, and goes then. */
static void
vacate(int dirfd, struct segment_stream *stream, const struct segment *s)
{
	memcpy(stream->vacant, s->name, sizeof(stream->vacant));
	stream->vacant_inode = s->inode;
	clear_name(dirfd, stream);
}

/* The header is whole and safe before the file has a name that counts. */
static int
name_file(int dirfd, const struct spare *spare, struct segment_stream *stream,
	  struct segment *s)
{
	struct segment_page page = { 0 };
	struct stat file;
	int err;

	if (fstat(s->fd, &file) < 0)
		return -errno;
	s->inode = file.st_ino;
	rb_journal_header_encode(&s->header, page.bytes);
	err = write_whole(s->fd, page.bytes, RB_JOURNAL_START, 0);
	if (err == 0)
		err = sync_if(s->is_synced, s->fd);
	if (err == 0 && strcmp(stream->vacant, s->name) == 0)
		err = clear_name(dirfd, stream);
	if (err < 0)
		return err;
	err = rename_new(dirfd, spare->name, s->name);
	if (err == 0)
		err = sync_if(s->is_synced, dirfd);
	if (err < 0) /* which may have come after it was done */
		vacate(dirfd, stream, s);
	else
		stream->vacant[0] = '\0';
	return err;
}

static void
discard(struct segment *s)
{
	close(s->fd);
	rb_journal_index_deinit(&s->index);
	free(s);
}

int
segment_open(int dirfd, struct spare *spare, struct segment_stream *stream,
	     int64_t first, bool is_synced, struct segment **ret)
{
	struct segment *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL) {
		spare_drop(dirfd, spare);
		return -ENOMEM;
	}
	s->fd = spare->fd;
	s->is_direct = spare->is_direct;
	s->is_synced = is_synced;
	s->size = spare->size;
	describe(s, stream, first);
	rb_journal_name(s->name, stream->epoch, first, "rbj");
	err = name_file(dirfd, spare, stream, s);
	if (err < 0) {
		spare_drop(dirfd, spare);
		s->fd = -1;
		discard(s);
		return err;
	}
	spare->fd = -1;
	rb_journal_chain_begin(&s->chain, &s->header);
	s->acked = s->chain.offset;
	*ret = s;
	return 0;
}

/* ------------------------------------------------------------------- blocks */

static void
describe_block(const struct segment *s, const struct batch *b,
	       struct rb_journal_block *ret)
{
	uint64_t lead = (uint64_t)(uintptr_t)b->slots & (s->header.align - 1);
	bool is_apart = s->is_direct && sizeof(*ret) + b->bytes > SEGMENT_STAGE;

	*ret = (struct rb_journal_block){
		.kind = b->kind == BATCH_HOLE ? RB_JOURNAL_LOST
			: is_apart            ? RB_JOURNAL_APART
					      : RB_JOURNAL_DATA,
		.reason = (uint8_t)b->reason,
		.lead = is_apart ? (uint16_t)lead : 0,
		.first = b->first,
		.count = (uint64_t)(b->last - b->first + 1),
		.time_ns = notice_time_ns(),
	};
}

/* Whole pages go from where they are. Those at both ends have neighbours in them,
 * which producers write while the disk reads; it need not stand that, so they are
 * copied. */
static void
lay_out_apart(const struct segment *s, const struct batch *b,
	      const struct rb_journal_block *block, struct segment_page *page,
	      struct engine_job *job)
{
	uint64_t size = s->header.align;
	uint64_t head = -(uint64_t)block->lead & (size - 1);
	uint64_t rest = (b->bytes - head) % size;
	char *first = page->bytes + size, *last = first + size;

	memcpy(page->bytes, block, sizeof(*block));
	memset(page->bytes + sizeof(*block), 0, 3 * size - sizeof(*block));
	memcpy(first + block->lead, b->slots, head);
	memcpy(last, b->slots + b->bytes - rest, rest);
	job->iovecs[0] = (struct iovec){ page->bytes,
					 head > 0 ? 2 * size : size };
	job->iovecs[1] = (struct iovec){ (char *)(uintptr_t)b->slots + head,
					 b->bytes - head - rest };
	job->iovecs[2] = (struct iovec){ last, size };
	job->n_iovecs = rest > 0 ? 3 : 2;
}

/* In one piece out of the page, or the slots from where they are. */
static void
lay_out(const struct segment *s, const struct batch *b,
	const struct rb_journal_block *block, struct segment_page *page,
	struct engine_job *job)
{
	uint64_t extent = rb_journal_extent(block, s->header.slot_size,
					    s->header.align);
	uint64_t used = sizeof(*block);

	memcpy(page->bytes, block, sizeof(*block));
	if (extent <= SEGMENT_STAGE) {
		if (b->bytes > 0)
			memcpy(page->bytes + used, b->slots, b->bytes);
		used += b->bytes;
		memset(page->bytes + used, 0, extent - used);
		used = extent;
	}
	job->iovecs[0] = (struct iovec){ page->bytes, used };
	job->iovecs[1] = (struct iovec){ (char *)(uintptr_t)b->slots,
					 extent - used };
	job->n_iovecs = used < extent ? 2 : 1;
}

bool
segment_place(struct segment *s, struct batch *b, struct segment_page *page)
{
	struct rb_journal_block block;
	uint64_t at = s->chain.offset, extent;

	describe_block(s, b, &block);
	extent = rb_journal_extent(&block, s->header.slot_size,
				   s->header.align);
	/* The SEAL needs its place. */
	if (at + extent + 4096 > s->size)
		return false;
	rb_journal_block_encode(&s->chain, &block, b->slots, s->acked);
	rb_journal_index_note(&s->index, &block, at);
	b->job = (struct engine_job){
		.fd = s->fd,
		.offset = (off_t)at,
		.grain = s->is_direct ? SECTOR : 1,
	};
	if (block.kind == RB_JOURNAL_APART)
		lay_out_apart(s, b, &block, page, &b->job);
	else
		lay_out(s, b, &block, page, &b->job);
	b->end = (int64_t)s->chain.offset;
	return true;
}

/* -------------------------------------------------------------------- its end */

int
segment_end(int fd, struct rb_journal_chain *chain)
{
	struct segment_page page = { 0 };
	struct rb_journal_block block = {
		.kind = RB_JOURNAL_SEAL,
		.first = chain->next,
		.time_ns = chain->time_ns,
	};
	uint64_t at = chain->offset;
	int err;

	rb_journal_block_encode(chain, &block, NULL, at);
	memcpy(page.bytes, &block, sizeof(block));
	err = write_whole(fd, page.bytes,
			  rb_round_up(sizeof(block), chain->align), at);
	if (err < 0)
		return err;
	if (ftruncate(fd, (off_t)chain->offset) < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

int
segment_seal(int dirfd, struct segment *s)
{
	/* The SEAL says of all before it that it is safe. */
	int err = sync_if(s->is_synced && s->acked < s->chain.offset, s->fd);

	if (err == 0)
		err = segment_end(s->fd, &s->chain);
	if (err == 0 && rb_journal_index_write(&s->index, dirfd, &s->header,
					       s->chain.offset) < 0)
		notice_warning("%s: no index: who seeks reads it", s->name);
	discard(s);
	return err;
}

bool
segment_abandon(int dirfd, struct segment_stream *stream, struct segment *s)
{
	bool is_empty = s->acked == RB_JOURNAL_START;

	if (is_empty)
		vacate(dirfd, stream, s);
	else if (ftruncate(s->fd, (off_t)s->acked) < 0)
		notice_warning("%s: cannot be cut behind what is safe: %s: "
			       "readers leave out the rest",
			       s->name, strerror(errno));
	discard(s);
	return !is_empty;
}
