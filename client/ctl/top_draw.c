/* SPDX-License-Identifier: MIT */
/*
 * top_draw.c - the tables of `top`: channels, and members of one
 *
 * What an operator asks first stands first: on a narrow page the last columns
 * are left out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/top.h"
#include "client/ctl/words.h"

/* ---------------------------------------------------------------- cells */

/* "950", "12.3k", "4.56M": at most 6 characters. */
static void
put_number(double n, char text[PAGE_CELL])
{
	static const char units[] = "kMGTPE";
	int i = -1;

	if (n < 0)
		n = 0;
	while (n >= 999.5 && i + 1 < (int)sizeof(units) - 1) {
		n /= 1000;
		i++;
	}
	if (i < 0)
		snprintf(text, PAGE_CELL, n > 0 && n < 9.95 ? "%.1f" : "%.0f",
			 n);
	else
		snprintf(text, PAGE_CELL, "%.*f%c",
			 n < 9.995   ? 2
			 : n < 99.95 ? 1
				     : 0,
			 n, units[i]);
}

static void
put_count(int64_t n, char text[PAGE_CELL])
{
	if (n >= 0 && n < 10)
		snprintf(text, PAGE_CELL, "%d", (int)n);
	else
		put_number((double)n, text);
}

static void
put_percent(double part, char text[PAGE_CELL])
{
	part = part < 0 ? 0 : part > 1 ? 1 : part;
	snprintf(text, PAGE_CELL, "%.0f%%", part * 100);
}

static void
put_dash(char text[PAGE_CELL])
{
	memcpy(text, "-", 2);
}

#define BAR 6

static void
put_bar(double part, char text[PAGE_CELL])
{
	char bar[BAR + 1] = "";
	int i;

	for (i = 0; i < BAR; i++)
		bar[i] = part * BAR > i + 0.01 ? '#' : '.';
	snprintf(text, PAGE_CELL, "[%s]%4.0f%%", bar, part * 100);
}

/* ------------------------------------------------------------- channels */

static void
cell_name(const void *row, char text[PAGE_CELL])
{
	const struct sample *sample = row;

	snprintf(text, PAGE_CELL, "%s", sample->name);
}

#define CHANNEL_CELL(cell, put)                                                \
	static void cell(const void *row, char text[PAGE_CELL])                \
	{                                                                      \
		const struct sample *sample = row;                             \
                                                                               \
		if (sample->n_looks == 0)                                      \
			put_dash(text);                                        \
		else                                                           \
			put;                                                   \
	}

CHANNEL_CELL(cell_rate, put_number(sample->rates.slots, text))
CHANNEL_CELL(cell_used, put_count(view_used(&sample->view), text))
CHANNEL_CELL(cell_fill, put_bar(view_fill(&sample->view), text))
CHANNEL_CELL(cell_woken, put_number(sample->rates.woken, text))
CHANNEL_CELL(cell_stalled, put_percent(sample->rates.stalled, text))
CHANNEL_CELL(cell_sleeps, put_number(sample->rates.sleeps, text))
CHANNEL_CELL(cell_wakes, put_number(sample->rates.wakes, text))
CHANNEL_CELL(cell_lost, put_number(sample->rates.lost, text))
CHANNEL_CELL(cell_errors, put_number(sample->rates.errors, text))
CHANNEL_CELL(cell_cursor,
	     snprintf(text, PAGE_CELL, "%" PRId64, sample->view.info.cursor))

static void
put_latency(const struct sample *sample, const struct ringbus_member *member,
	    double q, char text[PAGE_CELL])
{
	char time[LATENCY_TEXT];

	snprintf(text, PAGE_CELL, "%s",
		 latency_format(latencies_quantile(&sample->latencies, member,
						   q),
				time));
}

CHANNEL_CELL(cell_p50, put_latency(sample, NULL, 0.5, text))
CHANNEL_CELL(cell_p99, put_latency(sample, NULL, 0.99, text))

static const char *
name_state(const struct sample *sample)
{
	if (sample->n_looks == 0)
		return sample->error == -EACCES    ? "denied"
		       : sample->error == -EBADMSG ? "damaged"
						   : "unread";
	return words_stream(&sample->view.info);
}

static void
cell_state(const void *row, char text[PAGE_CELL])
{
	snprintf(text, PAGE_CELL, "%s", name_state(row));
}

