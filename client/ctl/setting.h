/* SPDX-License-Identifier: MIT */
/*
 * setting.h - the block of a channel that a program goes by, as a table
 *
 * A program that takes a channel outside describes each key of its block once: its
 * name, what its value is, and where that goes. The value is what the command line
 * says by -o KEY=VALUE, in the words of ringbus.yaml(5), else what the configuration
 * says, else the default. The daemon knows all of it, which words are right too.
 */
#ifndef CTL_SETTING_H
#define CTL_SETTING_H

#include <stddef.h>

#include "client/ringbus.h"

enum setting_type {
	SETTING_TEXT, /* char[size]; a list has commas in it, "" is not given */
	SETTING_NUMBER, /* int64_t; bytes and nanoseconds too */
	SETTING_FLAG,   /* bool */
	SETTING_WORD,   /* int, the place among the words */
};

struct setting {
	const char *key; /* NULL: end of the table */
	enum setting_type type;
	size_t offset; /* of the target in the struct behind the table */
	size_t size;   /* of a text */
	const char *const *words; /* NULL at the end */
};

#define SETTING_GIVEN_MAX 64
#define SETTING_WHY_SIZE (RINGBUS_SETTING_SIZE + 128)

/* Where they come from. */
struct setting_source {
	struct ringbus *bus;
	const char *channel;
	const char *block; /* "journal" */
	int n_given;       /* on the command line; of one key the last counts */
	const char *given[SETTING_GIVEN_MAX]; /* KEY=VALUE */
	char why[SETTING_WHY_SIZE];           /* set by what fails */
};

/* One more KEY=VALUE of the command line: 0, or -ENOSPC if there are too many. */
int setting_give(struct setting_source *source, const char *given);

/* Whether the channel has the block: 1, 0 or an error of ringbus_setting(). */
int setting_has_block(struct setting_source *source);

/*
 * Fills in all of the table. 0; -EINVAL for a value, and -ENOENT for a key, that is
 * none; -ENOSPC for a text that its place does not take; or another error of
 * ringbus_setting(). Then `why` is a sentence for people, and the targets are in part
 * filled.
 */
int setting_read(struct setting_source *source, const struct setting *table,
		 void *target);

#endif
