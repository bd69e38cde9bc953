/* SPDX-License-Identifier: MIT */
/*
 * reader.h - the handle behind struct ringbus_journal, among its files
 *
 * It has one segment open, knows what the next block there has to go on from, and
 * hands out the events of the block that it has in its buffer. Two sequences must not
 * be taken for each other: `chain.next` is what the segment goes on with, `next` what
 * the caller has not seen; they differ behind a seek, and where a segment tells again
 * what the one before it had.
 *
 *	journal.c  open, close, errors, places
 *	read.c     what comes next
 *	seek.c     to a sequence or a time
 *	look.c     what there is, and its removal
 */
#ifndef RB_ARCHIVE_READER_H
#define RB_ARCHIVE_READER_H

#include "client/archive/file.h"
#include "client/archive/list.h"
#include "client/archive/scan.h"
#include "client/ringbus.h"

/* A segment that was looked at without moving the position. */
struct rb_journal_look {
	struct rb_journal_id id; /* epoch 0: none */
	struct rb_journal_file file;
	struct rb_journal_scan scan;
};

struct ringbus_journal {
	int dirfd;
	char *path;
	char *error;
	size_t error_size;
	struct rb_journal_list list;

	struct rb_journal_id id; /* the segment of the position; epoch 0: the
				  * beginning of all */
	char name[RB_JOURNAL_NAME_SIZE];
	struct rb_journal_file file; /* not open: that one is over */
	bool has_seal;               /* it ends with a SEAL */
	bool has_successor;
	int64_t limit; /* from there on the next segment counts */
	struct rb_journal_chain chain;
	bool is_unchained; /* chain.previous is not known */
	bool is_probed;    /* behind its tail all was looked at once */
	uint64_t probed;   /* since then up to there */

	struct rb_journal_block block; /* in the buffer */
	uint64_t offset;               /* of it, in the file */
	const char *payload;
	uint64_t slot; /* the next of it to be handed out; count: none */

	int64_t epoch;                   /* of what was told last; 0: nothing */
	int64_t next;                    /* for the caller, in that epoch */
	int64_t hole_first, hole_behind; /* to be told; equal: none */
	bool tells_epoch;
	bool tells_mended;

	struct ringbus_journal_place place; /* size 0: none */
	struct rb_journal_look last;        /* the last segment: look.c */
};

/* Says what is wrong at an offset of a file; returns `err`. */
rb_printf_(4, 5) int rb_journal_refuse(struct ringbus_journal *j, int err,
				       const char *name, const char *format,
				       ...);

/* The same, for an error of rb_journal_file_open(). */
int rb_journal_explain(struct ringbus_journal *j, int err, const char *name);

/* Begins to read a segment of the list: 1; 0 if it is gone; -EBADMSG or
 * -EPROTONOSUPPORT if it cannot be read, and others of open(2), all told. */
int rb_journal_enter(struct ringbus_journal *j, const struct rb_journal_id *id);

/* There may be another one behind it now; reads the list anew. */
int rb_journal_see_successor(struct ringbus_journal *j);

/* Counts sequences, as far as they are news, as a hole to be told. */
void rb_journal_add_hole(struct ringbus_journal *j, int64_t first,
			 int64_t behind);

/* All of the block in the buffer is handed out. */
static inline void
rb_journal_drop_block(struct ringbus_journal *j)
{
	j->slot = j->block.count;
}

#endif
