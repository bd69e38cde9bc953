/* SPDX-License-Identifier: MIT */
/*
 * top.h - what the parts of `top` share: what is looked at, and how
 *
 * Drawing makes a page, lines of text; a terminal shows it, a pipe gets it.
 */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/page.h"
#include "client/ctl/sample.h"

enum top_sort {
	TOP_BY_NAME,
	TOP_BY_RATE,
	TOP_BY_LAG,
	TOP_BY_FILL,
	TOP_SORTS,
};

#define TOP_FILTER_SIZE 64

struct top {
	struct ctl *ctl;
	struct sampler sampler;
	int64_t interval_ns;
	int sort;
	bool is_reversed;
	bool is_paused;
	bool is_typing; /* the filter */
	char filter[TOP_FILTER_SIZE];
	/* The channel that the cursor is on; "": the first. */
	char chosen[RINGBUS_NAME_SIZE];
	struct sample **shown; /* those that pass the filter, in their order */
	unsigned n_shown;
};

/* Whether a name is one to show: "by name". NULL behind the last. */
const char *top_sort_name(int sort);

/* Fills `shown`; 0 or -ENOMEM. */
int top_select(struct top *top);

/* Where the cursor is among the shown; moves to the nearest that is there. */
unsigned top_find_chosen(const struct top *top);
void top_choose(struct top *top, unsigned place);

/* A page that fits a screen. */
void top_draw_screen(const struct top *top, struct page *page);

/* All there is, on as many lines as it takes, and how many these are. */
void top_draw_all(const struct top *top, struct page *page);
int top_count_lines(const struct top *top);

/* Shows it on a terminal until it is told to stop. -ENOTSUP: there is none, or
 * this was built without ncurses. */
int top_run_screen(struct top *top);

/* Looks, and looks for channels now and then. 0 or -ENOMEM. */
int top_look(struct top *top);

#endif
