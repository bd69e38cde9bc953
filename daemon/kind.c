/* SPDX-License-Identifier: MIT */
/*
 * kind.c - see kind.h
 */
#include "daemon/kind.h"

#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"

static enum rb_config_on_death
on_death(enum rb_config_slow slow, bool keeps)
{
	return keeps || slow == RB_CONFIG_PARK ? RB_CONFIG_KEEP
					       : RB_CONFIG_RELEASE;
}

void
rb_kind_of_request(const struct rb_control *request,
		   struct rb_config_consumer *ret)
{
	*ret = (struct rb_config_consumer){
		.after = request->mask,
		.slow = request->is_slow_set != 0
				? (enum rb_config_slow)request->slow
				: RB_CONFIG_GATE,
		.keep_for_ns = (int64_t)request->keep_for_ns,
		.max_lag = request->max_lag,
		.max_stall_ns = (int64_t)request->max_stall_ns,
		.group = request->is_group != 0,
		.key_offset = request->key_offset,
		.key_size = request->key_size,
	};
	ret->on_death = on_death(ret->slow,
				 request->on_death == RB_ON_DEATH_KEEP);
	snprintf(ret->name, sizeof(ret->name), "%s", request->name);
}

void
rb_kind_of_entry(const struct rb_member *entry, struct rb_config_consumer *ret)
{
	*ret = (struct rb_config_consumer){
		.after = rb_entry_after(entry),
		.slow = (enum rb_config_slow)rb_entry_slow(entry),
		.keep_for_ns = (int64_t)rb_entry_keep_for_ns(entry),
		.max_lag = rb_entry_max_lag(entry),
		.max_stall_ns = (int64_t)rb_entry_max_stall_ns(entry),
		.group = rb_entry_is_group(entry),
		.key_offset = rb_entry_key_offset(entry),
		.key_size = rb_entry_key_size(entry),
	};
	ret->on_death = on_death(ret->slow, rb_entry_keeps(entry));
	memcpy(ret->name, entry->name, sizeof(ret->name) - 1);
}

struct rb_consumer_spec
rb_kind_spec(const struct rb_config_consumer *kind)
{
	return (struct rb_consumer_spec){
		.after = kind->after,
		.on_death = on_death(kind->slow,
				     kind->on_death == RB_CONFIG_KEEP) ==
					    RB_CONFIG_KEEP
				    ? RB_ON_DEATH_KEEP
				    : RB_ON_DEATH_RELEASE,
		.keep_for_ns = (uint64_t)kind->keep_for_ns,
		.slow = (enum rb_slow)kind->slow,
		.max_lag = kind->max_lag,
		.max_stall_ns = (uint64_t)kind->max_stall_ns,
		.is_group = kind->group,
		.key_offset = (uint32_t)kind->key_offset,
		.key_size = (uint32_t)kind->key_size,
	};
}

uint64_t
rb_kind_max_lag(enum rb_slow slow, uint64_t max_lag, uint64_t history)
{
	return slow == RB_SLOW_PARK && max_lag == 0 ? history : max_lag;
}

static uint64_t
max_lag_of(const struct rb_config_consumer *kind, uint64_t history)
{
	return rb_kind_max_lag((enum rb_slow)kind->slow, kind->max_lag,
			       history);
}

const char *
rb_kind_find_difference(const struct rb_config_consumer *a,
			const struct rb_config_consumer *b, uint64_t history)
{
	if (strcmp(a->name, b->name) != 0)
		return "name";
	if (a->after != b->after)
		return "after";
	if (a->slow != b->slow)
		return "slow";
	if (max_lag_of(a, history) != max_lag_of(b, history))
		return "max_lag";
	if (a->max_stall_ns != b->max_stall_ns)
		return "max_stall";
	if (on_death(a->slow, a->on_death == RB_CONFIG_KEEP) !=
	    on_death(b->slow, b->on_death == RB_CONFIG_KEEP))
		return "on_death";
	if (a->keep_for_ns != b->keep_for_ns)
		return "keep_for";
	if (a->group != b->group)
		return "group";
	if (a->key_offset != b->key_offset || a->key_size != b->key_size)
		return "key";
	return NULL;
}

/* What is there, in the words of the configuration. */
static void
describe(const struct rb_channel *channel, struct rb_config_channel *ret)
{
	const struct rb_geometry *g = &channel->geometry;

	rb_config_channel_init(ret);
	memcpy(ret->name, channel->meta->header.name, sizeof(ret->name) - 1);
	ret->slots = g->slots;
	ret->slot_size = g->slot_size;
	ret->history = g->history;
	ret->framing = (enum rb_config_framing)g->framing;
	ret->producers = (enum rb_config_producers)g->producers;
	ret->clear = (enum rb_config_clear)channel->clear;
	ret->max_consumers = RB_CONSUMERS_MAX;
	ret->n_consumers = RB_CONSUMERS_MAX;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		rb_kind_of_entry(&channel->meta->consumers[i],
				 &ret->consumers[i]);
}

int
rb_kind_check(const struct rb_channel *channel,
	      const struct rb_config_consumer *kind, char *why, size_t why_size)
{
	struct rb_config_channel described;

	describe(channel, &described);
	return rb_config_consumer_check(&described, kind, why, why_size);
}
