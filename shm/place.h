/* SPDX-License-Identifier: MIT */
/*
 * place.h - where one starts that joins a channel under flow
 *
 * For the daemon alone. A consumer is placed twice, with the new graph published
 * in between: see place.c.
 */
#ifndef RB_PLACE_H
#define RB_PLACE_H

#include <stdint.h>

#include "shm/channel.h"

/* The last sequence up to which all is published. */
int64_t rb_place_frontier(const struct rb_channel *channel);

/*
 * Places consumer `index` by `from` (enum rb_from, or a sequence up to the
 * frontier + 1). Returns how many slots that it asked for are gone.
 */
int64_t rb_place_consumer(struct rb_channel *channel, unsigned index,
			  int64_t from);

#endif
