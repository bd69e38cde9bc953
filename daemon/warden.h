/* SPDX-License-Identifier: MIT */
/*
 * warden.h - consumers with a limit, and what happens to those beyond it
 *
 *   evict   thrown out when it lags by more than max_lag, or has stood still for
 *           max_stall with events to read; if its place was kept, that goes
 *   park    gates no longer from there on, attached or not, until it has caught
 *           up to half of max_lag
 *
 * A timer looks at them, every few milliseconds while one of them is behind,
 * else a few times a second, and not at all while there is none. What it has
 * seen is in the daemon's heap: after a restart time counts from anew.
 */
#ifndef RB_DAEMON_WARDEN_H
#define RB_DAEMON_WARDEN_H

#include "daemon/loop.h"
#include "daemon/registry.h"

struct rb_warden {
	struct rb_registry *registry;
	struct rb_watch *tick;
	bool runs;
};

/* 0 or -ENOMEM. */
int rb_warden_init(struct rb_warden *warden, struct rb_loop *loop,
		   struct rb_registry *registry);
void rb_warden_deinit(struct rb_warden *warden);

/* Looks after consumer `index` from now on, if it has a limit; or after all of
 * a channel that is new here. */
void rb_warden_watch(struct rb_warden *warden, struct rb_hosted *hosted,
		     unsigned index);
void rb_warden_watch_all(struct rb_warden *warden, struct rb_hosted *hosted);

#endif
