/* SPDX-License-Identifier: MIT */
/*
 * consumer_rules.c - what must hold between the keys of one consumer
 *
 * Each rule knows the channel too, and may rely on each value being in its own
 * range, but not on the channel's rules: they are broken side by side.
 */
#include "config/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/outlet.h"
#include "config/scalar.h"

static bool
has_limits(const struct rb_config_consumer *consumer)
{
	return consumer->slow == RB_CONFIG_EVICT ||
	       consumer->slow == RB_CONFIG_PARK;
}

static const char *
slow_name(const struct rb_config_consumer *consumer)
{
	return rb_type_choices(RB_TYPE_SLOW)[consumer->slow];
}

/* As rb_consumer_settle() will have it. */
static uint64_t
effective_lag(const struct rb_config_channel *channel,
	      const struct rb_config_consumer *consumer)
{
	if (consumer->slow == RB_CONFIG_PARK && consumer->max_lag == 0)
		return channel->history;
	return consumer->max_lag;
}

/* -------------------------------------------------------------- the rules */

static bool
check_keep_for(const struct rb_config_channel *channel,
	       const struct rb_config_consumer *consumer, char *why,
	       size_t why_size)
{
	(void)channel;
	if (consumer->keep_for_ns == 0 || consumer->on_death == RB_CONFIG_KEEP)
		return true;
	snprintf(why, why_size,
		 "'keep_for' is only for a consumer that is kept");
	return false;
}

static bool
check_park_keeps(const struct rb_config_channel *channel,
		 const struct rb_config_consumer *consumer, char *why,
		 size_t why_size)
{
	(void)channel;
	if (consumer->slow != RB_CONFIG_PARK ||
	    consumer->on_death == RB_CONFIG_KEEP)
		return true;
	snprintf(why, why_size,
		 "'on_death: release' would lose the place that 'slow: park' "
		 "keeps");
	return false;
}

static bool
check_has_no_limits(const struct rb_config_channel *channel,
		    const struct rb_config_consumer *consumer, char *why,
		    size_t why_size)
{
	(void)channel;
	if (has_limits(consumer) ||
	    (consumer->max_lag == 0 && consumer->max_stall_ns == 0))
		return true;
	snprintf(why, why_size, "'%s' has no meaning with 'slow: %s'",
		 consumer->max_lag ? "max_lag" : "max_stall",
		 slow_name(consumer));
	return false;
}

static bool
check_evict_limits(const struct rb_config_channel *channel,
		   const struct rb_config_consumer *consumer, char *why,
		   size_t why_size)
{
	(void)channel;
	if (consumer->slow != RB_CONFIG_EVICT || consumer->max_lag ||
	    consumer->max_stall_ns)
		return true;
	snprintf(why, why_size, "'slow: evict' without a limit evicts nobody");
	return false;
}

static bool
check_park_limits(const struct rb_config_channel *channel,
		  const struct rb_config_consumer *consumer, char *why,
		  size_t why_size)
{
	if (consumer->slow != RB_CONFIG_PARK ||
	    effective_lag(channel, consumer))
		return true;
	snprintf(why, why_size,
		 "'slow: park' needs a 'max_lag', as there is no 'history' "
		 "that it could be");
	return false;
}

static bool
check_lag(const struct rb_config_channel *channel,
	  const struct rb_config_consumer *consumer, char *why, size_t why_size)
{
	uint64_t lag = effective_lag(channel, consumer), room;
	bool is_history = consumer->slow == RB_CONFIG_PARK &&
			  lag == channel->history;

	if (!has_limits(consumer) || channel->history > channel->slots / 2)
		return true;
	room = channel->slots - channel->history;
	/* A producer stops where its next event does not fit any more. */
	if (channel->framing == RB_CONFIG_FRAMED)
		room -= channel->slots / 4;
	if (lag < room)
		return true;
	snprintf(why, why_size,
		 "'max_lag' is %" PRIu64 "%s and never exceeded: producers run "
		 "ahead by at most %" PRIu64 " slots, 'slots' less 'history'%s",
		 lag, is_history ? ", like 'history'," : "", room,
		 channel->framing == RB_CONFIG_FRAMED
			 ? " less the largest event"
			 : "");
	return false;
}

/* A parked one that comes back while nobody else gates could have slots cleared
 * that producers have begun to write. */
