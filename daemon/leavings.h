/* SPDX-License-Identifier: MIT */
/*
 * leavings.h - what is in the folder of the channels, one by one
 */
#ifndef RB_DAEMON_LEAVINGS_H
#define RB_DAEMON_LEAVINGS_H

#include "daemon/folder.h"

/* What a name in the folder may stand for. */
enum rb_leaving {
	RB_LEAVING_CHANNEL, /* a channel, or what has the place of one */
	RB_LEAVING_HALF,    /* a folder half made or half removed */
	RB_LEAVING_OTHER,   /* what is not ours */
};

typedef int (*rb_leaving_fn)(void *context, const char *name,
			     enum rb_leaving leaving);

/* Calls `visit` for all but the lock and the socket, in the order of their
 * names, until it returns non-zero; returns that, 0, or a negative errno of the
 * folder, and has said which. */
int rb_leavings_visit(const struct rb_maker *maker, rb_leaving_fn visit,
		      void *context);

#endif
