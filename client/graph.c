/* SPDX-License-Identifier: MIT */
/*
 * graph.c - the consumers of a channel to be, after LMAX's Disruptor DSL
 *
 * A graph is a list of consumers in the order in which they first appear, each
 * with a mask of those it comes after. So that a program can write it down
 * without looking at each step, the first mistake is kept and told when the
 * channel is created; what comes after it has no effect. Cycles can be written
 * down as well: the daemon finds them, as it does in its configuration.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

struct node {
	char name[RB_NAME_SIZE];
	struct rb_consumer_spec spec;
};

struct ringbus_graph {
	unsigned n_nodes;
	struct node nodes[RB_CONSUMERS_MAX];
	char error[RB_CONTROL_TEXT_SIZE]; /* the first mistake, or "" */
};

static rb_printf_(2, 3) void fail(struct ringbus_graph *graph,
				  const char *format, ...)
{
	va_list args;

	if (graph == NULL || graph->error[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(graph->error, sizeof(graph->error), format, args);
	va_end(args);
}

struct ringbus_graph *
ringbus_graph_new(void)
{
	return calloc(1, sizeof(struct ringbus_graph));
}

void
ringbus_graph_free(struct ringbus_graph *graph)
{
	free(graph);
}

/* The index of the consumer called `name`, or n_nodes. */
static unsigned
find_node(const struct ringbus_graph *graph, const char *name)
{
	unsigned i = 0;

	while (i < graph->n_nodes && strcmp(graph->nodes[i].name, name) != 0)
		i++;
	return i;
}

/* The bit of a consumer, made if need be; 0 after a mistake. */
static uint64_t
add_node(struct ringbus_graph *graph, const char *place, const char *name)
{
	unsigned i;

	if (!rb_name_is_valid(name)) {
		fail(graph,
		     "%s: '%.64s' is no name: 1 to 63 of A-Z a-z 0-9 . _ - and "
		     "neither a dot nor a dash in front",
		     place, name);
		return 0;
	}
	i = find_node(graph, name);
	if (i == RB_CONSUMERS_MAX) {
		fail(graph, "%s: '%s' would be consumer %u of at most %u",
		     place, name, i + 1, RB_CONSUMERS_MAX);
		return 0;
	}
	if (i == graph->n_nodes) {
		memcpy(graph->nodes[i].name, name, strlen(name) + 1);
		graph->n_nodes++;
	}
	return UINT64_C(1) << i;
}

/* Whoever comes after nobody would wait for producers alone. */
static void
expect_names(struct ringbus_graph *graph, const char *place, uint64_t members)
{
	if (members == 0)
		fail(graph, "%s: no consumer is named", place);
}

/* The bits of all that are named, up to NULL. */
static uint64_t
add_nodes(struct ringbus_graph *graph, const char *place, va_list names)
{
	const char *name;
	uint64_t members = 0;

	while ((name = va_arg(names, const char *)) != NULL)
		members |= add_node(graph, place, name);
	expect_names(graph, place, members);
	return members;
}

struct ringbus_stage
ringbus_graph_handle_with(struct ringbus_graph *graph, ...)
{
	struct ringbus_stage stage = { .graph = graph };
	va_list names;

	va_start(names, graph);
	stage.members = add_nodes(graph, "ringbus_graph_handle_with()", names);
	va_end(names);
	return stage;
}

struct ringbus_stage
ringbus_graph_after(struct ringbus_graph *graph, ...)
{
	struct ringbus_stage stage = { .graph = graph };
	const char *name;
	va_list names;

	va_start(names, graph);
	while ((name = va_arg(names, const char *)) != NULL) {
		unsigned i = find_node(graph, name);

		if (i < graph->n_nodes)
			stage.members |= UINT64_C(1) << i;
		else
			fail(graph,
			     "ringbus_graph_after(): no consumer '%.64s' is in "
			     "the graph yet",
			     name);
	}
	va_end(names);
	expect_names(graph, "ringbus_graph_after()", stage.members);
	return stage;
}

static void
come_after(struct ringbus_graph *graph, uint64_t members, uint64_t first)
{
	for (unsigned i = 0; i < graph->n_nodes; i++) {
		struct node *node = &graph->nodes[i];

		if ((members >> i & 1) == 0)
			continue;
		if (first >> i & 1)
			fail(graph,
			     "ringbus_stage_then(): '%s' would wait for itself",
			     node->name);
		node->spec.after |= first;
	}
}

struct ringbus_stage
ringbus_stage_then(struct ringbus_stage stage, ...)
{
	struct ringbus_stage next = { .graph = stage.graph };
	va_list names;

	if (stage.graph == NULL)
		return stage;
	va_start(names, stage);
	next.members = add_nodes(stage.graph, "ringbus_stage_then()", names);
	va_end(names);
	come_after(stage.graph, next.members, stage.members);
	return next;
}

struct ringbus_stage
ringbus_stage_and(struct ringbus_stage a, struct ringbus_stage b)
{
	struct ringbus_stage both = { a.graph, a.members | b.members };

	const char *why = a.graph == NULL || b.graph == NULL
				  ? "a stage of no graph"
				  : "stages of two graphs";

	if (a.graph != b.graph) {
		fail(a.graph, "ringbus_stage_and(): %s", why);
		fail(b.graph, "ringbus_stage_and(): %s", why);
	}
	return both;
}

/* A group's work, and the place of one that falls behind, outlive a process
 * unless it is said for how long. */
static void
set_kind(struct ringbus_graph *graph, unsigned i,
	 const struct ringbus_consumer_kind *kind)
{
	struct node *node = &graph->nodes[i];
	const char *wrong = rb_kind_find_wrong(kind);
	uint64_t after = node->spec.after;

	if (wrong != NULL) {
		fail(graph, "ringbus_stage_set(): %s of '%s' is out of range",
		     wrong, node->name);
		return;
	}
	node->spec = rb_kind_to_spec(kind);
	node->spec.after = after;
	if (node->spec.is_group || node->spec.slow == RB_SLOW_PARK)
		node->spec.on_death = RB_ON_DEATH_KEEP;
}

struct ringbus_stage
ringbus_stage_set(struct ringbus_stage stage,
		  const struct ringbus_consumer_kind *kind)
{
	struct ringbus_graph *graph = stage.graph;

	if (kind == NULL)
		fail(graph, "ringbus_stage_set(): the kind is NULL");
	if (graph == NULL || kind == NULL)
		return stage;
	for (unsigned i = 0; i < graph->n_nodes; i++)
		if (stage.members >> i & 1)
			set_kind(graph, i, kind);
	return stage;
}

static int
send_node(const struct node *node, struct ringbus *bus)
{
	struct rb_control message;

	rb_bus_prepare(&message, RB_CONTROL_PLAN, NULL);
	memcpy(message.name, node->name, sizeof(message.name));
	rb_spec_to_message(&node->spec, &message);
	message.is_slow_set = 1;
	return rb_bus_request(bus, &message, NULL);
}

int
rb_graph_plan(const struct ringbus_graph *graph, struct ringbus *bus)
{
	int err;

	if (graph != NULL && graph->error[0] != '\0')
		return rb_bus_refuse(bus, "%s", graph->error);
	/* Whatever a creation that failed half-way has left. */
	err = rb_bus_request_about(bus, RB_CONTROL_PLAN, RB_CONTROL_RESET,
				   NULL);
	for (unsigned i = 0; graph != NULL && i < graph->n_nodes && err == 0;
	     i++)
		err = send_node(&graph->nodes[i], bus);
	return err;
}
