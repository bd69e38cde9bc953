/* SPDX-License-Identifier: MIT */
/*
 * flow.c - batches out of the ring, to the disk, and their commits
 *
 * A batch is taken when it can be written at once, so that it has everything that has
 * come until then.
 */
#include <errno.h>

#include "client/journal/journal.h"
#include "client/journal/notice.h"

bool
flow_is_flying(const struct journal *j)
{
	return j->queue.sent > j->queue.written || j->sync.state != ENGINE_IDLE;
}

/* ----------------------------------------------------------------- out of the ring */

static struct batch *
push(struct journal *j, const struct ringbus_span *span)
{
	struct batch *b = batches_push(&j->queue);

	b->slots = span->slots;
	b->first = span->first;
	b->last = span->last;
	b->skipped = span->first - j->next;
	b->bytes = (uint64_t)(span->last - span->first + 1) * span->slot_size;
	return b;
}

static void
take(struct journal *j, const struct ringbus_span *span)
{
	push(j, span);
	j->next = span->last + 1;
}

/* What an earlier writer has stored and not committed: 1, or 0 if nothing of it is
 * there now. It has stored whole events; one by one, as a run goes on behind what it
 * has stored, where there are tombstones also the first does. */
static int
pass_over(struct journal *j)
{
	struct ringbus_span span = { .size = sizeof(span) };
	int r = ringbus_consumer_span(j->consumer, 1, &span);
	int64_t last = span.last < j->safe ? span.last : j->safe;

	if (r < 0 || (r == 0 && span.first == j->next))
		return r;
	if (span.first <= j->safe && span.last > j->safe)
		return -EBADMSG;
	j->next = last + 1;
	if (r > 0 && span.first > j->safe)
		take(j, &span);
	r = flow_commit(j, last);
	return r < 0 ? r : 1;
}

/* Of what the last wait has found: 1, or 0. */
static int
take_found(struct journal *j)
{
	struct ringbus_span span = { .size = sizeof(span) };
	int r;

	while (j->next <= j->safe && j->next <= j->available) {
		r = pass_over(j);
		if (r <= 0)
			return r;
	}
	r = ringbus_consumer_span(j->consumer, j->max_slots, &span);
	/* Slots without events are written down, as all that is committed. */
	if (r < 0 || (r == 0 && span.first == j->next))
		return r;
	take(j, &span);
	return 1;
}

/* What is published by now: 1, 0 if nothing is new, or an errno. */
static int
look(struct journal *j)
{
	int64_t found = ringbus_consumer_wait(j->consumer, RINGBUS_NOW);

	if (found == -ECANCELED)
		j->was_halted = true;
	if (found == -EAGAIN || found == -ETIMEDOUT || found == -ECANCELED)
		return 0;
	if (found < 0)
		return (int)found;
	j->available = found;
	return 1;
}

int
flow_take(struct journal *j)
{
	int r = take_found(j);

	if (r != 0)
		return r;
	r = look(j);
	return r <= 0 ? r : take_found(j);
}

/* -------------------------------------------------------------------- to the disk */

static bool
is_durable(const struct journal *j)
{
	return j->settings->sync == JOURNAL_ALWAYS;
}

static int
open_segment(struct journal *j, const struct batch *b)
{
	struct spare spare;
	int err = keeper_take(j->keeper, segment_size_for(b->bytes), &spare);

	if (err == 0)
		err = segment_open(j->dirfd, &spare, &j->stream,
				   b->first - b->skipped,
				   j->settings->sync != JOURNAL_NONE,
				   &j->segment);
	if (err < 0)
		return err;
	keeper_note(j->keeper, j->segment->name);
	/* A page cache tells the error of one write to the sync of another. */
	j->depth = j->engine->kind->is_asynchronous &&
				   (j->segment->is_direct || !is_durable(j))
			   ? JOURNAL_DEPTH
			   : 1;
	return 0;
}

void
flow_end_segment(struct journal *j)
{
	if (j->segment != NULL)
		keeper_seal(j->keeper, j->segment);
	j->segment = NULL;
}

static unsigned
take_page(struct journal *j)
{
	unsigned page = (unsigned)__builtin_ctz(j->free_pages);

	j->free_pages &= ~(1u << page);
	return page;
}

static void
start(struct journal *j, struct batch *b)
{
	b->job.durable = is_durable(j);
	j->queue.sent++;
	engine_start(j->engine, &b->job);
}

/* The next batch of the queue, into this segment or the next: 1, or 0 if that has
 * to wait, or an errno of the consumer. */
static int
send(struct journal *j)
{
	struct batch *b = batch_at(&j->queue, j->queue.sent);
	unsigned page;
	int err;

	if (j->segment == NULL) {
		err = open_segment(j, b);
		if (err < 0) {
			trouble_begin(j, err);
			return 0;
		}
	}
	page = take_page(j);
	if (segment_place(j->segment, b, &j->pages[page])) {
		b->page = page;
		start(j, b);
		return 1;
	}
	j->free_pages |= 1u << page;
	err = flow_drain(j);
	if (err < 0 || j->segment == NULL)
		return err;
	flow_end_segment(j);
	return 1;
}

