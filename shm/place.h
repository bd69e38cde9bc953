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
 * Where one that is absent may be moved to: from the sequence after *ret_lowest on,
 * as nothing of that can have been overwritten, up to the one after *ret_highest,
 * where it has read all that it may. Both are before what it would read next.
 */
void rb_place_find_range(const struct rb_channel *channel, unsigned index,
			 int64_t *ret_lowest, int64_t *ret_highest);

/* Moves it to `before`, or a little on to where an event starts; returns where it
 * is. For move.c, which has looked where it may be. */
int64_t rb_place_move(struct rb_channel *channel, unsigned index,
		      int64_t before, int64_t highest);

/*
 * Places consumer `index` by `from` (enum rb_from, or a sequence up to the
 * frontier + 1). Returns how many slots that it asked for are gone.
 */
int64_t rb_place_consumer(struct rb_channel *channel, unsigned index,
			  int64_t from);

/*
 * For one that was parked: before it gates again, and once the graph in which it does
 * is published. Producers may have gone on without it as far as anybody can have
 * read. The second is for all of whom the first was said, by a daemon that died too.
 */
void rb_place_return(struct rb_channel *channel, unsigned index);
void rb_place_settle_returned(struct rb_channel *channel);

#endif
