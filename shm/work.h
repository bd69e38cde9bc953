/* SPDX-License-Identifier: MIT */
/*
 * work.h - the words of a group's work: what is open, whose, and done up to where
 *
 * The steps that workers and the daemon take on a struct rb_group; which event
 * to take is group.c's matter. See group.h for the states of a word.
 */
#ifndef RB_WORK_H
#define RB_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/group.h"

enum rb_work_state {
	RB_WORK_OPEN,
	RB_WORK_TAKEN,
	RB_WORK_DONE,
};

/* Fills in where the group with entry `index` is, all but the barrier. -EBADMSG
 * for a group that cannot be. */
int rb_work_attach(struct rb_worker *worker, struct rb_channel *channel,
		   unsigned index);

/* Up to here all is done. */
int64_t rb_work_sequence(const struct rb_worker *worker);

/*
 * How far one may look for work, at least up to the group's sequence, and kept
 * in the barrier's `available`; in *ret_event what wakes us when there is more.
 * -EBADMSG if somebody stored a sequence that cannot be.
 */
int64_t rb_work_bound(struct rb_worker *worker, struct rb_event *ret_event);

/* What the word at `sequence` says; the word itself is for rb_work_take(). */
enum rb_work_state rb_work_state(const struct rb_worker *worker,
				 int64_t sequence, uint64_t *ret_word);

/* Takes an open one. Returns which attempt that is; 0 if another was faster. */
unsigned rb_work_take(struct rb_worker *worker, int64_t sequence,
		      uint64_t word);

/* Ours becomes open or done; false if it is not ours. */
bool rb_work_put(struct rb_worker *worker, const struct rb_work *work,
		 enum rb_work_state state);

/* Opens all that worker `self` has taken. */
void rb_work_open_of(struct rb_worker *worker, unsigned self);

/* All slots open, none done beyond the group's sequence. */
void rb_work_clear(struct rb_worker *worker);

/*
 * Moves the group's sequence over all that is done and wakes whom that concerns.
 * After every event that became done, and by anybody at any time.
 */
void rb_work_advance(struct rb_worker *worker);

/* True if rb_work_advance() would move: what nobody will be done with, as a
 * tombstone, or somebody did who then died. */
bool rb_work_is_stuck(const struct rb_worker *worker);

/* True once the group has done all that comes before the place where a strict
 * stream stops. */
bool rb_work_is_broken(const struct rb_worker *worker);

/*
 * From where to look for open work: *ret_seen is for rb_work_raise_hint(), which
 * says that nothing up to `sequence` is open. Lowered after something was opened.
 */
int64_t rb_work_hint(const struct rb_worker *worker, int64_t *ret_seen);
void rb_work_raise_hint(struct rb_worker *worker, int64_t seen,
			int64_t sequence);
void rb_work_lower_hint(struct rb_worker *worker);

/* Other workers should look again, though no event word of theirs has changed. */
void rb_work_call(struct rb_worker *worker);

#endif
