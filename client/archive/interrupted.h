/* SPDX-License-Identifier: MIT */
/*
 * interrupted.h - whether a call about a file is made again
 */
#ifndef RB_ARCHIVE_INTERRUPTED_H
#define RB_ARCHIVE_INTERRUPTED_H

#include <errno.h>
#include <stdbool.h>

#define RB_JOURNAL_TRIES_MAX 1000

/* After one that has failed. Not for ever: a file system may say EINTR each time, and it
 * is the error then. *n_tries is 0 before the first. */
static inline bool
rb_journal_is_interrupted(unsigned *n_tries)
{
	return errno == EINTR && ++*n_tries < RB_JOURNAL_TRIES_MAX;
}

#endif
