/* SPDX-License-Identifier: MIT */
/*
 * util_journal.h - segment files of a journal, as a writer would have left them
 *
 * By the encoders of client/archive/format.h and plain writes, so that a test can
 * have a journal of any shape, and spoil it. Events have bytes that follow from
 * their sequence: t_event_byte(). All of it asserts that it went well.
 */
#ifndef T_UTIL_JOURNAL_H
#define T_UTIL_JOURNAL_H

#include "client/archive/format.h"

struct t_journal {
	int dirfd;
	int fd; /* of the segment that is written; -1: none yet */
	char name[RB_JOURNAL_NAME_SIZE];
	struct rb_journal_header header; /* of this segment and further ones */
	struct rb_journal_chain chain;
	bool is_apart; /* payloads lie apart */
	uint16_t lead;
	uint64_t
		acked; /* what further blocks say; UINT64_MAX: all before them */
	int64_t time_ns; /* of the next block; grows by 1000 with each */
};

/*
 * Begins epoch 1 of a journal in the folder, channel "orders", with sequence 0. The
 * first segment is begun with the first block. Slots of a framed one
 * (RB_FRAMED) take events of up to 64 of them.
 */
void t_journal_open(struct t_journal *j, const char *dir, uint32_t align,
		    uint32_t framing, uint64_t slot_size);
void t_journal_close(struct t_journal *j);

/* A block of `count` events of a fixed channel, or of a framed one's smallest slots. */
void t_journal_put(struct t_journal *j, uint64_t count);

/* A block with one framed event of this size. Returns its sequence. */
int64_t t_journal_put_event(struct t_journal *j, size_t size);

/* The next block begins so many sequences further: tombstones. */
void t_journal_skip(struct t_journal *j, uint64_t count);

/* A block that says that `count` slots are lost. */
void t_journal_lose(struct t_journal *j, uint64_t count, int reason);

/* The bytes of such a block, which belong right before j->chain.offset then; to be
 * written, and freed. */
char *t_journal_encode(struct t_journal *j, struct rb_journal_block *block,
		       const void *payload, uint64_t *ret_size);

/* Any block, whose kind, first, count, reason are set. */
void t_journal_block(struct t_journal *j, struct rb_journal_block *block,
		     const void *payload);

/* Ends the segment in order; or as a writer that died. The next block begins another
 * one. */
void t_journal_seal(struct t_journal *j);
void t_journal_leave(struct t_journal *j);

/* The next block begins another epoch, at this sequence. */
void t_journal_epoch(struct t_journal *j, int64_t first);

/* Byte `i` of the event at a sequence; and whether an event has them. */
uint8_t t_event_byte(int64_t sequence, size_t i);
bool t_event_is(const void *data, size_t size, int64_t sequence);

/* Writes, and flips bits, in a file of the journal. */
void t_journal_spoil(const struct t_journal *j, const char *name,
		     uint64_t offset, const void *bytes, size_t size);
void t_journal_flip(const struct t_journal *j, const char *name,
		    uint64_t offset, uint8_t bits);
void t_journal_cut(const struct t_journal *j, const char *name, uint64_t size);
uint64_t t_journal_size(const struct t_journal *j, const char *name);

#endif
