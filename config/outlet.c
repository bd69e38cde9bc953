/* SPDX-License-Identifier: MIT */
/*
 * outlet.c - see outlet.h
 *
 * The defaults give values to those channels that have the block; they don't give
 * a channel the block, since its consumer would hold producers up for a program
 * that nobody runs.
 */
#include "config/outlet.h"

#include <stdio.h>
#include <string.h>

#include "config/rules.h"
#include "config/scalar.h"
#include "config/word.h"
#include "shm/base.h"

#define WHERE_SIZE (RB_NAME_SIZE + 48)

void
rb_outlets_init(struct rb_config_channel *channel)
{
	snprintf(channel->journal.consumer, RB_NAME_SIZE, "journal");
	snprintf(channel->bridge.consumer, RB_NAME_SIZE, "replicate");
	snprintf(channel->bridge.servers, RB_CONFIG_SERVERS_SIZE,
		 "nats://127.0.0.1:4222");
}

void
rb_outlets_reset(struct rb_config_channel *channel)
{
	rb_section_reset(RB_SECTION_JOURNAL, &channel->journal);
	rb_section_reset(RB_SECTION_BRIDGE, &channel->bridge);
	rb_outlets_init(channel);
}

void
rb_outlets_settle(struct rb_config_channel *channel)
{
	struct rb_config_bridge *bridge = &channel->bridge;
	char *dot;

	if (bridge->subject[0] == '\0')
		snprintf(bridge->subject, sizeof(bridge->subject), "ringbus.%s",
			 channel->name);
	if (bridge->stream[0] != '\0')
		return;
	snprintf(bridge->stream, sizeof(bridge->stream), "%s", channel->name);
	while ((dot = strchr(bridge->stream, '.')) != NULL)
		*dot = '_'; /* a stream's name has none */
}

static bool
is_exported(const struct rb_config_channel *channel)
{
	return channel->bridge.given &&
	       channel->bridge.direction == RB_CONFIG_EXPORT;
}

const char *
rb_outlet_of(const struct rb_config_channel *channel, const char *consumer)
{
	if (channel->journal.given &&
	    strcmp(channel->journal.consumer, consumer) == 0)
		return "ringbus-journal";
	if (is_exported(channel) &&
	    strcmp(channel->bridge.consumer, consumer) == 0)
		return "ringbus-bridge";
	return NULL;
}

/* ----------------------------------------------------------------- reading */

struct outlet {
	enum rb_key_id key;
	enum rb_section section;
};

static void
parse_one(struct rb_channel_draft *draft, const struct outlet *outlet,
	  struct rb_block block, struct rb_problems *problems)
{
	const struct rb_given *given = &draft->given[outlet->key];
	const char *name = rb_keys[outlet->key].name;
	char where[WHERE_SIZE], path[WHERE_SIZE];

	if (!given->is_given ||
	    !rb_block_is_mapping(name, given->value, problems))
		return;
	snprintf(where, sizeof(where), "in '%s' %s", name, block.where);
	snprintf(path, sizeof(path), "%s.%s", block.path, name);
	block.section = outlet->section;
	block.where = where;
	block.path = path;
	rb_block_parse(&block, given->value, problems);
}

void
rb_outlets_parse(struct rb_channel_draft *draft, const char *where,
		 const char *path, struct rb_problems *problems)
{
	static const struct outlet journal = { RB_KEY_CHANNEL_journal,
					       RB_SECTION_JOURNAL };
	static const struct outlet bridge = { RB_KEY_CHANNEL_bridge,
					      RB_SECTION_BRIDGE };
	struct rb_block block = { .where = where,
				  .path = path,
				  .given = draft->given };

	block.base = &draft->values.channel.journal;
	parse_one(draft, &journal, block, problems);
	block.base = &draft->values.channel.bridge;
	parse_one(draft, &bridge, block, problems);
}

/* A key that says something only while another one has a certain value. */
struct condition {
	enum rb_key_id key;
	enum rb_key_id other;
	unsigned value;
	const char *hint;
};

static const struct condition conditions[] = {
	{ RB_KEY_JOURNAL_sync_interval, RB_KEY_JOURNAL_sync,
	  RB_CONFIG_SYNC_INTERVAL, "add sync: interval, or drop it" },
	{ RB_KEY_BRIDGE_consumer, RB_KEY_BRIDGE_direction, RB_CONFIG_EXPORT,
	  "an importing bridge is the producer of the channel: drop it" },
	{ RB_KEY_BRIDGE_start, RB_KEY_BRIDGE_direction, RB_CONFIG_IMPORT,
	  "an exporting bridge goes on where its consumer is: drop it" },
	{ RB_KEY_BRIDGE_state, RB_KEY_BRIDGE_direction, RB_CONFIG_IMPORT,
	  "an exporting bridge goes on where its consumer is: drop it" },
};

