/* SPDX-License-Identifier: MIT */
/*
 * retain.h - what is older, or more, than is to be kept goes
 */
#ifndef JOURNAL_RETAIN_H
#define JOURNAL_RETAIN_H

#include "client/journal/settings.h"

/*
 * Removes whole segments, the oldest first, as long as all of them together are
 * larger than retain_size, or the oldest ended before retain_for. What is written
 * still, from the segment of the name `until` on, stays; so does the last one.
 */
void retain_apply(int dirfd, const struct settings *settings,
		  const char *until);

#endif
