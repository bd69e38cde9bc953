/* SPDX-License-Identifier: MIT */
/*
 * choice.h - the words that a value can be, read from what its type says it is
 *
 * "one of text, hex, raw, json" and "now, oldest or a sequence" tell a person
 * what is right; the manual and completion need the same words, and should not
 * have a list of their own.
 */
#ifndef CTL_CHOICE_H
#define CTL_CHOICE_H

#include <stdbool.h>

#include "client/ctl/options.h"

#define CHOICE_SIZE 32

/* The `index`th of them, counted from 0; false behind the last. */
bool choice_word(const struct options_type *type, unsigned index,
		 char word[CHOICE_SIZE]);

/* Whether a value can be nothing else. */
bool choice_is_all(const struct options_type *type);

#endif