static bool
check_park_clear(const struct rb_config_channel *channel,
		 const struct rb_config_consumer *consumer, char *why,
		 size_t why_size)
{
	if (consumer->slow != RB_CONFIG_PARK ||
	    channel->clear == RB_CONFIG_CLEAR_NONE)
		return true;
	snprintf(why, why_size,
		 "'slow: park' keeps what 'clear: zero' is to wipe");
	return false;
}

static bool
check_group_gates(const struct rb_config_channel *channel,
		  const struct rb_config_consumer *consumer, char *why,
		  size_t why_size)
{
	(void)channel;
	if (!consumer->group || consumer->slow == RB_CONFIG_GATE)
		return true;
	snprintf(why, why_size, "a group gates, so can't have 'slow: %s'",
		 slow_name(consumer));
	return false;
}

static bool
check_key_has_group(const struct rb_config_channel *channel,
		    const struct rb_config_consumer *consumer, char *why,
		    size_t why_size)
{
	(void)channel;
	if (consumer->group || consumer->key_size == 0)
		return true;
	snprintf(why, why_size, "'key' is only for a group");
	return false;
}

static bool
check_key_has_size(const struct rb_config_channel *channel,
		   const struct rb_config_consumer *consumer, char *why,
		   size_t why_size)
{
	(void)channel;
	if (consumer->key_size || consumer->key_offset == 0)
		return true;
	snprintf(why, why_size, "'key' has no 'size'");
	return false;
}

static bool
check_key_place(const struct rb_config_channel *channel,
		const struct rb_config_consumer *consumer, char *why,
		size_t why_size)
{
	bool is_framed = channel->framing == RB_CONFIG_FRAMED;
	uint64_t end = consumer->key_offset + consumer->key_size;
	uint64_t largest = is_framed ? channel->slots * channel->slot_size / 4
				     : channel->slot_size;
	char text[32];

	if (end <= largest)
		return true;
	rb_scalar_format_size(largest, text, sizeof(text));
	snprintf(why, why_size,
		 "'key' takes the bytes from %" PRIu64 " to %" PRIu64
		 ", but %s has %s",
		 consumer->key_offset, end - 1,
		 is_framed ? "the largest event" : "an event", text);
	return false;
}

/* What a program has to secure must be there until it has. */
static bool
check_outlet_keeps(const struct rb_config_channel *channel,
		   const struct rb_config_consumer *consumer, char *why,
		   size_t why_size)
{
	const char *program = rb_outlet_of(channel, consumer->name);

	if (program == NULL || consumer->on_death == RB_CONFIG_KEEP)
		return true;
	snprintf(why, why_size,
		 "%s reads by this name, and with 'on_death: release' what is "
		 "published while it does not run would pass it by",
		 program);
	return false;
}

static bool
check_outlet_gates(const struct rb_config_channel *channel,
		   const struct rb_config_consumer *consumer, char *why,
		   size_t why_size)
{
	const char *program = rb_outlet_of(channel, consumer->name);

	if (program == NULL || consumer->slow == RB_CONFIG_GATE)
		return true;
	snprintf(why, why_size,
		 "%s reads by this name, and with 'slow: %s' producers may "
		 "overwrite what it has yet to read",
		 program, slow_name(consumer));
	return false;
}

static bool
check_outlet_is_one(const struct rb_config_channel *channel,
		    const struct rb_config_consumer *consumer, char *why,
		    size_t why_size)
{
	const char *program = rb_outlet_of(channel, consumer->name);

	if (program == NULL || !consumer->group)
		return true;
	snprintf(why, why_size,
		 "%s reads by this name and has to see every event, which no "
		 "worker of a group does",
		 program);
	return false;
}

#define OWN(name) RB_KEY_CONSUMER_##name
#define KEY(name) RB_KEY_KEY_##name
#define CHANNEL(name) RB_KEY_CHANNEL_##name

