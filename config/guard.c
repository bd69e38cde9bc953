/* SPDX-License-Identifier: MIT */
/*
 * guard.c - the part of YAML that is refused
 *
 * Anchors and aliases (a tree with shared branches can be exponentially large
 * to walk, or endless), tags (types follow from the keys), more than one
 * document, deep nesting and masses of nodes are seen in the stream of events.
 * Repeated keys, keys that are no scalars and merge keys are seen in the tree;
 * libyaml lets all of them pass.
 */
#include "config/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct guard {
	const struct rb_document *document;
	struct rb_problems *problems;
	unsigned depth;
	unsigned n_nodes;
	unsigned n_documents;
	bool is_bad;
};

static void
refuse(struct guard *guard, const yaml_event_t *event, const char *hint,
       const char *message)
{
	guard->is_bad = true;
	rb_problems_add(guard->problems,
			rb_document_place(guard->document, event->start_mark),
			hint, "%s", message);
}

/* Anchor and tag of a node; both NULL for any other event. */
static void
find_properties(const yaml_event_t *event, const yaml_char_t **ret_anchor,
		const yaml_char_t **ret_tag)
{
	*ret_anchor = *ret_tag = NULL;
	if (event->type == YAML_SCALAR_EVENT) {
		*ret_anchor = event->data.scalar.anchor;
		*ret_tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		*ret_anchor = event->data.sequence_start.anchor;
		*ret_tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		*ret_anchor = event->data.mapping_start.anchor;
		*ret_tag = event->data.mapping_start.tag;
	}
}

static void
check_node(struct guard *guard, const yaml_event_t *event)
{
	const yaml_char_t *anchor, *tag;

	find_properties(event, &anchor, &tag);
	if (anchor)
		refuse(guard, event, "channels share keys by 'defaults:'",
		       "anchors are not accepted");
	if (tag)
		refuse(guard, event, "the type follows from the key",
		       "tags are not accepted");
	if (event->type == YAML_ALIAS_EVENT)
		refuse(guard, event, "channels share keys by 'defaults:'",
		       "aliases are not accepted");
	if (event->type == YAML_SCALAR_EVENT &&
	    memchr(event->data.scalar.value, '\0', event->data.scalar.length))
		refuse(guard, event, NULL, "a NUL byte is not text");
}

/* Bounds what the tree would cost; false if it is too much. */
static bool
check_bounds(struct guard *guard, const yaml_event_t *event)
{
	bool is_open = event->type == YAML_SEQUENCE_START_EVENT ||
		       event->type == YAML_MAPPING_START_EVENT;

	if (event->type == YAML_SEQUENCE_END_EVENT ||
	    event->type == YAML_MAPPING_END_EVENT)
		guard->depth--;
	if (is_open && ++guard->depth > RB_DOCUMENT_DEPTH_MAX) {
		refuse(guard, event, NULL, "nested more than 16 levels deep");
		return false;
	}
	if ((is_open || event->type == YAML_SCALAR_EVENT) &&
	    ++guard->n_nodes > RB_DOCUMENT_NODES_MAX) {
		refuse(guard, event, NULL, "more than 100000 values");
		return false;
	}
	if (event->type == YAML_DOCUMENT_START_EVENT &&
	    ++guard->n_documents > 1) {
		refuse(guard, event, "use a file of its own in conf.d",
		       "a second document in one file");
		return false;
	}
	return true;
}

bool
rb_guard_events(const struct rb_document *document,
		struct rb_problems *problems)
{
	struct guard guard = { .document = document, .problems = problems };
	yaml_parser_t parser;
	yaml_event_t event;
	bool is_done = false;

	if (!rb_document_open_parser(document, &parser)) {
		rb_problems_fail(problems, -ENOMEM);
		return false;
	}
	while (!is_done) {
		if (!yaml_parser_parse(&parser, &event)) {
			rb_document_add_syntax_problem(document, &parser,
						       problems);
			guard.is_bad = true;
			break;
		}
		check_node(&guard, &event);
		is_done = !check_bounds(&guard, &event) ||
			  event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return !guard.is_bad;
}

/* By text, then as they stand in the file. */
static int
compare_keys(const void *a, const void *b)
{
	const yaml_node_t *x = *(yaml_node_t *const *)a;
	const yaml_node_t *y = *(yaml_node_t *const *)b;
	int r = strcmp((const char *)x->data.scalar.value,
		       (const char *)y->data.scalar.value);

	if (r)
		return r;
	return x < y ? -1 : x > y;
}

static void
check_key(struct rb_node key, struct rb_problems *problems)
{
	if (!rb_node_is_scalar(key))
		rb_problems_add(problems, rb_node_place(key), NULL,
				"a key must be a single word, not %s",
				rb_node_kind(key));
	else if (key.yaml->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		 strcmp(rb_node_text(key), "<<") == 0)
		rb_problems_add(problems, rb_node_place(key),
				"channels share keys by 'defaults:'",
				"merge keys are not accepted");
}

static void
check_repeats(struct rb_document *document, const yaml_node_t **keys, size_t n,
	      struct rb_problems *problems)
{
	size_t i, first = 0;
	struct rb_node key = { .document = document };

	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; i < n; i++) {
		key.yaml = keys[i];
		if (strcmp(rb_node_text(key),
			   (const char *)keys[first]->data.scalar.value)) {
			first = i;
			continue;
		}
		rb_problems_add(problems, rb_node_place(key), NULL,
				"key " RB_QUOTED
				" is given twice, first on line %zu",
				rb_node_text(key),
				keys[first]->start_mark.line + 1);
	}
}

static void
check_mapping(struct rb_node mapping, struct rb_problems *problems)
{
	size_t i, n = 0, n_pairs = rb_node_n_pairs(mapping);
	const yaml_node_t **keys;
	struct rb_node key;

	if (n_pairs == 0)
		return;
	keys = malloc(n_pairs * sizeof(*keys));
	if (!keys) {
		rb_problems_fail(problems, -ENOMEM);
		return;
	}
	for (i = 0; i < n_pairs; i++) {
		key = rb_node_pair(mapping, i).key;
		check_key(key, problems);
		if (rb_node_is_scalar(key))
			keys[n++] = key.yaml;
	}
	check_repeats(mapping.document, keys, n, problems);
	free(keys);
}

void
rb_guard_keys(struct rb_document *document, struct rb_problems *problems)
{
	struct rb_node node = { .document = document };

	for (node.yaml = document->yaml.nodes.start;
	     node.yaml < document->yaml.nodes.top; node.yaml++)
		if (rb_node_is_mapping(node))
			check_mapping(node, problems);
}
