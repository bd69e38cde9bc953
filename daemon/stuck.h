/* SPDX-License-Identifier: MIT */
/*
 * stuck.h - producers that have claimed and do not publish, where `stuck: kill`
 * says what becomes of them
 *
 * What others have published behind such a claim nobody can read. Nothing that is
 * alive is repaired: a process that has held others up for longer than the
 * channel allows is killed, and what it had claimed is mended when its pidfd
 * fires, as after any death. One that itself waits for consumers to make room
 * holds nobody up. On a channel that a client has created only processes of its
 * creator's user are killed, unless that is the owner.
 *
 * A timer looks at such channels as long as one of them has a producer. What it
 * has seen is in the daemon's heap: after a restart time counts from anew.
 */
#ifndef RB_DAEMON_STUCK_H
#define RB_DAEMON_STUCK_H

#include "daemon/loop.h"
#include "daemon/registry.h"

struct rb_stuck {
	struct rb_registry *registry;
	struct rb_watch *tick;
};

/* 0 or -ENOMEM. */
int rb_stuck_init(struct rb_stuck *stuck, struct rb_loop *loop,
		  struct rb_registry *registry);
void rb_stuck_deinit(struct rb_stuck *stuck);

/* A producer has come, or a channel that has some. */
void rb_stuck_watch(struct rb_stuck *stuck, struct rb_hosted *hosted);

#endif
