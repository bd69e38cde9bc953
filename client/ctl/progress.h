/* SPDX-License-Identifier: MIT */
/*
 * progress.h - what pub says on stderr while it goes on
 *
 * Two things: on a terminal how far it is, once a second; and anywhere who
 * keeps it waiting, after 2 s and every 10 s from then on.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/ctl.h"

struct progress {
	const struct ctl *ctl;
	bool is_tty;     /* one line, written over again and again */
	bool shows_rate; /* how far it is */
	bool is_written; /* there is such a line now */
	int64_t shown_ns;
	int64_t blocked_ns; /* since when; 0: we are not */
	int64_t warned_ns;
	uint64_t n_shown; /* events when it was shown last */
};

void progress_init(struct progress *progress, const struct ctl *ctl,
		   bool is_interactive);

/* Cheap unless a second is over. */
void progress_show(struct progress *progress, uint64_t n_events);

/* A wait of `slice_ns` was in vain. Returns how long we have been blocked. */
int64_t progress_blocked(struct progress *progress,
			 const struct ringbus_producer *producer,
			 int64_t slice_ns);

/* There was room. */
static inline void
progress_unblocked(struct progress *progress)
{
	progress->blocked_ns = 0;
}

/* Removes the line from the terminal, so that others can write. */
void progress_clear(struct progress *progress);

/* Who is in the way; may be written into `text`, CTL_LAGGARD_TEXT bytes. */
const char *progress_name_blocker(const struct ringbus_producer *producer,
				  char *text);

#endif
