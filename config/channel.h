/* SPDX-License-Identifier: MIT */
/*
 * channel.h - one channel of the file into one struct
 */
#ifndef RB_CONFIG_CHANNEL_H
#define RB_CONFIG_CHANNEL_H

#include "config/block.h"

/* A channel being read: its values, and where each key was given. */
struct rb_channel_draft {
	struct rb_channel_values values;
	struct rb_given given[RB_N_KEYS];     /* by the channel itself */
	struct rb_given inherited[RB_N_KEYS]; /* by the defaults */
};

void rb_channel_draft_init(struct rb_channel_draft *draft);

/* Takes a `defaults` mapping; may be called for several, the last one wins. */
void rb_channel_parse_defaults(struct rb_channel_draft *defaults,
			       struct rb_node mapping,
			       struct rb_problems *problems);

/* Takes the channel named by the key of the pair on top of the defaults. */
void rb_channel_parse(const struct rb_channel_draft *defaults,
		      struct rb_pair pair, struct rb_problems *problems,
		      struct rb_config_channel *ret);

/* Who gave the key that counts. */
const struct rb_given *rb_channel_find_given(
	const struct rb_channel_draft *draft, enum rb_key_id key);

/* consumer.c: the consumers of a channel whose own keys are there already, those
 * of its journal and bridge too, and how they wait for each other. */
void rb_consumers_parse(struct rb_channel_draft *draft, struct rb_node mapping,
			struct rb_problems *problems);

/* Checks a name and says at its place what is wrong with it. */
void rb_name_parse(const char *what, struct rb_node key,
		   struct rb_problems *problems, char ret[RB_NAME_SIZE]);

#endif
