/* SPDX-License-Identifier: MIT */
/*
 * sequencer.h - the producers' side: claim slots, fill them, publish them
 *
 * One struct rb_sequencer is one producer handle in one process. It belongs to
 * one thread at a time. Two kinds share this interface: single.c, whose claims
 * are private and whose publish is one store; and multi.c, whose handles claim
 * by one RMW on a shared word and publish slot by slot.
 *
 *                 may run together on
 *   call          one handle    one channel
 *   claim         no            yes (multi)
 *   publish       no            yes (multi)
 *   remaining     no            yes
 *
 * Sequences count slots. At most `capacity` slots (all but the history) may be
 * claimed and not yet read by everybody.
 */
#ifndef RB_SEQUENCER_H
#define RB_SEQUENCER_H

#include <errno.h>
#include <stdint.h>

#include "shm/channel.h"
#include "shm/count.h"
#include "shm/gating.h"

/* Asks whether waiting for this consumer is waiting for oneself. */
typedef bool (*rb_is_self_fn)(void *context, int consumer);

struct rb_sequencer {
	/* First, for what programs have inlined: see client/internal.h. */
	int64_t next;      /* highest claimed by us */
	int64_t claimable; /* single: up to here a claim needs no look */
	/* single: the cursor, kept here too. It is not read back where consumers
	 * spin on it: that would fetch a line which is theirs by now. */
	int64_t published;
	struct rb_channel *channel;
	struct rb_handle *handle; /* our line in the ring */
	unsigned index;           /* of the handle, and of our member */
	uint32_t epoch;           /* of our membership */
	bool fence;               /* wakers must fence */
	bool is_plain; /* single: a publish is the store of the cursor alone */
	enum rb_wait_kind wait;
	int64_t capacity;
	int64_t gate;        /* cached minimum of the gating set */
	int64_t announced;   /* single: `claimed` as last stored */
	int64_t claim_lo;    /* multi: the one outstanding claim, up to next */
	int64_t unpublished; /* multi: slots of it not yet published */
	int64_t intended;    /* multi: the handle's `n` as we stored it */
	int blocker; /* who last kept us waiting; RB_NOBODY, RB_OPERATOR */
	/* Set if claims may be given up: then they never commit to waiting. */
	struct rb_word32 revocable;
	struct rb_word32 cancelled;
	rb_is_self_fn is_self; /* may be NULL */
	void *is_self_context;
};

/*
 * Takes over producer handle `index` of an attached channel, which the daemon
 * has given us under `epoch`. A single producer goes on where its predecessor
 * published last.
 */
void rb_sequencer_init(struct rb_sequencer *sequencer,
		       struct rb_channel *channel, unsigned index,
		       uint32_t epoch);

/*
 * Claims the next n slots and returns the highest of them; the lowest is
 * that - n + 1. timeout_ns < 0 waits for ever, 0 not at all. Returns
 *
 *   -EINVAL      n < 1 or n > capacity
 *   -EAGAIN      no room now (timeout 0)
 *   -ETIMEDOUT   no room in time
 *   -ECANCELED   rb_sequencer_cancel() was called
 *   -EDEADLK     only we ourselves could make the room
 *   -EBUSY       multi: the last claim is not all published or abandoned
 *   -ESHUTDOWN   the stream has ended
 *   -EOWNERDEAD  strict: consumers cannot make the room, as the stream stops at
 *                what a dead producer had claimed
 *   -ESTALE      the handle is no longer ours
 *   -ECHILD      it is that of our parent process
 *   -EBADMSG     the channel is broken; or somebody stored a claim or a
 *                cursor that cannot be
 *
 * After -EAGAIN, -ETIMEDOUT and -EDEADLK `blocker` tells who is in the way.
 */
static inline int64_t rb_sequencer_claim(struct rb_sequencer *sequencer,
					 int64_t n, int64_t timeout_ns);

/* As many as are free, at least one and at most n; *ret_lo is the lowest. */
int64_t rb_sequencer_claim_available(struct rb_sequencer *sequencer, int64_t n,
				     int64_t *ret_lo);

/*
 * Makes lo..hi readable and wakes who waits. Of a framed channel the range is
 * one event. -EINVAL for a range that is not claimed, or of a single producer
 * not the next one; -ESHUTDOWN if the stream has ended, so that consumers may
 * not read it any more; -EBADMSG if the channel is broken. 0 otherwise.
 */
static inline int rb_sequencer_publish(struct rb_sequencer *sequencer,
				       int64_t lo, int64_t hi);

/*
 * Gives lo..hi up. A single producer's claims just shrink (the range must be
 * the end of what is claimed); a multi producer's become tombstones.
 */
int rb_sequencer_abandon(struct rb_sequencer *sequencer, int64_t lo,
			 int64_t hi);

/* Gives up whatever is claimed and not published, before leaving. */
void rb_sequencer_abandon_all(struct rb_sequencer *sequencer);

/* Any thread: from now on claims wait in a way that lets them give up, because
 * they may be cancelled or may find that they wait for themselves. */
void rb_sequencer_set_revocable(struct rb_sequencer *sequencer);

/* Whether the handle is still ours: if not, rb_channel_why_lost() tells why. */
static inline bool
rb_sequencer_is_ours(const struct rb_sequencer *sequencer)
{
	/* ORDER(none, relaxed) - the daemon tells us, nothing depends on it. */
	return rb_word32_load_relaxed(
		       &sequencer->channel->meta->producers[sequencer->index]
				.epoch) == sequencer->epoch;
}

/* Slots that could be claimed now; never negative, never more than capacity. */
int64_t rb_sequencer_remaining(struct rb_sequencer *sequencer);

/* From any thread or a signal handler: the claim or drain that waits, or the
 * next one that would, returns -ECANCELED, once. Wakes it. */