static bool
may_fly(const struct journal *j)
{
	unsigned depth = j->segment == NULL ? 1 : j->depth;

	return batches_flying(&j->queue) < depth && !trouble_holds(j);
}

static bool
may_take(const struct journal *j)
{
	return j->next <= j->stop_at && !batches_are_full(&j->queue);
}

int
flow_pump(struct journal *j)
{
	int r = 1;

	while (r > 0 && may_fly(j)) {
		r = 1;
		if (j->queue.sent == j->queue.tail)
			r = may_take(j) ? flow_take(j) : 0;
		if (r > 0)
			r = send(j);
	}
	return r;
}

/* ------------------------------------------------------------------------- commits */

static void
report(struct journal *j, bool is_up)
{
	int64_t lag = j->available - j->committed;

	j->io.lag = lag > 0 ? lag : 0;
	j->io.up = is_up;
	j->io.retries = j->engine->n_retries;
	ringbus_consumer_io(j->consumer, &j->io);
}

int
flow_commit(struct journal *j, int64_t last)
{
	int err = 0;

	if (last > j->committed) {
		err = ringbus_consumer_commit_through(j->consumer, last);
		if (err < 0)
			return err;
		j->committed = last;
	}
	report(j, !j->trouble.is_on);
	return 0;
}

void
flow_tell_hanging(struct journal *j)
{
	look(j); /* what is wrong with it, the next turn is told again */
	report(j, false);
}

/* What is safe leaves the queue. */
static int
commit_until(struct journal *j, uint64_t until)
{
	struct batches *q = &j->queue;
	int64_t last = batches_last(q, until, j->committed);

	if (until == q->head)
		return 0;
	j->segment->acked = (uint64_t)batch_at(q, until - 1)->end;
	q->head = until;
	j->dirty_ns = notice_now_ns();
	if (j->trouble.is_on)
		trouble_end(j);
	return flow_commit(j, last);
}

/* In the order of their sequences: 0, or the error of the first that has failed. */
static int
note_written(struct journal *j)
{
	struct batches *q = &j->queue;

	while (q->written < q->sent) {
		struct batch *b = batch_at(q, q->written);

		if (b->job.state != ENGINE_DONE)
			return 0;
		if (b->job.result < 0)
			return b->job.result;
		if (q->written == q->head)
			j->dirty_ns = notice_now_ns();
		j->free_pages |= 1u << b->page;
		j->io.bytes += (int64_t)b->bytes;
		j->io.batches++;
		q->written++;
	}
	return 0;
}

/* 1: and it was well; 0: none has ended. */
static int
note_synced(struct journal *j)
{
	if (j->sync.state != ENGINE_DONE)
		return 0;
	j->sync.state = ENGINE_IDLE;
	return j->sync.result < 0 ? j->sync.result : 1;
}

int64_t
flow_until_sync(const struct journal *j)
{
	const struct batches *q = &j->queue;
	int64_t due = j->dirty_ns + j->settings->sync_interval;
	int64_t now = notice_now_ns();

	if (j->settings->sync != JOURNAL_INTERVAL || q->written == q->head ||
	    j->sync.state != ENGINE_IDLE)
		return -1;
	/* Producers are not to wait for the clock. */
	if (j->next - j->committed > j->ring_slots / 2 ||
	    q->tail - q->head > BATCH_MAX / 2)
		return 0;
	return due > now ? due - now : 0;
}

static void
start_sync(struct journal *j)
{
	j->sync = (struct engine_job){ .fd = j->segment->fd };
	j->sync_until = j->queue.written;
	engine_start(j->engine, &j->sync);
}

int
flow_settle(struct journal *j)
{
	int err = note_written(j);

	if (err < 0)
		return trouble_fail(j, err, "write");
	if (j->settings->sync != JOURNAL_INTERVAL)
		return commit_until(j, j->queue.written);
	err = note_synced(j);
	if (err < 0)
		return trouble_fail(j, err, "fdatasync");
	if (err > 0)
		err = commit_until(j, j->sync_until);
	if (err == 0 && flow_until_sync(j) == 0)
		start_sync(j);
	return err;
}

/* True while something is on its way, or has to be. */
static bool
is_unsettled(struct journal *j)
{
	struct batches *q = &j->queue;

	if (j->segment == NULL)
		return false;
	if (!flow_is_flying(j) && j->sync.state == ENGINE_IDLE &&
	    j->settings->sync == JOURNAL_INTERVAL && q->written > q->head)
		start_sync(j);
	return q->sent > q->head;
}

int
flow_drain(struct journal *j)
{
	int err = 0;

	while (err == 0 && is_unsettled(j)) {
		engine_wait(j->engine, 1000000000);
		err = flow_settle(j);
		notice_alive();
	}
	return err;
}

void
flow_leave(struct journal *j)
{
	int err;

	engine_drain(j->engine);
	if (j->segment == NULL)
		return;
	err = note_written(j);
	if (err == 0)
		err = note_synced(j);
	if (err < 0)
		trouble_fail(j, err, "write");
	else
		flow_end_segment(j);
}
