/* SPDX-License-Identifier: MIT */
/*
 * placement.c - see placement.h
 */
#include "client/ctl/placement.h"

#include <stdbool.h>
#include <string.h>

static void
print_one(const struct ringbus_placement *p, struct output *out)
{
	output_print(out, "%-11s", p->name);
	if (p->granted && p->number >= 0)
		output_print(out, " %d", p->number);
	else if (p->granted)
		output_string(out, " yes");
	else
		output_print(out, " no (%s): %s", ringbus_strerror(p->error),
			     p->text);
	output_string(out, "\n");
}

/* What is wished unless somebody says otherwise. */
static bool
is_usual(const struct ringbus_placement *p)
{
	return p->granted && strcmp(p->name, "prefault") == 0;
}

void
placement_print(const struct view *view, struct output *out)
{
	for (unsigned i = 0; i < view->n_placements; i++)
		if (view->placements[i].asked &&
		    !is_usual(&view->placements[i]))
			print_one(&view->placements[i], out);
}

void
placement_write(struct json *json, const struct view *view)
{
	json_open(json, "placement", '[');
	for (unsigned i = 0; i < view->n_placements; i++) {
		const struct ringbus_placement *p = &view->placements[i];

		if (!p->asked)
			continue;
		json_open(json, NULL, '{');
		json_string(json, "name", p->name);
		json_bool(json, "granted", p->granted != 0);
		json_int(json, "error", p->error);
		json_string(json, "reason", p->text);
		if (p->number >= 0)
			json_int(json, "number", p->number);
		json_close(json, '}');
	}
	json_close(json, ']');
}
