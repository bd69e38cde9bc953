/* SPDX-License-Identifier: MIT */
/*
 * view.h - a channel and its members, copied at once
 *
 * What `show` prints has to agree with itself, so that everything is read once,
 * before anything is written.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include <stdint.h>

#include "client/ringbus.h"

#define VIEW_PLACEMENTS_MAX 16

struct view {
	struct ringbus_info info;
	/* Producers, then consumers, each by their index. */
	struct ringbus_member members[2 * RINGBUS_MEMBERS_MAX];
	struct ringbus_io
		ios[2 * RINGBUS_MEMBERS_MAX]; /* of them; size 0: none */
	unsigned n_members;
	struct ringbus_placement placements[VIEW_PLACEMENTS_MAX];
	unsigned n_placements;
};

int view_read(const struct ringbus_channel *channel, struct view *ret);

/* The consumer with this index; NULL if there was none. */
const struct ringbus_member *view_consumer(const struct view *view,
					   unsigned index);

/* How this one of them fares outside; NULL if it has told nothing. */
const struct ringbus_io *view_io(const struct view *view,
				 const struct ringbus_member *member);

/* Slots that are published and not read by all that gate, and which part of the
 * capacity that is. Cursor and gating are not of one moment: never below 0, and
 * the part never above 1. */
int64_t view_used(const struct view *view);
double view_fill(const struct view *view);

/* Workers that a group has right now. */
unsigned view_count_workers(const struct view *view,
			    const struct ringbus_member *group);

#endif
