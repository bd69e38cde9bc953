/* SPDX-License-Identifier: MIT */
/*
 * outlet.h - the blocks `journal` and `bridge` of a channel
 *
 * Each is for a program that runs beside the daemon, as a consumer of the channel
 * or as its producer. Such a consumer is declared by its block, and its place is
 * kept: what it has not secured yet must not be overwritten while it is away.
 */
#ifndef RB_CONFIG_OUTLET_H
#define RB_CONFIG_OUTLET_H

#include "config/channel.h"

/* Every text at its default. Numbers are rb_section_reset()'s. */
void rb_outlets_init(struct rb_config_channel *channel);

/* The numbers too, as for a channel without the blocks. */
void rb_outlets_reset(struct rb_config_channel *channel);

/* Takes both blocks of a mapping whose keys are in the draft; `where` and `path`
 * are those of the channel or the defaults. */
void rb_outlets_parse(struct rb_channel_draft *draft, const char *where,
		      const char *path, struct rb_problems *problems);

/* Tells about keys that were given and mean nothing beside the others. */
void rb_outlets_check(const struct rb_channel_draft *draft,
		      struct rb_problems *problems);

/* What follows from the name of the channel where it was not said. */
void rb_outlets_settle(struct rb_config_channel *channel);

/* Whether a key of the blocks says anything beside the others. */
bool rb_outlet_has_key(const struct rb_config_channel *channel,
		       const struct rb_key *key);

/* The program that reads by this name as the blocks have it, "ringbus-journal";
 * NULL: none does. */
const char *rb_outlet_of(const struct rb_config_channel *channel,
			 const char *consumer);

/* Rules across the keys: see rules.h. */
bool rb_outlet_check_retain(const struct rb_config_channel *channel, char *why,
			    size_t why_size);
bool rb_outlet_check_import(const struct rb_config_channel *channel, char *why,
			    size_t why_size);
bool rb_outlet_check_consumer(const struct rb_config_channel *channel,
			      char *why, size_t why_size);
bool rb_outlet_check_certificate(const struct rb_config_channel *channel,
				 char *why, size_t why_size);
bool rb_outlet_check_credentials(const struct rb_config_channel *channel,
				 char *why, size_t why_size);
bool rb_outlet_check_subject(const struct rb_config_channel *channel, char *why,
			     size_t why_size);

#endif
