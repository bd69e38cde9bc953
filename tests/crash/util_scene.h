/* SPDX-License-Identifier: MIT */
/*
 * util_scene.h - one daemon, two channels in use, and somebody who asks for
 * something again and again, while the daemon is killed in the middle of it
 *
 * scene_kill_everywhere() does a deed once for each boundary of the system calls
 * that the daemon makes over it. An actor, a process of its own, gets ready and
 * does the deed; the daemon is killed at that boundary and another one started;
 * the actor asks again, if it had no answer, and leaves. Each time all of this
 * has to hold:
 *
 * - while there is no daemon, those who were there exchange events as ever, and
 *   every channel that has a name is whole;
 * - the next daemon starts, and leaves nothing in the folder but what it lists;
 * - who asks again gets what it asked for, under the same name, and has as many
 *   places as it has handles: none that it does not know of;
 * - in the end no place is anybody's who is gone, the gating set is that of the
 *   member table, and all of both rings can be claimed at once.
 */
#ifndef T_UTIL_SCENE_H
#define T_UTIL_SCENE_H

#include "client/ringbus.h"
#include "tests/crash/util_calls.h"
#include "tests/crash/util_flow.h"

#define SCENE_CONFIGURATION                                                    \
	"daemon: { drain: 1m }\n"                                              \
	"dynamic: { allow: any }\n"                                            \
	"channels:\n"                                                          \
	"  calm: { slots: 64, event_size: 64 }\n"                              \
	"  busy:\n"                                                            \
	"    slots: 256\n"                                                     \
	"    event_size: 64\n"                                                 \
	"    producers: multi\n"                                               \
	"    consumers:\n"                                                     \
	"      first:\n"                                                       \
	"      crew: { group: true, after: first, on_death: release }\n"       \
	"      last: { after: crew }\n"

struct scene {
	struct t_daemon daemon;
	struct flow calm; /* on the channel of that name: nobody else comes */
	struct flow busy; /* and here everybody does */
};

/* The process that acts. */
struct actor {
	struct scene *scene;
	const struct deed *deed;
	struct actor_words *words;
	pid_t pid;
	struct ringbus *bus;
	struct ringbus *held; /* a connection that is not asked over */
	struct ringbus_consumer *consumer;
	struct ringbus_producer *producer;
	uint64_t next; /* number of the flow's that it reads next; 0: any */
};

struct deed {
	const char *name;
	/* In the actor: what has to be before the daemon is watched. */
	void (*prepare)(struct actor *a);
	/* In the actor, watched: 0, or -ECONNRESET if the daemon was killed
	 * over it. NULL: the actor is killed instead. */
	int (*ask)(struct actor *a);
	/* In the actor, on a new connection to the next daemon, if it had no
	 * answer. NULL: it needs none. */
	int (*again)(struct actor *a);
	/* In the actor, in the end, before it leaves. */
	void (*check)(struct actor *a);
	/* How many places of `busy` the actor has to have then. */
	unsigned places;
	/* This consumer of `busy` has a place that is kept when the actor is
	 * gone, and is given up then. */
	const char *kept;
	/* What was answered is gone with the daemon: it asks again anyway. */
	bool asks_anyway;
	/* Until the next daemon has mended it, `busy` may stand. */
	bool blocks;
	/* Boundaries count from this call on; 0: all do. */
	long first;
};

/* Starts the daemon and both flows, at first or again; and stops them. */
void scene_begin(struct scene *s);
void scene_start(struct scene *s);
void scene_end(struct scene *s);

/* All of the above; returns the number of points and prints it. */
unsigned scene_kill_everywhere(struct scene *s, const struct deed *deed);

/* From beginning to end. */
void scene_play(const struct deed *deed);

/* The parts of it: what holds without a daemon, and with one. */
void scene_check_dead(struct scene *s, bool busy_goes_on);
void scene_check_alive(struct scene *s);

/* In an actor: has the daemon been killed? */
bool scene_is_killed(const struct actor *a);

/* In an actor: connects; reads and commits all that its consumer can get. */
void scene_connect(struct actor *a);
void scene_read(struct actor *a);

#endif
