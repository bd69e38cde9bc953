/* SPDX-License-Identifier: MIT */
/*
 * segment.h - one file of shared memory: create it, map it, let it go
 *
 * A segment is a file on a tmpfs (or a memfd). It is allocated in full when it
 * is made: too little space is an error then, never a SIGBUS later. Its tail can
 * be mapped twice in a row, so that a span that wraps is contiguous.
 */
#ifndef RB_SEGMENT_H
#define RB_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

struct rb_segment {
	void *base;       /* NULL: not mapped */
	uint64_t size;    /* of the file */
	uint64_t mapping; /* bytes of address space, mirror included */
};

#define RB_SEGMENT_NULL ((struct rb_segment){ 0 })

/*
 * Creates `name` in the directory `dirfd`, mode 0600, all of its `size` bytes
 * allocated and zero. Returns a read-write descriptor; -EEXIST if the name is
 * taken, -ENOSPC (nothing is left behind), or another negative errno.
 */
int rb_segment_create(int dirfd, const char *name, uint64_t size);

/*
 * Opens `name` in `dirfd` again, for reading only or also for writing, without
 * following links. -EBADMSG if it is no plain file of one link.
 */
int rb_segment_open(int dirfd, const char *name, bool writable);

/*
 * Maps `size` bytes of `fd`, and from `mirror` on a second time behind (0: no
 * mirror). -EBADMSG if the file is shorter than `size`. The mapping is not
 * inherited by a forked child (MADV_DONTFORK) and not dumped into a core.
 */
int rb_segment_map(struct rb_segment *segment, int fd, uint64_t size,
		   uint64_t mirror, bool writable);

/*
 * In a forked child, which has not inherited it: memory of its own in its place,
 * all zeroes. False if there is none to be had, or if something else lies there by
 * now: then the segment is RB_SEGMENT_NULL, so that nobody unmaps that.
 */
bool rb_segment_disinherit(struct rb_segment *segment);

/* Unmaps; harmless on RB_SEGMENT_NULL. */
void rb_segment_unmap(struct rb_segment *segment);

/* Makes every page present now, but for the second look at the mirrored part: 0,
 * or a negative errno. */
int rb_segment_populate(const struct rb_segment *segment, bool writable);

#endif