static void
cell_members(const void *row, char text[PAGE_CELL])
{
	const struct sample *sample = row;
	unsigned i, n = 0;

	for (i = 0; i < sample->view.n_members; i++)
		n += sample->view.members[i].pid > 0;
	snprintf(text, PAGE_CELL, "%u", n);
}

static const struct page_column channel_columns[] = {
	{ "CHANNEL", 0, cell_name },    { "RATE/S", 6, cell_rate },
	{ "LAG", 6, cell_used },        { "FILL", 13, cell_fill },
	{ "STALL", 5, cell_stalled },   { "P50", 6, cell_p50 },
	{ "P99", 6, cell_p99 },         { "WOKEN/S", 7, cell_woken },
	{ "STATE", 7, cell_state },     { "MEMBERS", 7, cell_members },
	{ "WAKES/S", 7, cell_wakes },   { "LOST/S", 6, cell_lost },
	{ "SLEEPS/S", 8, cell_sleeps }, { "ERRORS/S", 8, cell_errors },
	{ "CURSOR", 19, cell_cursor },
};

#define N_CHANNEL_COLUMNS                                                      \
	((int)(sizeof(channel_columns) / sizeof(channel_columns[0])))

/* -------------------------------------------------------------- members */

struct member_row {
	const struct sample *sample;
	const struct ringbus_member *member;
	const struct sample_rates *rates;
};

#define MEMBER_CELL(cell, put)                                                 \
	static void cell(const void *row, char text[PAGE_CELL])                \
	{                                                                      \
		const struct member_row *r = row;                              \
		const struct ringbus_member *m = r->member;                    \
                                                                               \
		(void)m;                                                       \
		put;                                                           \
	}

MEMBER_CELL(member_name, snprintf(text, PAGE_CELL, "  %s", m->name))
MEMBER_CELL(member_role, snprintf(text, PAGE_CELL, "%s", words_member(m)))
MEMBER_CELL(member_state,
	    snprintf(text, PAGE_CELL, "%s", words_state(m->state)))
MEMBER_CELL(member_rate, put_number(r->rates->slots, text))
MEMBER_CELL(member_woken, put_number(r->rates->woken, text))
MEMBER_CELL(member_stalled, put_percent(r->rates->stalled, text))
MEMBER_CELL(member_sleeps, put_number(r->rates->sleeps, text))
MEMBER_CELL(member_missed, put_number(r->rates->missed, text))
MEMBER_CELL(member_wakes, put_number(r->rates->wakes, text))
MEMBER_CELL(member_lost, put_number(r->rates->lost, text))
MEMBER_CELL(member_errors, put_number(r->rates->errors, text))
MEMBER_CELL(member_p50, put_latency(r->sample, m, 0.5, text))
MEMBER_CELL(member_p99, put_latency(r->sample, m, 0.99, text))

static void
member_pid(const void *row, char text[PAGE_CELL])
{
	const struct ringbus_member *member =
		((const struct member_row *)row)->member;

	if (member->pid > 0)
		snprintf(text, PAGE_CELL, "%" PRId64, member->pid);
	else
		put_dash(text);
}

static void
member_lag(const void *row, char text[PAGE_CELL])
{
	const struct ringbus_member *member =
		((const struct member_row *)row)->member;

	if (member->role == RINGBUS_CONSUMER)
		put_count(member->lag, text);
	else
		put_dash(text);
}

static void
member_io_lag(const void *row, char text[PAGE_CELL])
{
	const struct member_row *r = row;
	const struct ringbus_io *io = view_io(&r->sample->view, r->member);

	if (io == NULL)
		put_dash(text);
	else if (!io->up)
		memcpy(text, "down", 5);
	else
		put_count(io->lag, text);
}

static const struct page_column member_columns[] = {
	{ "  MEMBER", 0, member_name },   { "RATE/S", 6, member_rate },
	{ "LAG", 6, member_lag },         { "ROLE", 8, member_role },
	{ "PID", 7, member_pid },         { "STALL", 5, member_stalled },
	{ "P50", 6, member_p50 },         { "P99", 6, member_p99 },
	{ "WOKEN/S", 7, member_woken },   { "STATE", 8, member_state },
	{ "WAKES/S", 7, member_wakes },   { "LOST/S", 6, member_lost },
	{ "SLEEPS/S", 8, member_sleeps }, { "MISSED/S", 8, member_missed },
	{ "ERRORS/S", 8, member_errors }, { "IO-LAG", 6, member_io_lag },
};

#define N_MEMBER_COLUMNS                                                       \
	((int)(sizeof(member_columns) / sizeof(member_columns[0])))

