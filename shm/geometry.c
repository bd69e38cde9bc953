/* SPDX-License-Identifier: MIT */
/*
 * geometry.c - see geometry.h
 *
 * The slots of a framed channel have a power of two as their size, so that a
 * length becomes a number of slots by a shift.
 */
#include "shm/geometry.h"

#include <errno.h>
#include <string.h>

#include "shm/layout.h"

/* A framed event may be this large, however large the ring is. */
#define FRAME_SIZE_MAX (UINT64_C(1) << 30)

static bool
is_in_bounds(const struct rb_geometry *g, uint64_t slot_size)
{
	if (!rb_is_power_of_two(g->slots) || g->slots < RB_SLOTS_MIN ||
	    g->slots > RB_SLOTS_MAX)
		return false;
	if (slot_size < RB_SLOT_SIZE_MIN || slot_size > RB_SLOT_SIZE_MAX)
		return false;
	if (g->framing == RB_FRAMED && (!rb_is_power_of_two(slot_size) ||
					slot_size < RB_FRAME_SLOT_SIZE_MIN))
		return false;
	if (g->framing > RB_FRAMED || g->producers > RB_MULTI)
		return false;
	return g->history <= g->slots / 2 && rb_is_power_of_two(g->page_size) &&
	       g->page_size >= 4096 && g->n_groups <= RB_CONSUMERS_MAX;
}

/* The distance of two slots: 8-byte aligned, and all of them whole pages. */
static uint64_t
slot_distance(const struct rb_geometry *g, uint64_t slot_size)
{
	uint64_t unit = 8;

	if (g->slots < g->page_size / unit)
		unit = g->page_size / g->slots;
	return rb_round_up(slot_size, unit);
}

/* As rb_channel_group() finds them again. */
static uint64_t
gates_size(const struct rb_geometry *g)
{
	uint64_t work = g->slots * sizeof(struct rb_word64);
	uint64_t latencies = g->times_offset != 0 ? RB_CONSUMERS_MAX : 0;

	return RB_GATES_SIZE +
	       g->n_groups *
		       (sizeof(struct rb_group) + rb_round_up(work, RB_LINE)) +
	       latencies * sizeof(struct rb_latency);
}

static int
derive(struct rb_geometry *g, uint64_t slot_size)
{
	uint64_t head = sizeof(struct rb_ring);

	if (!is_in_bounds(g, slot_size))
		return -EINVAL;
	g->slot_size = slot_distance(g, slot_size);
	if (rb_geometry_slots_size(g) > RB_RING_SIZE_MAX)
		return -EINVAL;
	g->stamps_offset = 0;
	if (g->producers == RB_MULTI || g->framing == RB_FRAMED) {
		g->stamps_offset = head;
		head += g->slots * sizeof(struct rb_word64);
	}
	if (g->times_offset != 0) {
		g->times_offset = head;
		head += g->slots * sizeof(struct rb_word64);
	}
	g->slots_offset = rb_round_up(head, g->page_size);
	g->ring_size = g->slots_offset + rb_geometry_slots_size(g);
	g->gates_size = gates_size(g);
	g->reserved = 0;
	g->event_size = g->framing == RB_FIXED
				? slot_size
				: rb_min_u64(rb_geometry_slots_size(g) / 4,
					     FRAME_SIZE_MAX);
	return 0;
}

int
rb_geometry_init(struct rb_geometry *ret, uint64_t slots, uint64_t slot_size,
		 uint64_t history, enum rb_framing framing,
		 enum rb_producers producers)
{
	struct rb_geometry g = {
		.slots = slots,
		.history = history,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.framing = framing,
		.producers = producers,
	};
	int err = derive(&g, slot_size);

	if (err == 0)
		*ret = g;
	return err;
}

int
rb_geometry_set_groups(struct rb_geometry *geometry, unsigned n_groups)
{
	if (n_groups > RB_CONSUMERS_MAX)
		return -EINVAL;
	geometry->n_groups = n_groups;
	geometry->gates_size = gates_size(geometry);
	return 0;
}

/* Of what it was made. */
static uint64_t
asked_slot_size(const struct rb_geometry *g)
{
	return g->framing == RB_FIXED ? g->event_size : g->slot_size;
}

int
rb_geometry_set_times(struct rb_geometry *geometry)
{
	struct rb_geometry g = *geometry;
	int err;

	g.times_offset = 1;
	err = derive(&g, asked_slot_size(&g));
	if (err == 0)
		*geometry = g;
	return err;
}

int
rb_geometry_check(const struct rb_geometry *geometry)
{
	struct rb_geometry g = *geometry;

	if (derive(&g, asked_slot_size(&g)) < 0 ||
	    memcmp(&g, geometry, sizeof(g)) != 0)
		return -EBADMSG;
	/* The double mapping needs our pages to be no larger than theirs. */
	if ((uint64_t)sysconf(_SC_PAGESIZE) > g.page_size)
		return -EPROTONOSUPPORT;
	return 0;
}

uint64_t
rb_geometry_total(const struct rb_geometry *geometry)
{
	return rb_round_up(RB_META_SIZE, geometry->page_size) +
	       rb_round_up(geometry->ring_size, geometry->page_size) +
	       rb_round_up(geometry->gates_size, geometry->page_size);
}
