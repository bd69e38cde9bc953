/* SPDX-License-Identifier: MIT */
/*
 * origin.h - where in which file each value was given
 *
 * By its path, the keys from the top with dots between: `channels.orders.slots`.
 * Written down while the files are parsed, and kept with the configuration, so
 * that a change or a dump of it can say where to look. The last one given holds.
 */
#ifndef RB_CONFIG_ORIGIN_H
#define RB_CONFIG_ORIGIN_H

#include "config/report.h"

struct rb_origin {
	char *path;
	char *place;   /* "file:line:column" */
	size_t number; /* in the order of reading */
};

struct rb_origins {
	size_t n;
	size_t n_allocated;
	struct rb_origin *all;
	bool is_short; /* there was no memory for all of them */
};

/* NULL on no memory. */
struct rb_origins *rb_origins_new(void);
struct rb_origins *rb_origins_free(struct rb_origins *origins);

/* `path` may be "" for the top; `name` NULL for what is there itself. Harmless if `origins` is NULL. */
void rb_origins_note(struct rb_origins *origins, const char *path,
		     const char *name, struct rb_place place);

/* To be called once after the last was noted. */
void rb_origins_sort(struct rb_origins *origins);

#endif
