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

#define WHERE_SIZE (RB_NAME_SIZE + 32)

static void
check_keep_for(const struct rb_config_consumer *consumer,
	       const struct rb_given *given, struct rb_problems *problems)
{
	const struct rb_given *keep_for = &given[RB_KEY_CONSUMER_keep_for];

	if (!keep_for->is_given || consumer->on_death == RB_CONFIG_KEEP ||
	    given[RB_KEY_CONSUMER_on_death].is_bad)
		return;
	rb_problems_add(problems, rb_node_place(keep_for->key),
			"add on_death: keep",
			"'keep_for' is only for a consumer that is kept");
}

static void
parse_consumer(struct rb_config_consumer *consumer, struct rb_pair pair,
	       struct rb_problems *problems, struct rb_node *ret_after)
{
	struct rb_given given[RB_N_KEYS] = { 0 };
	const struct rb_given *after = &given[RB_KEY_CONSUMER_after];
	char where[WHERE_SIZE];
	struct rb_block block = {
		.section = RB_SECTION_CONSUMER,
		.where = where,
		.base = consumer,
		.given = given,
	};

	memset(consumer, 0, sizeof(*consumer));
	rb_section_reset(RB_SECTION_CONSUMER, consumer);
	rb_name_parse("consumer", pair.key, problems, consumer->name);
	snprintf(where, sizeof(where), "in consumer '%s'", consumer->name);
	if (rb_block_is_mapping(consumer->name, pair.value, problems))
		rb_block_parse(&block, pair.value, problems);
	check_keep_for(consumer, given, problems);
	if (after->is_given)
		*ret_after = after->value;
}

void
rb_consumers_parse(struct rb_config_channel *channel, struct rb_node mapping,
		   struct rb_problems *problems)
{
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
		parse_consumer(&channel->consumers[at], pair, problems,
			       &after[at]);
	}
	rb_graph_resolve(channel, after, problems);
}
