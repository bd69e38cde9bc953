/* SPDX-License-Identifier: MIT */
/*
 * expiry.h - places that are kept for consumers that are away, until keep_for is
 * over
 *
 * The timer runs only while somebody is away whose time is limited.
 */
#ifndef RB_DAEMON_EXPIRY_H
#define RB_DAEMON_EXPIRY_H

#include "daemon/loop.h"
#include "daemon/registry.h"

struct rb_expiry {
	const struct rb_registry *registry;
	struct rb_watch *timer;
};

/* 0 or -ENOMEM. */
int rb_expiry_init(struct rb_expiry *expiry, struct rb_loop *loop,
		   const struct rb_registry *registry);
void rb_expiry_deinit(struct rb_expiry *expiry);

/* Somebody has become absent: releases whose time is over, and comes back for the
 * next. */
void rb_expiry_expect(struct rb_expiry *expiry);

#endif
