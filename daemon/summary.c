/* SPDX-License-Identifier: MIT */
/*
 * summary.c - see summary.h
 */
#include "daemon/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/folder.h"
#include "daemon/pages.h"
#include "shm/layout.h"
#include "shm/placement.h"

/* The part of the memory that is there for groups alone. */
static void
describe_groups(const struct rb_geometry *geometry, char *text, size_t size)
{
	if (geometry->n_groups > 0)
		snprintf(text, size, " (%u groups, %" PRIu64 " bytes)",
			 geometry->n_groups,
			 geometry->gates_size - RB_GATES_SIZE);
}

static void
print_placements(const struct rb_config_channel *channel, uint64_t bytes)
{
	for (int i = 0; i < RB_PLACEMENTS; i++) {
		int err = rb_pages_foresee(channel, i, bytes);

		if (err < 0)
			printf("%-20s %s: would not be granted: %s\n",
			       channel->name, rb_placement_names[i],
			       rb_placement_why(i, err));
	}
}

static uint64_t
print_channel(const struct rb_config_channel *channel)
{
	struct rb_geometry geometry;
	uint64_t bytes = 0;
	char groups[64] = "";

	/* The configuration has been checked, so that this succeeds. */
	if (rb_folder_geometry(channel, &geometry) == 0) {
		bytes = rb_geometry_total(&geometry);
		describe_groups(&geometry, groups, sizeof(groups));
	}
	printf("%-20s %" PRIu64 " slots of %" PRIu64 " bytes, %s, %s "
	       "producer, %u declared consumers%s: %" PRIu64 " bytes\n",
	       channel->name, channel->slots, channel->slot_size,
	       channel->framing == RB_CONFIG_FIXED ? "fixed" : "framed",
	       channel->producers == RB_CONFIG_SINGLE ? "single" : "multi",
	       channel->n_consumers, groups, bytes);
	print_placements(channel, bytes);
	return bytes;
}

void
rb_summary_print(const struct rb_config *config)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < config->n_channels; i++)
		sum += print_channel(&config->channels[i]);
	printf("%u channels, %" PRIu64 " bytes of shared memory\n",
	       config->n_channels, sum);
}
