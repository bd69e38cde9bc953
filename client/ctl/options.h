/* SPDX-License-Identifier: MIT */
/*
 * options.h - command line options as tables
 *
 * A verb describes each option once: its names, what its value is, where the
 * value goes, and a line for people. Parsing and the help text come from that.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stores the value of `text` (NULL for a flag) at `target`; 0 or -EINVAL. */
typedef int (*options_parse_fn)(const char *text, void *target);

struct options_type {
	options_parse_fn parse;
	const char *wanted; /* "... is not " this */
};

extern const struct options_type options_flag;     /* bool */
extern const struct options_type options_text;     /* const char * */
extern const struct options_type options_count;    /* uint64_t, from 1 on */
extern const struct options_type options_number;   /* uint64_t */
extern const struct options_type options_size;     /* uint64_t, bytes */
extern const struct options_type options_duration; /* int64_t, nanoseconds */
extern const struct options_type options_rate;     /* uint64_t, a second */
extern const struct options_type options_wait;     /* int, RINGBUS_WAIT_... */

struct options_entry {
	char letter;       /* 0: only the long name */
	const char *name;  /* NULL: end of the table */
	const char *value; /* what the help calls the value; NULL: a flag */
	const struct options_type *type;
	size_t offset; /* of the target in the struct behind the table */
	const char *text;
};

struct options_table {
	const struct options_entry *entries;
	void *target;
};

#define OPTIONS_TABLES 2
#define OPTIONS_MAX 32 /* entries of all tables together */

struct options {
	const char *verb; /* of messages; NULL: in front of it */
	struct options_table tables[OPTIONS_TABLES];
	bool in_order; /* stop at the first operand */
};

/*
 * Parses argv[1..]. Returns the index of the first operand, to which all the
 * operands have been moved, or -EINVAL after a message on stderr.
 */
int options_parse(const struct options *options, int argc, char **argv);

/* The place of `text` among `n` names, or -EINVAL. */
int options_choose(const char *text, const char *const names[], int n);

/* A decimal number and nothing else: 0 or -EINVAL. */
int options_read_number(const char *text, uint64_t *ret);

/* The same of a sequence or another number that is never above INT64_MAX. */
int options_read_sequence(const char *text, int64_t *ret);

#endif