const struct rb_consumer_rule rb_consumer_rules[RB_N_CONSUMER_RULES] = {
	RB_RULE(check_keep_for, "add on_death: keep", OWN(keep_for),
		OWN(on_death), OWN(slow), OWN(group)),
	RB_RULE(check_park_keeps, "drop on_death, or take slow: evict",
		OWN(on_death), OWN(slow)),
	RB_RULE(check_has_no_limits, "it goes with slow: evict and slow: park",
		OWN(max_lag), OWN(max_stall), OWN(slow)),
	RB_RULE(check_evict_limits, "add max_lag or max_stall", OWN(slow),
		OWN(max_lag), OWN(max_stall)),
	RB_RULE(check_park_limits, "add max_lag, or give the channel a history",
		OWN(slow), OWN(max_lag), CHANNEL(history)),
	RB_RULE(check_park_clear, "take slow: evict, or no clear", OWN(slow),
		CHANNEL(clear)),
	RB_RULE(check_lag, "take a smaller max_lag, or more slots",
		OWN(max_lag), OWN(slow), CHANNEL(history), CHANNEL(slots)),
	RB_RULE(check_group_gates, "drop one of them", OWN(slow), OWN(group)),
	RB_RULE(check_key_has_group, "add group: true", OWN(key), OWN(group)),
	RB_RULE(check_key_has_size, "add the number of bytes, size: 8",
		KEY(offset), KEY(size)),
	RB_RULE(check_key_place, NULL, KEY(offset), KEY(size),
		CHANNEL(event_size), CHANNEL(slot_size), CHANNEL(slots),
		CHANNEL(framing)),
	RB_RULE(check_outlet_keeps, "drop on_death, or take on_death: keep",
		OWN(on_death)),
	RB_RULE(check_outlet_gates, "drop slow, or take slow: gate", OWN(slow)),
	RB_RULE(check_outlet_is_one, "drop group", OWN(group)),
};

/* ------------------------------------------------------------- one of them */

bool
rb_consumer_may_follow(const struct rb_config_consumer *consumer,
		       const struct rb_config_consumer *before, char *why,
		       size_t why_size)
{
	if (before->slow != RB_CONFIG_PARK && before->slow != RB_CONFIG_LOSSY)
		return true;
	snprintf(why, why_size,
		 "consumer '%s' can't wait for '%s', which has 'slow: %s' and "
		 "so may miss events",
		 consumer->name, before->name, slow_name(before));
	return false;
}

static bool
check_after(const struct rb_config_channel *channel,
	    const struct rb_config_consumer *consumer, char *why,
	    size_t why_size)
{
	unsigned i;

	for (i = 0; i < channel->n_consumers; i++)
		if (consumer->after >> i & 1 &&
		    !rb_consumer_may_follow(consumer, &channel->consumers[i],
					    why, why_size))
			return false;
	return true;
}

static bool
check_values(const struct rb_config_channel *channel,
	     const struct rb_config_consumer *consumer, char *why,
	     size_t why_size)
{
	const struct rb_consumer_rule *rule;

	if (!rb_section_check(RB_SECTION_CONSUMER, consumer, why, why_size) ||
	    !rb_section_check(RB_SECTION_KEY, consumer, why, why_size))
		return false;
	for (rule = rb_consumer_rules;
	     rule < rb_consumer_rules + RB_N_CONSUMER_RULES; rule++) {
		if (rule->check(channel, consumer, why, why_size))
			continue;
		rb_blame_advise(&rule->blame, why, why_size);
		return false;
	}
	return true;
}

int
rb_config_consumer_check(const struct rb_config_channel *channel,
			 const struct rb_config_consumer *consumer, char *why,
			 size_t why_size)
{
	char what[RB_CONFIG_WHY_SIZE];

	if (!rb_name_check("consumer", consumer->name, why, why_size))
		return -EINVAL;
	if (!check_values(channel, consumer, what, sizeof(what))) {
		snprintf(why, why_size, "consumer '%s': %s", consumer->name,
			 what);
		return -EINVAL;
	}
	return check_after(channel, consumer, why, why_size) ? 0 : -EINVAL;
}

void
rb_consumer_settle(const struct rb_config_channel *channel, bool has_on_death,
		   struct rb_config_consumer *consumer)
{
	bool keeps = consumer->group || consumer->slow == RB_CONFIG_PARK ||
		     rb_outlet_of(channel, consumer->name) != NULL;

	if (!has_on_death)
		consumer->on_death = keeps ? RB_CONFIG_KEEP : RB_CONFIG_RELEASE;
	consumer->max_lag = effective_lag(channel, consumer);
}
