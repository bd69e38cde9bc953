/* SPDX-License-Identifier: MIT */
/*
 * diff.c - see diff.h
 */
#include "config/diff.h"

#include <stdio.h>
#include <string.h>

#include "config/graph.h"

struct diff {
	rb_change_fn fn;
	void *context;
	struct rb_change change;
};

static void
tell(struct diff *diff, enum rb_change_kind kind, enum rb_reload reload)
{
	diff->change.kind = kind;
	diff->change.reload = reload;
	diff->fn(diff->context, &diff->change);
}

static void
compare_key(struct diff *diff, const struct rb_key *key, const char *path,
	    const void *before, const void *after)
{
	struct rb_change *c = &diff->change;

	if (rb_key_is_same(key, before, after))
		return;
	c->key = key;
	snprintf(c->path, sizeof(c->path), "%s.%s", path, key->name);
	rb_key_render(key, before, c->before);
	rb_key_render(key, after, c->after);
	tell(diff, RB_CHANGE_SET, key->reload);
}

static void
compare_section(struct diff *diff, enum rb_section section, const char *path,
		const void *before, const void *after)
{
	for (size_t i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == section &&
		    rb_keys[i].type != RB_TYPE_BLOCK)
			compare_key(diff, &rb_keys[i], path, before, after);
}

void
rb_diff_daemon(const struct rb_config *before, const struct rb_config *after,
	       rb_change_fn fn, void *context)
{
	struct diff diff = { .fn = fn, .context = context };

	compare_section(&diff, RB_SECTION_DAEMON, "daemon", before, after);
	compare_section(&diff, RB_SECTION_DYNAMIC, "dynamic", &before->dynamic,
			&after->dynamic);
	compare_section(&diff, RB_SECTION_DYNAMIC_ACCESS, "dynamic.access",
			&before->dynamic.access, &after->dynamic.access);
}

/* ---------------------------------------------------------------- channels */

void
rb_channel_values(const struct rb_config_channel *channel,
		  struct rb_channel_values *ret)
{
	memset(ret, 0, sizeof(*ret));
	rb_section_reset(RB_SECTION_CHANNEL, ret);
	ret->channel = *channel;
	if (channel->framing == RB_CONFIG_FRAMED)
		ret->frame_size = channel->slot_size;
	else
		ret->event_size = channel->slot_size;
	ret->fill.size = channel->fill_size;
	memcpy(ret->fill.bytes, channel->fill, sizeof(ret->fill.bytes));
}

bool
rb_channel_has_key(const struct rb_config_channel *channel,
		   const struct rb_key *key)
{
	bool is_framed = channel->framing == RB_CONFIG_FRAMED;

	if (key == &rb_keys[RB_KEY_CHANNEL_event_size])
		return !is_framed;
	if (key == &rb_keys[RB_KEY_CHANNEL_slot_size])
		return is_framed;
	if (key == &rb_keys[RB_KEY_CHANNEL_stuck_after])
		return channel->stuck != RB_CONFIG_STUCK_WAIT;
	return true;
}

/* A block of a channel that has it or not. */
struct outlet {
	const char *name;
	enum rb_section section;
	bool was, is; /* given */
};

static void
compare_outlet(struct diff *diff, const struct outlet *outlet,
	       const char *channel, const void *before, const void *after)
{
	struct rb_change *c = &diff->change;
	char path[RB_CHANGE_PATH_SIZE - 32];

	snprintf(path, sizeof(path), "channels.%s.%s", channel, outlet->name);
	if (outlet->was && outlet->is)
		compare_section(diff, outlet->section, path, before, after);
	if (outlet->was == outlet->is)
		return;
	c->key = NULL;
	c->consumer = NULL;
	c->before[0] = c->after[0] = '\0';
	snprintf(c->path, sizeof(c->path), "%s", path);
	tell(diff, outlet->is ? RB_CHANGE_ADDED : RB_CHANGE_REMOVED,
	     RB_RELOAD_LIVE);
}

static void
compare_outlets(struct diff *diff, const struct rb_config_channel *before,
		const struct rb_config_channel *after)
{
	const struct outlet journal = { "journal", RB_SECTION_JOURNAL,
					before->journal.given,
					after->journal.given };
	const struct outlet bridge = { "bridge", RB_SECTION_BRIDGE,
				       before->bridge.given,
				       after->bridge.given };

	compare_outlet(diff, &journal, after->name, &before->journal,
		       &after->journal);
	compare_outlet(diff, &bridge, after->name, &before->bridge,
		       &after->bridge);
}

