/* SPDX-License-Identifier: MIT */
/*
 * forge.h - a journal's files, written as an honest writer would, spoilt as a disk
 * would, and forged as nobody should: with hashes that are right
 */
#ifndef FUZZ_FORGE_H
#define FUZZ_FORGE_H

#include "client/archive/format.h"
#include "tests/fuzz/fuzz.h"

struct forge {
	struct input *in;
	int dirfd;
	int fd; /* of the segment at hand; -1: the next block begins one */
	char name[RB_JOURNAL_NAME_SIZE];
	struct rb_journal_header header;
	struct rb_journal_chain chain;
	bool is_honest; /* nothing was forged yet */
	int64_t time_ns;
};

/* An empty folder, one for all. */
void forge_begin(struct forge *f, struct input *in, const char *folder);
void forge_end(struct forge *f);

void forge_write(struct forge *f); /* one block or two, or an end */
void forge_spoil(struct forge *f); /* bits, zeroes, a cut, in any file */
void forge_lie(struct forge *f);   /* a header, a block or an index */

/* Whether these are the bytes of an event of an honest writer. */
bool forge_is_event(int64_t epoch, int64_t sequence, const void *data,
		    size_t size);

#endif
