/* SPDX-License-Identifier: MIT */
/*
 * page.h - lines of one width, and tables that fit into it
 *
 * A line is as wide as the page, never more and never less: a cell that is too
 * long is cut, and columns for which there is no room are left out, the last
 * first. The first column, a name, takes what is left.
 */
#ifndef CTL_PAGE_H
#define CTL_PAGE_H

#include <stddef.h>

#define PAGE_WIDTH_MAX 512
#define PAGE_CELL 80

enum page_look {
	PAGE_PLAIN,
	PAGE_TITLE,  /* of a table */
	PAGE_CHOSEN, /* the line that the cursor is on */
};

struct page_line {
	char text[PAGE_WIDTH_MAX + 1];
	enum page_look look;
};

struct page {
	int width;
	int height;
	int n_lines; /* written */
	struct page_line *lines;
};

/* Writes what stands in the cell of a row. */
typedef void (*page_cell_fn)(const void *row, char text[PAGE_CELL]);

struct page_column {
	const char *title;
	int width; /* 0: the first one's, as wide as there is room */
	page_cell_fn cell;
};

/* Which columns there are, and how wide the first is. */
struct page_table {
	const struct page_column *columns;
	int n_columns;
	int name_width;
};

/* 0 or -ENOMEM. Sizes are clipped to what a page can have. */
int page_init(struct page *page, int width, int height);
void page_deinit(struct page *page);

/* The next line, cut or filled up to the width; nothing on a page that is full. */
void page_print(struct page *page, enum page_look look, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Chooses columns out of `n`; names are up to longest_name long. */
void page_fit(const struct page *page, const struct page_column *columns, int n,
	      int longest_name, struct page_table *ret);

void page_titles(struct page *page, const struct page_table *table);
void page_row(struct page *page, const struct page_table *table,
	      enum page_look look, const void *row);

#endif
