/* SPDX-License-Identifier: MIT */
/*
 * consumer.h - what the parts of the consumer's side know of each other
 *
 *   consumer.c   the handle: open, wait, next, commit, close
 *   span.c       the same by runs of slots
 *   lagging.c    its reader where producers may overtake it
 *   worker.c     its reader where it shares the events with others
 *   replay.c     its reader where it starts in the journal, see replay.h
 *   batch.c      hands events to a handler, and commits
 *   rewind.c     whether and when a batch comes again
 *   processor.c  LMAX's event processor: batch after batch, until stopped
 *   poller.c     LMAX's event poller: one batch, if there is one
 *   doorbell.c   a descriptor for event loops
 */
#ifndef RB_CLIENT_CONSUMER_H
#define RB_CLIENT_CONSUMER_H

#include "client/internal.h"
#include "shm/count.h"
#include "shm/event.h"

/* What a reader finds where no event is. */
#define RB_STEP_LOST RB_TAP_LOST
#define RB_STEP_GAP RB_TAP_GAP
#define RB_STEP_REST 4 /* of an event that began before its reader did */

/* Takes over the place that the daemon gave. 0 or -ENOMEM. */
int rb_lagging_init(struct ringbus_consumer *consumer);
void rb_lagging_deinit(struct ringbus_consumer *consumer);

/*
 * The next thing up to what the last wait found: 1 and an event, copied; 0 if
 * there is none; RB_STEP_LOST or RB_STEP_GAP if instead the slots from
 * ret->sequence to ret->last were overwritten, or hold nothing; or -EBADMSG,
 * -ENOMEM.
 */
int rb_lagging_step(struct ringbus_consumer *consumer,
		    struct ringbus_event *ret);

/* Goes on with `sequence`: one that was handed out already, or the next. */
static inline void
rb_consumer_seek(struct ringbus_consumer *c, int64_t sequence)
{
	c->next = sequence;
	c->lagging.tap.next = sequence;
}

/*
 * The event at the reader's place: 1, 0 behind what the last wait found, or
 * -EBADMSG; or RB_STEP_GAP if no event begins there: then rb_direct_skip() has
 * to be asked how far that goes.
 */
static inline int
rb_direct_next(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	int64_t available = c->barrier.available;
	int64_t sequence = c->next;
	struct rb_event_view view;
	int kind;

	if (sequence > available)
		return 0;
	kind = rb_event_at(&c->attachment.channel.shm, sequence, available,
			   &view);
	if (rb_unlikely(kind != 0))
		return kind < 0 ? kind : RB_STEP_GAP;
	c->next = view.last + 1;
	ret->data = view.data;
	ret->size = view.size;
	ret->sequence = sequence;
	ret->last = view.last;
	return 1;
}

/* Moves on over slots of one kind: RB_STEP_GAP or RB_STEP_REST, and which. */
int rb_direct_skip(struct ringbus_consumer *consumer,
		   struct ringbus_event *ret);

/* As the next, of one that reads ahead from the journal. */
int rb_replay_step(struct ringbus_consumer *consumer,
		   struct ringbus_event *ret);

/* As rb_lagging_step(), whatever kind of reader it is but a worker. */
static inline int
rb_consumer_step(struct ringbus_consumer *c, struct ringbus_event *ret)
{
	int found;

	if (rb_unlikely(c->reader != RB_READER_DIRECT))
		return c->reader == RB_READER_REPLAY ? rb_replay_step(c, ret)
						     : rb_lagging_step(c, ret);
	found = rb_direct_next(c, ret);
	return rb_likely(found != RB_STEP_GAP) ? found : rb_direct_skip(c, ret);
}

/* Passes over slots that were lost; they count once that is committed. */
static inline void
rb_consumer_pass_lost(struct ringbus_consumer *c,
		      const struct ringbus_event *range)
{
	c->passed += range->last - range->sequence + 1;
}

/* What the daemon is asked for: 0, or -EINVAL for options that cannot be. */
int rb_consumer_request(struct ringbus *bus,
			const struct ringbus_consumer_options *options,
			struct rb_consumer_spec *spec, struct rb_attach *ret);

/* Takes over the place that the daemon gave, as the kind of reader that is due there.
 * A halt that came before counts. 0 or -ENOMEM. */
int rb_consumer_take_place(struct ringbus_consumer *consumer);

/* Commits up to `sequence`; 0 or -ESTALE. Of no worker. */
int rb_consumer_commit_to(struct ringbus_consumer *consumer, int64_t sequence);

