/* SPDX-License-Identifier: MIT */
/*
 * importer.h - what the parts of an import share
 */
#ifndef BRIDGE_IMPORTER_H
#define BRIDGE_IMPORTER_H

#include "client/bridge/frame.h"
#include "client/bridge/mark.h"
#include "client/bridge/pull.h"
#include "client/bridge/server.h"
#include "client/bridge/setup.h"
#include "client/bridge/stream.h"
#include "client/ringbus.h"

struct importer {
	const struct setup *setup;
	struct ringbus *bus;
	struct ringbus_producer *producer;
	struct server server;
	jsCtx *js;              /* since the last look at the stream */
	struct pull pull;       /* and this */
	struct frame_kind kind; /* of the channel */
	uint64_t slot_size;
	int64_t capacity;
	int64_t published; /* the last slot; -1: none yet */
	/* What is in the file, or is to be before anything is published; `index` is
	 * older than it could be. */
	struct mark mark;
	uint64_t source;     /* generation of the channel that it comes from */
	int64_t source_slot; /* the next slot there; -1: not known */
	bool is_exact;       /* else that may be behind by tombstones */
	bool has_base;       /* the mark is of this channel and this stream */
	bool is_first; /* the next message is the first that was asked for */
	uint64_t next; /* stream sequence that comes next, at least */
	uint64_t stream_last; /* the last one there is, as far as we know */
	int64_t stream_end;   /* index behind that */
	int64_t looked_ns; /* when the stream and the metrics were looked at */
	int64_t pause_ns;
	uint64_t reconnects; /* when the stream was located */
	bool is_stale;       /* what is asked is not the stream as it was */
	bool has_ended;
	int64_t bytes, messages, errors, attempts; /* totals, for metrics */
};

/* In the stream, of the slot to be published next. */
static inline int64_t
importer_index(const struct importer *m)
{
	return m->mark.base + m->published + 1;
}

/*
 * Finds where to go on, and asks for messages from there. 0; -EAGAIN: not now; or
 * another errno if there is no going on, after it was told.
 */
int locate_begin(struct importer *m);
void locate_end(struct importer *m);

/* From now on the next slot has this index in the stream, and was that of this generation
 * of the source; -1: not known. As above. */
int locate_rebase(struct importer *m, int64_t index, uint64_t source,
		  int64_t slot);

/* Whether all of it is published, by the slots of the source, or if they don't tell, by
 * its index. */
bool locate_is_published(const struct importer *m, const struct frame *f);

/* Whether its index is not what the slots of the source say, of which *ret_done in this
 * message are here: the stream has lost what we have, and has others at its places, of a
 * channel that was made later or of the same further on; or has a gap there, in which
 * tombstones are counted. */
bool locate_is_reused(const struct importer *m, const struct frame *f,
		      int64_t *ret_done);

/*
 * Publishes what of this message is not published yet. 0; -EAGAIN if it is not the one
 * that has to come, so that it has to be located; -ECANCELED if we have been stopped,
 * maybe in the middle of it; or another errno, after it was told.
 */
int deliver(struct importer *m, natsMsg *msg, uint64_t sequence);

/* Once a second, whatever else there is to wait for. */
void importer_tick(struct importer *m);

#endif
