/* SPDX-License-Identifier: MIT */
/*
 * table.c - columns that line up
 *
 * All cells are kept until the end, because the last may be the widest.
 */
#include "client/ctl/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_STEP 64 /* cells by which the array grows */

void
table_init(struct table *table, const struct table_column *columns,
	   size_t n_columns)
{
	table->columns = columns;
	table->n_columns = n_columns;
	table->cells = NULL;
	table->n_cells = 0;
}

void
table_deinit(struct table *table)
{
	size_t i;

	for (i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
}

int
table_add(struct table *table, const char *fmt, ...)
{
	size_t n = table->n_cells;
	char **cells, *cell;
	va_list args;
	int r;

	if (n % CELLS_STEP == 0) {
		cells = realloc(table->cells,
				(n + CELLS_STEP) * sizeof(*cells));
		if (cells == NULL)
			return -ENOMEM;
		table->cells = cells;
	}
	va_start(args, fmt);
	r = vasprintf(&cell, fmt, args);
	va_end(args);
	if (r < 0)
		return -ENOMEM;
	table->cells[table->n_cells++] = cell;
	return 0;
}

static int
column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title), i, n;

	for (i = column; i < table->n_cells; i += table->n_columns) {
		n = strlen(table->cells[i]);
		width = n > width ? n : width;
	}
	return (int)width;
}

static void
print_cell(const struct table *table, size_t column, const char *text,
	   struct output *out)
{
	bool is_last = column + 1 == table->n_columns;
	bool is_number = table->columns[column].is_number;
	int padding = column_width(table, column) - (int)strlen(text);

	if (is_number)
		output_print(out, "%*s", padding, "");
	output_string(out, text);
	if (!is_number && !is_last)
		output_print(out, "%*s", padding, "");
	output_string(out, is_last ? "\n" : "  ");
}

void
table_print(const struct table *table, struct output *out)
{
	size_t i;

	for (i = 0; i < table->n_columns; i++)
		print_cell(table, i, table->columns[i].title, out);
	for (i = 0; i < table->n_cells; i++)
		print_cell(table, i % table->n_columns, table->cells[i], out);
}

const char *
table_format_size(uint64_t size, char *text)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)size / 1024;
	size_t i = 0;

	if (size < 1024) {
		snprintf(text, TABLE_SIZE_TEXT, "%" PRIu64 " B", size);
		return text;
	}
	for (; value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		value /= 1024;
	snprintf(text, TABLE_SIZE_TEXT, "%.1f %s", value, units[i]);
	return text;
}
