/* SPDX-License-Identifier: MIT */
/*
 * format.h - every byte of a journal's segment file
 *
 * A journal is a folder of segment files, EPOCH-FIRST.rbj, beside their indexes
 * (index.h) and a `lock` that its writer holds. An epoch is one generation of the
 * channel; within it each segment goes on where the one before has ended.
 *
 *	0      +--------------------------------+
 *	       | header                  2 KiB  |  written once, whole, before the
 *	2048   | the same again          2 KiB  |  file gets its name
 *	4096   +--------------------------------+
 *	       | block header          64 bytes |  at a multiple of `align`
 *	       | payload: slots as in the ring  |
 *	       | rest, up to a multiple         |  anything
 *	       +--------------------------------+
 *	       | further blocks                 |
 *	       +--------------------------------+
 *	       | SEAL, or zeroes to the end of  |
 *	       | the file, or the end           |
 *	       +--------------------------------+
 *
 * The payload follows its header at once; or, APART, at the next multiple of
 * `align` and `lead` bytes behind that, so that direct I/O can write it from where
 * it lies in the ring: what is before it and behind it is then some neighbour's,
 * and no part of the block.
 *
 * Sequences. A block begins at the sequence behind the last one of the block before
 * it and `skipped` further ones, which are slots without events. What is missing
 * otherwise is a hole. A DATA block may have no slots: it only tells what it skips.
 * If the next segment of the same epoch begins before the end of this one, it counts
 * from there on: what its writer was not sure of was written again.
 *
 * Hashes are XXH3-64. That of a block is over the payload, seeded with that of its
 * header, which is seeded with the segment's salt: what lay on the disk before is no
 * block. Each block has the hash of the one before it, the first that of the header.
 * `check` is the lower half of the hash of what stands before it, by which a header
 * is known as one without its payload.
 *
 * Torn or damaged. `unacked` says how many bytes right before a block were not yet as
 * durable as the writer promises when it made the block. A block that is wrong and at
 * the tail of the last segment, or has only blocks behind it that count it as unacked,
 * was being written: nobody was told that it is there. If one stands behind it that
 * does not, it was whole once: it is damage.
 *
 * Numbers are in the byte order of the machine, as the slots are. All of it is input.
 */
#ifndef RB_ARCHIVE_FORMAT_H
#define RB_ARCHIVE_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base.h"
#include "shm/limits.h"

#define RB_JOURNAL_MAGIC UINT64_C(0x314c4e524a425221) /* "!RBJRNL1" */
#define RB_JOURNAL_VERSION 1
#define RB_JOURNAL_START 4096 /* where the first block is */
#define RB_JOURNAL_ALIGN_MIN 8
#define RB_JOURNAL_ALIGN_MAX 4096

/* Bytes of slots in one block; a larger event cannot be stored. */
#define RB_JOURNAL_PAYLOAD_MAX (UINT64_C(256) << 20)

#define RB_JOURNAL_EPOCH_MAX INT64_C(9999999999)
#define RB_JOURNAL_SEQUENCE_MAX (INT64_MAX / 4)
#define RB_JOURNAL_SIZE_MAX (UINT64_C(1) << 44) /* of a segment */

/* "0000000001-00000000000000000000.rbj" and its NUL, and some. */
#define RB_JOURNAL_NAME_SIZE 64

/* Written by the writer alone, read by anybody; so is all below. */
struct rb_journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t align;      /* of blocks: a power of two, 8 to 4096 */
	uint64_t slot_size;  /* of the channel; a multiple of 8 */
	uint64_t event_size; /* of the channel: the largest event */
	int64_t epoch;       /* from 1 on */
	uint64_t generation; /* of the channel */
	int64_t first;       /* the sequence behind the segment before */
	int64_t created_ns;  /* CLOCK_REALTIME */
	uint64_t salt;       /* any number, another for each segment */
	uint32_t framing;    /* enum rb_framing */
	uint32_t type_version;
	char channel[RB_NAME_SIZE];
	char type[RB_NAME_SIZE]; /* "": not declared */
	uint8_t zero[1832];      /* for later versions */
	uint64_t hash;           /* of all before it, seed 0 */
};

