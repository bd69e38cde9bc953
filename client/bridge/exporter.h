/* SPDX-License-Identifier: MIT */
/*
 * exporter.h - what the parts of an export share
 */
#ifndef BRIDGE_EXPORTER_H
#define BRIDGE_EXPORTER_H

#include "client/bridge/again.h"
#include "client/bridge/batch.h"
#include "client/bridge/frame.h"
#include "client/bridge/server.h"
#include "client/bridge/setup.h"
#include "client/bridge/stream.h"
#include "client/bridge/window.h"
#include "client/ringbus.h"

struct exporter {
	const struct setup *setup;
	struct ringbus *bus;
	struct ringbus_consumer *consumer;
	struct server server;
	jsCtx *js; /* since the last look at the stream */
	struct window window;
	struct batch batch;
	struct frame_kind kind;
	bool has_read;               /* since the consumer was opened */
	bool in_sync;                /* the stream's end is known */
	bool is_refused;             /* what was sent last was in vain */
	int64_t skip_to;             /* events before it are in the stream */
	int64_t index;               /* of the next event, in the stream */
	char follows[FRAME_ID_SIZE]; /* what was sent last; "": nothing yet */
	/* What the stream has, as far as we were told: up to slot `acked`. */
	bool acked_known;
	int64_t acked, acked_index;
	int64_t void_to;      /* behind `acked` up to here are no events */
	int64_t created_ns;   /* of the stream, as it was seen last; 0: never */
	uint64_t stream_last; /* its last message, as we know it */
	bool has_held, has_gap, has_ended;
	struct ringbus_event held; /* read, and for the next message */
	struct ringbus_event gap;  /* to be told before that */
	int64_t deadline_ns;       /* of the batch */
	int64_t max_message;       /* bytes, headers included */
	int64_t looked_ns;         /* when metrics were told last */
	int64_t pause_ns;          /* before the next look at the stream */
	struct again again;
	int64_t bytes, messages, refusals, resyncs; /* totals, for metrics */
};

/* The consumer, anew: what it has not committed is read again. 0 or a negative errno
 * after it was told. */
int place_open(struct exporter *e);
void place_close(struct exporter *e);

/*
 * Finds out what the stream has, so that it can go on from there. 0; -EAGAIN: not now;
 * or another errno if there is no going on, after it was told.
 */
int resync_begin(struct exporter *e);

/* Why it is at an end, if it is not by itself. */
void resync_end(struct exporter *e, const char *why);

/* Sends what is in the batch, of which there is something. 0, or as resync_begin(). */
int send_batch(struct exporter *e);

/* Sends that slots first..last are lost. As above. */
int send_gap(struct exporter *e, int64_t first, int64_t last);

#endif