static int
longest_member(const struct sample *sample)
{
	size_t longest = 0, n;
	unsigned i;

	for (i = 0; i < sample->view.n_members; i++) {
		n = strlen(sample->view.members[i].name) + 2;
		longest = n > longest ? n : longest;
	}
	return (int)longest;
}

static void
draw_members(const struct sample *sample, struct page *page, int max_lines)
{
	struct page_table table;
	unsigned i;

	page_fit(page, member_columns, N_MEMBER_COLUMNS, longest_member(sample),
		 &table);
	page_titles(page, &table);
	for (i = 0; i < sample->view.n_members && --max_lines > 0; i++)
		page_row(page, &table, PAGE_PLAIN,
			 &(struct member_row){ sample, &sample->view.members[i],
					       &sample->members[i] });
}

/* ------------------------------------------------------------- the page */

static void
fit_channels(const struct top *top, const struct page *page,
	     struct page_table *table)
{
	size_t longest = 0, n;
	unsigned i;

	for (i = 0; i < top->n_shown; i++) {
		n = strlen(top->shown[i]->name);
		longest = n > longest ? n : longest;
	}
	page_fit(page, channel_columns, N_CHANNEL_COLUMNS, (int)longest, table);
}

static void
draw_head(const struct top *top, struct page *page)
{
	page_print(page, PAGE_PLAIN,
		   "ringbus: %u of %u channels, by %s%s%s%s%s%s", top->n_shown,
		   top->sampler.n_samples, top_sort_name(top->sort),
		   top->is_reversed ? ", backwards" : "",
		   top->filter[0] != '\0' ? ", with " : "", top->filter,
		   top->sampler.has_daemon ? "" : ", no daemon",
		   top->is_paused ? ", PAUSED" : "");
}

static void
draw_foot(const struct top *top, struct page *page)
{
	while (page->n_lines < page->height - 1)
		page_print(page, PAGE_PLAIN, "%s", "");
	if (top->is_typing)
		page_print(page, PAGE_PLAIN,
			   "show channels with: %s_  (Enter: done, Esc: all)",
			   top->filter);
	else
		page_print(page, PAGE_PLAIN,
			   "q quit  up/down choose  s sort  r reverse  "
			   "/ filter  p pause  +/- every %.1f s",
			   (double)top->interval_ns / 1e9);
}

/* Members get what channels leave, and half of the page at least. */
static int
count_channel_lines(const struct top *top, const struct page *page)
{
	int max = (page->height - 4) / 2;

	if (max < 1)
		max = 1;
	return (int)top->n_shown < max ? (int)top->n_shown : max;
}

static void
draw_channels(const struct top *top, struct page *page)
{
	int n = count_channel_lines(top, page), at = (int)top_find_chosen(top);
	int first = at >= n ? at - n + 1 : 0, i;
	struct page_table table;

	fit_channels(top, page, &table);
	page_titles(page, &table);
	for (i = first; i < first + n && i < (int)top->n_shown; i++)
		page_row(page, &table, i == at ? PAGE_CHOSEN : PAGE_PLAIN,
			 top->shown[i]);
}

void
top_draw_screen(const struct top *top, struct page *page)
{
	const struct sample *chosen;

	draw_head(top, page);
	draw_channels(top, page);
	if (top->n_shown > 0) {
		chosen = top->shown[top_find_chosen(top)];
		page_print(page, PAGE_PLAIN, "%s", "");
		draw_members(chosen, page, page->height - page->n_lines - 1);
	}
	draw_foot(top, page);
}

int
top_count_lines(const struct top *top)
{
	unsigned i, n = 1;

	for (i = 0; i < top->n_shown; i++)
		n += 1 + top->shown[i]->view.n_members + 3;
	return (int)n;
}

void
top_draw_all(const struct top *top, struct page *page)
{
	struct page_table table;
	unsigned i;

	fit_channels(top, page, &table);
	page_titles(page, &table);
	for (i = 0; i < top->n_shown; i++)
		page_row(page, &table, PAGE_PLAIN, top->shown[i]);
	for (i = 0; i < top->n_shown; i++) {
		if (top->shown[i]->view.n_members == 0)
			continue;
		page_print(page, PAGE_PLAIN, "%s", "");
		page_print(page, PAGE_PLAIN, "%s:", top->shown[i]->name);
		draw_members(top->shown[i], page, SAMPLE_MEMBERS + 2);
	}
}
