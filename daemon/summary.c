/* SPDX-License-Identifier: MIT */
/*
 * summary.c - see summary.h
 */
#include "daemon/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/folder.h"

static uint64_t
print_channel(const struct rb_config_channel *channel)
{
	struct rb_geometry geometry;
	uint64_t bytes = 0;

	/* The configuration has been checked, so that this succeeds. */
	if (rb_folder_geometry(channel, &geometry) == 0)
		bytes = rb_geometry_total(&geometry);
	printf("%-20s %" PRIu64 " slots of %" PRIu64 " bytes, %s, %s "
	       "producer, %u declared consumers: %" PRIu64 " bytes\n",
	       channel->name, channel->slots, channel->slot_size,
	       channel->framing == RB_CONFIG_FIXED ? "fixed" : "framed",
	       channel->producers == RB_CONFIG_SINGLE ? "single" : "multi",
	       channel->n_consumers, bytes);
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
