/* SPDX-License-Identifier: MIT */
/*
 * rules.h - what must hold between the keys of one channel
 */
#ifndef RB_CONFIG_RULES_H
#define RB_CONFIG_RULES_H

#include "config/schema.h"

#define RB_WHY_SIZE 256

/* A sentence in `why` and false if the channel breaks the rule. */
typedef bool (*rb_rule_fn)(const struct rb_config_channel *channel, char *why,
			   size_t why_size);

struct rb_rule {
	rb_rule_fn check;
	unsigned n_keys;
	enum rb_key_id keys[3]; /* one of them is to blame */
};

#define RB_N_RULES 3

extern const struct rb_rule rb_rules[RB_N_RULES];

#endif
