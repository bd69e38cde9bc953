/* SPDX-License-Identifier: MIT */
/*
 * placement.c - where the memory of a channel is, and going there
 */
#include "shm/placement.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "client/internal.h"

static_assert(RB_CPUS_MAX == CPU_SETSIZE, "a set of CPUs holds them");

int
ringbus_channel_placement(const struct ringbus_channel *channel, unsigned index,
			  struct ringbus_placement *ret)
{
	struct ringbus_placement p = { .size = sizeof(p), .number = -1 };
	struct rb_placed placed;

	if (channel == NULL || ret == NULL || ret->size != sizeof(p))
		return -EINVAL;
	if (channel->shm.disinherited)
		return -ECHILD;
	if (index >= RB_PLACEMENTS)
		return 0;
	placed = rb_placement_read(&channel->shm.meta->placement, index);
	p.name = rb_placement_names[index];
	p.asked = placed.asked;
	p.granted = placed.granted;
	p.error = placed.err;
	if (placed.asked && index == RB_PLACEMENT_NUMA_NODE)
		p.number = (int)placed.number;
	if (placed.err < 0)
		snprintf(p.text, sizeof(p.text), "%s",
			 rb_placement_why(index, placed.err));
	*ret = p;
	return 1;
}

int
ringbus_pin(const struct ringbus_channel *channel)
{
	uint64_t words[RB_CPUS_MAX / 64];
	cpu_set_t set;

	if (channel == NULL)
		return -EINVAL;
	if (channel->shm.disinherited)
		return -ECHILD;
	rb_placement_read_cpus(&channel->shm.meta->placement, words);
	CPU_ZERO(&set);
	for (unsigned i = 0; i < RB_CPUS_MAX; i++)
		if ((words[i / 64] >> i % 64 & 1) != 0)
			CPU_SET(i, &set);
	if (CPU_COUNT(&set) == 0)
		return 0;
	if (sched_setaffinity(0, sizeof(set), &set) < 0 ||
	    sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	return CPU_COUNT(&set);
}