void rb_sequencer_cancel(struct rb_sequencer *sequencer);

/*
 * Waits until every consumer that gates has read all that is published now, but
 * for those whose processor has failed, and for what lies behind an unpublished
 * claim of our own. timeout_ns as in a claim. 0, or
 *
 *   -EAGAIN      not now (timeout 0)
 *   -ETIMEDOUT   not in time
 *   -ECANCELED   rb_sequencer_cancel() was called
 *   -EDEADLK     only we ourselves could read it
 *   -ESHUTDOWN   the stream was aborted
 *   -EOWNERDEAD  strict: they cannot come there, as above
 *   -ESTALE      the handle is no longer ours
 *   -EBADMSG     the channel is broken
 *
 * After -EAGAIN, -ETIMEDOUT and -EDEADLK `blocker` tells who is in the way.
 */
int rb_sequencer_drain(struct rb_sequencer *sequencer, int64_t timeout_ns);

/* In a forked child, after rb_channel_disinherit(): every call fails, with
 * -ECHILD where it would with -ESTALE. */
void rb_sequencer_disinherit(struct rb_sequencer *sequencer);

/* The rest is for this layer only. */

/* Why what is asked for is not done: `err`, or -ECHILD in a forked child. */
int rb_sequencer_refuse(const struct rb_sequencer *sequencer, int err);

/*
 * Waits until there is room up to `hi`. A claim that is already made must not
 * be given up as long as the stream's end includes it: `committed`.
 */
int rb_sequencer_wait_for_room(struct rb_sequencer *sequencer, int64_t hi,
			       int64_t timeout_ns, bool committed);

/* A claim that needs a look at others, or an answer to a wrong one. */
int64_t rb_sequencer_claim_slowly(struct rb_sequencer *sequencer, int64_t n,
				  int64_t timeout_ns);

/* After a publish up to `hi`: wakes who sleeps for it. -ESHUTDOWN, -EBADMSG, or 0
 * if the stream is open or its end is known to include `hi`. */
static inline int rb_sequencer_finish(struct rb_sequencer *sequencer,
				      int64_t hi);
int rb_sequencer_finish_slowly(struct rb_sequencer *sequencer, int64_t hi);

int64_t rb_single_claim(struct rb_sequencer *sequencer, int64_t n,
			int64_t timeout_ns);
int rb_single_abandon(struct rb_sequencer *sequencer, int64_t lo, int64_t hi);
int rb_single_publish_stamped(struct rb_sequencer *sequencer, int64_t lo,
			      int64_t hi);

int64_t rb_multi_claim(struct rb_sequencer *sequencer, int64_t n,
		       int64_t timeout_ns);
int rb_multi_publish(struct rb_sequencer *sequencer, int64_t lo, int64_t hi);
int rb_multi_abandon(struct rb_sequencer *sequencer, int64_t lo, int64_t hi);
bool rb_multi_is_stamped(const struct rb_channel *channel, int64_t sequence);
int64_t rb_multi_frontier(const struct rb_channel *channel, int64_t known,
			  int64_t claimed);

/* What a single producer does once an event stands here, to be inlined. */

static inline int64_t
rb_sequencer_claim(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	/* A subtraction, so that no n overflows. */
	if (rb_unlikely(n < 1 || n > s->claimable - s->next))
		return rb_sequencer_claim_slowly(s, n, timeout_ns);
	s->next += n;
	return s->next;
}

/* Nobody sleeps and the stream is open: nothing is left to do after a publish. */
static inline bool
rb_sequencer_is_quiet(const struct rb_sequencer *s)
{
	const struct rb_channel *c = s->channel;
	uint32_t wanted, event;

	/* ORDER(wake, compiler) - between the publish and the look for
	 * sleepers, whose membarrier fences; who must fence does not ask. */
	rb_fence_compiler();
	/* ORDER(none, relaxed) - the fence above orders them. */
	wanted = rb_word32_load_relaxed(&c->gates->data_wanted);
	event = rb_word32_load_relaxed(&c->ring->event);
	/* ORDER(closing, acquire) - after our store: OPEN here means that the
	 * daemon, which stores CLOSING, issues a membarrier and then reads the
	 * cursor for the end, finds what we published. */
	return (int32_t)(wanted - event) <= 0 &&
	       rb_word32_load_acquire(&c->meta->control.stream) ==
		       RB_STREAM_OPEN;
}

/* Mostly without a call, and what that has to save. */
static inline int
rb_sequencer_finish(struct rb_sequencer *s, int64_t hi)
{
	if (rb_likely(!s->fence && rb_sequencer_is_quiet(s)))
		return 0;
	return rb_sequencer_finish_slowly(s, hi);
}

/*
 * No call but a last one on any path: whatever must be saved over a call costs
 * stores, and while the cursor's line is with a consumer the store buffer is what
 * lets us run on.
 */
static inline int
rb_single_publish(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	struct rb_channel *c = s->channel;

	if (rb_unlikely((uint64_t)lo != (uint64_t)s->published + 1 || hi < lo ||
			hi > s->next))
		return rb_sequencer_refuse(s, -EINVAL);
	if (rb_unlikely(!s->is_plain))
		return rb_single_publish_stamped(s, lo, hi);
	s->published = hi;
	/* ORDER(publish, release) - the events up to hi, to consumers and
	 * taps; they would read old bytes otherwise. */
	rb_seq_store_release(&c->ring->published, hi);
	return rb_sequencer_finish(s, hi);
}

static inline int
rb_sequencer_publish(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	return rb_channel_is_multi(s->channel) ? rb_multi_publish(s, lo, hi)
					       : rb_single_publish(s, lo, hi);
}

#endif
