/* SPDX-License-Identifier: MIT */
/*
 * tree.c - who comes after whom, as a tree
 *
 * A depth-first walk that enters each consumer once, so that it ends whatever
 * the masks in shared memory say. Workers are no part of it: their group is.
 */
#include "client/ctl/tree.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "client/ctl/words.h"

#define INDENT_SIZE 6 /* bytes of "│  " and its NUL */

struct tree {
	const struct view *view;
	struct output *out;
	uint64_t nodes; /* consumers that are shown */
	uint64_t drawn; /* those that have been, in full */
	char indent[RINGBUS_MEMBERS_MAX * INDENT_SIZE];
};

static bool
is_node(const struct ringbus_member *member)
{
	return member->role == RINGBUS_CONSUMER && member->worker_of < 0;
}

static uint64_t
find_nodes(const struct view *view)
{
	uint64_t nodes = 0;
	unsigned i;

	for (i = 0; i < view->n_members; i++)
		if (is_node(&view->members[i]))
			nodes |= UINT64_C(1) << view->members[i].index;
	return nodes;
}

/* Those that come after consumer `index`; -1: after producers alone. */
static uint64_t
find_children(const struct tree *tree, int index)
{
	const struct view *view = tree->view;
	uint64_t children = 0, after;
	unsigned i;

	for (i = 0; i < view->n_members; i++) {
		if (!is_node(&view->members[i]))
			continue;
		after = view->members[i].after & tree->nodes;
		if (index < 0 ? after == 0 : after >> index & 1)
			children |= UINT64_C(1) << view->members[i].index;
	}
	return children;
}

/* -------------------------------------------------------------------- notes */

static void
begin_note(struct output *out, bool *is_first)
{
	output_string(out, *is_first ? " (" : "; ");
	*is_first = false;
}

/* "after journal, replicate" */
static void
write_after(const struct tree *tree, uint64_t after)
{
	const char *separator = "after ";
	unsigned i;

	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		if ((after >> i & 1) == 0)
			continue;
		output_string(tree->out, separator);
		output_string(tree->out, view_consumer(tree->view, i)->name);
		separator = ", ";
	}
}

static bool
is_outside(int state)
{
	return state == RINGBUS_MEMBER_EVICTED ||
	       state == RINGBUS_MEMBER_FAILED || state == RINGBUS_MEMBER_PARKED;
}

/* What the place in the tree does not tell, in parentheses. */
static void
write_notes(const struct tree *tree, const struct ringbus_member *member)
{
	uint64_t after = member->after & tree->nodes;
	struct output *out = tree->out;
	bool is_first = true;

	if (member->group) {
		begin_note(out, &is_first);
		output_print(out, "group of %u",
			     view_count_workers(tree->view, member));
	}
	if ((after & (after - 1)) != 0) {
		begin_note(out, &is_first);
		write_after(tree, after);
	}
	if (member->slow == RINGBUS_SLOW_LOSSY) {
		begin_note(out, &is_first);
		output_string(out, "lossy");
	}
	if (is_outside(member->state)) {
		begin_note(out, &is_first);
		output_string(out, words_state(member->state));
	}
	if (member->state == RINGBUS_MEMBER_FAILED && member->failed >= 0)
		output_print(out, " at %" PRId64, member->failed);
	if (!is_first)
		output_string(out, ")");
}

/* --------------------------------------------------------------------- walk */

static void draw_children(struct tree *tree, int index);

static void
draw(struct tree *tree, unsigned index, bool is_last)
{
	const struct ringbus_member *member = view_consumer(tree->view, index);
	size_t end = strlen(tree->indent);

	output_print(tree->out, "%s%s %s", tree->indent, is_last ? "└─" : "├─",
		     member->name);
	if (tree->drawn >> index & 1) {
		output_string(tree->out, " (above)\n");
		return;
	}
	tree->drawn |= UINT64_C(1) << index;
	write_notes(tree, member);
	output_string(tree->out, "\n");
	memcpy(tree->indent + end, is_last ? "   " : "│  ",
	       is_last ? sizeof("   ") : sizeof("│  "));
	draw_children(tree, (int)index);
	tree->indent[end] = '\0';
}

static void
draw_children(struct tree *tree, int index)
{
	uint64_t children = find_children(tree, index);
	unsigned i;

	for (i = 0; children != 0; i++) {
		if ((children >> i & 1) == 0)
			continue;
		children &= children - 1;
		draw(tree, i, children == 0);
	}
}

void
tree_print(const struct view *view, struct output *out)
{
	struct tree tree = { .view = view,
			     .out = out,
			     .nodes = find_nodes(view) };

	if (tree.nodes == 0)
		return;
	output_string(out, "\nproducers\n");
	draw_children(&tree, -1);
}
