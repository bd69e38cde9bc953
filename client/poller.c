/* SPDX-License-Identifier: MIT */
/*
 * poller.c - LMAX's event poller: what is there now, and if nothing is, why
 *
 * A poll is one batch. Slots without events are passed over on the way to one.
 */
#include <errno.h>

#include "client/consumer.h"

/* Batches in which all was lost or void, before it is left to the next poll. Who
 * lies about what is published could make it forever. */
#define ROUNDS_MAX 1000

/* Why a wait has found nothing; -EAGAIN if there is something by now. */
static int
explain(struct ringbus_consumer *c, int err)
{
	if (err == -EAGAIN)
		err = rb_consumer_look(c);
	switch (err) {
	case RB_BARRIER_READY:
		return -EAGAIN;
	case RB_BARRIER_IDLE:
		return RINGBUS_IDLE;
	case RB_BARRIER_GATING:
		return RINGBUS_GATING;
	case RB_BARRIER_END:
	case -ESHUTDOWN:
		return RINGBUS_END;
	default:
		return err;
	}
}

/* As process(), but leaves the events where they are. */
static int
peek(struct rb_batch *b)
{
	struct ringbus_consumer *c = b->consumer;
	int64_t next = c->next;

	if (c->reader == RB_READER_WORKER || rb_batch_begin(b) > 0) {
		rb_consumer_seek(c, next);
		return 1;
	}
	return rb_batch_run(b) == RB_BATCH_BROKEN ? b->err : 0;
}

/* Whether there was an event for the handler, or an errno. */
static int
process(struct rb_batch *b)
{
	enum rb_batch_end end;

	rb_batch_begin(b);
	end = rb_batch_run(b);
	if (end == RB_BATCH_FAILED) {
		rb_consumer_count_error(b->consumer, &b->event);
		rb_hand_return(b->consumer);
	}
	if (end == RB_BATCH_FAILED || end == RB_BATCH_BROKEN)
		return b->err;
	return b->n > 0;
}

int
ringbus_consumer_poll(struct ringbus_consumer *consumer, int64_t max,
		      ringbus_handler_fn handler, void *context)
{
	const struct ringbus_handlers h = {
		.context = context,
		.on_event = handler,
		.rewind = RINGBUS_REWIND_ALWAYS,
		.max_batch = max,
	};
	struct rb_batch b = { .consumer = consumer, .handlers = &h };

	if (max < 0 || (max > 0 && handler == NULL))
		return -EINVAL;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		int64_t there = ringbus_consumer_wait(consumer, RINGBUS_NOW);
		int found;

		if (there < 0) {
			found = explain(consumer, (int)there);
			if (found != -EAGAIN)
				return found;
		} else {
			found = max > 0 ? process(&b) : peek(&b);
			if (found != 0)
				return found < 0 ? found : RINGBUS_PROCESSING;
		}
	}
	return RINGBUS_GATING;
}
