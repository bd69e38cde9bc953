/* SPDX-License-Identifier: MIT */
/*
 * parse.c - the loaded files into one configuration
 *
 * Two passes, because the defaults of every file hold for the channels of every
 * file: the first takes `daemon`, `dynamic` and `defaults`, a later file
 * overwriting an earlier one key by key; the second takes the channels, of
 * which no two may have one name.
 */
#include "config/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/channel.h"

#define CHANNELS_AT_FIRST 8

struct parser {
	struct rb_problems *problems;
	struct rb_config *config;
	unsigned n_allocated; /* channels */
	struct rb_channel_draft defaults;
	struct rb_place places[RB_CHANNELS_MAX]; /* of the channels' names */
};

static const char *
path_of(enum rb_section section)
{
	return section == RB_SECTION_DAEMON    ? "daemon"
	       : section == RB_SECTION_DYNAMIC ? "dynamic"
					       : "dynamic.access";
}

static void
parse_section(struct parser *parser, enum rb_section section,
	      const struct rb_given *given, void *base,
	      struct rb_given found[RB_N_KEYS])
{
	const char *name;
	const struct rb_block block = {
		.section = section,
		.where = rb_section_phrase(section),
		.path = path_of(section),
		.base = base,
		.given = found,
	};

	if (!given->is_given)
		return;
	name = rb_node_text(given->key);
	if (rb_block_is_mapping(name, given->value, parser->problems))
		rb_block_parse(&block, given->value, parser->problems);
}

static void
parse_settings(struct parser *parser, const struct rb_given given[RB_N_KEYS])
{
	struct rb_config *config = parser->config;
	struct rb_given found[RB_N_KEYS] = { 0 };

	parse_section(parser, RB_SECTION_DAEMON, &given[RB_KEY_TOP_daemon],
		      config, found);
	parse_section(parser, RB_SECTION_DYNAMIC, &given[RB_KEY_TOP_dynamic],
		      &config->dynamic, found);
	parse_section(parser, RB_SECTION_DYNAMIC_ACCESS,
		      &found[RB_KEY_DYNAMIC_access], &config->dynamic.access,
		      found);
}

/* The first pass over one document; its `channels` are left for the second. */
static struct rb_given
parse_top(struct parser *parser, struct rb_document *document)
{
	struct rb_node root = rb_document_root(document);
	struct rb_given given[RB_N_KEYS] = { 0 };
	const struct rb_given *defaults = &given[RB_KEY_TOP_defaults];
	const struct rb_block block = {
		.section = RB_SECTION_TOP,
		.where = rb_section_phrase(RB_SECTION_TOP),
		.path = "",
		.given = given,
	};

	if (!rb_node_is_mapping(root) && !rb_node_is_null(root)) {
		rb_problems_add(parser->problems, rb_node_place(root), NULL,
				"the file must be a mapping of keys, not %s",
				rb_node_kind(root));
		return given[RB_KEY_TOP_channels];
	}
	rb_block_parse(&block, root, parser->problems);
	parse_settings(parser, given);
	if (defaults->is_given &&
	    rb_block_is_mapping("defaults", defaults->value, parser->problems))
		rb_channel_parse_defaults(&parser->defaults, defaults->value,
					  parser->problems);
	return given[RB_KEY_TOP_channels];
}

/* Room for one more channel; NULL on no memory. */
static struct rb_config_channel *
reserve_channel(struct parser *parser)
{
	struct rb_config *config = parser->config;
	unsigned n = parser->n_allocated ? parser->n_allocated * 2
					 : CHANNELS_AT_FIRST;
	struct rb_config_channel *channels;

	if (config->n_channels < parser->n_allocated)
		return &config->channels[config->n_channels];
	channels = reallocarray(config->channels, n, sizeof(*channels));
	if (!channels)
		return NULL;
	config->channels = channels;
	parser->n_allocated = n;
	return &channels[config->n_channels];
}

