/* SPDX-License-Identifier: MIT */
/*
 * block.h - one mapping of the file into one struct, by the table
 */
#ifndef RB_CONFIG_BLOCK_H
#define RB_CONFIG_BLOCK_H

#include "config/document.h"
#include "config/schema.h"

/* Where a key was given, for checks that look at several. */
struct rb_given {
	bool is_given;
	bool is_bad; /* refused, or missed, so say nothing more about it */
	struct rb_node key;
	struct rb_node value;
};

struct rb_block {
	enum rb_section section;
	const char *where;      /* for messages: "in channel 'orders'" */
	const char *path;       /* the keys down to it: "channels.orders" */
	void *base;             /* the struct of the section */
	struct rb_given *given; /* by enum rb_key_id */
};

/* What is said about a bad name. */
#define RB_NAME_HINT                                                           \
	"1 to 63 of A-Z a-z 0-9 . _ - and neither a dot nor a dash in front"

/* Whether it is a word; guard.c has told about those that are not. */
bool rb_block_is_key(struct rb_node key);

/* Whether a key starts with `x-`, which is left to the author. */
bool rb_key_is_private(const char *name);

/*
 * Takes every key of the mapping: values go to the struct, keys that are blocks
 * themselves are only noted in `given`.
 */
void rb_block_parse(const struct rb_block *block, struct rb_node mapping,
		    struct rb_problems *problems);

/* Whether it is a mapping or empty; tells if it is not. */
bool rb_block_is_mapping(const char *name, struct rb_node node,
			 struct rb_problems *problems);

/* value.c: one value into its field; tells and gives false if it is wrong. */
bool rb_value_parse(const struct rb_key *key, struct rb_node value, void *base,
		    struct rb_problems *problems);

#endif
