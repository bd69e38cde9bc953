/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - the consumers' side: how far may I read, and I have read so far
 *
 * One struct rb_barrier is one consumer in one process, after LMAX's
 * SequenceBarrier and the Sequence of its event processor. It belongs to one
 * thread at a time, except for rb_barrier_alert().
 *
 * A consumer that waits for others reads up to the slowest of them; one that
 * waits for nobody reads what is published. Either way a wait returns a bound
 * up to which everything is published, or the reason why not.
 */
#ifndef RB_BARRIER_H
#define RB_BARRIER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"
#include "shm/pace.h"

struct rb_barrier {
	/* First, for what programs have inlined: see client/internal.h. */
	int64_t available; /* as last returned by a wait */
	struct rb_channel *channel;
	struct rb_gate *gate;     /* our sequence */
	struct rb_member *member; /* ourselves in the member table, read-only */
	unsigned index;
	uint32_t epoch;
	bool fence;
	bool lags; /* may be overtaken by producers: reads copies, see tap.h */
	bool is_timed; /* its latencies are measured: latency.h */
	bool clears;   /* slots that everybody has read have to be zeroed */
	enum rb_wait_kind wait;
	int64_t committed; /* our sequence, as last stored */
	uint64_t batches;  /* the gate's, as we stored it; as the next */
	int64_t lag_max;
	struct rb_pace pace;
	struct rb_word32 alerted;
};

/*
 * Takes over consumer `index`, which the daemon has given us under `epoch`. One
 * that is not RB_SLOW_GATE lags: a wait of its may return slots that are lost by
 * now, or are lost before it comes to read them. rb_tap_next() tells.
 */
void rb_barrier_init(struct rb_barrier *barrier, struct rb_channel *channel,
		     unsigned index, uint32_t epoch);

/*
 * Waits until `next` may be read, and returns the highest sequence that may.
 * timeout_ns as in rb_sequencer_claim(). Returns
 *
 *   -EAGAIN     not now (timeout 0)
 *   -ETIMEDOUT  not in time
 *   -ECANCELED  rb_barrier_alert() was called
 *   -ESHUTDOWN  the stream has ended before `next`
 *   -EOWNERDEAD  strict: the producer of `next` died before it published it
 *   -ESTALE     this consumer is no longer ours
 *   -EBADMSG    the channel is broken; or somebody stored a sequence that
 *               cannot be
 */
int64_t rb_barrier_wait(struct rb_barrier *barrier, int64_t next,
			int64_t timeout_ns);

/*
 * Looks without waiting why there is nothing at `next`, or whether there is:
 * for an event loop that wants to know what to do.
 */
enum rb_barrier_state {
	RB_BARRIER_READY,  /* `next` may be read */
	RB_BARRIER_IDLE,   /* it is not published */
	RB_BARRIER_GATING, /* it is, and an earlier stage is not done with it; or
			    * one of several producers has claimed it */
	RB_BARRIER_END,    /* the stream has ended before it */
};

/* One of them, and with READY `available` is as after a wait; or -ESTALE,
 * -EBADMSG, -ECANCELED, -EOWNERDEAD as a wait. */
int rb_barrier_look(struct rb_barrier *barrier, int64_t next);

/*
 * Announces to whoever publishes `next`, or does what it waits for, that it has
 * to ring the bell. 0: it will; 1: no need to, there is something already, be it
 * the end; or an error as above. What rang before has to be forgotten before.
 */
int rb_barrier_arm(struct rb_barrier *barrier, int64_t next);

/* Takes the announcement back. */
void rb_barrier_disarm(struct rb_barrier *barrier);

/*
 * We are done with everything up to `sequence`: producers may overwrite it and
 * dependants may read it. -ESTALE if the consumer is no longer ours (nothing is
 * stored then), -EINVAL for a step back or beyond what was available, -EBADMSG if
 * the channel is broken: what was read since the last commit may be zeroes.
 */
int rb_barrier_commit(struct rb_barrier *barrier, int64_t sequence);

/* In a forked child, after rb_channel_disinherit(): nothing is there to read or
 * to commit, and -ECHILD takes the place of -ESTALE. */
void rb_barrier_disinherit(struct rb_barrier *barrier);

/* From any thread or a signal handler: the wait that sleeps, or the next one,
 * returns -ECANCELED, once. Wakes it. */
void rb_barrier_alert(struct rb_barrier *barrier);

/*
 * The highest sequence from `next` on that producers have published, or
 * next - 1. For taps too. Looks at no more than RB_SCAN_MAX slots of a
 * multi-producer channel, but ends at the end of a framed event.
 */
int64_t rb_published_from(const struct rb_channel *channel, int64_t next);

#define RB_SCAN_MAX 4096

/*
 * The parts of a wait, for who waits for more than a bound: see group.c. How far
 * one may read from `next` on, or less than `next`; not yet held against the end
 * of the stream, and as honest as those who wrote it. In *ret_event what wakes
 * us when it moves.
 */
int64_t rb_barrier_bound(const struct rb_barrier *barrier, int64_t next,
			 struct rb_event *ret_event);

/* Why a wait should not go on: 0, -ECANCELED, -ESTALE, -ESHUTDOWN if the stream
 * was aborted, or -EBADMSG if the channel is broken. */
int rb_barrier_check(struct rb_barrier *barrier);

/*
 * Whether the place is still ours: if not, rb_channel_why_lost() tells why. Looked
 * at after what was read, by whoever counts that as done: if the channel is broken,
 * so that zeroes may have been read, nobody has his place any more.
 */
static inline bool
rb_barrier_is_ours(const struct rb_barrier *barrier)
{
	/* ORDER(none, compiler) - what we have read comes before this look: it
	 * is our own signal handler that tells us, perhaps. */
	rb_fence_compiler();
	/* ORDER(none, relaxed) - the daemon tells us, nothing depends on it. */
	return rb_word32_load_relaxed(&barrier->member->epoch) ==
	       barrier->epoch;
}

#endif
