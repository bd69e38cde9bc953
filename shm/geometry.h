/* SPDX-License-Identifier: MIT */
/*
 * geometry.h - from what a channel is to where its bytes are
 *
 * A few numbers (slots, slot size, framing, producers, history, groups, page
 * size) decide all the rest. rb_geometry_init() derives it, and rb_geometry_check()
 * derives it again to see whether a geometry read from a segment is honest.
 */
#ifndef RB_GEOMETRY_H
#define RB_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

enum rb_framing {
	RB_FIXED,  /* every slot is one event */
	RB_FRAMED, /* an event takes as many slots as it needs */
};

enum rb_producers {
	RB_SINGLE,
	RB_MULTI,
};

struct rb_geometry {
	uint64_t slots;         /* power of two */
	uint64_t slot_size;     /* bytes from one slot to the next */
	uint64_t event_size;    /* largest event, bytes */
	uint64_t history;       /* slots that a late joiner may count on */
	uint64_t page_size;     /* of the machine that made it */
	uint64_t stamps_offset; /* in the ring file; 0: no stamps */
	uint64_t slots_offset;  /* in the ring file */
	uint64_t ring_size;     /* of the ring file */
	uint64_t gates_size;    /* of the gates file */
	uint64_t times_offset;  /* in the ring file; 0: no times: latency.h */
	uint32_t framing;       /* enum rb_framing */
	uint32_t producers;     /* enum rb_producers */
	uint32_t n_groups;      /* work areas in the gates file */
	uint32_t reserved;
};

/*
 * Fills in *ret. slot_size is what was asked for; it grows to a multiple of 8
 * and until all slots together fill whole pages, so that they can be mapped
 * twice in a row. -EINVAL if a number is out of the bounds of limits.h.
 */
int rb_geometry_init(struct rb_geometry *ret, uint64_t slots,
		     uint64_t slot_size, uint64_t history,
		     enum rb_framing framing, enum rb_producers producers);

/* Adds room for the work of so many groups. -EINVAL for more than consumers. */
int rb_geometry_set_groups(struct rb_geometry *geometry, unsigned n_groups);

/* Adds room for a time beside each slot, and for the latencies of consumers. */
int rb_geometry_set_times(struct rb_geometry *geometry);

/* 0; -EBADMSG for a geometry that rb_geometry_init() would not make; or
 * -EPROTONOSUPPORT for one of a machine with smaller pages. */
int rb_geometry_check(const struct rb_geometry *geometry);

/* Bytes of the slots alone. */
static inline uint64_t
rb_geometry_slots_size(const struct rb_geometry *geometry)
{
	return geometry->slots * geometry->slot_size;
}

/* What all three files of the channel take in /dev/shm. */
uint64_t rb_geometry_total(const struct rb_geometry *geometry);

/* Slots that a framed event of `size` bytes takes, its header included. */
static inline int64_t
rb_geometry_frame_slots(const struct rb_geometry *geometry, uint64_t size)
{
	uint64_t bytes = size + 8;

	return (int64_t)((bytes + geometry->slot_size - 1) >>
			 __builtin_ctzll(geometry->slot_size));
}

#endif
