/* SPDX-License-Identifier: MIT */
/*
 * word.h - names in the world outside: paths, servers, streams, subjects, hosts
 *
 * Whether such a text can be right at all; whether the file or the server is there
 * is for the programs to find out.
 */
#ifndef RB_CONFIG_WORD_H
#define RB_CONFIG_WORD_H

#include "config/schema.h"

/* What it has to be, to follow "must be"; NULL for other types. */
const char *rb_word_wanted(enum rb_type type);

/* One text of the type; of RB_TYPE_SERVERS one or more with commas between. False
 * if it is none, with a line of advice in *ret_hint, or NULL. */
bool rb_word_check(enum rb_type type, const char *text, const char **ret_hint);

#endif