/* A consumer of a channel. */
struct one {
	const struct rb_config_channel *channel;
	const struct rb_config_consumer *consumer;
};

static bool
comes_after(const struct one *one, const char *name)
{
	int i = rb_graph_find(one->channel, name);

	return i >= 0 && (one->consumer->after >> i & 1) != 0;
}

/* Those whom one comes after, by their names. */
static bool
is_within(const struct one *one, const struct one *other)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if ((one->consumer->after >> i & 1) != 0 &&
		    !comes_after(other, one->channel->consumers[i].name))
			return false;
	return true;
}

static void
compare_after(struct diff *diff, const char *path, const struct one *before,
	      const struct one *after)
{
	struct rb_change *c = &diff->change;

	if (is_within(before, after) && is_within(after, before))
		return;
	c->key = &rb_keys[RB_KEY_CONSUMER_after];
	snprintf(c->path, sizeof(c->path), "%s.after", path);
	rb_after_render(before->channel, before->consumer, c->before);
	rb_after_render(after->channel, after->consumer, c->after);
	tell(diff, RB_CHANGE_SET, RB_RELOAD_GENERATION);
}

static void
compare_consumer(struct diff *diff, const char *path, const struct one *before,
		 const struct one *after)
{
	char key[RB_CHANGE_PATH_SIZE];

	diff->change.consumer = after->consumer;
	compare_section(diff, RB_SECTION_CONSUMER, path, before->consumer,
			after->consumer);
	snprintf(key, sizeof(key), "%s.key", path);
	compare_section(diff, RB_SECTION_KEY, key, before->consumer,
			after->consumer);
	compare_after(diff, path, before, after);
}

static void
tell_consumer(struct diff *diff, const char *path, enum rb_change_kind kind,
	      const struct rb_config_consumer *consumer)
{
	struct rb_change *c = &diff->change;

	c->key = NULL;
	c->consumer = consumer;
	c->before[0] = c->after[0] = '\0';
	snprintf(c->path, sizeof(c->path), "%s", path);
	tell(diff, kind,
	     consumer->group ? RB_RELOAD_GENERATION : RB_RELOAD_LIVE);
}

/* Those of one channel that the other does not have, or, the first being the old
 * one, has otherwise. */
static void
compare_consumers(struct diff *diff, const struct rb_config_channel *one,
		  const struct rb_config_channel *other, bool is_old)
{
	char path[RB_CHANGE_PATH_SIZE - 16];

	for (unsigned i = 0; i < one->n_consumers; i++) {
		const struct rb_config_consumer *c = &one->consumers[i];
		int there = rb_graph_find(other, c->name);

		snprintf(path, sizeof(path), "channels.%s.consumers.%s",
			 one->name, c->name);
		if (there < 0)
			tell_consumer(diff, path,
				      is_old ? RB_CHANGE_REMOVED
					     : RB_CHANGE_ADDED,
				      c);
		else if (is_old)
			compare_consumer(
				diff, path, &(struct one){ one, c },
				&(struct one){ other,
					       &other->consumers[there] });
	}
}

void
rb_diff_channel(const struct rb_config_channel *before,
		const struct rb_config_channel *after, rb_change_fn fn,
		void *context)
{
	struct diff diff = { .fn = fn, .context = context };
	struct rb_channel_values old, new;
	char path[RB_NAME_SIZE + 32];

	rb_channel_values(before, &old);
	rb_channel_values(after, &new);
	snprintf(path, sizeof(path), "channels.%s", after->name);
	for (size_t i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == RB_SECTION_CHANNEL &&
		    rb_keys[i].type != RB_TYPE_BLOCK &&
		    rb_channel_has_key(after, &rb_keys[i]))
			compare_key(&diff, &rb_keys[i], path, &old, &new);
	snprintf(path, sizeof(path), "channels.%s.access", after->name);
	compare_section(&diff, RB_SECTION_ACCESS, path, &old.channel.access,
			&new.channel.access);
	compare_outlets(&diff, before, after);
	compare_consumers(&diff, before, after, true);
	compare_consumers(&diff, after, before, false);
}
