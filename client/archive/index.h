/* SPDX-License-Identifier: MIT */
/*
 * index.h - where in a sealed segment a sequence or a time is
 *
 * EPOCH-FIRST.rbi beside the segment, written when that is sealed:
 *
 *	0      header, 64 bytes: whose index it is, and a hash over all of it
 *	64     entries of 24 bytes: blocks at least RB_JOURNAL_INDEX_STEP apart, in
 *	       their order
 *
 * It can be made anew from the segment at any time. A reader that finds none, or one
 * that is damaged or of another segment, does without.
 */
#ifndef RB_ARCHIVE_INDEX_H
#define RB_ARCHIVE_INDEX_H

#include "client/archive/file.h"

#define RB_JOURNAL_INDEX_MAGIC UINT64_C(0x3158444e4a425221) /* "!RBJNDX1" */
#define RB_JOURNAL_INDEX_STEP (UINT64_C(64) << 10)
#define RB_JOURNAL_INDEX_MAX (UINT32_C(1) << 20) /* entries */

struct rb_journal_index_header {
	uint64_t magic;
	uint32_t version; /* RB_JOURNAL_VERSION */
	uint32_t n;       /* entries */
	uint64_t segment; /* hash of the segment's header */
	uint64_t size;    /* bytes of the segment, its SEAL included */
	uint64_t zero[3];
	uint64_t
		hash; /* of the entries, seeded with that of all before it, which
			* is seeded with the segment's salt */
};

struct rb_journal_index_entry {
	int64_t sequence; /* that the block begins at, what it skips included */
	int64_t time_ns;  /* of the block */
	uint64_t offset;  /* of the block */
};

static_assert(sizeof(struct rb_journal_index_header) == 64, "fixed");
static_assert(sizeof(struct rb_journal_index_entry) == 24, "fixed");

struct rb_journal_index {
	struct rb_journal_index_entry *entries;
	uint32_t n;
	uint32_t capacity;
	bool is_short; /* there was no memory for all of them */
};

/* Takes note of a block at an offset, behind those before. May be given all. */
void rb_journal_index_note(struct rb_journal_index *index,
			   const struct rb_journal_block *block,
			   uint64_t offset);
void rb_journal_index_deinit(struct rb_journal_index *index);

/* Takes note of all blocks of a file, by their headers: 0 or a negative errno. */
int rb_journal_index_build(struct rb_journal_index *index,
			   struct rb_journal_file *file);

/* Writes it beside a sealed segment of this header and size, in the place of what is
 * there: 0 or a negative errno, and then there is none. */
int rb_journal_index_write(const struct rb_journal_index *index, int dirfd,
			   const struct rb_journal_header *header,
			   uint64_t size);

/*
 * Reads that of a segment into an empty *ret, for rb_journal_index_deinit(): 0, or
 * -ENOENT; or -EBADMSG for one that is damaged or another's; -ENOMEM; others of
 * open(2).
 */
int rb_journal_index_read(struct rb_journal_index *ret, int dirfd,
			  const struct rb_journal_header *header,
			  uint64_t size);

/* The last entry that is not behind a sequence; or that is before a time; or NULL. */
const struct rb_journal_index_entry *rb_journal_index_at(
	const struct rb_journal_index *index, int64_t sequence);
const struct rb_journal_index_entry *rb_journal_index_before(
	const struct rb_journal_index *index, int64_t time_ns);

#endif
