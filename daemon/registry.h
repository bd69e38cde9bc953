/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the channels of this daemon, by name
 */
#ifndef RB_DAEMON_REGISTRY_H
#define RB_DAEMON_REGISTRY_H

#include "daemon/folder.h"
#include "daemon/hosted.h"

struct rb_registry {
	struct rb_maker maker;
	unsigned n_hosted;
	struct rb_hosted *hosted[RB_CHANNELS_MAX]; /* oldest first */
};

/* NULL if there is none. */
struct rb_hosted *rb_registry_find(const struct rb_registry *registry,
				   const char *name);

/* A channel to be made. */
struct rb_creation {
	const struct rb_config_channel *config; /* kept if it is the file's */
	const uid_t *creator; /* who wants it; NULL: the configuration file */
	const struct rb_peer *preparing; /* for whom alone, until it is open */
};

/*
 * Makes a channel. On failure -EEXIST, -EUSERS (too many), -ENOSPC and so on, and
 * `why` says it for people.
 */
int rb_registry_create(struct rb_registry *registry,
		       const struct rb_creation *creation, char *why,
		       size_t why_size, struct rb_hosted **ret);

/* Opens one that is being prepared to all. Errors as above. */
int rb_registry_open(struct rb_registry *registry, struct rb_hosted *hosted,
		     char *why, size_t why_size);

/* Takes over one that is ready. -EUSERS if there are too many. */
int rb_registry_add(struct rb_registry *registry, struct rb_hosted *hosted);

/* Removes a channel and its files. 0 or a negative errno, and has said why. */
int rb_registry_remove(struct rb_registry *registry, struct rb_hosted *hosted);

/* Dynamic channels, and their shared memory. */
unsigned rb_registry_count_dynamic(const struct rb_registry *registry,
				   uint64_t *ret_size);

/* Ends the stream of all channels; with `abort` at once. */
void rb_registry_close_streams(struct rb_registry *registry, bool abort);

/* Whether a process is attached anywhere. */
bool rb_registry_has_members(const struct rb_registry *registry);

/* The channel whose mapping has this address in it, or NULL. */
const struct rb_hosted *rb_registry_find_address(
	const struct rb_registry *registry, const void *address);

/* What becomes of the files when the daemon ends. */
enum rb_registry_rest {
	RB_REGISTRY_KEEP,        /* for the next daemon */
	RB_REGISTRY_REMOVE_MADE, /* those made by this one: it did not start */
	RB_REGISTRY_REMOVE,
};

/* Forgets all channels. */
void rb_registry_deinit(struct rb_registry *registry,
			enum rb_registry_rest rest);

#endif
