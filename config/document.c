/* SPDX-License-Identifier: MIT */
/*
 * document.c - one YAML file, loaded and safe to walk
 *
 * The order matters: the bytes are checked first, then the stream of events
 * (guard.c), and only a text that passed both is made into a tree, since a tree
 * no longer shows its aliases and has no limit of its own.
 */
#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rb_document *
rb_document_new(const char *name, unsigned order)
{
	struct rb_document *document = calloc(1, sizeof(*document));

	if (!document)
		return NULL;
	document->name = strdup(name);
	if (!document->name)
		return rb_document_free(document);
	document->source.name = document->name;
	document->source.order = order;
	return document;
}

struct rb_document *
rb_document_free(struct rb_document *document)
{
	if (!document)
		return NULL;
	if (document->is_loaded)
		yaml_document_delete(&document->yaml);
	free(document->buffer);
	free(document->name);
	free(document);
	return NULL;
}

void
rb_document_set_text(struct rb_document *document, const char *text,
		     size_t size)
{
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	document->source.text = text;
	document->source.size = size;
}

/* Reads to the end, or to one byte more than is allowed. */
static int
read_text(int fd, char *buffer, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n;

	while (size <= RB_DOCUMENT_SIZE_MAX) {
		n = read(fd, buffer + size, RB_DOCUMENT_SIZE_MAX + 1 - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_size = size;
	return 0;
}

static int
read_file(struct rb_document *document)
{
	rb_cleanup_(rb_closep) int fd = -1;
	size_t size = 0;
	char *shrunk;
	int r;

	fd = open(document->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	document->buffer = malloc(RB_DOCUMENT_SIZE_MAX + 1);
	if (!document->buffer)
		return -ENOMEM;
	r = read_text(fd, document->buffer, &size);
	if (r < 0)
		return r;
	shrunk = realloc(document->buffer, size + 1);
	if (shrunk)
		document->buffer = shrunk;
	rb_document_set_text(document, document->buffer, size);
	return 0;
}

struct rb_place
rb_document_whole(const struct rb_document *document)
{
	return (struct rb_place){ &document->source, RB_WHOLE_FILE, 0 };
}

void
rb_document_read(struct rb_document *document, struct rb_problems *problems)
{
	int r = read_file(document);

	if (r == 0)
		return;
	rb_problems_fail(problems, r);
	rb_problems_add(problems, rb_document_whole(document), NULL,
			"cannot read: %s", strerror(-r));
}

/* What libyaml would take, or take for something else. */
static bool
check_bytes(const struct rb_document *document, struct rb_problems *problems)
{
	const struct rb_source *source = &document->source;
	const char *nul;

	if (source->size > RB_DOCUMENT_SIZE_MAX) {
		rb_problems_add(problems, rb_document_whole(document), NULL,
				"larger than 1 MiB");
		return false;
	}
	if (source->size >= 2 && (memcmp(source->text, "\xfe\xff", 2) == 0 ||
				  memcmp(source->text, "\xff\xfe", 2) == 0)) {
		rb_problems_add(problems, rb_source_place(source, 0),
				"save the file as UTF-8",
				"the file is encoded in UTF-16");
		return false;
	}
	nul = source->size ? memchr(source->text, '\0', source->size) : NULL;
	if (nul) {
		rb_problems_add(problems,
				rb_source_place(source,
						(size_t)(nul - source->text)),
				NULL, "a NUL byte is not text");
		return false;
	}
	return true;
}

bool
rb_document_open_parser(const struct rb_document *document, yaml_parser_t *ret)
{
	const char *text = document->source.text ? document->source.text : "";

	if (!yaml_parser_initialize(ret))
		return false;
	yaml_parser_set_encoding(ret, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(ret, (const yaml_char_t *)text,
				     document->source.size);
	return true;
}

/* A tab in front of text is the one mistake that libyaml does not name. */
static bool
is_tab(struct rb_place place)
{
	size_t at = rb_source_offset(place);

	return at < place.source->size && place.source->text[at] == '\t';
}

void
rb_document_add_syntax_problem(const struct rb_document *document,
			       const yaml_parser_t *parser,
			       struct rb_problems *problems)
{
	const char *what = parser->problem;
	struct rb_place place;

	/* Some of its paths fail without memory and without saying so. */
	if (parser->error == YAML_MEMORY_ERROR || !what) {
		rb_problems_fail(problems, -ENOMEM);
		return;
	}
	if (parser->error == YAML_READER_ERROR) {
		place = rb_source_place(&document->source,
					parser->problem_offset);
		rb_problems_add(problems, place, "save the file as UTF-8",
				"not valid UTF-8 text: %s", what);
		return;
	}
	place = rb_document_place(document, parser->problem_mark);
	if (parser->context)
		rb_problems_add(problems, place,
				is_tab(place) ? "indent with spaces" : NULL,
				"not valid YAML: %s (%s, line %zu)", what,
				parser->context, parser->context_mark.line + 1);
	else
		rb_problems_add(problems, place, NULL, "not valid YAML: %s",
				what);
}

bool
rb_document_load(struct rb_document *document, struct rb_problems *problems)
{
	yaml_parser_t parser;

	if (!check_bytes(document, problems) ||
	    !rb_guard_events(document, problems))
		return false;
	if (!rb_document_open_parser(document, &parser)) {
		rb_problems_fail(problems, -ENOMEM);
		return false;
	}
	document->is_loaded = yaml_parser_load(&parser, &document->yaml);
	if (!document->is_loaded)
		rb_document_add_syntax_problem(document, &parser, problems);
	yaml_parser_delete(&parser);
	if (document->is_loaded)
		rb_guard_keys(document, problems);
	return document->is_loaded;
}

struct rb_node
rb_document_root(struct rb_document *document)
{
	return (struct rb_node){ document,
				 yaml_document_get_root_node(&document->yaml) };
}

struct rb_place
rb_document_place(const struct rb_document *document, yaml_mark_t mark)
{
	return (struct rb_place){ &document->source, mark.line, mark.column };
}

bool
rb_node_is_mapping(struct rb_node node)
{
	return node.yaml && node.yaml->type == YAML_MAPPING_NODE;
}

bool
rb_node_is_sequence(struct rb_node node)
{
	return node.yaml && node.yaml->type == YAML_SEQUENCE_NODE;
}

bool
rb_node_is_scalar(struct rb_node node)
{
	return node.yaml && node.yaml->type == YAML_SCALAR_NODE;
}

bool
rb_node_is_null(struct rb_node node)
{
	const char *text;

	if (!node.yaml)
		return true;
	if (!rb_node_is_scalar(node) ||
	    node.yaml->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = rb_node_text(node);
	return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

const char *
rb_node_kind(struct rb_node node)
{
	if (rb_node_is_mapping(node))
		return "a mapping";
	if (rb_node_is_sequence(node))
		return "a list";
	return rb_node_is_null(node) ? "empty" : "a single value";
}

const char *
rb_node_text(struct rb_node node)
{
	return (const char *)node.yaml->data.scalar.value;
}

struct rb_place
rb_node_place(struct rb_node node)
{
	return rb_document_place(node.document, node.yaml->start_mark);
}

void
rb_node_note(struct rb_node node, const char *path, const char *name)
{
	rb_origins_note(node.document->origins, path, name,
			rb_node_place(node));
}

static struct rb_node
node_at(struct rb_document *document, int index)
{
	return (struct rb_node){ document, yaml_document_get_node(
						   &document->yaml, index) };
}

size_t
rb_node_n_pairs(struct rb_node node)
{
	if (!rb_node_is_mapping(node))
		return 0;
	return (size_t)(node.yaml->data.mapping.pairs.top -
			node.yaml->data.mapping.pairs.start);
}

struct rb_pair
rb_node_pair(struct rb_node node, size_t i)
{
	yaml_node_pair_t pair = node.yaml->data.mapping.pairs.start[i];

	return (struct rb_pair){
		node_at(node.document, pair.key),
		node_at(node.document, pair.value),
	};
}

size_t
rb_node_n_items(struct rb_node node)
{
	if (!rb_node_is_sequence(node))
		return rb_node_is_scalar(node);
	return (size_t)(node.yaml->data.sequence.items.top -
			node.yaml->data.sequence.items.start);
}

struct rb_node
rb_node_item(struct rb_node node, size_t i)
{
	if (!rb_node_is_sequence(node))
		return node;
	return node_at(node.document, node.yaml->data.sequence.items.start[i]);
}
