/* SPDX-License-Identifier: MIT */
/*
 * help.h - the help text, made from the tables that parse
 *
 * So that an option that works is an option that is shown.
 */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include <stdio.h>

#include "client/ctl/ctl.h"

/* Taken by every verb, and what may stand in front of one. */
extern const struct options_entry help_common_options[];
extern const struct options_entry help_front_options[];

void help_print_verb(const struct ctl_verb *verb);
void help_print_verbs(FILE *file);

/* The verbs of two words of which `word` is the first. */
void help_print_group(FILE *file, const char *word);

#endif
