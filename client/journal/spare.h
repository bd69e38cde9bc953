/* SPDX-License-Identifier: MIT */
/*
 * spare.h - the next segment's file, made before it is needed
 *
 * Allocated in full and synced, so that lack of space shows a segment ahead; then
 * zeroed from the front, so that a sync of what is written there has no metadata
 * to write. Zeroes are no part of its promise: who takes it takes it as it is.
 */
#ifndef JOURNAL_SPARE_H
#define JOURNAL_SPARE_H

#include <stdbool.h>
#include <stdint.h>

#define SPARE_SUFFIX ".part"            /* of what is no segment yet */
#define SPARE_PIECE (UINT64_C(1) << 20) /* zeroed at a time */

struct spare {
	int fd; /* -1: none */
	char name[32];
	bool is_direct;
	uint64_t size;
	uint64_t zeroed;
};

/* Makes a file of its own name in the folder. 0 or a negative errno, and then there
 * is none. What cannot be direct is not. By one thread at a time. */
int spare_make(int dirfd, uint64_t size, bool direct, struct spare *ret);

/* Zeroes a piece more. 1, 0 at the end, or a negative errno. */
int spare_zero(struct spare *spare);

/* Removes it. */
void spare_drop(int dirfd, struct spare *spare);

#endif