#define RB_JOURNAL_BLOCK_MAGIC UINT32_C(0x4b4c4252) /* "RBLK" */

enum rb_journal_kind {
	RB_JOURNAL_DATA = 1, /* `count` slots; payload behind the header */
	RB_JOURNAL_APART,    /* the same; payload apart, see above */
	RB_JOURNAL_LOST,     /* a hole: no payload, `count` slots are lost */
	RB_JOURNAL_SEAL,     /* the segment ends; count 0, time that of the
			      * block before */
};

/* Why slots are lost, of a LOST block. */
enum rb_journal_reason {
	RB_JOURNAL_REASON_NONE,
	RB_JOURNAL_DROPPED,     /* the disk was full, and policy let them go */
	RB_JOURNAL_OVERWRITTEN, /* the ring went on without the writer */
	RB_JOURNAL_RUINED,      /* were here once, and were found damaged */
	RB_JOURNAL_REASONS,
};

struct rb_journal_block {
	uint32_t magic;
	uint8_t kind;   /* enum rb_journal_kind */
	uint8_t reason; /* enum rb_journal_reason */
	uint16_t lead;  /* of APART: below `align`, a multiple of 8 */
	int64_t first;  /* sequence of its first slot */
	uint64_t count; /* slots */
	/* Right before `first`: slots with no event in them. */
	uint64_t skipped;
	int64_t time_ns;   /* CLOCK_REALTIME when it was made; never less than
			    * that of the block before */
	uint64_t previous; /* hash of the block before */
	uint32_t unacked;  /* in units of 8 bytes, see above; UINT32_MAX: that
			    * or more */
	uint32_t check;    /* of all before it */
	uint64_t hash;     /* of all before it, and of the payload */
};

static_assert(sizeof(struct rb_journal_header) * 2 == RB_JOURNAL_START,
	      "twice, before the first block");
static_assert(offsetof(struct rb_journal_header, slot_size) == 16, "fixed");
static_assert(offsetof(struct rb_journal_header, epoch) == 32, "fixed");
static_assert(offsetof(struct rb_journal_header, created_ns) == 56, "fixed");
static_assert(offsetof(struct rb_journal_header, salt) == 64, "fixed");
static_assert(offsetof(struct rb_journal_header, framing) == 72, "fixed");
static_assert(offsetof(struct rb_journal_header, channel) == 80, "fixed");
static_assert(offsetof(struct rb_journal_header, type) == 144, "fixed");
static_assert(offsetof(struct rb_journal_header, hash) == 2040, "fixed");
static_assert(sizeof(struct rb_journal_block) == 64, "one line of 64 bytes");
static_assert(offsetof(struct rb_journal_block, first) == 8, "fixed");
static_assert(offsetof(struct rb_journal_block, time_ns) == 32, "fixed");
static_assert(offsetof(struct rb_journal_block, previous) == 40, "fixed");
static_assert(offsetof(struct rb_journal_block, unacked) == 48, "fixed");
static_assert(offsetof(struct rb_journal_block, check) == 52, "fixed");
static_assert(offsetof(struct rb_journal_block, hash) == 56, "fixed");

/* ------------------------------------------------------------------ headers */

/*
 * Fills the first 4 KiB of a segment: magic, version and hash are added to what
 * `header` says, which has to pass rb_journal_header_check().
 */
void rb_journal_header_encode(struct rb_journal_header *header,
			      void *page /* RB_JOURNAL_START bytes */);

/*
 * 0; or 1 if one of the two copies is damaged, and *ret is the other; or -EBADMSG
 * for no header, or one that cannot be; or -EPROTONOSUPPORT for another version,
 * or a machine of the other byte order.
 */
int rb_journal_header_decode(const void *page, struct rb_journal_header *ret);

