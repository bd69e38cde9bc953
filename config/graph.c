/* SPDX-License-Identifier: MIT */
/*
 * graph.c - which consumer waits for which
 *
 * Consumers are numbered in the order of declaration, sets of them are masks.
 * A consumer all of whose dependencies are done is done; where that comes to a
 * halt, everyone left waits for someone left, so following any dependency from
 * any of them runs into a cycle.
 */
#include "config/graph.h"

#include <stdio.h>
#include <string.h>

#include "config/rules.h"
#include "config/suggest.h"

#define HINT_SIZE 160

int
rb_graph_find(const struct rb_config_channel *channel, const char *name)
{
	unsigned i;

	for (i = 0; i < channel->n_consumers; i++)
		if (strcmp(channel->consumers[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void
refuse_name(const struct rb_config_channel *channel, unsigned i,
	    struct rb_node item, struct rb_problems *problems)
{
	struct rb_suggestion suggestion;
	char hint[HINT_SIZE];
	unsigned k;

	rb_suggestion_init(&suggestion, rb_node_text(item));
	for (k = 0; k < channel->n_consumers; k++)
		if (k != i)
			rb_suggestion_offer(&suggestion,
					    channel->consumers[k].name);
	rb_problems_add(problems, rb_node_place(item),
			rb_suggestion_say(&suggestion, hint, sizeof(hint)),
			"consumer '%s' waits for " RB_QUOTED
			", which channel '%s' does not declare",
			channel->consumers[i].name, rb_node_text(item),
			channel->name);
}

static void
resolve_item(struct rb_config_channel *channel, unsigned i, struct rb_node item,
	     struct rb_problems *problems)
{
	struct rb_config_consumer *consumer = &channel->consumers[i];
	char why[RB_CONFIG_WHY_SIZE];
	int found;

	if (!rb_node_is_scalar(item) || rb_node_is_null(item)) {
		rb_problems_add(problems, rb_node_place(item), NULL,
				"'after' must be a consumer or a list of them, "
				"not %s",
				rb_node_kind(item));
		return;
	}
	found = rb_graph_find(channel, rb_node_text(item));
	if (found < 0)
		refuse_name(channel, i, item, problems);
	else if ((unsigned)found == i)
		rb_problems_add(problems, rb_node_place(item), NULL,
				"consumer '%s' waits for itself",
				consumer->name);
	else if (consumer->after >> found & 1)
		rb_problems_add(problems, rb_node_place(item), NULL,
				"'%s' is named twice", rb_node_text(item));
	else if (!rb_consumer_may_follow(consumer, &channel->consumers[found],
					 why, sizeof(why)))
		rb_problems_add(
			problems, rb_node_place(item),
			"one with slow: gate or evict can be waited for", "%s",
			why);
	else
		consumer->after |= UINT64_C(1) << found;
}

/* Writes "a -> b -> a" and gives the consumers in it. */
static uint64_t
walk_cycle(const struct rb_config_channel *channel, uint64_t left, int start,
	   char text[RB_CYCLE_TEXT_SIZE])
{
	uint64_t members = 0;
	size_t used = 0;
	int i = start;

	do {
		members |= UINT64_C(1) << i;
		if (used < RB_CYCLE_TEXT_SIZE)
			used += (size_t)snprintf(text + used,
						 RB_CYCLE_TEXT_SIZE - used,
						 "%s -> ",
						 channel->consumers[i].name);
		i = __builtin_ctzll(channel->consumers[i].after & left);
	} while (i != start);
	if (used < RB_CYCLE_TEXT_SIZE)
		snprintf(text + used, RB_CYCLE_TEXT_SIZE - used, "%s",
			 channel->consumers[start].name);
	return members;
}

/* Adds to done who waits only for those who are. */
static uint64_t
settle(const struct rb_config_channel *channel, uint64_t done)
{
	uint64_t before;
	unsigned i;

	do {
		before = done;
		for (i = 0; i < channel->n_consumers; i++)
			if (!(channel->consumers[i].after & ~done))
				done |= UINT64_C(1) << i;
	} while (done != before);
	return done;
}

int
rb_graph_find_cycle(const struct rb_config_channel *channel, uint64_t *done,
		    char text[RB_CYCLE_TEXT_SIZE])
{
	uint64_t all = channel->n_consumers == 64
			       ? UINT64_MAX
			       : (UINT64_C(1) << channel->n_consumers) - 1;
	uint64_t left, seen = 0, members;
	int i;

	*done = settle(channel, *done);
	left = all & ~*done;
	if (!left)
		return -1;
	for (i = __builtin_ctzll(left); !(seen >> i & 1);) {
		seen |= UINT64_C(1) << i;
		i = __builtin_ctzll(channel->consumers[i].after & left);
	}
	members = walk_cycle(channel, left, i, text);
	i = __builtin_ctzll(members);
	*done |= walk_cycle(channel, left, i, text);
	return i;
}

void
rb_graph_resolve(struct rb_config_channel *channel,
		 const struct rb_node after[RB_CONSUMERS_MAX],
		 struct rb_problems *problems)
{
	char text[RB_CYCLE_TEXT_SIZE];
	uint64_t done = 0;
	unsigned i;
	size_t k;
	int first;

	for (i = 0; i < channel->n_consumers; i++) {
		if (rb_node_is_mapping(after[i]))
			resolve_item(channel, i, after[i], problems);
		for (k = 0; k < rb_node_n_items(after[i]); k++)
			resolve_item(channel, i, rb_node_item(after[i], k),
				     problems);
	}
	for (;;) {
		first = rb_graph_find_cycle(channel, &done, text);
		if (first < 0)
			return;
		rb_problems_add(problems, rb_node_place(after[first]), NULL,
				"consumers wait for each other: %s", text);
	}
}
