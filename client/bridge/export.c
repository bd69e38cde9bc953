/* SPDX-License-Identifier: MIT */
/*
 * export.c - see export.h
 *
 * One thread reads the ring, fills messages and sends them; what is acknowledged comes
 * by the window. While that is full nothing is read, the place in the ring stays, and
 * in the end producers wait.
 */
#include "client/bridge/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/bridge/exporter.h"
#include "client/bridge/log.h"
#include "client/bridge/notify.h"
#include "client/bridge/progress.h"
#include "client/bridge/wake.h"

#define TICK_NS INT64_C(1000000000)
#define DRAIN_NS INT64_C(5000000000)

/* Nothing has been read that is not in the stream. */
static bool
all_is_safe(const struct exporter *e)
{
	return window_is_empty(&e->window) && e->batch.count == 0 &&
	       !e->has_held && !e->has_gap && !again_is_on(&e->again);
}

static int
commit(struct exporter *e)
{
	int err;

	if (all_is_safe(e)) {
		err = ringbus_consumer_commit(e->consumer);
		if (err == 0)
			e->void_to = ringbus_consumer_sequence(e->consumer);
		return err;
	}
	if (e->acked <= ringbus_consumer_sequence(e->consumer))
		return 0;
	return ringbus_consumer_commit_through(e->consumer, e->acked);
}

/* What has been acknowledged by now. */
static int
collect(struct exporter *e)
{
	struct sent sent;
	int64_t bytes;
	unsigned n = window_collect(&e->window, &sent, &bytes);

	if (n == 0)
		return 0;
	e->acked_known = true;
	e->acked = sent.last;
	e->acked_index = sent.index;
	e->stream_last += n;
	e->messages += n;
	e->bytes += bytes;
	if (e->pause_ns > 0 && e->resyncs > 1) {
		log_info("goes on: message %" PRIu64 " is acknowledged",
			 e->stream_last);
		stream_no_trouble();
	}
	e->pause_ns = 0;
	e->is_refused = false;
	return commit(e);
}

/* The next event that the stream does not have, into `held`: 1, 0 or an errno. */
static int
read_ring(struct exporter *e)
{
	int found;

	do {
		found = ringbus_consumer_next(e->consumer, &e->held);
		e->has_read |= found > 0;
	} while (found > 0 && e->held.sequence < e->skip_to);
	return found;
}

static int
read_event(struct exporter *e)
{
	int found = again_next(&e->again, &e->held);

	if (found == AGAIN_GAP) {
		e->has_gap = true;
		e->gap = e->held;
		return 0;
	}
	return found == 0 ? read_ring(e) : found;
}

/* Fills the message: 1 if it has to go, 0 if nothing more is there, or an errno. */
static int
fill(struct exporter *e)
{
	int r;

	while (!e->has_gap && !batch_is_full(&e->batch)) {
		if (!e->has_held) {
			r = read_event(e);
			if (r <= 0)
				return r < 0 ? r : e->has_gap;
			e->has_held = true;
		}
		if (e->batch.count == 0)
			e->deadline_ns = wake_now() + e->setup->linger_ns;
		r = batch_add(&e->batch, &e->held);
		if (r <= 0)
			return r < 0 ? r : 1;
		e->has_held = false;
	}
	return 1;
}

static int
send_what_is_ready(struct exporter *e)
{
	struct ringbus_event gap = e->gap;

	if (e->batch.count > 0)
		return send_batch(e);
	e->has_gap = false;
	return send_gap(e, gap.sequence, gap.last);
}

/* Until an acknowledgement comes. */
static void
wait_for_acks(struct exporter *e, int64_t timeout_ns)
{
	if (window_may_sleep(&e->window))
		wake_sleep(timeout_ns);
	window_awake(&e->window);
}

/* Until something is published, or acknowledged, or the message has to go. */
static int
wait_for_events(struct exporter *e)
{
	int64_t timeout_ns = TICK_NS, found = 0;

	if (e->has_ended) {
		wait_for_acks(e, TICK_NS);
		return 0;
	}
	if (e->batch.count > 0)
		timeout_ns = e->deadline_ns - wake_now();
	if (timeout_ns > 0 && window_may_sleep(&e->window))
		found = ringbus_consumer_wait(e->consumer, timeout_ns);
	window_awake(&e->window);
	if (found == -ESHUTDOWN) {
		e->has_ended = true;
		e->deadline_ns = 0;
	} else if (found == -EOWNERDEAD) {
		stream_trouble("a producer of the strict channel has died in "
			       "the middle of an event: see ringbusctl mend");
		wake_sleep(TICK_NS);
	} else if (found < 0 && found != -ETIMEDOUT && found != -ECANCELED) {
		return (int)found;
	}
	return 0;
}