/* Whether its numbers and names can be. */
bool rb_journal_header_check(const struct rb_journal_header *header);

/* Whether events of a channel can be stored. */
static inline bool
rb_journal_can_store(uint64_t slot_size, uint64_t event_size)
{
	return slot_size >= 8 && slot_size % 8 == 0 &&
	       slot_size <= RB_JOURNAL_PAYLOAD_MAX &&
	       event_size <= RB_JOURNAL_PAYLOAD_MAX - 8;
}

/* ------------------------------------------------------------------- blocks */

static inline bool
rb_journal_has_payload(const struct rb_journal_block *block)
{
	return block->kind == RB_JOURNAL_DATA ||
	       block->kind == RB_JOURNAL_APART;
}

/* Bytes of its slots. */
static inline uint64_t
rb_journal_payload_size(const struct rb_journal_block *block,
			uint64_t slot_size)
{
	return rb_journal_has_payload(block) ? block->count * slot_size : 0;
}

/* Where its payload begins, from where it begins itself. */
static inline uint64_t
rb_journal_payload_at(const struct rb_journal_block *block, uint32_t align)
{
	uint64_t at = sizeof(*block);

	return block->kind == RB_JOURNAL_APART
		       ? rb_round_up(at, align) + block->lead
		       : at;
}

/* Bytes from a block to the next one. */
static inline uint64_t
rb_journal_extent(const struct rb_journal_block *block, uint64_t slot_size,
		  uint32_t align)
{
	return rb_round_up(rb_journal_payload_at(block, align) +
				   rb_journal_payload_size(block, slot_size),
			   align);
}

/* The sequence behind it. */
static inline int64_t
rb_journal_behind(const struct rb_journal_block *block)
{
	return block->first + (int64_t)block->count;
}

/* What the next block of a segment goes on from. */
struct rb_journal_chain {
	uint64_t salt;
	uint64_t slot_size;
	uint32_t align;
	uint64_t offset;   /* where it is to be in the file */
	uint64_t previous; /* hash of the block before, or of the header */
	int64_t next;      /* sequence behind the block before */
	int64_t time_ns;   /* of the block before */
};

/* Right behind the header, which has its hash. */
void rb_journal_chain_begin(struct rb_journal_chain *chain,
			    const struct rb_journal_header *header);

/*
 * Completes a block whose kind, reason, lead, first, count and time_ns are set and
 * whose `first` is not below chain->next: what lies between counts as skipped. The
 * payload may be NULL where there is none. `acked` is the offset in this file up to
 * which all is as durable as is promised. The block belongs at chain->offset; the
 * chain goes on behind it.
 */
void rb_journal_block_encode(struct rb_journal_chain *chain,
			     struct rb_journal_block *block,
			     const void *payload, uint64_t acked);

/* Whether this is the header of a block of that segment, by its check, and all of
 * it can be. */
bool rb_journal_block_check(const struct rb_journal_block *block,
			    const struct rb_journal_header *header);

/* And whether this is its payload. */
bool rb_journal_payload_check(const struct rb_journal_block *block,
			      const struct rb_journal_header *header,
			      const void *payload);

/* Up to where all was acknowledged when the block at `offset` was made. */
static inline uint64_t
rb_journal_acked(const struct rb_journal_block *block, uint64_t offset)
{
	uint64_t unacked = (uint64_t)block->unacked * 8;

	if (block->unacked == UINT32_MAX || unacked > offset)
		return 0;
	return offset - unacked;
}

/* -------------------------------------------------------------------- names */

/* "0000000001-00000000000000000042.rbj" into RB_JOURNAL_NAME_SIZE bytes. */
void rb_journal_name(char *ret, int64_t epoch, int64_t first,
		     const char *suffix /* "rbj", "rbi" */);

/* Whether it is the name of a segment, and whose. */
bool rb_journal_parse_name(const char *name, int64_t *ret_epoch,
			   int64_t *ret_first);

#endif
