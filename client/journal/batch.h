/* SPDX-License-Identifier: MIT */
/*
 * batch.h - what was taken out of the ring and is not committed yet, in order
 *
 *	head          written       sent          tail
 *	 | not synced   | flying      | waiting     |
 *
 * A queue. Nothing leaves it before it is committed, so that everything in it can
 * be written once more, to another file: what it says lies in the ring still.
 * With `sync: always` and `none`, head and written move together.
 */
#ifndef JOURNAL_BATCH_H
#define JOURNAL_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "client/journal/engine.h"

#define BATCH_MAX 4096 /* in the queue */

enum batch_kind {
	BATCH_DATA, /* without slots: only what was skipped */
	BATCH_HOLE
};

struct batch {
	enum batch_kind kind;
	const char *slots;
	uint64_t bytes;
	int64_t first;
	int64_t last;    /* before `first` if there are no slots */
	int64_t skipped; /* right before `first` */
	unsigned reason; /* of a hole */
	int64_t end;     /* where its block ends in the segment; once sent */
	unsigned page;   /* whose it is while it flies */
	struct engine_job job;
};

struct batches {
	uint64_t head, written, sent, tail;
	struct batch all[BATCH_MAX];
};

static inline struct batch *
batch_at(struct batches *b, uint64_t index)
{
	return &b->all[index % BATCH_MAX];
}

static inline bool
batches_are_full(const struct batches *b)
{
	return b->tail - b->head == BATCH_MAX;
}

static inline unsigned
batches_flying(const struct batches *b)
{
	return (unsigned)(b->sent - b->written);
}

/* A new one at the end, all zero; the queue is not full. */
struct batch *batches_push(struct batches *b);

/* Everything is to be sent again. Nothing flies. */
void batches_rewind(struct batches *b);

/* The highest sequence in [head, until), or `otherwise` if that is empty. */
int64_t batches_last(struct batches *b, uint64_t until, int64_t otherwise);

#endif
