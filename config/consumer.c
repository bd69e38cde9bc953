/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - the consumers of a channel in the file
 *
 * Read first, connected second: `after` may name a consumer further down.
 */
#include "config/channel.h"

#include <stdio.h>
#include <string.h>

#include "config/graph.h"
#include "config/outlet.h"
#include "config/rules.h"

#define WHERE_SIZE (RB_NAME_SIZE + 32)
#define PATH_SIZE (2 * RB_NAME_SIZE + 32)

static void
parse_key(struct rb_config_consumer *consumer, const char *path,
	  struct rb_given *given, struct rb_problems *problems)
{
	const struct rb_given *key = &given[RB_KEY_CONSUMER_key];
	struct rb_given *size = &given[RB_KEY_KEY_size];
	char where[WHERE_SIZE], key_path[PATH_SIZE + 4];
	const struct rb_block block = {
		.section = RB_SECTION_KEY,
		.where = where,
		.path = key_path,
		.base = consumer,
		.given = given,
	};

	if (!key->is_given || !rb_block_is_mapping("key", key->value, problems))
		return;
	snprintf(where, sizeof(where), "in 'key' of consumer '%s'",
		 consumer->name);
	snprintf(key_path, sizeof(key_path), "%s.key", path);
	rb_block_parse(&block, key->value, problems);
	if (size->is_given)
		return;
	size->is_bad = true;
	rb_problems_add(problems, rb_node_place(key->key),
			"add the number of bytes, size: 8",
			"consumer '%s': 'key' has no 'size'", consumer->name);
}

static void
check_rules(const struct rb_channel_draft *draft,
	    const struct rb_config_consumer *consumer,
	    const struct rb_given *given, struct rb_problems *problems)
{
	struct rb_given outer[RB_N_KEYS];
	const struct rb_consumer_rule *rule;
	const struct rb_given *culprit;
	char why[RB_CONFIG_WHY_SIZE];
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++)
		outer[i] = *rb_channel_find_given(draft, (enum rb_key_id)i);
	for (i = 0; i < RB_N_CONSUMER_RULES; i++) {
		rule = &rb_consumer_rules[i];
		if (rule->check(&draft->values.channel, consumer, why,
				sizeof(why)))
			continue;
		culprit = rb_blame_find(&rule->blame, given, outer);
		if (culprit)
			rb_problems_add(problems, rb_node_place(culprit->key),
					rule->blame.hint, "consumer '%s': %s",
					consumer->name, why);
	}
}

static void
parse_consumer(const struct rb_channel_draft *draft,
	       struct rb_config_consumer *consumer, struct rb_pair pair,
	       struct rb_problems *problems, struct rb_node *ret_after)
{
	struct rb_given given[RB_N_KEYS] = { 0 };
	const struct rb_given *after = &given[RB_KEY_CONSUMER_after];
	char where[WHERE_SIZE], path[PATH_SIZE];
	const struct rb_block block = {
		.section = RB_SECTION_CONSUMER,
		.where = where,
		.path = path,
		.base = consumer,
		.given = given,
	};

	memset(consumer, 0, sizeof(*consumer));
	rb_section_reset(RB_SECTION_CONSUMER, consumer);
	rb_name_parse("consumer", pair.key, problems, consumer->name);
	snprintf(where, sizeof(where), "in consumer '%s'", consumer->name);
	snprintf(path, sizeof(path), "channels.%s.consumers.%s",
		 draft->values.channel.name, consumer->name);
	rb_node_note(pair.key, path, NULL);
	if (rb_block_is_mapping(consumer->name, pair.value, problems))
		rb_block_parse(&block, pair.value, problems);
	parse_key(consumer, path, given, problems);
	rb_consumer_settle(&draft->values.channel,
			   given[RB_KEY_CONSUMER_on_death].is_given, consumer);
	check_rules(draft, consumer, given, problems);
	if (after->is_given)
		*ret_after = after->value;
}

/* The one that a block declares, unless it is declared already. */
static void
imply(struct rb_channel_draft *draft, const char *name, enum rb_key_id block,
      struct rb_problems *problems)
{
	struct rb_config_channel *channel = &draft->values.channel;
	struct rb_node place = draft->given[block].key;
	struct rb_config_consumer *consumer;
	char path[PATH_SIZE];

	if (rb_outlet_of(channel, name) == NULL ||
	    rb_graph_find(channel, name) >= 0)
		return;
	if (channel->n_consumers == RB_CONSUMERS_MAX) {
		rb_problems_add(problems, rb_node_place(place), NULL,
				"consumer '%s' is one more than %d consumers",
				name, RB_CONSUMERS_MAX);
		return;
	}
	consumer = &channel->consumers[channel->n_consumers++];
	memset(consumer, 0, sizeof(*consumer));
	rb_section_reset(RB_SECTION_CONSUMER, consumer);
	memcpy(consumer->name, name, strlen(name) + 1);
	rb_consumer_settle(channel, false, consumer);
	snprintf(path, sizeof(path), "channels.%s.consumers.%s", channel->name,
		 name);
	rb_node_note(place, path, NULL);
}

void
rb_consumers_parse(struct rb_channel_draft *draft, struct rb_node mapping,
		   struct rb_problems *problems)
{
	struct rb_config_channel *channel = &draft->values.channel;
	struct rb_node after[RB_CONSUMERS_MAX] = { 0 };
	size_t i, n = rb_node_n_pairs(mapping);
	struct rb_pair pair;
	unsigned at;

	for (i = 0; i < n; i++) {
		pair = rb_node_pair(mapping, i);
		if (!rb_block_is_key(pair.key) ||
		    rb_key_is_private(rb_node_text(pair.key)) ||
		    rb_graph_find(channel, rb_node_text(pair.key)) >= 0)
			continue;
		if (channel->n_consumers == RB_CONSUMERS_MAX) {
			rb_problems_add(problems, rb_node_place(pair.key), NULL,
					"more than %d consumers",
					RB_CONSUMERS_MAX);
			break;
		}
		at = channel->n_consumers++;
		parse_consumer(draft, &channel->consumers[at], pair, problems,
			       &after[at]);
	}
	imply(draft, channel->journal.consumer, RB_KEY_CHANNEL_journal,
	      problems);
	imply(draft, channel->bridge.consumer, RB_KEY_CHANNEL_bridge, problems);
	rb_graph_resolve(channel, after, problems);
}
