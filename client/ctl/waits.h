/* SPDX-License-Identifier: MIT */
/*
 * waits.h - who waits for whom on a channel, found in what it looks like
 *
 * Only those are found that are held up by somebody: a consumer that has read
 * everything waits for nobody.
 */
#ifndef CTL_WAITS_H
#define CTL_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/view.h"

enum wait_kind {
	WAIT_OPERATOR, /* producers, for one who has paused the channel */
	WAIT_SPACE,    /* producers, for a consumer or a hole */
	WAIT_EVENT,    /* consumers, for a producer */
	WAIT_STAGE,    /* a consumer, for one that it comes after */
};

struct wait {
	enum wait_kind kind;
	const struct ringbus_member *who;     /* of WAIT_STAGE */
	const struct ringbus_member *blocker; /* NULL: not known */
};

struct why {
	struct view view;
	struct ringbus_hole hole;
	bool has_hole;
	int64_t capacity;
	int64_t free;
	struct wait waits[RINGBUS_MEMBERS_MAX + 3];
	unsigned n_waits;
};

/* 0, or why the channel cannot be looked at. */
int waits_read(const struct ringbus_channel *channel, struct why *why);

/* Whether it is one of those that a wait is about. */
bool waits_has(const struct why *why, const struct wait *wait,
	       const struct ringbus_member *m);

/* For how long the one of them does that has waited longest; 0: not known. */
int64_t waits_longest(const struct why *why, const struct wait *wait);

/* What a consumer waits for itself: an earlier stage, or a producer; NULL if for
 * nobody, so that it is its own affair. */
const struct ringbus_member *waits_blocker_of(const struct why *why,
					      const struct ringbus_member *m);

/* A strict stream has stopped, and that is what consumers wait at. */
bool waits_at_break(const struct why *why);

#endif
