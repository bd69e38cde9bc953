/* SPDX-License-Identifier: MIT */
/*
 * file.h - a segment file that is read, block by block
 *
 * By pread() into a buffer and never by a mapping: files are cut while they are
 * read. Its writer may be at work, so what is in the buffer may be old: a block that
 * is wrong there is read once more before that is believed. The buffer has a whole
 * block, and grows to the largest one that was met.
 *
 * Positions are offsets in the file. Any of them may be asked for.
 */
#ifndef RB_ARCHIVE_FILE_H
#define RB_ARCHIVE_FILE_H

#include "client/archive/format.h"

struct rb_journal_file {
	int fd;         /* -1: none */
	bool is_mended; /* one of the two headers is damaged */
	struct rb_journal_header header;
	char *buffer;
	size_t capacity;
	uint64_t at; /* of what is in the buffer */
	size_t filled;
	uint64_t acked; /* all before it was, as a block met behind it says */
};

#define RB_JOURNAL_FILE_NULL                                                   \
	{                                                                      \
		.fd = -1                                                       \
	}

/* What is at a place. */
enum rb_journal_found {
	RB_JOURNAL_NOTHING, /* zeroes, or the end of the file */
	RB_JOURNAL_BLOCK,
	RB_JOURNAL_TORN,    /* the header of a block, and not its payload */
	RB_JOURNAL_GARBAGE, /* something else */
};

/*
 * Opens a segment by its name, for reading, through no link. The descriptor and the
 * buffer are freed by rb_journal_file_close(), which takes one that is not open.
 *
 *   -ENOENT, -EACCES and others of openat(2)
 *   -EBADMSG  no plain file, or its header is damaged or that of another name
 *   -EPROTONOSUPPORT  of another version, or a machine of another byte order
 *   -ENOMEM, -EIO
 */
int rb_journal_file_open(struct rb_journal_file *file, int dirfd,
			 const char *name);
void rb_journal_file_close(struct rb_journal_file *file);

/* Bytes of the file now; or a negative errno. */
int64_t rb_journal_file_size(const struct rb_journal_file *file);

/* Whether it has been removed, or another has its name now. */
bool rb_journal_file_is_gone(const struct rb_journal_file *file);

/* What is at `offset`, by its header alone (never TORN), as it may have been a
 * while ago; or a negative errno. *ret is set if it is a block. */
int rb_journal_file_peek(struct rb_journal_file *file, uint64_t offset,
			 struct rb_journal_block *ret);

/*
 * The same with its payload, which is *ret_payload until the next call; and what is
 * not whole is not so now. *ret is set also if it is TORN.
 */
int rb_journal_file_load(struct rb_journal_file *file, uint64_t offset,
			 struct rb_journal_block *ret,
			 const void **ret_payload);

/* The SEAL that a sealed segment ends with: 1, and *ret; or 0, or a negative errno. */
int rb_journal_file_find_seal(struct rb_journal_file *file,
			      struct rb_journal_block *ret);

/* What was read is forgotten: the next peek looks anew. */
void rb_journal_file_refresh(struct rb_journal_file *file);

/*
 * The first place in `from` to `to` (not included) where a block's header is: 1 and
 * *ret, 0 if there is none, or a negative errno.
 */
int rb_journal_file_probe(struct rb_journal_file *file, uint64_t from,
			  uint64_t to, uint64_t *ret);

/*
 * Whether a block that should be at `offset` and is not whole is damage, judged by
 * the blocks behind it: 1, and *ret is where the next one is; or 0: it was still
 * being written; or RB_JOURNAL_WHOLE: that has ended, it is one by now, and the next
 * one is itself. `found` and `block` are what rb_journal_file_load() gave. With
 * `is_ended` nobody writes there any more: each block behind it makes it damage.
 */
#define RB_JOURNAL_WHOLE 2

struct rb_journal_wrong {
	uint64_t offset;
	enum rb_journal_found found;
	struct rb_journal_block block; /* if TORN */
	bool is_ended;
	int64_t told; /* everything before it was acknowledged; 0: not known */
};
int rb_journal_file_judge(struct rb_journal_file *file,
			  const struct rb_journal_wrong *wrong, uint64_t *ret);

#endif
