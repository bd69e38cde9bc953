/* SPDX-License-Identifier: MIT */
/*
 * batch.c - hands what a wait found to a handler, and commits it
 *
 * The event after the current one is looked up first, so that the handler can
 * be told whether the current one ends the batch, also where nothing but
 * tombstones follow. Stretches without events between the two are remembered,
 * and told when the current one is handled. A batch may be cut anywhere, so it
 * is cut where there are too many of them to remember.
 *
 * Whatever ends a batch early (a handler that stops, fails or wants it again)
 * puts the reader back to where the next batch has to begin. A worker's batch is
 * the one event that it has in hand.
 */
#include "client/replay.h"

/* Finds the next event. */
static void
look_ahead(struct rb_batch *b)
{
	struct ringbus_consumer *c = b->consumer;

	b->n_ranges = 0;
	while ((b->more = rb_consumer_step(c, &b->ahead)) > 1) {
		if (b->more == RB_STEP_REST)
			continue;
		b->ranges[b->n_ranges++] = (struct rb_range){ b->more,
							      b->ahead };
		if (b->n_ranges == RB_RANGES_MAX) {
			b->more = 0;
			return;
		}
	}
}

static int
commit(struct rb_batch *b, int64_t sequence)
{
	if (sequence > b->consumer->barrier.committed)
		b->attempt = 0;
	return rb_consumer_commit_to(b->consumer, sequence);
}

static enum rb_batch_end
end_by(struct rb_batch *b, int err, enum rb_batch_end end)
{
	b->err = err;
	return err < 0 ? RB_BATCH_BROKEN : end;
}

/* Ends the batch with all before `next` committed, and goes on there. */
static enum rb_batch_end
end_before(struct rb_batch *b, int64_t next, enum rb_batch_end end)
{
	rb_consumer_seek(b->consumer, next);
	return end_by(b, commit(b, next - 1), end);
}

static enum rb_batch_end
fail(struct rb_batch *b, int err, bool has_event, int64_t at)
{
	enum rb_batch_end end = end_before(b, at, RB_BATCH_FAILED);

	b->has_event = has_event;
	b->has_lost = false;
	if (end == RB_BATCH_FAILED)
		b->err = err;
	return end;
}

/* Tells what lies before the event ahead. */
static enum rb_batch_end
tell_ranges(struct rb_batch *b)
{
	const struct ringbus_handlers *h = b->handlers;

	for (unsigned i = 0; i < b->n_ranges; i++) {
		const struct ringbus_event *r = &b->ranges[i].slots;
		bool is_lost = b->ranges[i].kind == RB_STEP_LOST;
		int (*tell)(void *, int64_t, int64_t) = is_lost ? h->on_lost
								: h->on_gap;
		int verdict = 0;

		if (tell != NULL)
			verdict = tell(h->context, r->sequence, r->last);
		if (verdict < 0) {
			enum rb_batch_end end = fail(b, verdict, false,
						     r->sequence);

			b->event = *r;
			b->has_lost = is_lost;
			return end;
		}
		if (is_lost)
			rb_consumer_pass_lost(b->consumer, r);
	}
	return RB_BATCH_DONE;
}

int
rb_batch_begin(struct rb_batch *b)
{
	b->n = 0;
	b->n_ranges = 0;
	if (b->consumer->reader == RB_READER_WORKER)
		b->more = rb_hand_take(b->consumer, &b->ahead);
	else
		look_ahead(b);
	return b->more;
}

int64_t
rb_batch_depth(const struct rb_batch *b)
{
	int64_t n = b->consumer->barrier.available - b->ahead.sequence + 1;

	return n > 0 ? n : 1;
}

/* One by one, where a slot need not be an event. A lagging reader may be lied
 * to by what is overwritten meanwhile; then it ends here. */
static int64_t
count_events(const struct rb_batch *b, int64_t max)
{
	const struct rb_channel *channel = &b->consumer->attachment.channel.shm;
	int64_t available = b->consumer->barrier.available;
	int64_t n = 0;
	int kind = 0;

	for (int64_t at = b->ahead.sequence; at <= available && n < max;) {
		struct rb_event_view view;

		kind = rb_event_at(channel, at, available, &view);
		if (kind < 0)
			break;
		n += kind == 0;
		at = view.last + 1;
	}
	return n > 0 ? n : 1;
}

