/* SPDX-License-Identifier: MIT */
/*
 * pages.h - what the configuration wishes of a channel's memory
 *
 * Wishes: where the kernel does not grant one, that is said in the log and written
 * down in `meta` for everybody to see (placement.h), and the channel works without.
 *
 *   prefault    all of it is present before anybody attaches
 *   lock        and stays: the lock is our mapping's, so each daemon takes it anew
 *   huge_pages  what is there is put together into huge pages, once; that does not
 *               depend on how the tmpfs is mounted (huge=)
 *   numa_node   taken from there from the start, and what is ours alone moved there;
 *               another node's where that is full
 *   cpus        only written down: members pin themselves
 */
#ifndef RB_DAEMON_PAGES_H
#define RB_DAEMON_PAGES_H

#include "config/diff.h"
#include "daemon/hosted.h"
#include "shm/placement.h"

/* From now on, files of this channel are made; NULL: of none. */
void rb_pages_prefer(const struct rb_config_channel *config);

/* Does what is wished and has not been granted yet, of a channel that we have made or
 * taken over, or of which something else is wished now. */
void rb_pages_place(struct rb_hosted *hosted,
		    const struct rb_config_channel *config);

/* What becomes of a change that needs no new generation, for people. */
const char *rb_pages_describe(const struct rb_change *change);

/* For who only asks, of a channel with so many bytes: 0, or a negative errno if it is
 * wished and would surely not be granted. */
int rb_pages_foresee(const struct rb_config_channel *config,
		     enum rb_placement kind, uint64_t size);

#endif
