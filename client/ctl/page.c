/* SPDX-License-Identifier: MIT */
/*
 * page.c - lines of one width, and tables that fit into it
 */
#include "client/ctl/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MIN 12

static int
clip(int n, int max)
{
	return n < 1 ? 1 : n > max ? max : n;
}

int
page_init(struct page *page, int width, int height)
{
	page->width = clip(width, PAGE_WIDTH_MAX);
	page->height = clip(height, 1 << 16);
	page->n_lines = 0;
	page->lines = calloc((size_t)page->height, sizeof(*page->lines));
	return page->lines != NULL ? 0 : -ENOMEM;
}

void
page_deinit(struct page *page)
{
	free(page->lines);
	page->lines = NULL;
}

/* Bytes that are no printable character become one that is. */
static void
add_line(struct page *page, enum page_look look, const char *text)
{
	struct page_line *line;
	int i, length = (int)strlen(text);

	if (page->n_lines >= page->height)
		return;
	line = &page->lines[page->n_lines++];
	line->look = look;
	for (i = 0; i < page->width; i++) {
		line->text[i] = i < length ? text[i] : ' ';
		if (line->text[i] < ' ' || line->text[i] > '~')
			line->text[i] = '?';
	}
	line->text[page->width] = '\0';
}

void
page_print(struct page *page, enum page_look look, const char *fmt, ...)
{
	char text[PAGE_WIDTH_MAX + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_line(page, look, text);
}

void
page_fit(const struct page *page, const struct page_column *columns, int n,
	 int longest_name, struct page_table *ret)
{
	int used = 0, room, i;

	for (i = 1; i < n; i++) {
		if (NAME_MIN + used + 1 + columns[i].width > page->width)
			break;
		used += 1 + columns[i].width;
	}
	room = page->width - used;
	ret->columns = columns;
	ret->n_columns = i;
	if (longest_name < NAME_MIN)
		longest_name = NAME_MIN;
	ret->name_width = longest_name < room ? longest_name : room;
}

/* Adds a cell to a line; what is cut ends with a sign of that. */
static void
add_cell(const struct page_table *table, int i, const char *cell,
	 char text[PAGE_WIDTH_MAX + 1])
{
	int width = i == 0 ? table->name_width : table->columns[i].width;
	size_t used = strlen(text);
	char *at = text + used;
	size_t left = PAGE_WIDTH_MAX + 1 - used;

	if (i == 0)
		snprintf(at, left, "%-*.*s", width, width, cell);
	else
		snprintf(at, left, " %*.*s", width, width, cell);
	if ((int)strlen(cell) > width && strlen(at) > 0)
		at[strlen(at) - 1] = '~';
}

void
page_titles(struct page *page, const struct page_table *table)
{
	char text[PAGE_WIDTH_MAX + 1] = "";
	int i;

	for (i = 0; i < table->n_columns; i++)
		add_cell(table, i, table->columns[i].title, text);
	add_line(page, PAGE_TITLE, text);
}

void
page_row(struct page *page, const struct page_table *table, enum page_look look,
	 const void *row)
{
	char text[PAGE_WIDTH_MAX + 1] = "", cell[PAGE_CELL];
	int i;

	for (i = 0; i < table->n_columns; i++) {
		cell[0] = '\0';
		table->columns[i].cell(row, cell);
		add_cell(table, i, cell, text);
	}
	add_line(page, look, text);
}
