/* SPDX-License-Identifier: MIT */
/*
 * move.h - another place for a consumer whose place is kept while nobody is there
 *
 * For the daemon alone. Forward is one store, as if it had read what lies between.
 * Back it goes as far as nothing can have been overwritten, and then it gates by
 * itself, as those that come after it may be ahead. What the workers of a group had
 * done beyond the new place is done again.
 */
#ifndef RB_MOVE_H
#define RB_MOVE_H

#include <stdint.h>

#include "shm/channel.h"

struct rb_moved {
	int64_t next;    /* what it reads next */
	int64_t lowest;  /* what that may be */
	int64_t highest; /* likewise */
};

/*
 * Moves consumer `index`, which is absent, to `from`: a sequence, RB_FROM_OLDEST, or
 * RB_FROM_NOW, where it has read all that it may. 0; or -ERANGE for one that it
 * cannot have; *ret is written in both cases.
 */
int rb_member_move(struct rb_channel *channel, unsigned index, int64_t from,
		   struct rb_moved *ret);

#endif
