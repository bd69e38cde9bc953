/* SPDX-License-Identifier: MIT */
/*
 * util_image.h - what a disk may have after the power has gone, of what was written
 *
 *	history_read(&h, f);
 *	image_make(&h, 1234, path);     as if it went before the 1234th record
 *
 * Of what was not synced each sector of 512 bytes is as it was written, or as it was
 * before, or the former up to some multiple of 8 bytes and then the latter. Of names
 * that were not synced those given first are there, and of sizes any.
 */
#ifndef T_UTIL_IMAGE_H
#define T_UTIL_IMAGE_H

#include "tests/faults/faults.h"

#define IMAGE_FILES 128
#define IMAGE_NEVER UINT64_MAX

struct history_step {
	const struct faults_record *record;
	const char *data;
	int file;         /* index; -1: none */
	bool is_zero;     /* a write of nothing but zeroes */
	uint64_t safe_at; /* the record since which it cannot be lost */
};

struct history {
	struct history_step *steps;
	uint64_t n;
	int n_files;
};

/* The faults stay where they are. Freed by history_free(). */
void history_read(struct history *h, const struct faults *f);
void history_free(struct history *h);

/* Fills an empty folder. By random(). */
void image_make(const struct history *h, uint64_t until, const char *path);

#endif
