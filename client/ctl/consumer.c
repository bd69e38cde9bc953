/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - a consumer in one word: NAME[:KEY[=VALUE]]...
 *
 * The graph is built in two rounds, first all the names and then who comes after
 * whom, so that the order on the command line does not matter.
 */
#include "client/ctl/consumer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/words.h"

/* A word, cut up. */
struct consumer {
	const char *name;
	const char *after; /* names with commas between, or NULL */
	struct ringbus_consumer_kind kind;
};

/* -------------------------------------------------------------------- keys */

static int
parse_keep(const char *text, void *target)
{
	if (strcmp(text, "forever") != 0)
		return options_duration.parse(text, target);
	*(int64_t *)target = RINGBUS_FOREVER;
	return 0;
}

static int
parse_group(const char *text, void *target)
{
	(void)text;
	*(int *)target = 1;
	return 0;
}

static int
parse_key(const char *text, void *target)
{
	struct ringbus_consumer_kind *kind = target;
	unsigned offset, size;
	int end = 0;

	if (text[strspn(text, "0123456789+")] != '\0' ||
	    sscanf(text, "%9u+%9u%n", &offset, &size, &end) != 2 ||
	    text[end] != '\0' || size == 0)
		return -EINVAL;
	kind->key_offset = offset;
	kind->key_size = size;
	return 0;
}

static const struct options_type keep_type = { parse_keep, "a time such as "
							   "30s, or forever" };
static const struct options_type group_type = { parse_group, "" };
static const struct options_type key_type = { parse_key,
					      "OFFSET+SIZE in bytes" };

#define KIND(name_) offsetof(struct consumer, kind.name_)

static const struct options_entry keys[] = {
	{ 0, "after", "NAMES", &options_text, offsetof(struct consumer, after),
	  NULL },
	{ 0, "slow", "HOW", &words_slow_type, KIND(slow), NULL },
	{ 0, "max_lag", "N", &options_count, KIND(max_lag), NULL },
	{ 0, "max_stall", "TIME", &options_duration, KIND(max_stall_ns), NULL },
	{ 0, "keep", "TIME", &keep_type, KIND(keep_for_ns), NULL },
	{ 0, "group", NULL, &group_type, KIND(group), NULL },
	{ 0, "key", "OFFSET+SIZE", &key_type, offsetof(struct consumer, kind),
	  NULL },
	{ 0 },
};

static const struct options_entry *
find_key(const char *name)
{
	const struct options_entry *key;

	for (key = keys; key->name != NULL; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

__attribute__((format(printf, 3, 4))) static int
complain(char *why, const struct consumer *consumer, const char *fmt, ...)
{
	int n = snprintf(why, CONSUMER_WHY_SIZE,
			 "consumer %.64s: ", consumer->name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(why + n, (size_t)(CONSUMER_WHY_SIZE - n), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Takes "KEY" or "KEY=VALUE". */
static int
take_key(char *text, struct consumer *consumer, char *why)
{
	char *value = strchr(text, '=');
	const struct options_entry *key;

	if (value != NULL)
		*value++ = '\0';
	key = find_key(text);
	if (key == NULL)
		return complain(why, consumer,
				"there is no '%s': after, slow, max_lag, "
				"max_stall, keep, group, key",
				text);
	if (key->value == NULL && value != NULL)
		return complain(why, consumer, "%s takes no value", key->name);
	if (key->value != NULL && value == NULL)
		return complain(why, consumer, "%s needs a value: %s=%s",
				key->name, key->name, key->value);
	if (key->type->parse(value, (char *)consumer + key->offset) < 0)
		return complain(why, consumer, "%s: '%s' is not %s", key->name,
				value, key->type->wanted);
	return 0;
}

static int
parse(char *text, struct consumer *ret, char *why)
{
	int r = 0;

	*ret = (struct consumer){ .kind.size = sizeof(ret->kind) };
	ret->name = strsep(&text, ":");
	while (r == 0 && text != NULL)
		r = take_key(strsep(&text, ":"), ret, why);
	return r;
}

/* ------------------------------------------------------------------- graph */

struct builder {
	const struct consumer_words *words;
	struct ringbus_graph *graph;
	char *why;
};

/* Of one consumer: 0 or a negative errno. */
typedef int (*round_fn)(const struct builder *builder,
			const struct consumer *consumer);

/* How many of the words are about this consumer. */
static size_t
count_named(const struct consumer_words *words, const char *name)
{
	size_t i, size, found = 0;

	for (i = 0; i < words->n_words; i++) {
		size = strcspn(words->words[i], ":");
		found += strlen(name) == size &&
			 memcmp(words->words[i], name, size) == 0;
	}
	return found;
}

static int
declare(const struct builder *builder, const struct consumer *consumer)
{
	struct ringbus_stage stage;

	if (count_named(builder->words, consumer->name) > 1)
		return complain(builder->why, consumer, "declared twice");
	stage = ringbus_graph_handle_with(builder->graph, consumer->name, NULL);
	ringbus_stage_set(stage, &consumer->kind);
	return 0;
}

static int
come_after(const struct builder *builder, const struct consumer *consumer,
	   char *names)
{
	struct ringbus_stage before = { .graph = builder->graph }, one;
	char *name;

	while ((name = strsep(&names, ",")) != NULL) {
		if (count_named(builder->words, name) == 0)
			return complain(builder->why, consumer,
					"after: there is no consumer '%s'",
					name);
		if (strcmp(name, consumer->name) == 0)
			return complain(builder->why, consumer,
					"would wait for itself");
		one = ringbus_graph_after(builder->graph, name, NULL);
		before = ringbus_stage_and(before, one);
	}
	ringbus_stage_then(before, consumer->name, NULL);
	return 0;
}

static int
connect_stages(const struct builder *builder, const struct consumer *consumer)
{
	char *names;
	int r;

	if (consumer->after == NULL)
		return 0;
	names = strdup(consumer->after);
	if (names == NULL)
		return -ENOMEM;
	r = come_after(builder, consumer, names);
	free(names);
	return r;
}

static int
for_each(const struct builder *builder, round_fn round)
{
	const struct consumer_words *words = builder->words;
	struct consumer consumer;
	char *text;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < words->n_words; i++) {
		text = strdup(words->words[i]);
		if (text == NULL)
			return -ENOMEM;
		r = parse(text, &consumer, builder->why);
		if (r == 0)
			r = round(builder, &consumer);
		free(text);
	}
	return r;
}

int
consumer_build_graph(const struct consumer_words *words,
		     struct ringbus_graph **ret, char why[CONSUMER_WHY_SIZE])
{
	struct builder builder = { words, ringbus_graph_new(), why };
	int r;

	if (builder.graph == NULL)
		return -ENOMEM;
	r = for_each(&builder, declare);
	if (r == 0)
		r = for_each(&builder, connect_stages);
	if (r < 0)
		ringbus_graph_free(builder.graph);
	else
		*ret = builder.graph;
	return r;
}

/* ------------------------------------------------------------------ option */

static int
append_word(const char *text, void *target)
{
	struct consumer_words *words = target;

	if (words->n_words == RINGBUS_MEMBERS_MAX)
		return -EINVAL;
	words->words[words->n_words++] = text;
	return 0;
}

const struct options_type consumer_words_type = { append_word,
						  "one of at most 64" };
