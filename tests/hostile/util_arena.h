/* SPDX-License-Identifier: MIT */
/*
 * util_arena.h - where hostile clients are let loose: a daemon that runs as a user
 * of its own, and two peers in full flow
 *
 * The daemon has the rights that its unit gives it, and a small tmpfs of its own,
 * which may be filled. Who may do what:
 *
 *   channel   publish    consume             tap     made by
 *   flow      PRODUCER   CONSUMER, LAGGARD   all     the configuration
 *   secret    PRODUCER   PRODUCER            PRODUCER
 *   other     all        all                 all     root, for one attack each
 *
 * and STRANGER may create channels of its own, within limits. Everybody is in
 * the daemon's group, whose members may connect.
 */
#ifndef T_UTIL_ARENA_H
#define T_UTIL_ARENA_H

#include "client/ringbus.h"
#include "tests/hostile/util_pair.h"
#include "tests/system/util_daemon.h"

/* Users that nobody has. */
enum hostile_uid {
	UID_ROOT = 0,
	UID_DAEMON = 64101,
	UID_PRODUCER,
	UID_CONSUMER,
	UID_STRANGER,
	UID_LAGGARD,
	UID_BYSTANDER,
	UID_VICTIM,
};

#define ARENA_CHANNELS_MAX 4 /* that clients may create */
#define ARENA_SIZE_MAX (4 << 20)
#define ARENA_SHM_SIZE (24 << 20)

/* The kinds of `other`. */
enum other {
	OTHER_NONE,
	OTHER_SINGLE,
	OTHER_MULTI,
	OTHER_FRAMED,
	OTHER_CLEAR,
	OTHER_GROUP,
	OTHER_STRICT,
	OTHER_STUCK,
	OTHER_LARGE, /* OTHER_SLOTS_LARGE of them */
};

#define OTHER_SLOTS 256
#define OTHER_SLOTS_LARGE 65536

struct arena {
	struct t_daemon daemon;
	struct pair pair;
	struct ringbus *root; /* to create and remove `other` */
	unsigned held;        /* see arena_holds() */
	unsigned harder;      /* so many times as long */
};

/* T_SKIP() if we are not root or cannot mount. */
void arena_begin(struct arena *arena);

/* The pair comes to its end first, and has to be unharmed. */
void arena_end(struct arena *arena);

/* Becomes this user, in the daemon's group, for good; root stays root. */
void arena_become(uid_t uid);

/* Becomes this user, as above, and runs ringbusd from wherever the build is. Does not
 * return unless it fails. */
int arena_exec_daemon(uid_t uid, const char *const argv[]);

/* Descriptors and mappings of files in shared memory that the daemon has. */
unsigned arena_holds(const struct arena *arena);

/* The daemon is there, and answers somebody who does nothing but ask. */
void arena_answers(const struct arena *arena);

/* Makes `other`; removes it, which is refused while somebody is in it. */
void arena_make_other(struct arena *arena, enum other kind);
bool arena_remove_other(struct arena *arena);

#endif