static int
move_on(struct exporter *e)
{
	int r;

	if (window_is_full(&e->window)) {
		wait_for_acks(e, TICK_NS);
		return 0;
	}
	r = fill(e);
	if (r < 0)
		return r;
	if (r == 1 || (e->batch.count > 0 && wake_now() >= e->deadline_ns))
		return send_what_is_ready(e);
	r = commit(e);
	return r < 0 ? r : wait_for_events(e);
}

static int
begin_anew(struct exporter *e)
{
	int err;

	wake_pause(&e->pause_ns);
	err = resync_begin(e);
	return err == -EAGAIN ? 0 : err;
}

static void
tick(struct exporter *e)
{
	int64_t now = wake_now();

	if (now - e->looked_ns < TICK_NS)
		return;
	e->looked_ns = now;
	notify_alive();
	server_look(&e->server);
	progress_of_export(e);
}

static int
turn(struct exporter *e)
{
	char why[WINDOW_WHY_SIZE];
	int err;

	tick(e);
	if (!e->in_sync)
		return begin_anew(e);
	if (window_is_doubtful(&e->window, why)) {
		e->refusals++;
		e->is_refused |= !window_is_empty(&e->window);
		resync_end(e, why);
		return 0;
	}
	err = collect(e);
	return err < 0 ? err : move_on(e);
}

/* What is on its way may be acknowledged yet, and need not be looked up then. */
static void
drain(struct exporter *e)
{
	int64_t end = wake_now() + DRAIN_NS;
	char why[WINDOW_WHY_SIZE];

	notify_stopping();
	while (e->in_sync && !window_is_empty(&e->window) &&
	       !window_is_doubtful(&e->window, why) && wake_now() < end &&
	       collect(e) == 0)
		wait_for_acks(e, TICK_NS / 10);
}

static void
note_lost(void *context)
{
	struct exporter *e = context;

	window_doubt(&e->window, "the connection was lost");
}

static int
prepare(struct exporter *e)
{
	struct ringbus_info info = { .size = sizeof(info) };
	int err = window_init(&e->window, (unsigned)e->setup->window);

	if (err == 0)
		err = server_init(&e->server, e->setup);
	if (err < 0)
		return err;
	e->server.on_lost = note_lost;
	e->server.context = e;
	err = place_open(e);
	if (err < 0)
		return err;
	log_info("takes slots from %" PRId64 " on",
		 ringbus_consumer_sequence(e->consumer) + 1);
	ringbus_channel_info(ringbus_consumer_channel(e->consumer), &info);
	frame_kind_of(&info, &e->kind);
	e->batch.framing = info.framing;
	e->batch.max_events = e->setup->max_events;
	return 0;
}

static int
report(const struct exporter *e, int err)
{
	if (err < 0 && err != -EINVAL && err != -EMSGSIZE)
		log_error("cannot go on: %s", ringbus_strerror(err));
	else if (err == 0 && e->has_ended)
		log_info("the stream of the channel has ended, and all of it "
			 "is acknowledged");
	return err;
}

int
export_run(const struct setup *setup, struct ringbus *bus)
{
	struct exporter e = {
		.setup = setup, .bus = bus, .acked = -1, .void_to = -1
	};
	int err;

	again_end(&e.again);
	err = prepare(&e);
	if (err == 0)
		notify_ready();
	while (err == 0 && !wake_is_stopped() &&
	       !(e.has_ended && e.in_sync && all_is_safe(&e)))
		err = turn(&e);
	if (err == 0) {
		drain(&e);
		progress_of_export(&e);
	}
	err = report(&e, err);
	resync_end(&e, NULL);
	if (e.consumer != NULL)
		place_close(&e);
	again_end(&e.again);
	server_deinit(&e.server);
	batch_deinit(&e.batch);
	window_deinit(&e.window);
	return err;
}
