/* SPDX-License-Identifier: MIT */
/*
 * trouble.c - when the disk fails: a new segment, or the policy
 *
 * What failed is never tried again in the same file: after a failed sync the kernel
 * may call clean what never reached the disk. Everything that is not committed lies
 * in the ring still, and is written anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/journal/journal.h"
#include "client/journal/notice.h"
#include "client/journal/signals.h"

#define SECOND_NS INT64_C(1000000000)
#define SAY_NS (60 * SECOND_NS)

static void
say(struct journal *j)
{
	struct trouble *t = &j->trouble;

	t->say_ns = notice_now_ns() + SAY_NS;
	notice_error("no segment can be written in %s: %s: %s; %s%s",
		     j->settings->dir, strerror(-t->error),
		     j->settings->on_full == JOURNAL_DROP
			     ? "events are DROPPED, and not stored"
			     : "the stream stands at this consumer, "
			       "nothing is lost",
		     notice_remedy(t->error), "; tried each second");
	notice_status("no segment can be written: %s", strerror(-t->error));
}

void
trouble_begin(struct journal *j, int err)
{
	struct trouble *t = &j->trouble;

	t->retry_ns = notice_now_ns() + SECOND_NS;
	j->io.errors++;
	if (t->is_on && t->error == err)
		return;
	if (!t->is_on)
		*t = (struct trouble){
			.since_ns = notice_now_ns(),
			.retry_ns = t->retry_ns,
		};
	t->is_on = true;
	t->error = err;
	say(j);
	flow_commit(j, j->committed); /* tells that we are down */
}

bool
trouble_holds(const struct journal *j)
{
	return j->trouble.is_on && j->segment == NULL &&
	       notice_now_ns() < j->trouble.retry_ns;
}

void
trouble_end(struct journal *j)
{
	struct trouble *t = &j->trouble;
	int64_t ms = (notice_now_ns() - t->since_ns) / 1000000;

	t->is_on = false;
	if (t->dropped > 0)
		notice_error("%s is written again, after %" PRId64
			     " ms: %" PRId64 " slots were dropped",
			     j->segment->name, ms, t->dropped);
	else
		notice_info("%s is written again, after %" PRId64
			    " ms: nothing is lost",
			    j->segment->name, ms);
}

/* What is safe without doubt is committed first: each of these writes had its own
 * sync, or needs none. */
static int
commit_whole(struct journal *j)
{
	struct batches *q = &j->queue;
	int64_t last = j->committed;

	if (j->settings->sync == JOURNAL_INTERVAL)
		return 0;
	while (q->written < q->sent) {
		struct batch *b = batch_at(q, q->written);

		if (b->job.result < 0)
			break;
		j->segment->acked = (uint64_t)b->end;
		j->io.bytes += (int64_t)b->bytes;
		j->io.batches++;
		last = b->last;
		q->head = ++q->written;
	}
	return flow_commit(j, last);
}

int
trouble_fail(struct journal *j, int err, const char *what)
{
	bool had_progress;
	int r;

	engine_drain(j->engine);
	r = commit_whole(j);
	if (!j->trouble.is_on)
		notice_error("%s/%s: %s: %s: the segment is given up, and what "
			     "is not safe is written to another",
			     j->settings->dir, j->segment->name, what,
			     strerror(-err));
	had_progress = segment_abandon(j->dirfd, &j->stream, j->segment);
	j->segment = NULL;
	j->sync.state = ENGINE_IDLE;
	j->free_pages = ~0u;
	batches_rewind(&j->queue);
	/* Two in a row, and neither has stored anything. */
	if (!had_progress)
		trouble_begin(j, err);
	else
		j->io.errors++;
	return r;
}

/* ------------------------------------------------------------------- the policies */

/* Everything that was taken becomes one hole, which the next segment begins with. */
static int
drop_taken(struct journal *j)
{
	struct batches *q = &j->queue;
	struct batch *b = batch_at(q, q->head);
	int64_t first, last = batches_last(q, q->tail, j->committed);

	if (q->tail == q->head)
		return 0;
	first = b->first - b->skipped;
	if (last < first)
		return 0;
	q->tail = q->sent = q->written = q->head;
	b = batches_push(q);
	b->kind = BATCH_HOLE;
	b->reason = RB_JOURNAL_DROPPED;
	b->first = first;
	b->last = last;
	if (last > j->committed)
		j->trouble.dropped += last - j->committed;
	return flow_commit(j, last);
}

static int
drop(struct journal *j, int64_t timeout_ns)
{
	int64_t found;
	int r = 0;

	do {
		r = drop_taken(j);
		if (r == 0)
			r = flow_take(j);
	} while (r > 0 && notice_now_ns() < j->trouble.retry_ns);
	if (r != 0)
		return r < 0 ? r : 0;
	found = ringbus_consumer_wait(j->consumer, timeout_ns);
	j->was_halted = j->was_halted || found == -ECANCELED;
	if (found >= 0)
		j->available = found;
	return found >= 0 || found == -ETIMEDOUT || found == -ECANCELED
		       ? 0
		       : (int)found;
}

int
trouble_step(struct journal *j)
{
	struct trouble *t = &j->trouble;
	int64_t now = notice_now_ns();

	if (now >= t->say_ns)
		say(j);
	if (now >= t->retry_ns)
		return 0;
	if (j->settings->on_full == JOURNAL_DROP)
		return drop(j, t->retry_ns - now);
	flow_tell_hanging(j);
	signals_nap(t->retry_ns - now);
	return 0;
}
