/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the channels of this daemon, by name
 */
#ifndef RB_DAEMON_REGISTRY_H
#define RB_DAEMON_REGISTRY_H

#include <sys/queue.h>

#include "daemon/folder.h"
#include "daemon/hosted.h"
#include "daemon/inspect.h"
#include "daemon/user.h"

/* One that an earlier daemon left and that is not served: see judge.h. */
struct rb_refused {
	char name[RB_NAME_SIZE];
	int err;
	bool outdated; /* of another layout: see outdated.h */
	bool is_left;  /* such a one, that waits for an operator */
	bool was_used; /* and somebody was in it since this daemon knows it */
	char why[RB_WHY_SIZE];
	SLIST_ENTRY(rb_refused) next;
};

struct rb_registry {
	struct rb_maker maker;
	struct rb_users *users; /* who have it all */
	unsigned n_refused;
	SLIST_HEAD(rb_refused_list, rb_refused) refused;
	unsigned n_hosted;
	struct rb_hosted *hosted[RB_CHANNELS_MAX]; /* oldest first */
};

/* NULL if there is none. */
struct rb_hosted *rb_registry_find(const struct rb_registry *registry,
				   const char *name);

/* A channel to be made. */
struct rb_creation {
	const struct rb_config_channel *config; /* kept if it is the file's */
	struct rb_user *creator;         /* NULL: the configuration file */
	const struct rb_peer *preparing; /* for whom alone, until it is open */
};

/*
 * Makes a channel. On failure -EEXIST, -EBADMSG (there is one, and it is broken),
 * -EUSERS (too many), -ENOSPC and so on, and `why` says it for people.
 */
int rb_registry_create(struct rb_registry *registry,
		       const struct rb_creation *creation, char *why,
		       size_t why_size, struct rb_hosted **ret);

/*
 * The same in two steps: make it, of which nobody sees anything, and which can be
 * unmade; then give it its place, if that is free and there is room in the
 * registry, which cannot be undone. The first fails as above, the second hardly.
 */
int rb_registry_make(struct rb_registry *registry,
		     const struct rb_config_channel *config, char *why,
		     size_t why_size, struct rb_hosted **ret);
void rb_registry_unmake(struct rb_registry *registry, struct rb_hosted *hosted);
int rb_registry_place(struct rb_registry *registry, struct rb_hosted *hosted,
		      char *why, size_t why_size);

/* Opens one that is being prepared to all. Errors as above. */
int rb_registry_open(struct rb_registry *registry, struct rb_hosted *hosted,
		     char *why, size_t why_size);

/* Takes over one that is ready. -EUSERS if there are too many. */
int rb_registry_add(struct rb_registry *registry, struct rb_hosted *hosted);

/*
 * Remembers why a channel is not served, for those who ask for it. 0 or -ENOMEM.
 * Finding it gives NULL if this is not the reason why there is none.
 */
int rb_registry_refuse(struct rb_registry *registry, const char *name, int err,
		       const char *why);
const struct rb_refused *rb_registry_find_refused(
	const struct rb_registry *registry, const char *name);

/* Forgets why there is none of this name: what was in the way is gone. */
void rb_registry_admit(struct rb_registry *registry, const char *name);

/* Removes a channel and its files. 0 or a negative errno, and has said why. */
int rb_registry_remove(struct rb_registry *registry, struct rb_hosted *hosted);

/* Takes one out that stays the caller's. */
void rb_registry_forget(struct rb_registry *registry,
			const struct rb_hosted *hosted);

/* Dynamic channels, and their shared memory. */
unsigned rb_registry_count_dynamic(const struct rb_registry *registry,
				   uint64_t *ret_size);

/* Ends the stream of all channels for good, as the daemon stops; with `abort` at
 * once. */
void rb_registry_close_streams(struct rb_registry *registry, bool abort);

/* Whether a process is attached anywhere. */
bool rb_registry_has_members(const struct rb_registry *registry);

/* The channel whose mapping has this address in it, and in which file; or NULL. */
struct rb_hosted *rb_registry_find_address(const struct rb_registry *registry,
					   const void *address,
					   enum rb_file *ret_file);

/* How many are broken: see tamper.h. */
unsigned rb_registry_count_broken(const struct rb_registry *registry);

/* Who is or was the last in the place of consumer `index`, as far as he is
 * known, or NULL. */
struct rb_user *rb_registry_holder(const struct rb_registry *registry,
				   const struct rb_hosted *hosted,
				   unsigned index);

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
