/* SPDX-License-Identifier: MIT */
/*
 * util_calls.h - a daemon that is stopped at the boundaries of its system calls
 *
 *	calls_seize(&c, daemon.pid);
 *	...                                   have somebody ask it for something
 *	if (calls_run(&c, 7, is_answered, arg))
 *		t_daemon_kill(&daemon);       at the seventh boundary
 *	else
 *		calls_release(&c);            it did not take so many
 *
 * A boundary is the entry into a call, whose effect is not there yet, or the
 * exit out of it. In between the daemon runs as ever. Who watches it is this
 * process, so what the daemon is asked for has to come from another one.
 */
#ifndef T_UTIL_CALLS_H
#define T_UTIL_CALLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/system/util_daemon.h"

#define CALLS_MAX 8192 /* boundaries */

struct calls {
	pid_t pid;
	unsigned n; /* boundaries so far, with the one where it is */
	long nr;    /* of this call */
	bool exits; /* this is the exit out of it */
	/* Boundaries do not count before this call; -1: all do. */
	long first;
	/* The calls of those that counted. */
	short of[CALLS_MAX];
};

/* Is all done that was asked for? */
typedef bool (*calls_over_fn)(void *arg);

/* Takes a daemon that runs, and stops it as it begins to wait for events: that
 * is its first boundary. Or they count from the call `first` on, if not 0. */
void calls_seize(struct calls *c, pid_t pid, long first);

/* Starts one under control, before its first instruction. What it does before
 * it looks at its folder concerns nobody else and does not count. */
void calls_launch(struct calls *c, struct t_daemon *daemon);

/*
 * Runs it until boundary `n`, true; or until it waits for events again and is
 * `over`, false. With NULL it is over as soon as it waits, or has ended.
 */
bool calls_run(struct calls *c, unsigned n, calls_over_fn over, void *arg);

/* It has ended by itself in calls_run(), which has collected it. */
bool calls_has_ended(const struct calls *c);

/*
 * Is boundary `n` of a whole run one to die at? All are with CRASH=1 in the
 * environment. Else, where everybody is woken, one after the other, only the
 * first, the last, and a few in between.
 */
bool calls_is_chosen(const struct calls *whole, unsigned n);

/* At the entry into a call: it is not made, and returns -err. x86-64 only, see
 * TRACE_OR_SKIP(). */
void calls_fail(struct calls *c, int err);

/* Lets it run on, no longer controlled. */
void calls_release(struct calls *c);

#endif