/* Whether the name is free. A repeat in one file was refused by guard.c. */
static bool
check_unique(const struct parser *parser, struct rb_node key)
{
	const struct rb_config *config = parser->config;
	const struct rb_place *other;
	unsigned i;

	for (i = 0; i < config->n_channels; i++)
		if (strcmp(config->channels[i].name, rb_node_text(key)) == 0)
			break;
	if (i == config->n_channels)
		return true;
	other = &parser->places[i];
	if (other->source != &key.document->source)
		rb_problems_add(parser->problems, rb_node_place(key), NULL,
				"channel '%s' is defined twice, first at "
				"%s:%zu:%zu",
				rb_node_text(key), other->source->name,
				other->line + 1, other->column + 1);
	return false;
}

static bool
is_shared(const char *path, const char *other)
{
	return path[0] != '\0' && strcmp(path, other) == 0;
}

/* Of what the last channel keeps on a disk no other may write the same. */
static void
check_places(const struct parser *parser, struct rb_node key)
{
	const struct rb_config *config = parser->config;
	const struct rb_config_channel *last =
		&config->channels[config->n_channels - 1];
	const struct rb_config_channel *c = config->channels;

	for (; c < last; c++) {
		if (c->journal.given && last->journal.given &&
		    is_shared(c->journal.dir, last->journal.dir))
			rb_problems_add(parser->problems, rb_node_place(key),
					"each needs a folder of its own",
					"channel '%s' has the 'dir' of the "
					"journal of '%s'",
					last->name, c->name);
		if (c->bridge.given && last->bridge.given &&
		    is_shared(c->bridge.state, last->bridge.state))
			rb_problems_add(parser->problems, rb_node_place(key),
					"each needs a file of its own",
					"channel '%s' has the 'state' of the "
					"bridge of '%s'",
					last->name, c->name);
	}
}

static void
parse_channel(struct parser *parser, struct rb_pair pair)
{
	struct rb_config *config = parser->config;
	struct rb_config_channel *channel;

	if (!check_unique(parser, pair.key))
		return;
	channel = reserve_channel(parser);
	if (!channel) {
		rb_problems_fail(parser->problems, -ENOMEM);
		return;
	}
	rb_node_note(pair.key, "channels", rb_node_text(pair.key));
	rb_channel_parse(&parser->defaults, pair, parser->problems, channel);
	parser->places[config->n_channels++] = rb_node_place(pair.key);
	check_places(parser, pair.key);
}

/* The second pass over one document. */
static void
parse_channels(struct parser *parser, const struct rb_given *given)
{
	struct rb_pair pair;
	size_t i;

	if (!given->is_given ||
	    !rb_block_is_mapping("channels", given->value, parser->problems))
		return;
	for (i = 0; i < rb_node_n_pairs(given->value); i++) {
		pair = rb_node_pair(given->value, i);
		if (!rb_block_is_key(pair.key) ||
		    rb_key_is_private(rb_node_text(pair.key)))
			continue;
		if (parser->config->n_channels == RB_CHANNELS_MAX) {
			rb_problems_add(parser->problems,
					rb_node_place(pair.key), NULL,
					"more than %d channels",
					RB_CHANNELS_MAX);
			return;
		}
		parse_channel(parser, pair);
	}
}

void
rb_parse_documents(struct rb_document *const *documents, unsigned n,
		   struct rb_problems *problems, struct rb_config *config)
{
	struct parser *parser = calloc(1, sizeof(*parser));
	struct rb_given *channels = calloc(n, sizeof(*channels));
	unsigned i;

	if (!parser || !channels) {
		rb_problems_fail(problems, -ENOMEM);
		goto out;
	}
	parser->problems = problems;
	parser->config = config;
	rb_channel_draft_init(&parser->defaults);
	for (i = 0; i < n; i++) {
		documents[i]->origins = config->origins;
		channels[i] = parse_top(parser, documents[i]);
	}
	for (i = 0; i < n; i++)
		parse_channels(parser, &channels[i]);
	rb_origins_sort(config->origins);
	if (config->origins->is_short)
		rb_problems_fail(problems, -ENOMEM);
out:
	free(channels);
	free(parser);
}
