/* SPDX-License-Identifier: MIT */
/*
 * group.h - workers that share one consumer's work: each event to one of them
 *
 * LMAX had this as its WorkerPool and gave it up; what was wrong there, an event
 * that is lost with its worker, is what this is made to mend. A group is one
 * consumer to producers and dependants: its sequence says that everything up to
 * there is done. Beyond it each slot has a word of work:
 *
 *   lap 32 | attempt 16 | worker 8 | state 8
 *
 *   open      not yet taken in this lap; also any word of another lap
 *   taken     `worker` has it, for the `attempt`th time
 *   done
 *
 *                   take: CAS by a worker
 *        +-> open ----------------------------> taken ----> done
 *        |                                        |    done: CAS by the worker
 *        +----------------------------------------+
 *          return: by the worker, or by the daemon once it is dead
 *
 * Every step is one CAS that leaves the word telling all there is to know, so a
 * worker may die anywhere. Whoever does the next event after the group's
 * sequence moves the sequence on over all that are done.
 *
 * `hint` says from where to look for open work. It is raised by who looked and
 * lowered by who returned something; too low is only slow. So that nobody raises
 * it over what was returned meanwhile, each lowering is a new version:
 *
 *   version 32 | the low 32 bits of the sequence + 1
 *
 * With a key, events of the same key go to the same worker, in order: see lane.h.
 * A worker has no more than one event of a lane at a time, so that one which
 * returns, fails or dies leaves none behind that a later one has overtaken.
 */
#ifndef RB_GROUP_H
#define RB_GROUP_H

#include <errno.h>
#include <stdint.h>

#include "shm/barrier.h"
#include "shm/channel.h"
#include "shm/event.h"
#include "shm/lane.h"

/* One worker in one process; one thread at a time, but for the barrier's alert.
 * Its own gate's sequence is the highest event it has done, for people. */
struct rb_worker {
	struct rb_barrier barrier; /* our own entry; deps are the group's */
	struct rb_group *group;
	struct rb_gate *gate;           /* the group's */
	const struct rb_member *member; /* the group's */
	unsigned group_index;
	uint32_t key_offset;
	uint32_t key_size; /* 0: any event to anyone */
	unsigned slots_shift;
	int64_t scan; /* with a key: up to here nothing is open for us */
	struct rb_lanes lanes;
};

/* Takes over worker entry `index`, which the daemon has given us. -EBADMSG for a
 * group that cannot be. */
int rb_worker_init(struct rb_worker *worker, struct rb_channel *channel,
		   unsigned index, uint32_t epoch);

/*
 * Waits until there is an event to take. Returns its sequence (another may be
 * faster all the same), or an error of rb_barrier_wait(); -ESHUTDOWN once the
 * stream has ended and all of it is done, by whomever; so -EOWNERDEAD.
 */
int64_t rb_worker_wait(struct rb_worker *worker, int64_t timeout_ns);

/* A piece of work. */
struct rb_work {
	struct rb_event_view view;
	int64_t sequence;
	unsigned attempt; /* 1: nobody has had it before */
	unsigned lane;    /* with a key */
};

/* Takes the next event: 1, 0 if there is none to take now, or -EBADMSG. */
int rb_worker_take(struct rb_worker *worker, struct rb_work *ret);

/* What was taken is done, or is not and goes to somebody else. -ESTALE if it is
 * no longer ours, -EBADMSG if the channel is broken. */
int rb_worker_done(struct rb_worker *worker, const struct rb_work *work);
int rb_worker_return(struct rb_worker *worker, const struct rb_work *work);

/* As rb_barrier_look() and rb_barrier_arm(). */
int rb_worker_look(struct rb_worker *worker);
int rb_worker_arm(struct rb_worker *worker);

/* The daemon: worker `index` is dead or has left, and holds nothing any more.
 * Can be repeated. */
void rb_group_bury(struct rb_channel *channel, unsigned index);

/* The daemon: the group with entry `index` begins at its gate's sequence. */
void rb_group_reset(struct rb_channel *channel, unsigned index);

/* The daemon: open work is looked for from there on, whatever is known. Can be
 * repeated. */
void rb_group_look_again(struct rb_channel *channel, unsigned index);

#endif
