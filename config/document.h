/* SPDX-License-Identifier: MIT */
/*
 * document.h - one YAML file, loaded and safe to walk
 *
 * Wraps libyaml's document API. What comes out of rb_document_load() is a tree
 * without aliases, tags, NUL bytes and repeated keys, of bounded depth and
 * size, in which every node knows its place. A struct rb_node is a cursor into
 * it, handed around by value, and is good as long as its document.
 */
#ifndef RB_CONFIG_DOCUMENT_H
#define RB_CONFIG_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "config/origin.h"
#include "config/report.h"

#define RB_DOCUMENT_SIZE_MAX ((size_t)1 << 20)
#define RB_DOCUMENT_NODES_MAX 100000
#define RB_DOCUMENT_DEPTH_MAX 16

struct rb_document {
	struct rb_source source;
	char *name;
	char *buffer; /* the text, if it was read from a file */
	yaml_document_t yaml;
	bool is_loaded;
	struct rb_origins *origins; /* of what is parsed; may be NULL */
};

struct rb_node {
	struct rb_document *document;
	const yaml_node_t *yaml; /* NULL for the root of an empty file */
};

struct rb_pair {
	struct rb_node key;
	struct rb_node value;
};

/* `order` sorts the problems of several documents. NULL on no memory. */
struct rb_document *rb_document_new(const char *name, unsigned order);
struct rb_document *rb_document_free(struct rb_document *document);

/* Gives it a text to load: the file it is named after, or the caller's. */
void rb_document_read(struct rb_document *document,
		      struct rb_problems *problems);
void rb_document_set_text(struct rb_document *document, const char *text,
			  size_t size);

/* Parses the text; whether it is fit to be walked. */
bool rb_document_load(struct rb_document *document,
		      struct rb_problems *problems);

/* guard.c: what must be refused before a tree is built, and after. */
bool rb_guard_events(const struct rb_document *document,
		     struct rb_problems *problems);
void rb_guard_keys(struct rb_document *document, struct rb_problems *problems);

/* A parser over the text; false on no memory. To be deleted by the caller. */
bool rb_document_open_parser(const struct rb_document *document,
			     yaml_parser_t *ret);

/* Tells what the parser stumbled over. */
void rb_document_add_syntax_problem(const struct rb_document *document,
				    const yaml_parser_t *parser,
				    struct rb_problems *problems);

struct rb_node rb_document_root(struct rb_document *document);
struct rb_place rb_document_place(const struct rb_document *document,
				  yaml_mark_t mark);
struct rb_place rb_document_whole(const struct rb_document *document);

bool rb_node_is_mapping(struct rb_node node);
bool rb_node_is_sequence(struct rb_node node);
bool rb_node_is_scalar(struct rb_node node);

/* Nothing, `~` or `null`, unquoted. */
bool rb_node_is_null(struct rb_node node);

/* "a list", for messages. */
const char *rb_node_kind(struct rb_node node);

/* The text of a scalar. */
const char *rb_node_text(struct rb_node node);
struct rb_place rb_node_place(struct rb_node node);

/* Writes down that the key `name` below `path` was given here. */
void rb_node_note(struct rb_node node, const char *path, const char *name);

/* The pairs of a mapping; of a null none. */
size_t rb_node_n_pairs(struct rb_node node);
struct rb_pair rb_node_pair(struct rb_node node, size_t i);

/* The items of a list; a scalar is a list of one. */
size_t rb_node_n_items(struct rb_node node);
struct rb_node rb_node_item(struct rb_node node, size_t i);

#endif
