/* SPDX-License-Identifier: MIT */
/*
 * exit.h - what the exit codes of ringbusctl mean
 *
 * Scripts depend on these numbers: they are documented in ringbusctl(1) and
 * never change their meaning. Those from 64 on are the ones of sysexits.h.
 */
#ifndef CTL_EXIT_H
#define CTL_EXIT_H

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,    /* none of the others */
	CTL_USAGE = 2,     /* the command line makes no sense */
	CTL_ABSENT = 3,    /* no daemon, or no such channel */
	CTL_DENIED = 4,    /* not allowed */
	CTL_TIMED_OUT = 5, /* the time given is over */
	CTL_BUSY = 6,      /* a name or place is taken */
	CTL_DEGRADED = 6,  /* of verbs that judge: it is not as it should be */
	CTL_NOT_DRAINED = 7,    /* somebody has not read all of it in time */
	CTL_BROKEN = 8,         /* strict: the stream has stopped */
	CTL_BAD_DATA = 65,      /* the input is no event of this channel */
	CTL_ENDED = 69,         /* the stream has ended */
	CTL_CANNOT_CREATE = 73, /* no space, or a limit is reached */
	CTL_RETRY = 75,         /* no memory or descriptors now: again later */
	CTL_PROTOCOL = 76,      /* another protocol or memory layout */

	/* Not an exit code: main() dies of the signal that interrupted us. */
	CTL_INTERRUPTED = -1,
};

/* The exit code for a negative errno of the library. */
enum ctl_exit ctl_exit_code(int err);

/* What a person can do about it, or NULL if there is nothing to say. */
const char *ctl_exit_advice(int err);

#endif
