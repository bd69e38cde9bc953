/* SPDX-License-Identifier: MIT */
/*
 * hosted.h - one channel that this daemon hosts
 *
 * The channel's folder, its mapping, what the configuration says about it, and
 * who is in it.
 */
#ifndef RB_DAEMON_HOSTED_H
#define RB_DAEMON_HOSTED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "daemon/membership.h"
#include "shm/channel.h"

struct rb_peer;
struct rb_user;

#define RB_NOBODY ((uid_t)-1) /* no uid */

#define RB_HIDDEN_SIZE (RB_NAME_SIZE + 32)

/* What the warden has seen of a consumer with a limit. */
struct rb_stall {
	uint32_t epoch;
	bool told; /* of its parking */
	int64_t sequence;
	int64_t since_ns; /* it has stood there with events to read; 0: not */
	int64_t looked_ns;
	int64_t quiet_until_ns;
};

/* What is known of the first hole that a producer of several has left, for how
 * long it is there. */
struct rb_holdup {
	int64_t sequence;
	uint64_t suspects; /* bit i: producer i has had it all the time */
	int64_t since_ns;  /* 0: there is none */
	int64_t looked_ns;
};

/* What is known of what clients do to its files; see tamper.h. */
struct rb_tampering {
	int inotify;
	int watches[RB_FILES]; /* of it; 0 or less: not watched */
	bool suspect;          /* somebody has changed one */
	unsigned n_refills;
	int64_t quiet_until_ns;
};

struct rb_hosted {
	char name[RB_NAME_SIZE];
	/* Of its folder as long as it is not in its place; then empty. */
	char hidden[RB_HIDDEN_SIZE];
	int dirfd;
	/* Of a sealed channel, which has no other name; else -1. */
	int segments[RB_FILES];
	struct rb_channel channel;
	/* NULL: a dynamic one, or one that the configuration no longer has. */
	const struct rb_config_channel *config;
	bool dynamic;
	uid_t creator; /* of a dynamic one */
	struct rb_user
		*user; /* the same, whose limits it counts for, or NULL */
	bool made;     /* by this daemon, not taken over */
	int64_t born;  /* the first event that may be about it */
	bool drains; /* once nobody is in it, it is made anew: see renewal.h */
	unsigned
		placed; /* bit i: this daemon has granted enum rb_placement i */
	/* Whose connection it is that may attach before it is open, or NULL. */
	const struct rb_peer *preparing;
	uint64_t limited; /* bit i: the warden looks after consumer i */
	struct rb_stall stalls[RB_CONSUMERS_MAX];
	struct rb_holdup holdup;
	/* Who was the last in the place of consumer i; RB_NOBODY: not known. */
	uid_t holders[RB_CONSUMERS_MAX];
	struct rb_tampering tampering;
	struct rb_memberships memberships;
};

/* Without a folder or mapping yet. 0 or -ENOMEM. */
int rb_hosted_new(const char *name, const struct rb_config_channel *config,
		  struct rb_hosted **ret);

/* Unmaps and closes; its files stay. */
struct rb_hosted *rb_hosted_free(struct rb_hosted *hosted);

/* Bytes of shared memory. */
uint64_t rb_hosted_size(const struct rb_hosted *hosted);

/* It is this user's, from now on. */
void rb_hosted_charge(struct rb_hosted *hosted, struct rb_user *user);

/* Places that a user has in it: his members, and of those that have gone the
 * places that were kept; but not a declared one's, which nobody took, nor that
 * of consumer `name`, which he may resume. */
unsigned rb_hosted_count_user(const struct rb_hosted *hosted,
			      const struct rb_user *user, const char *name);

/* Is anybody there whom a stop would wait for? Not the dead: what they had claimed
 * is mended for the living, and may be such that it never can be. */
bool rb_hosted_has_members(const struct rb_hosted *hosted);

bool rb_hosted_is_sealed(const struct rb_hosted *hosted);

/* It is about to be removed: says so to who reads its journal, and to the next daemon, and
 * ends its stream, at once if `abort`. */
void rb_hosted_retire(struct rb_hosted *hosted, bool abort);

/* enum rb_stream_state */
uint32_t rb_hosted_stream(const struct rb_hosted *hosted);

/* A client has taken away memory of it: see tamper.h. And what is said then to
 * who asks for it. */
#define RB_HOSTED_BROKEN                                                       \
	"a client has truncated a file of it: stop its members, then reload "  \
	"ringbusd"
bool rb_hosted_is_broken(const struct rb_hosted *hosted);

/* An entry of its member table. */
const struct rb_member *rb_hosted_entry(const struct rb_hosted *hosted,
					enum rb_role role, unsigned index);

/* Calls `visit` for every entry in which a process is or was, until it returns
 * non-zero; returns that, or 0. */
typedef int (*rb_hosted_visit_fn)(struct rb_hosted *hosted, enum rb_role role,
				  unsigned index, void *context);
int rb_hosted_visit(struct rb_hosted *hosted, rb_hosted_visit_fn visit,
		    void *context);

/* The entry of this name whatever its state, but no worker's; or NULL. */
const struct rb_member *rb_hosted_find_consumer(const struct rb_hosted *hosted,
						const char *name);

#endif
