/* SPDX-License-Identifier: MIT */
/*
 * keeper.h - what is done to files beside the stream, by a thread
 *
 * Makes the next segment's file ahead, seals those that are full, and removes what
 * is older or more than is to be kept. The writer waits for it only when it needs a
 * file that isn't there yet.
 */
#ifndef JOURNAL_KEEPER_H
#define JOURNAL_KEEPER_H

#include "client/journal/segment.h"
#include "client/journal/settings.h"
#include "client/journal/spare.h"

struct keeper;

/* The settings and the folder stay the caller's. 0 or a negative errno. */
int keeper_start(const struct settings *settings, int dirfd,
		 struct keeper **ret);

/* Ends what is begun, seals what was handed over, removes the spare. NULL is
 * allowed. */
void keeper_stop(struct keeper *keeper);

/* The spare, at least so large, which is the caller's then; another one is made at
 * once. Or a negative errno: why there is none, after one more attempt. */
int keeper_take(struct keeper *keeper, uint64_t size, struct spare *ret);

/* Seals the segment, some time: it is the keeper's now. Nothing of it flies. */
void keeper_seal(struct keeper *keeper, struct segment *segment);

/* The segment that is written now, which stays. */
void keeper_note(struct keeper *keeper, const char *name);

#endif
