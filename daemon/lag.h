/* SPDX-License-Identifier: MIT */
/*
 * lag.h - how far a consumer is behind what it could read
 *
 * What an earlier stage is not done with does not count against it. All of this
 * is written by clients and moves while it is read: figures to judge by, which
 * for those who tell the truth are never too large.
 */
#ifndef RB_DAEMON_LAG_H
#define RB_DAEMON_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

/* Where it is. */
int64_t rb_lag_sequence(const struct rb_channel *channel, unsigned index);

/* Slots that it could read and has not committed. Of several producers this
 * looks at each of them. */
int64_t rb_lag(const struct rb_channel *channel, unsigned index);

/* Whether that are more than n; quick in the usual cases. */
bool rb_lag_exceeds(const struct rb_channel *channel, unsigned index,
		    int64_t n);

/* The highest sequence up to which all is published. */
int64_t rb_lag_published(const struct rb_channel *channel);

#endif
