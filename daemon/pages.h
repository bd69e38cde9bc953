/* SPDX-License-Identifier: MIT */
/*
 * pages.h - what the configuration wishes of a channel's memory
 *
 * Wishes: where the kernel does not grant one, that is said, and the channel works
 * without.
 */
#ifndef RB_DAEMON_PAGES_H
#define RB_DAEMON_PAGES_H

#include "daemon/hosted.h"

/* Huge pages and locked memory as the configuration says, as far as the kernel
 * lets us: the channel works without. They go with our mapping, so each daemon
 * asks for them. */
void rb_pages_tune(const struct rb_hosted *hosted,
		   const struct rb_config_channel *config);

/* Makes all of it present now. */
void rb_pages_prefault(const struct rb_hosted *hosted);

#endif
