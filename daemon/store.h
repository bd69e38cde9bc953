/* SPDX-License-Identifier: MIT */
/*
 * store.h - the memory of sealed channels, kept by the service manager while no
 * daemon runs
 *
 * A memfd has no name by which the next daemon could find it. So the daemon hands
 * its segments to the descriptor store of its service manager, which gives all that
 * it has to the next one: see sd_notify(3), FDSTORE=1. Each is there as
 *
 *   segment.GENERATION.meta, .ring, .gates
 *
 * without the channel's name, which the header of `meta` has: a start gets the names
 * of all descriptors in one variable, for which the kernel has 128 KiB, and the
 * longest names of 1024 channels would not fit.
 *
 * The folder of a sealed channel holds nothing but its bell, and that holds the
 * generation. It decides: what is in the store and in no bell is nobody's, and a
 * channel is never served from the memory of another generation, whatever was lost
 * on the way to the store or back.
 *
 *   making                     killed after it, the next daemon finds, and does
 *     make hidden folder       half made: removes it
 *     make memfds, bell        the same; the memory has gone with us
 *     hand over the memfds     the same, and memory in no bell: gives that up
 *     give it its name         a channel: takes it over
 *   removing
 *     hide it                  half removed: removes it, gives its memory up
 *     give up the memfds       half removed: removes it
 *     remove the folder        nothing
 *
 * Nobody but its creator attaches before it has its name, and his place does not
 * outlive the daemon then. The service manager reads in order what we have sent, also
 * after our death and before it looks for that.
 *
 * A folder whose memory is nowhere (no store, or one that was emptied, since the
 * service was stopped or has failed) is of a channel that nobody can be let into any
 * more: it is removed. Who is in it goes on with those who are in it.
 */
#ifndef RB_DAEMON_STORE_H
#define RB_DAEMON_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/channel.h"

/* One that an earlier daemon has handed over. */
struct rb_stored {
	uint64_t generation;
	enum rb_file file;
	int fd;
	bool wanted; /* a bell has its generation */
};

struct rb_store {
	bool warned;
	unsigned n;
	struct rb_stored *all;
};

/* 1 if the name of an inherited descriptor is one of ours: `fd` is the store's then;
 * 0 if not; or -ENOMEM. */
int rb_store_take(struct rb_store *store, const char *name, int fd);

/* The segments of this generation, which stay the store's, and -1 for each that is not
 * there. If all are, they are wanted from now on. */
bool rb_store_find(struct rb_store *store, uint64_t generation,
		   int ret[RB_FILES]);

/* Gives up what nobody wants, unless it may be that of a channel which is left as
 * it is, and closes what we were given. */
void rb_store_settle(struct rb_store *store, bool any_is_left);

/* Closes what we were given; the service manager still has it. */
void rb_store_deinit(struct rb_store *store);

/* Hands over the segments of a channel. Where that cannot be it says so, and the
 * channel does without. */
void rb_store_put(struct rb_store *store, const struct rb_channel *channel,
		  const int fds[RB_FILES]);

/* Gives them up. */
void rb_store_drop(uint64_t generation);

#endif
