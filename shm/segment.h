/* SPDX-License-Identifier: MIT */
/*
 * segment.h - one file of shared memory: create it, map it, let it go
 *
 * A segment is a file on a tmpfs, or a sealed memfd. It is allocated in full when
 * it is made: too little space is an error then, never a SIGBUS later. Its tail
 * can be mapped twice in a row, so that a span that wraps is contiguous.
 *
 * A file on a tmpfs cannot be sealed: who may write to it can make it shorter, and
 * whoever touches what is missing gets a SIGBUS: guard.h. A memfd can: its size is
 * its size for good, and no seal is added or taken away any more. What seals don't
 * do here:
 *
 *   F_SEAL_FUTURE_WRITE  would keep readers from mapping it writable, but also the
 *                        producers and consumers that have yet to come, and the next
 *                        daemon. Readers are kept from it by a descriptor that is
 *                        open for reading, on a file of mode 0600 that is not theirs.
 *   holes                who may write may also punch holes, which read as zeroes:
 *                        no more than he could write anyway, and as no limit of a
 *                        file system stands behind a memfd, nobody gets a SIGBUS
 *                        as the page comes back.
 */
#ifndef RB_SEGMENT_H
#define RB_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Memory takes its time: what is done to much of it is done in pieces of this size, so
 * that somebody can say in between that it goes on. */
#define RB_SEGMENT_PIECE (UINT64_C(64) << 20)

/* Called before each piece; NULL if nobody wants to know. */
typedef void (*rb_segment_piece_fn)(void);

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
int rb_segment_create(int dirfd, const char *name, uint64_t size,
		      rb_segment_piece_fn fn);

/*
 * The same without a place in any folder: a memfd of mode 0600 whose size is sealed;
 * `name` is for people who look at mappings. No file system bounds it: -ENOMEM
 * comes only if the kernel has time to notice, so that the caller looks first.
 */
int rb_segment_create_sealed(const char *name, uint64_t size,
			     rb_segment_piece_fn fn);

/* Gives a file all of its `size` bytes; what is there stays as it is. 0 or a negative
 * errno, and it may have some of them then. */
int rb_segment_allocate(int fd, uint64_t size, rb_segment_piece_fn fn);

/* Whether nobody can change its size, nor what is sealed. */
bool rb_segment_is_sealed(int fd);

/*
 * Opens what `fd` is open on anew, for reading only or also for writing. Not a
 * duplicate, which would have the mode of `fd`.
 */
int rb_segment_reopen(int fd, bool writable);

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

/* The same of a file that may be shorter: who touches what is missing gets a
 * SIGBUS, see guard.h. */
int rb_segment_map_short(struct rb_segment *segment, int fd, uint64_t size,
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
