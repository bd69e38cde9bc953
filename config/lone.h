/* SPDX-License-Identifier: MIT */
/*
 * lone.h - a value that came without a file
 */
#ifndef RB_CONFIG_LONE_H
#define RB_CONFIG_LONE_H

#include "config/schema.h"

#define RB_LONE_SIZE 1024 /* of a text, the zero included */

/*
 * Takes `text` as the file would take it in the place of a value of `key`, in the
 * struct of its section. 0; -EINVAL with a sentence in `why`; -ENOMEM.
 */
int rb_lone_parse(const struct rb_key *key, const char *text, void *base,
		  char *why, size_t why_size);

#endif
