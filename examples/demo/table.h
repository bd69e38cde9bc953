/* SPDX-License-Identifier: MIT */
/*
 * table.h - the demo as it runs: who is how far
 *
 * Redrawn in place on a terminal, else a line now and then. The parent looks
 * through a tap of which it never reads: a look costs the others nothing.
 */
#ifndef DEMO_TABLE_H
#define DEMO_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ringbus.h"
#include "examples/demo/demo.h"

struct table {
	const struct demo *demo;
	const struct ringbus_channel *channel;
	bool is_tty;
	bool is_drawn;
	int64_t started_ns;
	int64_t drawn_ns;
	int64_t before[N_ROLES]; /* sequences at the last drawing */
};

void table_init(struct table *table, const struct demo *demo,
		const struct ringbus_channel *channel);

/* Milliseconds until the table should be drawn again. */
int table_due_ms(const struct table *table);

/* Draws it if it is due, or now. */
void table_draw(struct table *table, bool now);

#endif
