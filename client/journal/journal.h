/* SPDX-License-Identifier: MIT */
/*
 * journal.h - a journal at work: from the ring to the disk to the commit
 *
 * Everything but the keeper belongs to one thread. What is on its way is in the queue
 * (batch.h); nothing leaves that before it is as safe as `sync` says.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/journal/batch.h"
#include "client/journal/engine.h"
#include "client/journal/keeper.h"
#include "client/journal/segment.h"
#include "client/journal/settings.h"
#include "client/ringbus.h"

#define JOURNAL_DEPTH 2 /* batches on their way at once */

/* A page each, and a bit. */
_Static_assert(JOURNAL_DEPTH <= SEGMENT_PAGES && SEGMENT_PAGES <= 32,
	       "pages of batches on their way");

/* From the first failure of a new segment on to the first commit out of one. */
struct trouble {
	bool is_on;
	int error;
	int64_t since_ns;
	int64_t retry_ns; /* when a new segment is tried */
	int64_t say_ns;   /* when it is said again */
	int64_t dropped;  /* slots */
};

struct journal {
	const struct settings *settings;
	int dirfd;
	struct keeper *keeper;
	struct engine *engine;
	struct ringbus_consumer *consumer;
	struct segment_stream stream;
	struct segment *segment; /* NULL: the next batch makes one */
	unsigned depth;
	int64_t max_slots; /* of a batch */
	int64_t ring_slots;
	int64_t available; /* published, as the last wait has found it */
	int64_t next;      /* behind what was taken out of the ring */
	int64_t safe;      /* up to here an earlier writer has stored it */
	int64_t committed;
	int64_t stop_at; /* no further than this, once a signal has come */
	bool was_halted; /* a wait has ended for a signal */
	/* `interval`: the sync that is on, and for which batches. */
	struct engine_job sync;
	uint64_t sync_until;
	int64_t dirty_ns; /* when the oldest of what is not synced was written */
	struct trouble trouble;
	struct ringbus_io io;
	struct batches queue;
	unsigned free_pages;
	struct segment_page *pages;
};

/* Works until the stream ends (-ESHUTDOWN), the consumer cannot go on (another
 * errno), or a signal says so: 0. */
int journal_run(struct journal *j);

/* ------------------------------------------- flow.c: taking, writing, committing */

/* Takes out of the ring and starts what may fly: 0 or an errno of the consumer. */
int flow_pump(struct journal *j);

/* Takes note of what has ended, and commits what is safe: as above. */
int flow_settle(struct journal *j);

/* Waits for everything, and in the end it is committed, or there is trouble. */
int flow_drain(struct journal *j);

/* Something was started, and has not been settled. */
bool flow_is_flying(const struct journal *j);

/* Nanoseconds until a sync is due; -1: none will be. */
int64_t flow_until_sync(const struct journal *j);

/* Hands the segment over, so that the next batch begins another. Nothing flies. */
void flow_end_segment(struct journal *j);

/* At the end, whatever flies: what is whole is sealed, and what has failed is not. */
void flow_leave(struct journal *j);

/* Commits up to there; and tells what was moved. */
int flow_commit(struct journal *j, int64_t last);

/* Tells how far it is behind, while nothing can be written. */
void flow_tell_hanging(struct journal *j);

/* Takes the next batch out of the ring: 1, 0 if there is none now, or an errno. */
int flow_take(struct journal *j);

/* ----------------------------------------------- trouble.c: when the disk fails */

/* A write or sync has failed: the segment is given up, and everything that is not
 * safe is to be written again. */
int trouble_fail(struct journal *j, int err, const char *what);

/* There is no new segment. */
void trouble_begin(struct journal *j, int err);

/* True if nothing may be written now: it isn't time for the next try. */
bool trouble_holds(const struct journal *j);

/* Waits until it is, and drops if the policy says so: 0 or an errno of the consumer. */
int trouble_step(struct journal *j);

/* Something was committed out of a new segment. */
void trouble_end(struct journal *j);

#endif
