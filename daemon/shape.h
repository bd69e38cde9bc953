/* SPDX-License-Identifier: MIT */
/*
 * shape.h - a channel that is there, in the words of the configuration
 *
 * What a channel is stands in its memory, and not in the configuration that it was
 * once made by, which may be forgotten. So it is read from there to be compared
 * with what is wanted now; what is not written there is taken to be as wanted.
 */
#ifndef RB_DAEMON_SHAPE_H
#define RB_DAEMON_SHAPE_H

#include "config/diff.h"
#include "daemon/hosted.h"

/* `known` has what its memory does not tell; consumers are the declared ones. */
void rb_shape_of(const struct rb_hosted *hosted,
		 const struct rb_config_channel *known,
		 struct rb_config_channel *ret);

/* Whether this channel, as it is now, lives through a change. If not, and others
 * would, *ret_obstacle says why, else it is NULL. */
bool rb_shape_admits(const struct rb_hosted *hosted,
		     const struct rb_change *change, const char **ret_obstacle);

/* NULL, or the key in which a channel is not as its configuration says and cannot
 * become so while it is in use. */
const char *rb_shape_find_difference(const struct rb_hosted *hosted);

/* Has the channel do from now on what can be changed while it is in use: as its
 * configuration says. */
void rb_shape_tune(struct rb_hosted *hosted);

#endif
