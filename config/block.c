/* SPDX-License-Identifier: MIT */
/*
 * block.c - one mapping of the file into one struct, by the table
 */
#include "config/block.h"

#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

#define HINT_SIZE 160

bool
rb_block_is_key(struct rb_node key)
{
	return rb_node_is_scalar(key) && strcmp(rb_node_text(key), "<<") != 0;
}

bool
rb_key_is_private(const char *name)
{
	return strncmp(name, "x-", 2) == 0;
}

/* Where else in the file a key of this name would have been right. */
static const char *
find_elsewhere(const char *name, char *hint, size_t size)
{
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++) {
		if (strcmp(rb_keys[i].name, name) != 0)
			continue;
		snprintf(hint, size, "'%s' belongs %s", name,
			 rb_section_phrase(rb_keys[i].section));
		return hint;
	}
	return NULL;
}

static void
refuse_key(const struct rb_block *block, struct rb_node key,
	   struct rb_problems *problems)
{
	const char *name = rb_node_text(key), *hint;
	struct rb_suggestion suggestion;
	char text[HINT_SIZE];
	size_t i;

	rb_suggestion_init(&suggestion, name);
	for (i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == block->section)
			rb_suggestion_offer(&suggestion, rb_keys[i].name);
	hint = find_elsewhere(name, text, sizeof(text));
	if (!hint)
		hint = rb_suggestion_say(&suggestion, text, sizeof(text));
	rb_problems_add(problems, rb_node_place(key), hint,
			"unknown key " RB_QUOTED " %s", name, block->where);
}

static void
parse_pair(const struct rb_block *block, struct rb_pair pair,
	   struct rb_problems *problems)
{
	const char *name = rb_node_text(pair.key);
	const struct rb_key *key;
	struct rb_given *given;

	if (rb_key_is_private(name))
		return;
	key = rb_key_find(block->section, name);
	if (!key) {
		refuse_key(block, pair.key, problems);
		return;
	}
	given = &block->given[key - rb_keys];
	rb_node_note(pair.value, block->path, name);
	*given = (struct rb_given){
		.is_given = true,
		.key = pair.key,
		.value = pair.value,
	};
	if (key->type != RB_TYPE_BLOCK)
		given->is_bad = !rb_value_parse(key, pair.value, block->base,
						problems);
}

void
rb_block_parse(const struct rb_block *block, struct rb_node mapping,
	       struct rb_problems *problems)
{
	size_t i, n = rb_node_n_pairs(mapping);
	struct rb_pair pair;

	for (i = 0; i < n; i++) {
		pair = rb_node_pair(mapping, i);
		if (rb_block_is_key(pair.key))
			parse_pair(block, pair, problems);
	}
}

bool
rb_block_is_mapping(const char *name, struct rb_node node,
		    struct rb_problems *problems)
{
	if (rb_node_is_mapping(node) || rb_node_is_null(node))
		return true;
	rb_problems_add(problems, rb_node_place(node), NULL,
			RB_QUOTED " must be a mapping of keys, not %s", name,
			rb_node_kind(node));
	return false;
}
