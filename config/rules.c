/* SPDX-License-Identifier: MIT */
/*
 * rules.c - what must hold between the keys of one channel, and its consumers
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
#include "config/outlet.h"
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
has_group(const struct rb_config_channel *channel)
{
	unsigned i;

	for (i = 0; i < channel->n_consumers; i++)
		if (channel->consumers[i].group)
			return true;
	return false;
}

static bool
check_n_consumers(const struct rb_config_channel *channel, char *why,
		  size_t why_size)
{
	unsigned n = channel->n_consumers, max = channel->max_consumers;

	if (n > max)
		snprintf(why, why_size,
			 "%u consumers, but 'max_consumers' is %u", n, max);
	else if (n == max && has_group(channel))
		snprintf(why, why_size,
			 "%u consumers and 'max_consumers' %u leave no place "
			 "for the workers of a group",
			 n, max);
	else
		return true;
	return false;
}

static bool
check_clear(const struct rb_config_channel *channel, char *why, size_t why_size)
{
	if (channel->clear == RB_CONFIG_CLEAR_NONE || channel->history == 0)
		return true;
	snprintf(why, why_size,
		 "'clear: zero' leaves nothing for a 'history' of %" PRIu64
		 " slots",
		 channel->history);
	return false;
}

/* What a single producer has claimed nobody waits behind. */
static bool
check_stuck(const struct rb_config_channel *channel, char *why, size_t why_size)
{
	if (channel->stuck == RB_CONFIG_STUCK_WAIT ||
	    channel->producers == RB_CONFIG_MULTI)
		return true;
	snprintf(why, why_size,
		 "'stuck: kill' is for several producers: a single one holds "
		 "up nobody but itself");
	return false;
}

static bool
check_version(const struct rb_config_channel *channel, char *why,
	      size_t why_size)
{
	if (channel->version == 0 || channel->type[0])
		return true;
	snprintf(why, why_size, "'version' is %u, but of no 'type'",
		 channel->version);
	return false;
}

#define KEY(name) RB_KEY_CHANNEL_##name
#define JOURNAL(name) RB_KEY_JOURNAL_##name
#define BRIDGE(name) RB_KEY_BRIDGE_##name

const struct rb_rule rb_rules[RB_N_RULES] = {
	RB_RULE(check_history, NULL, KEY(history), KEY(slots)),
	RB_RULE(check_ring_size, NULL, KEY(slots), KEY(event_size),
		KEY(slot_size)),
	RB_RULE(check_n_consumers, NULL, KEY(max_consumers), KEY(consumers)),
	RB_RULE(check_clear, "drop one of them", KEY(clear), KEY(history)),
	RB_RULE(check_stuck, "take producers: multi, or drop it", KEY(stuck),
		KEY(producers)),
	RB_RULE(check_version, "add a type, or drop the version", KEY(version),
		KEY(type)),
	RB_RULE(rb_outlet_check_retain,
		"take a larger retain_size, or a smaller segment_size",
		JOURNAL(retain_size), JOURNAL(segment_size)),
	RB_RULE(rb_outlet_check_import, NULL, BRIDGE(direction),
		KEY(producers)),
	RB_RULE(rb_outlet_check_consumer, "give one of them another consumer",
		BRIDGE(consumer), JOURNAL(consumer)),
	RB_RULE(rb_outlet_check_certificate, "give both, or none",
		BRIDGE(certificate), BRIDGE(key)),
	RB_RULE(rb_outlet_check_credentials, "drop one of them",
		BRIDGE(credentials), BRIDGE(nkey)),
	RB_RULE(rb_outlet_check_subject, "give it a subject", BRIDGE(subject),
		KEY(bridge)),
};

const struct rb_given *
rb_blame_find(const struct rb_blame *blame, const struct rb_given *here,
	      const struct rb_given *outer)
{
	const struct rb_given *inside = NULL, *outside = NULL, *given;
	unsigned i;

	for (i = 0; blame->keys[i] != RB_N_KEYS; i++) {
		given = &here[blame->keys[i]];
		if (given->is_given && !inside)
			inside = given;
		if (!given->is_given && !given->is_bad)
			given = &outer[blame->keys[i]];
		if (given->is_bad)
			return NULL;
		if (given->is_given && !outside)
			outside = given;
	}
	return inside ? inside : outside;
}

void
rb_blame_advise(const struct rb_blame *blame, char *why, size_t why_size)
{
	size_t used = strlen(why);

	if (blame->hint)
		snprintf(why + used, why_size - used, "; %s", blame->hint);
}

bool
rb_name_check(const char *what, const char name[RB_NAME_SIZE], char *why,
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

static void
refuse_number(const struct rb_key *key, uint64_t value, char *why,
	      size_t why_size)
{
	bool is_inside = value >= key->min && value <= key->max;
	char max[32];

	if (key->type == RB_TYPE_DURATION) {
		rb_scalar_format_duration((int64_t)key->max, max, sizeof(max));
		snprintf(why, why_size, "'%s' must be from %" PRIu64 " to %s",
			 key->name, key->min, max);
		return;
	}
	if (is_inside)
		snprintf(why, why_size,
			 "'%s' is %" PRIu64 ", not a power of two; the next "
			 "is %" PRIu64,
			 key->name, value, rb_next_power_of_two(value));
	else
		snprintf(why, why_size,
			 "'%s' is %" PRIu64 ", not a number from %" PRIu64
			 " to %" PRIu64,
			 key->name, value, key->min, key->max);
}

bool
rb_section_check(enum rb_section section, const void *base, char *why,
		 size_t why_size)
{
	const struct rb_key *key;
	uint64_t value;
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++) {
		key = &rb_keys[i];
		if (key->section != section || key->type < RB_TYPE_COUNT)
			continue;
		value = rb_key_get(key, base);
		if (value == key->fallback || rb_key_admits(key, value))
			continue;
		refuse_number(key, value, why, why_size);
		return false;
	}
	return true;
}

/* The size key of the other framing holds its default, so passes. */
static bool
check_numbers(const struct rb_config_channel *channel, char *why,
	      size_t why_size)
{
	struct rb_channel_values values = { 0 };

	rb_section_reset(RB_SECTION_CHANNEL, &values);
	values.channel = *channel;
	if (channel->framing == RB_CONFIG_FRAMED)
		values.frame_size = channel->slot_size;
	else
		values.event_size = channel->slot_size;
	if (!rb_section_check(RB_SECTION_CHANNEL, &values, why, why_size))
		return false;
	if (channel->fill_size <= RB_FILL_SIZE)
		return true;
	snprintf(why, why_size, "'fill' has %u bytes, more than %d",
		 channel->fill_size, RB_FILL_SIZE);
	return false;
}

/* What only the place among the others can break. */
static bool
check_place(const struct rb_config_channel *channel, unsigned i, char *why,
	    size_t why_size)
{
	const struct rb_config_consumer *consumer = &channel->consumers[i];

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
		if (rb_config_consumer_check(channel, &channel->consumers[i],
					     why, why_size) < 0 ||
		    !check_place(channel, i, why, why_size))
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

	if (!rb_name_check("channel", channel->name, why, why_size) ||
	    (channel->type[0] &&
	     !rb_name_check("type", channel->type, why, why_size)) ||
	    !check_numbers(channel, why, why_size))
		return -EINVAL;
	for (i = 0; i < RB_N_RULES; i++)
		if (!rb_rules[i].check(channel, why, why_size)) {
			rb_blame_advise(&rb_rules[i].blame, why, why_size);
			return -EINVAL;
		}
	return check_consumers(channel, why, why_size) ? 0 : -EINVAL;
}
