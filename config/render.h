/* SPDX-License-Identifier: MIT */
/*
 * render.h - a value as the file could have it
 *
 * The way back from a field to a text: what is printed here reads as the same
 * value. Access lists stand in the words of the file as far as these were kept,
 * else by their numbers.
 */
#ifndef RB_CONFIG_RENDER_H
#define RB_CONFIG_RENDER_H

#include "config/schema.h"

/* Any value: 32 entries of an access list are the longest. */
#define RB_RENDER_SIZE 3072

/* The value in the struct of its section; what is not given is "". */
void rb_key_render(const struct rb_key *key, const void *base,
		   char ret[RB_RENDER_SIZE]);

/* The same for a program: sizes in bytes, durations in nanoseconds. */
void rb_key_render_plain(const struct rb_key *key, const void *base,
			 char ret[RB_RENDER_SIZE]);

/* A number of the key's type. */
void rb_key_render_number(const struct rb_key *key, uint64_t number,
			  char ret[RB_RENDER_SIZE]);

/* The names that a consumer of this channel comes after: "[a, b]", or "". */
void rb_after_render(const struct rb_config_channel *channel,
		     const struct rb_config_consumer *consumer,
		     char ret[RB_RENDER_SIZE]);

/* Whether two structs of a section have the same value for a key. */
bool rb_key_is_same(const struct rb_key *key, const void *a, const void *b);

#endif
