/* SPDX-License-Identifier: MIT */
/*
 * rules.c - what must hold between the keys of one channel
 *
 * The same rules for the file and for channels that clients ask for. They may
 * rely on each value being in its own range, and so can't overflow.
 */
#include "config/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/graph.h"
#include "config/scalar.h"
#include "shm/base.h"

static bool
check_history(const struct rb_config_channel *channel, char *why,
	      size_t why_size)
{
	if (channel->history <= channel->slots / 2)
		return true;
	snprintf(why, why_size,
		 "'history' is %" PRIu64 ", more than half of %" PRIu64
		 " slots",
		 channel->history, channel->slots);
	return false;
}

static bool
check_ring_size(const struct rb_config_channel *channel, char *why,
		size_t why_size)
{
	char slot_size[32], max[32];

	if (channel->slots * channel->slot_size <= RB_RING_SIZE_MAX)
		return true;
	rb_scalar_format_size(channel->slot_size, slot_size, sizeof(slot_size));
	rb_scalar_format_size(RB_RING_SIZE_MAX, max, sizeof(max));
	snprintf(why, why_size, "%" PRIu64 " slots of %s are more than %s",
		 channel->slots, slot_size, max);
	return false;
}

static bool
check_n_consumers(const struct rb_config_channel *channel, char *why,
		  size_t why_size)
{
	if (channel->n_consumers <= channel->max_consumers)
		return true;
	snprintf(why, why_size, "%u consumers, but 'max_consumers' is %u",
		 channel->n_consumers, channel->max_consumers);
	return false;
}

const struct rb_rule rb_rules[RB_N_RULES] = {
	{ .check = check_history,
	  .n_keys = 2,
	  .keys = { RB_KEY_CHANNEL_history, RB_KEY_CHANNEL_slots } },
	{ .check = check_ring_size,
	  .n_keys = 3,
	  .keys = { RB_KEY_CHANNEL_slots, RB_KEY_CHANNEL_event_size,
		    RB_KEY_CHANNEL_slot_size } },
	{ .check = check_n_consumers,
	  .n_keys = 2,
	  .keys = { RB_KEY_CHANNEL_max_consumers, RB_KEY_CHANNEL_consumers } },
};

/* The size key of the other framing holds its default, so passes. */
static bool
check_ranges(const struct rb_config_channel *channel, char *why,
	     size_t why_size)
{
	struct rb_channel_values values;
	const struct rb_key *key;
	uint64_t value;
	size_t i;

	rb_section_reset(RB_SECTION_CHANNEL, &values);
	values.channel = *channel;
	if (channel->framing == RB_CONFIG_FRAMED)
		values.frame_size = channel->slot_size;
	else
		values.event_size = channel->slot_size;
	for (i = 0; i < RB_N_KEYS; i++) {
		key = &rb_keys[i];
		if (key->section != RB_SECTION_CHANNEL ||
		    key->type == RB_TYPE_BLOCK)
			continue;
		value = rb_key_get(key, &values);
		if (rb_key_admits(key, value))
			continue;
		snprintf(why, why_size,
			 "'%s' is %" PRIu64 ", not a number from %" PRIu64
			 " to %" PRIu64 "%s",
			 key->name, value, key->min, key->max,
			 value >= key->min && value <= key->max
				 ? " that is a power of two"
				 : "");
		return false;
	}
	return true;
}

static bool
check_name(const char name[RB_NAME_SIZE], const char *what, char *why,
	   size_t why_size)
{
	if (rb_name_is_valid(name))
		return true;
	snprintf(why, why_size,
		 "a %s name is 1 to %d of A-Z a-z 0-9 . _ - and starts with "
		 "neither a dot nor a dash",
		 what, RB_NAME_SIZE - 1);
	return false;
}

static bool
check_consumer(const struct rb_config_channel *channel, unsigned i, char *why,
	       size_t why_size)
{
	const struct rb_config_consumer *consumer = &channel->consumers[i];
	const struct rb_key *keep_for = &rb_keys[RB_KEY_CONSUMER_keep_for];
	int64_t ns = consumer->keep_for_ns;

	if (!check_name(consumer->name, "consumer", why, why_size))
		return false;
	if (rb_graph_find(channel, consumer->name) != (int)i)
		snprintf(why, why_size, "consumer '%s' is declared twice",
			 consumer->name);
	else if (consumer->after >> i & 1)
		snprintf(why, why_size, "consumer '%s' waits for itself",
			 consumer->name);
	else if (channel->n_consumers < 64 &&
		 consumer->after >> channel->n_consumers)
		snprintf(why, why_size,
			 "consumer '%s' waits for one that does not exist",
			 consumer->name);
	else if ((unsigned)consumer->on_death > RB_CONFIG_KEEP)
		snprintf(why, why_size, "consumer '%s' has no valid 'on_death'",
			 consumer->name);
	else if (consumer->on_death != RB_CONFIG_KEEP && ns != 0)
		snprintf(why, why_size,
			 "consumer '%s' has 'keep_for' without on_death: keep",
			 consumer->name);
	else if (ns < 0 || !rb_key_admits(keep_for, (uint64_t)ns))
		snprintf(why, why_size,
			 "consumer '%s': 'keep_for' is out of range",
			 consumer->name);
	else
		return true;
	return false;
}

static bool
check_consumers(const struct rb_config_channel *channel, char *why,
		size_t why_size)
{
	char cycle[RB_CYCLE_TEXT_SIZE];
	uint64_t done = 0;
	unsigned i;

	for (i = 0; i < channel->n_consumers; i++)
		if (!check_consumer(channel, i, why, why_size))
			return false;
	if (rb_graph_find_cycle(channel, &done, cycle) < 0)
		return true;
	snprintf(why, why_size, "consumers wait for each other: %s", cycle);
	return false;
}

int
rb_config_channel_check(const struct rb_config_channel *channel, char *why,
			size_t why_size)
{
	size_t i;

	if (!check_name(channel->name, "channel", why, why_size) ||
	    !check_ranges(channel, why, why_size))
		return -EINVAL;
	for (i = 0; i < RB_N_RULES; i++)
		if (!rb_rules[i].check(channel, why, why_size))
			return -EINVAL;
	return check_consumers(channel, why, why_size) ? 0 : -EINVAL;
}
