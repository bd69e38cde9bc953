/* SPDX-License-Identifier: MIT */
/*
 * mark.h - the file in which an import remembers where in its stream its channel began
 *
 * The channel itself tells how far it is: as nobody else publishes on it, slot N holds
 * what has the index base + N in the stream. `base` is all that has to be known, and
 * the file has it before the first event of a generation is published. The rest is
 * written once a second, for a channel that is made anew, where the old one was, and for
 * a stream that is, where the source was.
 */
#ifndef BRIDGE_MARK_H
#define BRIDGE_MARK_H

#include <stdbool.h>
#include <stdint.h>

struct mark {
	uint64_t generation; /* of the channel that is published on */
	int64_t created_ns;  /* of the stream */
	int64_t base;
	int64_t index;   /* in the stream, of the next slot to publish */
	uint64_t source; /* generation of the channel that this comes from */
	int64_t slot;    /* and what it is called there; -1: not known */
};

/* 0; -ENOENT if there is none; or another errno after it was told. */
int mark_read(const char *path, struct mark *ret);

/* It is on the disk when this returns 0; else as above. */
int mark_write(const char *path, const struct mark *mark);

#endif
