/* SPDX-License-Identifier: MIT */
/*
 * tap.h - a read-only observer that gates nobody
 *
 * Nobody waits for a tap, so what it reads may be overwritten while it reads.
 * It copies an event and then looks whether the copy can be whole: `claimed` is
 * raised before any slot is written again, so as long as it is less than a ring
 * beyond the event, the copy is good. What was overwritten is counted as lost;
 * nothing torn is ever handed out.
 */
#ifndef RB_TAP_H
#define RB_TAP_H

#include <errno.h>
#include <stdint.h>

#include "shm/channel.h"

struct rb_tap {
	const struct rb_channel *channel;
	int64_t next; /* sequence to read next */
	int64_t lost; /* slots of events overwritten before they were read */
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
 * -EMSGSIZE if it does not fit (*ret_size tells; it is not skipped).
 */
int64_t rb_tap_read(struct rb_tap *tap, void *buffer, uint64_t buffer_size,
		    uint64_t *ret_size);

#endif
