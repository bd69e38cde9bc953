/* SPDX-License-Identifier: MIT */
/*
 * outdated.h - channels of another memory layout, which another ringbus has left
 *
 * We can't read who is in them, and those can't be told anything; but they go on
 * among themselves, as long as they like. Whether somebody is left the kernel knows:
 * each producer has `ring` and each consumer `gates` open for writing, in any
 * layout. Meanwhile the name lets nobody in, and who asks is told to try again. When
 * the last has left, the old files go, and the channel is made as the configuration
 * says.
 *
 * What nobody can tell is whether a kept consumer that is away has yet to read
 * something. So one that nobody was in when it was found, or that by its
 * configuration has such consumers, stays, until an operator has it removed.
 *
 * A timer looks once in a while, as long as there are any.
 */
#ifndef RB_DAEMON_OUTDATED_H
#define RB_DAEMON_OUTDATED_H

#include "daemon/loop.h"
#include "daemon/registry.h"

struct rb_daemon;

struct rb_outdated {
	struct rb_daemon *daemon;
	struct rb_watch *tick;
};

/* 0 or -ENOMEM. */
int rb_outdated_init(struct rb_outdated *outdated, struct rb_daemon *daemon);
void rb_outdated_deinit(struct rb_outdated *outdated);

/* Looks now, and from now on. */
void rb_outdated_watch(struct rb_outdated *outdated);

/* Removes one because somebody says so, and makes it anew as it is configured. -EBUSY
 * if somebody is in it or that cannot be told, or another negative errno. */
int rb_outdated_remove(struct rb_outdated *outdated, const char *name);

#endif
