/* SPDX-License-Identifier: MIT */
/*
 * table.h - columns that line up
 *
 * Always aligned, on a terminal or not: what a pipe should get is --json.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "client/ctl/output.h"

struct table_column {
	const char *title;
	bool is_number; /* to the right */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells;
	size_t n_cells;
};

void table_init(struct table *table, const struct table_column *columns,
		size_t n_columns);
void table_deinit(struct table *table);

/* The next cell, row by row. 0 or -ENOMEM. */
int table_add(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void table_print(const struct table *table, struct output *out);

/* "4.5 MiB": for people; `text` has TABLE_SIZE_TEXT bytes. */
#define TABLE_SIZE_TEXT 32
const char *table_format_size(uint64_t size, char *text);

#endif
