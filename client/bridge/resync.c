/* SPDX-License-Identifier: MIT */
/*
 * resync.c - what the stream has, and where the export goes on
 *
 * The last message of the stream is the truth: whatever was sent and not seen to be
 * acknowledged is there, or is not and is sent again. Nothing else has to be known;
 * only where the stream has no message any more (all too old, or purged) it is what we
 * remember.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/bridge/exporter.h"
#include "client/bridge/log.h"
#include "client/bridge/progress.h"
#include "client/bridge/wake.h"

#define SETTLE_MS 1000
#define REMOVED_MAX 1000 /* messages that somebody has removed at its end */

/* What is on its way is answered first: it would only be in the way. */
static void
settle(struct exporter *e)
{
	jsPubOptions options;

	jsPubOptions_Init(&options);
	options.MaxWait = SETTLE_MS;
	if (server_is_up(&e->server) && !window_is_empty(&e->window))
		js_PublishAsyncComplete(e->js, &options);
}

void
resync_end(struct exporter *e, const char *why)
{
	if (e->in_sync && why != NULL)
		stream_trouble("stream %s: what it has is in doubt, and looked "
			       "up: %s",
			       e->setup->stream, why);
	if (e->js != NULL)
		settle(e);
	jsCtx_Destroy(e->js);
	e->js = NULL;
	e->in_sync = false;
}

static int64_t
place_of(const struct exporter *e)
{
	return ringbus_consumer_sequence(e->consumer) + 1;
}

/* Behind slot `last` up to the place, of which the stream has nothing: events that it has
 * lost, or none. */
static void
send_again(struct exporter *e, uint64_t generation, int64_t last)
{
	const struct again_source from = { .bus = e->bus,
					   .channel = e->setup->channel,
					   .journal = e->setup->journal,
					   .generation = generation };
	int64_t place = place_of(e);

	again_end(&e->again);
	if (e->acked_known && e->acked == last && e->void_to > last)
		last = e->void_to;
	if (last + 1 < place &&
	    again_begin(&e->again, &from, last + 1, place - 1))
		log_error("stream %s has not got slots %" PRId64 " to %" PRId64
			  ", which are committed: sending them",
			  e->setup->stream, last + 1, place - 1);
}

/* The stream has slots up to `last` of this generation; -1: none of it, any more. */
static int
go_on_behind(struct exporter *e, int64_t last, int64_t index)
{
	struct ringbus_info info = { .size = sizeof(info) };

	ringbus_channel_info(ringbus_consumer_channel(e->consumer), &info);
	if (last > info.cursor) {
		log_error("stream %s has slot %" PRId64 " of this channel, "
			  "which is at %" PRId64 ": it is the stream of "
			  "another one",
			  e->setup->stream, last, info.cursor);
		return -EINVAL;
	}
	send_again(e, info.generation, last);
	e->acked_known = true;
	e->acked = last;
	e->acked_index = index;
	e->index = index;
	e->skip_to = last + 1;
	return 0;
}

/* The stream has nothing that tells. */
static int
go_on_from_memory(struct exporter *e, const struct stream_state *state)
{
	if (e->acked_known && e->created_ns == state->created_ns &&
	    e->stream_last == state->last)
		return go_on_behind(e, e->acked, e->acked_index);
	e->acked_known = false;
	e->skip_to = 0;
	again_end(&e->again);
	if (state->last == 0) {
		e->index = 0;
		return 0;
	}
	e->index = frame_index_unknown(state->last + 1);
	log_warning("stream %s has no message that tells how far it was: "
		    "going on at slot %" PRId64,
		    e->setup->stream, place_of(e));
	return 0;
}

/* The last message that has not been removed. */
static int
read_tail(struct exporter *e, const struct stream_state *state,
	  struct frame *ret)
{
	uint64_t at = state->last;
	int err = -ENOENT;

	for (unsigned i = 0;
	     i < REMOVED_MAX && at >= state->first && at > 0 && err == -ENOENT;
	     i++, at--)
		err = stream_read(e->js, e->setup, at, ret);
	return err;
}

/* Generations grow. An older one is what this channel was before it was made anew; a
 * newer one is of another channel, whose bridge and we would take turns. */
static bool
is_overtaken(const struct exporter *e, const struct frame *tail)
{
	if (tail->kind.generation < e->kind.generation)
		return false;
	stream_trouble("stream %s is written by the bridge of another channel, "
		       "which was made later (generation %" PRIx64
		       "): give each a stream of its own; if that channel is "
		       "no more, purge the stream when it is imported",
		       e->setup->stream, tail->kind.generation);
	return true;
}

static int
find_place(struct exporter *e, const struct stream_state *state)
{
	struct frame tail;
	int err = read_tail(e, state, &tail);

	if (err == -ENOENT)
		return go_on_from_memory(e, state);
	if (err < 0)
		return -EAGAIN;
	if (tail.kind.generation == e->kind.generation)
		return go_on_behind(e, tail.last,
				    tail.index + frame_slots(&tail));
	if (is_overtaken(e, &tail))
		return -EAGAIN;
	return go_on_behind(e, -1, tail.index + frame_slots(&tail));
}

static void
limit_batch(struct exporter *e, const struct stream_state *state)
{
	int64_t max = server_max_payload(&e->server);

	if (state->max_message > 0 && max > state->max_message)
		max = state->max_message;
	e->max_message = max;
	max -= FRAME_HEADERS_SIZE;
	if (max > e->setup->max_bytes)
		max = e->setup->max_bytes;
	e->batch.max_bytes = max > 0 ? (size_t)max : 1;
}

/* What was read and not sent, from wherever, is read again. */
static int
read_again(struct exporter *e)
{
	e->has_held = false;
	e->has_gap = false;
	e->has_ended = false;
	batch_clear(&e->batch);
	return e->has_read ? place_open(e) : 0;
}

static int
begin(struct exporter *e)
{
	struct stream_state state;
	int err;

	e->js = server_stream_context(&e->server, window_note, &e->window,
				      2 * e->setup->window);
	if (e->js == NULL)
		return -EAGAIN;
	err = stream_ensure(e->js, e->setup, true, &state);
	if (err == 0)
		err = read_again(e);
	if (err == 0)
		err = find_place(e, &state);
	if (err < 0)
		return err == -ENOENT ? -EAGAIN : err;
	limit_batch(e, &state);
	e->created_ns = state.created_ns;
	e->stream_last = state.last;
	e->follows[0] = '\0';
	window_begin(&e->window, e->js, state.last + 1);
	return 0;
}

int
resync_begin(struct exporter *e)
{
	int err = server_connect(&e->server);

	if (err == 0)
		err = begin(e);
	if (err < 0) {
		resync_end(e, NULL);
		return err;
	}
	e->in_sync = true;
	e->resyncs++;
	progress_of_export(e);
	return 0;
}
