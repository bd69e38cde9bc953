/* SPDX-License-Identifier: MIT */
/*
 * move.c - see move.h
 *
 * A daemon that dies in between leaves one that is at either place. Of a group the
 * words are wiped first: what was done beyond its place would count as done else,
 * and nobody would be there to pass over it.
 */
#include "shm/move.h"

#include <errno.h>

#include "shm/clear.h"
#include "shm/entry.h"
#include "shm/graph.h"
#include "shm/group.h"
#include "shm/place.h"

static void
move_to(struct rb_channel *channel, unsigned index, int64_t before,
	struct rb_moved *ret)
{
	struct rb_member *m = &channel->meta->consumers[index];
	struct rb_gate *gate = &channel->gates->consumers[index];
	bool is_group = rb_entry_get(&m->group) != 0;

	if (is_group)
		rb_group_reset(channel, index);
	/* ORDER(none, relaxed) - it is absent: nobody else writes it. */
	if (before < rb_seq_load_relaxed(&gate->sequence)) {
		rb_entry_put(&m->behind, 1); /* others may be ahead of it */
		rb_graph_publish(channel);
	}
	before = rb_place_move(channel, index, before, ret->highest - 1);
	if (is_group)
		rb_group_look_again(channel, index);
	rb_channel_wake_all(channel);
	if (channel->clear != RB_CLEAR_NONE)
		rb_clear_read(channel, RB_CONSUMERS_MAX);
	ret->next = before + 1;
}

int
rb_member_move(struct rb_channel *channel, unsigned index, int64_t from,
	       struct rb_moved *ret)
{
	int64_t lowest, highest, before = from - 1;

	rb_place_find_range(channel, index, &lowest, &highest);
	*ret = (struct rb_moved){ .lowest = lowest + 1,
				  .highest = highest + 1 };
	if (from == RB_FROM_NOW)
		before = highest;
	else if (from == RB_FROM_OLDEST)
		before = lowest;
	else if (before < lowest || before > highest)
		return -ERANGE;
	move_to(channel, index, before, ret);
	return 0;
}
