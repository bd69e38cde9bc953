/* SPDX-License-Identifier: MIT */
/*
 * batch.c - see batch.h
 */
#include "client/journal/batch.h"

struct batch *
batches_push(struct batches *b)
{
	struct batch *batch = batch_at(b, b->tail++);

	*batch = (struct batch){ 0 };
	return batch;
}

void
batches_rewind(struct batches *b)
{
	b->sent = b->written = b->head;
	for (uint64_t i = b->head; i < b->tail; i++)
		batch_at(b, i)->job.state = ENGINE_IDLE;
}

int64_t
batches_last(struct batches *b, uint64_t until, int64_t otherwise)
{
	return until == b->head ? otherwise : batch_at(b, until - 1)->last;
}
