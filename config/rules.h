/* SPDX-License-Identifier: MIT */
/*
 * rules.h - what must hold between the keys of one channel, and of one consumer
 *
 * A rule is a function of the struct, so that it holds for whatever did not come
 * from a file too; and for a file, the keys that can break it.
 */
#ifndef RB_CONFIG_RULES_H
#define RB_CONFIG_RULES_H

#include "config/block.h"

#define RB_BLAME_MAX 6

/* The keys that a rule looks at, first those that are more likely wrong. */
struct rb_blame {
	const char *hint;                      /* what to do, or NULL */
	enum rb_key_id keys[RB_BLAME_MAX + 1]; /* RB_N_KEYS behind the last */
};

/* A sentence in `why` and false if the channel breaks the rule. */
typedef bool (*rb_rule_fn)(const struct rb_config_channel *channel, char *why,
			   size_t why_size);

struct rb_rule {
	rb_rule_fn check;
	struct rb_blame blame;
};

/* The same of a consumer. */
typedef bool (*rb_consumer_rule_fn)(const struct rb_config_channel *channel,
				    const struct rb_config_consumer *consumer,
				    char *why, size_t why_size);

struct rb_consumer_rule {
	rb_consumer_rule_fn check;
	struct rb_blame blame;
};

/* The function, the hint, the keys. */
#define RB_RULE(check, hint, ...)                                              \
	{                                                                      \
		check,                                                         \
		{                                                              \
			hint,                                                  \
			{                                                      \
				__VA_ARGS__, RB_N_KEYS                         \
			}                                                      \
		}                                                              \
	}

#define RB_N_RULES 12
#define RB_N_CONSUMER_RULES 14

extern const struct rb_rule rb_rules[RB_N_RULES];
extern const struct rb_consumer_rule rb_consumer_rules[RB_N_CONSUMER_RULES];

/*
 * The key to point at: one that was given here if there is one, since that is
 * where the author will look, else one from further out, which holds where
 * nothing is given here. NULL if a value was refused already.
 */
const struct rb_given *rb_blame_find(const struct rb_blame *blame,
				     const struct rb_given *here,
				     const struct rb_given *outer);

/* Adds what to do to a sentence about a broken rule. */
void rb_blame_advise(const struct rb_blame *blame, char *why, size_t why_size);

bool rb_name_check(const char *what, const char name[RB_NAME_SIZE], char *why,
		   size_t why_size);

/* Whether every number of a section is one that a file could have given. */
bool rb_section_check(enum rb_section section, const void *base, char *why,
		      size_t why_size);

/*
 * Fills in what follows from the rest where it was not said: `on_death`, unless
 * `has_on_death`, is KEEP for a group, for PARK and for the consumer of a journal
 * or bridge, else RELEASE; the `max_lag`
 * of PARK is the channel's history.
 */
void rb_consumer_settle(const struct rb_config_channel *channel,
			bool has_on_death, struct rb_config_consumer *consumer);

/* Whether `consumer` may wait for `before`. */
bool rb_consumer_may_follow(const struct rb_config_consumer *consumer,
			    const struct rb_config_consumer *before, char *why,
			    size_t why_size);

#endif
