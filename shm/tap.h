/* SPDX-License-Identifier: MIT */
/*
 * tap.h - a read-only observer that gates nobody
 *
 * Nobody waits for a tap, so what it reads may be overwritten while it reads.
 * It copies an event and then looks whether the copy can be whole: a slot is
 * written again only after `claimed` has been raised to a ring beyond it, and, of
 * several producers, the common `gate` to within a ring of that; so as long as
 * one of them is less, the copy is good. Where slots are cleared, `begun` says
 * how far. What was overwritten is counted as lost; nothing torn is ever handed
 * out. Whom producers wait for finds nothing overwritten.
 */
#ifndef RB_TAP_H
#define RB_TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"
#include "shm/event.h"

struct rb_tap {
	const struct rb_channel *channel;
	int64_t next;    /* sequence to read next */
	int64_t lost;    /* slots of events overwritten before they were read */
	int64_t restart; /* where it went on after the last loss */
};

/* Where to start. */
#define RB_TAP_NOW INT64_C(-1)
#define RB_TAP_OLDEST INT64_C(-2)

/* Starts at a sequence >= 0, or at one of the two above. */
void rb_tap_init(struct rb_tap *tap, const struct rb_channel *channel,
		 int64_t from);

/*
 * Copies the next event into `buffer` (event_size bytes of the geometry are
 * enough for any) and moves on. Returns its sequence, and its size in
 * *ret_size; -EAGAIN if there is none now, -ESHUTDOWN after the last one,
 * -EOWNERDEAD where a strict stream stops,
 * -EMSGSIZE if it does not fit (*ret_size tells; it is not skipped).
 */
int64_t rb_tap_read(struct rb_tap *tap, void *buffer, uint64_t buffer_size,
		    uint64_t *ret_size);

/*
 * For a reader that knows how far it may read: the next event up to `available`,
 * copied into `buffer`. Returns
 *
 *   1            there is one; *ret tells about the copy
 *   0            there is none up to there, or it is not yet there
 *   RB_TAP_LOST  the slots from ret->sequence to ret->last were overwritten, or
 *                are the rest of an event. If it was overtaken twice without an
 *                event in between, a sixteenth of the ring is given up as well,
 *                for a start
 *   RB_TAP_GAP   they are tombstones
 *   -EMSGSIZE    it does not fit; ret->view.size tells
 *   -EBADMSG     what lies there cannot be
 *
 * and has moved tap->next on, but for 0 and errors.
 */
#define RB_TAP_LOST 2
#define RB_TAP_GAP 3

struct rb_tap_found {
	struct rb_event_view view; /* data in the buffer */
	int64_t sequence;          /* of the event, or the first that is lost */
	int64_t last;
};

int rb_tap_next(struct rb_tap *tap, int64_t available, void *buffer,
		uint64_t buffer_size, struct rb_tap_found *ret);

/* The lowest sequence that nobody can be writing over, or clearing; from the next
 * look on it may be higher. */
int64_t rb_tap_oldest(const struct rb_channel *channel);

/* Whether what lies at `sequence` may be overwritten or cleared, or is. */
bool rb_tap_is_lapped(const struct rb_channel *channel, int64_t sequence);

/*
 * As rb_published_from(), for one that may be overtaken: if `next` is lost, then
 * how far there is something to be read, or lost.
 */
int64_t rb_tap_reach(const struct rb_channel *channel, int64_t next);

#endif