/* ringbus_consumer_halt() was called, and nothing has returned from it yet. */
static inline bool
rb_consumer_is_halted(const struct ringbus_consumer *c)
{
	/* ORDER(none, relaxed) - a flag that carries no data. */
	return rb_word32_load_relaxed(&c->barrier.alerted) != 0;
}

int rb_replay_look(struct ringbus_consumer *consumer);

/* enum rb_barrier_state, or an errno. */
static inline int
rb_consumer_look(struct ringbus_consumer *c)
{
	if (c->reader == RB_READER_REPLAY)
		return rb_replay_look(c);
	return c->reader == RB_READER_WORKER
		       ? rb_worker_look(&c->worker)
		       : rb_barrier_look(&c->barrier, c->next);
}

/* The stream has ended, and nothing of it is left for us. */
bool rb_consumer_is_through(const struct ringbus_consumer *consumer);

/* In a forked child: see fork.c. */
void rb_consumer_disinherit(struct ringbus_consumer *consumer);

/* Books a failure of the handler, over an event or NULL. */
void rb_consumer_count_error(struct ringbus_consumer *consumer,
			     const struct ringbus_event *event);

/*** Workers **************************************************************/

int64_t rb_holding_wait(struct ringbus_consumer *consumer, int64_t timeout_ns);
int rb_holding_next(struct ringbus_consumer *consumer,
		    struct ringbus_event *ret);
int rb_holding_commit(struct ringbus_consumer *consumer);

/* Everything that is not done goes to others. */
void rb_holding_return(struct ringbus_consumer *consumer);

/* Takes an event for a handler, unless there is one that it shall have again:
 * 1, 0 if there is none to take now, or -EBADMSG. */
int rb_hand_take(struct ringbus_consumer *consumer, struct ringbus_event *ret);

/* It is done, or goes to others. 0 or -ESTALE. */
int rb_hand_done(struct ringbus_consumer *consumer);
void rb_hand_return(struct ringbus_consumer *consumer);

/*** The descriptor *******************************************************/

/* Makes it readable, if there is one. Any thread. */
void rb_doorbell_ring(struct ringbus_consumer *consumer);

/* From now on publishers need not care for it. */
void rb_doorbell_disarm(struct ringbus_consumer *consumer);
void rb_doorbell_close(struct ringbus_consumer *consumer);

/*** A batch **************************************************************/

/* Stretches without events that a batch remembers between two events. */
#define RB_RANGES_MAX 4

struct rb_range {
	int kind; /* RB_STEP_LOST or RB_STEP_GAP */
	struct ringbus_event slots;
};

struct rb_batch {
	struct ringbus_consumer *consumer;
	const struct ringbus_handlers *handlers;
	struct ringbus_event event; /* that the handler has */
	struct ringbus_event ahead; /* the one after, if `more` is 1 */
	int more;                   /* 1; 0: this is the end; or an errno */
	/* Between the two. */
	unsigned n_ranges;
	struct rb_range ranges[RB_RANGES_MAX];
	int64_t n;   /* events handled */
	int attempt; /* rewinds since something was committed */
	int err;     /* of RB_BATCH_FAILED and RB_BATCH_BROKEN */
	/* Of RB_BATCH_FAILED: `event` is what on_event failed at; or the slots
	 * that on_gap did, or on_lost. */
	bool has_event;
	bool has_lost;
};

enum rb_batch_end {
	RB_BATCH_DONE,    /* handled and committed */
	RB_BATCH_STOPPED, /* up to an event whose handler said RINGBUS_STOP */
	RB_BATCH_REWIND,  /* the next one begins with the first not committed */
	RB_BATCH_FAILED,  /* a handler has; what was before is committed */
	RB_BATCH_BROKEN,  /* it cannot go on */
};

/* Looks for the first event after a wait that found something. 1, or 0 if there
 * are but slots without events, or an errno. */
int rb_batch_begin(struct rb_batch *batch);

/* How many events it has, and how many slots are there to read. */
int64_t rb_batch_size(const struct rb_batch *batch);
int64_t rb_batch_depth(const struct rb_batch *batch);

/* Hands them out. */
enum rb_batch_end rb_batch_run(struct rb_batch *batch);

/* What it failed at counts as handled. 0 or -ESTALE. */
int rb_batch_pass(struct rb_batch *batch);

/* Drops it: the next one begins with the first event that is not committed. */
void rb_batch_rewind(struct rb_batch *batch);

/*** Rewinding ************************************************************/

/* The handler asks for the batch again: 0 once it may have it, or why the event
 * at which it asks has failed. */
int rb_rewind_ask(struct rb_batch *batch);

#endif