static bool
is_met(const struct condition *c, const struct rb_config_channel *channel)
{
	const struct rb_key *other = &rb_keys[c->other];
	const void *base = other->section == RB_SECTION_JOURNAL
				   ? (const void *)&channel->journal
				   : (const void *)&channel->bridge;

	return rb_key_get(other, base) == c->value;
}

bool
rb_outlet_has_key(const struct rb_config_channel *channel,
		  const struct rb_key *key)
{
	for (size_t i = 0; i < RB_ARRAY_SIZE(conditions); i++)
		if (key == &rb_keys[conditions[i].key])
			return is_met(&conditions[i], channel);
	return true;
}

void
rb_outlets_check(const struct rb_channel_draft *draft,
		 struct rb_problems *problems)
{
	const struct rb_config_channel *channel = &draft->values.channel;

	for (size_t i = 0; i < RB_ARRAY_SIZE(conditions); i++) {
		const struct condition *c = &conditions[i];
		const struct rb_given *given = &draft->given[c->key];
		const struct rb_key *other = &rb_keys[c->other];

		if (!given->is_given || is_met(c, channel) ||
		    rb_channel_find_given(draft, c->other)->is_bad)
			continue;
		rb_problems_add(problems, rb_node_place(given->key), c->hint,
				"channel '%s': '%s' is only for '%s: %s'",
				channel->name, rb_keys[c->key].name,
				other->name,
				rb_type_choices(other->type)[c->value]);
	}
}

/* -------------------------------------------------------------- the rules */

bool
rb_outlet_check_retain(const struct rb_config_channel *channel, char *why,
		       size_t why_size)
{
	const struct rb_config_journal *journal = &channel->journal;
	char all[32], one[32];

	if (!journal->given || journal->retain_bytes == 0 ||
	    journal->retain_bytes / 2 >= journal->segment_bytes)
		return true;
	rb_scalar_format_size(journal->retain_bytes, all, sizeof(all));
	rb_scalar_format_size(journal->segment_bytes, one, sizeof(one));
	snprintf(why, why_size,
		 "'retain_size' is %s, less than two segments of %s: the one "
		 "that is being written is never removed",
		 all, one);
	return false;
}

/* Its one claim to be complete and in order is that nobody else publishes. */
bool
rb_outlet_check_import(const struct rb_config_channel *channel, char *why,
		       size_t why_size)
{
	if (!channel->bridge.given || is_exported(channel) ||
	    channel->producers == RB_CONFIG_SINGLE)
		return true;
	snprintf(why, why_size,
		 "'direction: import' needs 'producers: single': with others "
		 "publishing in between, the bridge could not tell after a "
		 "crash what it has published");
	return false;
}

bool
rb_outlet_check_consumer(const struct rb_config_channel *channel, char *why,
			 size_t why_size)
{
	const char *name = channel->bridge.consumer;

	if (!channel->journal.given || !is_exported(channel) ||
	    strcmp(channel->journal.consumer, name) != 0)
		return true;
	snprintf(why, why_size,
		 "'journal' and 'bridge' both read as consumer '%s': each has "
		 "to have a place of its own",
		 name);
	return false;
}

bool
rb_outlet_check_certificate(const struct rb_config_channel *channel, char *why,
			    size_t why_size)
{
	const struct rb_config_bridge *bridge = &channel->bridge;
	bool has_key = bridge->key[0] != '\0';

	if (!bridge->given || has_key == (bridge->certificate[0] != '\0'))
		return true;
	snprintf(why, why_size, "'%s' is of no use without '%s'",
		 has_key ? "key" : "certificate",
		 has_key ? "certificate" : "key");
	return false;
}

bool
rb_outlet_check_credentials(const struct rb_config_channel *channel, char *why,
			    size_t why_size)
{
	const struct rb_config_bridge *bridge = &channel->bridge;

	if (!bridge->given || bridge->credentials[0] == '\0' ||
	    bridge->nkey[0] == '\0')
		return true;
	snprintf(why, why_size,
		 "'credentials' and 'nkey' are two ways to say who one is");
	return false;
}

/* One that follows from the channel's name was seen by nobody yet. */
bool
rb_outlet_check_subject(const struct rb_config_channel *channel, char *why,
			size_t why_size)
{
	const char *hint;

	if (!channel->bridge.given ||
	    rb_word_check(RB_TYPE_SUBJECT, channel->bridge.subject, &hint))
		return true;
	snprintf(why, why_size, "'%s' is no subject of NATS",
		 channel->bridge.subject);
	return false;
}
