/* SPDX-License-Identifier: MIT */
/*
 * util_steps.h - a daemon that dies between any two stores
 *
 * What the daemon does to the segments makes no system call, so that the kernel
 * cannot be asked to stop it there. Instead a child plays the daemon and is
 * stepped through one change, instruction by instruction. After each store the
 * memory is copied, which is all that a death would leave, and a next daemon
 * takes the copy over.
 */
#ifndef T_UTIL_STEPS_H
#define T_UTIL_STEPS_H

#include "tests/fixture.h"

struct steps {
	struct fixture *f;    /* in which the daemon dies; is closed */
	struct fixture *twin; /* in which the next one goes on */
	const struct shape *shape;
	/* In the child. */
	void (*change)(struct rb_channel *channel);
	/* With the twin, after each store of the change. */
	void (*next)(void);
};

/* Returns the number of stores. */
unsigned steps_die_everywhere(const struct steps *steps);

/* Leaves in `f` what a daemon leaves that dies after `n` stores of a change;
 * false, and all of it, if there are not so many. */
bool steps_die_at(struct fixture *f, void (*change)(struct rb_channel *),
		  unsigned n);

#endif