int64_t
rb_batch_size(const struct rb_batch *b)
{
	int64_t max = b->handlers->max_batch > 0 ? b->handlers->max_batch
						 : INT64_MAX;
	int64_t depth = rb_batch_depth(b);

	if (b->consumer->reader == RB_READER_WORKER)
		return 1;
	if (b->consumer->reader == RB_READER_REPLAY)
		return rb_replay_count(b->consumer->replay, b->ahead.sequence,
				       max);
	if (b->consumer->attachment.channel.shm.stamps == NULL)
		return depth < max ? depth : max;
	return count_events(b, max);
}

static enum rb_batch_end
rewind_or_fail(struct rb_batch *b)
{
	int err = rb_rewind_ask(b);

	if (err < 0)
		return fail(b, err, true, b->event.sequence);
	rb_batch_rewind(b);
	return RB_BATCH_REWIND;
}

/* What a handler's verdict on b->event means, if it is none to just go on. */
static enum rb_batch_end
heed(struct rb_batch *b, int verdict)
{
	int64_t last = b->event.last;

	if (verdict < 0)
		return fail(b, verdict, true, b->event.sequence);
	if (verdict == RINGBUS_STOP)
		return end_before(b, last + 1, RB_BATCH_STOPPED);
	if (verdict == RINGBUS_REWIND)
		return rewind_or_fail(b);
	if (verdict == RINGBUS_RELEASE)
		return end_by(b, commit(b, last), RB_BATCH_DONE);
	return RB_BATCH_DONE;
}

/* Handles the event ahead, and finds the one after. */
static enum rb_batch_end
handle_one(struct rb_batch *b)
{
	const struct ringbus_handlers *h = b->handlers;
	enum rb_batch_end end = RB_BATCH_DONE;
	int verdict;

	b->event = b->ahead;
	b->n_ranges = 0;
	b->n++;
	if (rb_unlikely(b->n == h->max_batch ||
			rb_consumer_is_halted(b->consumer)))
		b->more = 0;
	else
		look_ahead(b);
	verdict = h->on_event(h->context, &b->event, b->more <= 0);
	if (rb_unlikely(verdict != RINGBUS_CONTINUE))
		end = heed(b, verdict);
	if (rb_unlikely(b->n_ranges > 0 && end == RB_BATCH_DONE))
		end = tell_ranges(b);
	return end;
}

static enum rb_batch_end
fail_in_hand(struct rb_batch *b, int err)
{
	b->err = err;
	b->has_event = true;
	b->has_lost = false;
	return RB_BATCH_FAILED;
}

static enum rb_batch_end
handle_in_hand(struct rb_batch *b)
{
	const struct ringbus_handlers *h = b->handlers;
	int verdict;

	b->event = b->ahead;
	b->more = 0;
	b->n = 1;
	verdict = h->on_event(h->context, &b->event, 1);
	if (verdict == RINGBUS_REWIND) {
		verdict = rb_rewind_ask(b);
		if (verdict == 0)
			return RB_BATCH_REWIND; /* it stays in hand */
	}
	if (verdict < 0)
		return fail_in_hand(b, verdict);
	b->attempt = 0;
	return end_by(b, rb_hand_done(b->consumer),
		      verdict == RINGBUS_STOP ? RB_BATCH_STOPPED
					      : RB_BATCH_DONE);
}

enum rb_batch_end
rb_batch_run(struct rb_batch *b)
{
	struct ringbus_consumer *c = b->consumer;
	enum rb_batch_end end;

	if (c->reader == RB_READER_WORKER)
		return b->more > 0 ? handle_in_hand(b)
				   : end_by(b, b->more, RB_BATCH_DONE);
	end = tell_ranges(b);
	while (b->more > 0 && end == RB_BATCH_DONE)
		end = handle_one(b);
	if (end != RB_BATCH_DONE)
		return end;
	end = end_by(b, commit(b, c->next - 1), RB_BATCH_DONE);
	return end == RB_BATCH_DONE ? end_by(b, b->more, end) : end;
}

int
rb_batch_pass(struct rb_batch *b)
{
	struct ringbus_consumer *c = b->consumer;

	if (c->reader == RB_READER_WORKER) {
		b->attempt = 0;
		return rb_hand_done(c);
	}
	if (b->has_lost)
		rb_consumer_pass_lost(c, &b->event);
	rb_consumer_seek(c, b->event.last + 1);
	return commit(b, b->event.last);
}

void
rb_batch_rewind(struct rb_batch *b)
{
	struct ringbus_consumer *c = b->consumer;

	if (c->reader == RB_READER_WORKER)
		return;
	c->passed = 0;
	rb_consumer_seek(c, c->barrier.committed + 1);
}
