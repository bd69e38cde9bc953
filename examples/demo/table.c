/* SPDX-License-Identifier: MIT */
/*
 * table.c - see table.h
 */
#include "examples/demo/table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "examples/demo/board.h"
#include "examples/demo/text.h"

#define TTY_INTERVAL_NS INT64_C(250000000)
#define LINE_INTERVAL_NS INT64_C(2000000000)

/* What is known of one process at one moment. */
struct row {
	int64_t sequence;
	int64_t lag; /* slots; -1: has none */
	double rate; /* slots per second; one order is one */
};

void
table_init(struct table *table, const struct demo *demo,
	   const struct ringbus_channel *channel)
{
	*table = (struct table){ .demo = demo,
				 .channel = channel,
				 .is_tty = isatty(STDOUT_FILENO),
				 .started_ns = now_ns() };
	table->drawn_ns = table->started_ns;
	for (int role = 0; role < N_ROLES; role++)
		table->before[role] = -1;
}

static int64_t
interval_ns(const struct table *table)
{
	return table->is_tty ? TTY_INTERVAL_NS : LINE_INTERVAL_NS;
}

int
table_due_ms(const struct table *table)
{
	int64_t left_ns = table->drawn_ns + interval_ns(table) - now_ns();

	return left_ns <= 0 ? 0 : (int)(left_ns / 1000000) + 1;
}

/* Fills in the consumers of the channel; the replica is none. */
static void
look_at_members(const struct table *table, struct row rows[N_ROLES])
{
	struct ringbus_member member = { .size = sizeof(member) };

	for (unsigned i = 0; i < 64; i++) {
		if (ringbus_channel_member(table->channel, RINGBUS_CONSUMER, i,
					   &member) <= 0)
			continue;
		for (int role = 0; role < N_ROLES; role++)
			if (strcmp(member.name, role_names[role]) == 0) {
				rows[role].sequence = member.sequence;
				rows[role].lag = member.lag;
			}
	}
}

static void
look(struct table *table, double elapsed_s, struct ringbus_info *ret_info,
     struct row rows[N_ROLES])
{
	ret_info->size = sizeof(*ret_info);
	ringbus_channel_info(table->channel, ret_info);
	for (int role = 0; role < N_ROLES; role++) {
		rows[role].sequence =
			board_read_note(table->demo, role).sequence;
		rows[role].lag = -1;
	}
	look_at_members(table, rows);
	for (int role = 0; role < N_ROLES; role++) {
		int64_t n = rows[role].sequence - table->before[role];

		rows[role].rate = elapsed_s > 0 ? (double)n / elapsed_s : 0;
		table->before[role] = rows[role].sequence;
	}
}

static void
draw_rows(struct table *table, const struct row rows[N_ROLES])
{
	printf("  %-10s %16s %14s %10s\033[K\n", "", "sequence", "slots/s",
	       "lag");
	for (int role = 0; role < N_ROLES; role++)
		printf("  %-10s %16s %14s %10s\033[K\n", role_names[role],
		       grouped(rows[role].sequence).s,
		       grouped((int64_t)rows[role].rate).s,
		       rows[role].lag < 0 ? "" : grouped(rows[role].lag).s);
	table->is_drawn = true;
}

static void
print_line(const struct row rows[N_ROLES])
{
	for (int role = 0; role < N_ROLES; role++) {
		printf(" | %s %s", role_names[role],
		       grouped(rows[role].sequence).s);
		if (rows[role].lag >= 0)
			printf(" lag %s", grouped(rows[role].lag).s);
	}
	printf(" | %s slots/s\n", grouped((int64_t)rows[ROLE_APP].rate).s);
}

void
table_draw(struct table *table, bool now)
{
	struct ringbus_info info;
	struct row rows[N_ROLES];
	int64_t at_ns = now_ns();
	int fill;

	if (!now && table_due_ms(table) > 0)
		return;
	look(table, (double)(at_ns - table->drawn_ns) / 1e9, &info, rows);
	table->drawn_ns = at_ns;
	fill = (int)((info.cursor - info.gating) * 100 / (int64_t)info.slots);
	if (table->is_tty && table->is_drawn)
		printf("\033[%dA", N_ROLES + 2);
	printf("%6.1f s  %s is %3d %% full%s",
	       (double)(at_ns - table->started_ns) / 1e9, info.name, fill,
	       table->is_tty ? "\033[K\n" : "");
	if (table->is_tty)
		draw_rows(table, rows);
	else
		print_line(rows);
	fflush(stdout);
}
