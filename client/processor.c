/* SPDX-License-Identifier: MIT */
/*
 * processor.c - LMAX's batch event processor: batch after batch, until somebody
 * says stop
 *
 * What the handlers return decides how it goes on; what is a failure, and what
 * is done about one, is decided here, in one place. A processor that gives up
 * says so in its gate, where every process can see it.
 */
#include <errno.h>

#include "client/consumer.h"

struct run {
	struct ringbus_consumer *consumer;
	const struct ringbus_handlers *handlers;
	struct rb_batch batch;
	bool is_done;
	bool has_failed; /* for good */
	int result;
};

static bool
are_handlers_valid(const struct ringbus_handlers *h)
{
	return h != NULL && h->size == sizeof(*h) && h->on_event != NULL &&
	       (h->exceptions == RINGBUS_FATAL ||
		h->exceptions == RINGBUS_IGNORE) &&
	       h->rewind >= RINGBUS_REWIND_NEVER &&
	       h->rewind <= RINGBUS_REWIND_BACKOFF && h->rewind_pause_ns >= 0 &&
	       h->rewind_pause_max_ns >= 0 && h->rewind_max >= 0 &&
	       h->max_batch >= 0 && h->timeout_ns >= 0;
}

static void
finish(struct run *r, int result)
{
	r->is_done = true;
	r->result = result;
}

/* A handler has failed, over an event or NULL: whether to go on as if it had
 * not. */
static bool
is_forgiven(struct run *r, int err, const struct ringbus_event *event)
{
	const struct ringbus_handlers *h = r->handlers;
	int verdict = h->exceptions == RINGBUS_IGNORE ? 0 : err;

	rb_consumer_count_error(r->consumer, event);
	if (h->on_exception != NULL)
		verdict = h->on_exception(h->context, err, event);
	if (verdict >= 0)
		return true;
	r->has_failed = true;
	finish(r, verdict);
	return false;
}

/* What a handler without an event has returned. */
static void
heed(struct run *r, int verdict)
{
	if (verdict < 0)
		is_forgiven(r, verdict, NULL);
}

static void
start_batch(struct run *r)
{
	const struct ringbus_handlers *h = r->handlers;

	if (h->on_batch_start != NULL)
		heed(r, h->on_batch_start(h->context, rb_batch_size(&r->batch),
					  rb_batch_depth(&r->batch)));
}

/* A failed event that is forgiven counts as handled. */
static void
judge(struct run *r, int err, bool has_event)
{
	struct rb_batch *b = &r->batch;

	if (!is_forgiven(r, err, has_event ? &b->event : NULL))
		return;
	err = rb_batch_pass(b);
	if (err < 0)
		finish(r, err);
}

static void
process_batch(struct run *r)
{
	struct rb_batch *b = &r->batch;

	if (rb_batch_begin(b) > 0)
		start_batch(r);
	if (r->is_done) {
		rb_batch_rewind(b);
		return;
	}
	switch (rb_batch_run(b)) {
	case RB_BATCH_DONE:
	case RB_BATCH_REWIND:
		return;
	case RB_BATCH_STOPPED:
		finish(r, RINGBUS_STOP);
		return;
	case RB_BATCH_FAILED:
		judge(r, b->err, b->has_event);
		return;
	case RB_BATCH_BROKEN:
		finish(r, b->err);
		return;
	}
}

/* All of the stream was handled, unless it was aborted. */
static void
end_stream(struct run *r)
{
	const struct ringbus_handlers *h = r->handlers;
	const struct rb_channel *c = &r->consumer->attachment.channel.shm;
	/* ORDER(none, relaxed) - the wait that found the end has acquired it. */
	int64_t end = rb_seq_load_relaxed(&c->meta->control.end);

	finish(r, -ESHUTDOWN);
	if (h->on_end != NULL && rb_consumer_is_through(r->consumer))
		heed(r, h->on_end(h->context, end));
}

static void
wait_for_batch(struct run *r)
{
	const struct ringbus_handlers *h = r->handlers;
	struct ringbus_consumer *c = r->consumer;
	int64_t timeout_ns = h->timeout_ns > 0 ? h->timeout_ns
					       : RINGBUS_FOREVER;
	int64_t found = ringbus_consumer_wait(c, timeout_ns);

	if (rb_likely(found >= 0))
		process_batch(r);
	else if (found == -ETIMEDOUT && h->on_timeout != NULL)
		heed(r,
		     h->on_timeout(h->context, ringbus_consumer_sequence(c)));
	else if (found == -ESHUTDOWN)
		end_stream(r);
	else if (found != -ETIMEDOUT)
		finish(r, found == -ECANCELED ? 0 : (int)found);
}

/* A failure of on_shutdown is the result unless there is an error already. */
static void
shut_down(struct run *r)
{
	const struct ringbus_handlers *h = r->handlers;
	int result = r->result;

	if (h->on_shutdown == NULL)
		return;
	heed(r, h->on_shutdown(h->context));
	if (result < 0 && result != -ESHUTDOWN)
		r->result = result;
}

/* For everybody to see, unless our place is already another's. */
static void
tell_state(const struct run *r, enum rb_run_state state)
{
	if (r->result == -ESTALE && !r->has_failed)
		return;
	/* ORDER(none, relaxed) - a state for people, with one writer. */
	rb_word32_store_relaxed(&r->consumer->barrier.gate->run, state);
}

int
ringbus_consumer_run(struct ringbus_consumer *consumer,
		     const struct ringbus_handlers *handlers)
{
	struct run r = {
		.consumer = consumer,
		.handlers = handlers,
		.batch = { .consumer = consumer, .handlers = handlers },
	};

	if (!are_handlers_valid(handlers))
		return -EINVAL;
	tell_state(&r, RB_RUN_RUNNING);
	if (handlers->on_start != NULL)
		heed(&r, handlers->on_start(handlers->context));
	while (!r.is_done)
		wait_for_batch(&r);
	rb_hand_return(consumer);
	shut_down(&r);
	tell_state(&r, r.has_failed ? RB_RUN_FAILED : RB_RUN_IDLE);
	return r.result;
}
