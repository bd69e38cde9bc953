/* SPDX-License-Identifier: MIT */
/*
 * journal.c - one turn after the other, until a signal or the end of the stream
 *
 * Whatever is on its way is waited for first: what comes meanwhile is the next batch.
 * Only an idle journal waits for events.
 */
#include "client/journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/journal/notice.h"
#include "client/journal/signals.h"

#define SECOND_NS INT64_C(1000000000)

/* The end of the stream, and what a `strict` one stops at, the next turn is told
 * again, which first brings to its end what is written. */
static int
wait_for_events(struct journal *j, int64_t timeout_ns)
{
	int64_t found = ringbus_consumer_wait(j->consumer, timeout_ns);

	if (found == -ETIMEDOUT || found == -ECANCELED || found == -ESHUTDOWN ||
	    found == -EOWNERDEAD)
		return 0;
	if (found < 0)
		return (int)found;
	j->available = found;
	return 0;
}

static int
idle(struct journal *j)
{
	int64_t until = flow_until_sync(j);

	if (until == 0)
		return flow_settle(j);
	return wait_for_events(j, until < 0 || until > SECOND_NS ? SECOND_NS
								 : until);
}

static bool
is_behind(const struct journal *j)
{
	return j->queue.tail > j->queue.head;
}

/* On a `strict` channel, where the stream has stopped at what died with a producer:
 * somebody has to mend it. */
static int
stand(void)
{
	static int64_t say_ns;

	if (notice_now_ns() >= say_ns) {
		notice_warning("the stream has stopped behind an event that "
			       "died with its producer: see ringbusctl mend");
		say_ns = notice_now_ns() + 60 * SECOND_NS;
	}
	signals_nap(SECOND_NS / 10);
	return 0;
}

/* Until something that flies has ended. A disk that hangs has no error, and may come
 * back. */
static int
wait_for_disk(struct journal *j)
{
	static int64_t say_ns;

	if (engine_wait(j->engine, SECOND_NS) != -ETIME)
		return flow_settle(j);
	flow_tell_hanging(j);
	notice_status("the disk does not answer");
	if (notice_now_ns() >= say_ns) {
		notice_warning("%s/%s: the disk does not answer; the stream "
			       "stands at this consumer, nothing is lost",
			       j->settings->dir, j->segment->name);
		say_ns = notice_now_ns() + 60 * SECOND_NS;
	}
	return 0;
}

static int
turn(struct journal *j)
{
	int r = flow_pump(j);

	if (r < 0 && r != -ESHUTDOWN && r != -EOWNERDEAD)
		return r;
	if (flow_is_flying(j))
		return wait_for_disk(j);
	if (trouble_holds(j))
		return trouble_step(j);
	if (j->queue.sent < j->queue.tail)
		return 0;
	if (r == -ESHUTDOWN) {
		r = flow_drain(j);
		return r < 0 || is_behind(j) ? r : -ESHUTDOWN;
	}
	if (r == -EOWNERDEAD)
		return stand();
	if (j->stop_at != INT64_MAX) {
		/* What there is beyond is not whole. */
		j->stop_at = j->next - 1;
		return 0;
	}
	if (j->was_halted) {
		j->was_halted = false;
		return 0;
	}
	return idle(j);
}

/* What is published by now is still stored. */
static void
begin_stop(struct journal *j)
{
	int64_t found;

	if (j->stop_at != INT64_MAX)
		return;
	notice_stopping();
	found = ringbus_consumer_wait(j->consumer, RINGBUS_NOW);
	if (found == -ECANCELED)
		found = ringbus_consumer_wait(j->consumer, RINGBUS_NOW);
	if (found >= 0)
		j->available = found;
	j->stop_at = j->available;
}

/* 1: it has stopped. */
static int
stop(struct journal *j)
{
	int r = 0;

	begin_stop(j);
	if (j->trouble.is_on) {
		notice_error("stopped while no segment can be written: %s",
			     j->settings->on_full == JOURNAL_DROP
				     ? "what was dropped is not stored"
				     : "what is not stored stays in the ring");
		return 1;
	}
	if (j->next > j->stop_at && j->queue.sent == j->queue.tail)
		r = flow_drain(j);
	else
		return 0;
	return r < 0 ? r : !is_behind(j);
}

static int
roll(struct journal *j)
{
	int r = flow_drain(j);

	if (r == 0)
		flow_end_segment(j);
	return r;
}

static void
tell_status(struct journal *j)
{
	static int64_t say_ns;
	int64_t now = notice_now_ns();

	if (now < say_ns || j->trouble.is_on)
		return;
	say_ns = now + SECOND_NS;
	notice_status("stored up to %" PRId64 ", %" PRId64 " bytes since the "
		      "start, into %s",
		      j->committed, j->io.bytes,
		      j->segment != NULL ? j->segment->name : "no segment yet");
}

int
journal_run(struct journal *j)
{
	int r = 0;

	while (r == 0) {
		notice_alive();
		tell_status(j);
		if (signals_roll())
			r = roll(j);
		if (r == 0 && signals_stop())
			r = stop(j);
		if (r == 0)
			r = turn(j);
	}
	return r > 0 ? 0 : r;
}
