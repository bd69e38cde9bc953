/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the segment that is written: from a spare file to a sealed one
 *
 * Blocks are made and placed here, and written by an engine. Whoever calls says how
 * far they are safe. A segment that failed is never written or synced again.
 */
#ifndef JOURNAL_SEGMENT_H
#define JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/archive/format.h"
#include "client/archive/index.h"
#include "client/journal/batch.h"
#include "client/journal/spare.h"
#include "client/ringbus.h"

/* What is copied behind its block's header rather than written from the ring:
 * batches that are small, where a header page of its own is a large part. */
#define SEGMENT_STAGE 16384
#define SEGMENT_PAGES ENGINE_JOBS_MAX

struct segment_page {
	char bytes[SEGMENT_STAGE];
} __attribute__((aligned(4096)));

/* What all segments of an epoch have in common. */
struct segment_stream {
	char channel[RINGBUS_NAME_SIZE];
	char type[RINGBUS_NAME_SIZE];
	unsigned type_version;
	int framing;
	uint64_t slot_size;
	uint64_t event_size;
	uint64_t generation;
	int64_t epoch;
	/* A name, and of what, that may still be there with nothing in it. */
	char vacant[RB_JOURNAL_NAME_SIZE];
	ino_t vacant_inode;
};

struct segment {
	int fd;
	ino_t inode;
	bool is_direct;
	bool is_synced; /* blocks, and so its name, are to be durable */
	char name[RB_JOURNAL_NAME_SIZE];
	uint64_t size;
	struct rb_journal_header header;
	struct rb_journal_chain chain;
	uint64_t acked; /* up to here all is as safe as it is to be */
	struct rb_journal_index index;
};

/* The size that a segment for a block of so many bytes must have. */
uint64_t segment_size_for(uint64_t bytes);

/*
 * Makes a segment of the spare, which is its own then: writes the header, gives it
 * its name, and syncs both if `is_synced`. 0; or a negative errno, and the spare is
 * gone.
 */
int segment_open(int dirfd, struct spare *spare, struct segment_stream *stream,
		 int64_t first, bool is_synced, struct segment **ret);

/*
 * Makes the block of a batch and readies the batch's job to write it at its place.
 * `page` is for this job until it has ended. False: it does not fit.
 */
bool segment_place(struct segment *segment, struct batch *batch,
		   struct segment_page *page);

/* Writes a SEAL at the end of the chain, cuts the file behind it, and syncs it: 0 or
 * a negative errno. */
int segment_end(int fd, struct rb_journal_chain *chain);

/* Ends it: SEAL, cut, synced, index. Frees it. 0 or a negative errno; what was
 * safe is. */
int segment_seal(int dirfd, struct segment *segment);

/* Of one that failed: cuts it behind what is acked, without trusting that. False:
 * that is nothing, and it is removed, or has to be once that can be. Frees it. */
bool segment_abandon(int dirfd, struct segment_stream *stream,
		     struct segment *segment);

#endif
