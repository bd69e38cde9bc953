/* SPDX-License-Identifier: MIT */
/*
 * dump.c - see dump.h
 */
#include "daemon/dump.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/diff.h"
#include "config/outlet.h"
#include "daemon/quote.h"

#define PATH_SIZE (2 * RB_NAME_SIZE + 64)
#define DEPTH 2 /* blanks */

struct dump {
	const struct rb_config *config;
	bool as_json;
	bool is_first; /* in its mapping */
	int depth;
};

/* ------------------------------------------------------------------- writing */

static void
begin_line(struct dump *d, const char *name)
{
	if (d->as_json) {
		printf("%s", d->is_first ? "" : ",");
		rb_quote(stdout, name);
		printf(":");
	} else {
		printf("%*s", d->depth * DEPTH, "");
		if (strcasecmp(name, "null") == 0)
			rb_quote(stdout, name);
		else
			printf("%s", name);
		printf(":");
	}
	d->is_first = false;
}

static void
open_mapping(struct dump *d, const char *name)
{
	begin_line(d, name);
	printf("%s", d->as_json ? "{" : "\n");
	d->is_first = true;
	d->depth++;
}

static void
close_mapping(struct dump *d)
{
	if (d->as_json)
		printf("}");
	d->is_first = false;
	d->depth--;
}

static void
write_value(struct dump *d, const char *name, const char *value, bool quoted,
	    const char *from)
{
	begin_line(d, name);
	if (d->as_json) {
		printf("{\"value\":");
		rb_quote(stdout, value);
		printf(",\"from\":");
		rb_quote(stdout, from);
		printf("}");
		return;
	}
	printf(" ");
	if (quoted)
		rb_quote(stdout, value);
	else
		printf("%s", value);
	printf("  # %s\n", from);
}

/* ------------------------------------------------------------------- walking */

/* Of a channel's keys and those of its lists, what it does not say itself may be
 * a default of the files. */
static const char *
find_origin(const struct dump *d, const char *path, const char *name,
	    const char *otherwise)
{
	char full[PATH_SIZE + RB_NAME_SIZE];
	const char *place;

	snprintf(full, sizeof(full), "%s.%s", path, name);
	place = rb_config_origin(d->config, full);
	if (place == NULL && otherwise != NULL) {
		snprintf(full, sizeof(full), "%s.%s", otherwise, name);
		place = rb_config_origin(d->config, full);
	}
	return place != NULL ? place : "default";
}

static void
dump_key(struct dump *d, const struct rb_key *key, const char *path,
	 const char *otherwise, const void *base)
{
	char value[RB_RENDER_SIZE];

	rb_key_render(key, base, value);
	if (value[0] != '\0')
		write_value(d, key->name, value,
			    rb_type_text_size(key->type) > 0 &&
				    key->type != RB_TYPE_NAME,
			    find_origin(d, path, key->name, otherwise));
}

static void
dump_section(struct dump *d, enum rb_section section, const char *path,
	     const char *otherwise, const void *base)
{
	for (size_t i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == section &&
		    rb_keys[i].type != RB_TYPE_BLOCK)
			dump_key(d, &rb_keys[i], path, otherwise, base);
}

static void
dump_consumer(struct dump *d, const struct rb_config_channel *channel,
	      const struct rb_config_consumer *c)
{
	char path[PATH_SIZE], key[PATH_SIZE + 8], after[RB_RENDER_SIZE];

	snprintf(path, sizeof(path), "channels.%s.consumers.%s", channel->name,
		 c->name);
	open_mapping(d, c->name);
	rb_after_render(channel, c, after);
	if (after[0] != '\0')
		write_value(d, "after", after, false,
			    find_origin(d, path, "after", NULL));
	dump_section(d, RB_SECTION_CONSUMER, path, NULL, c);
	if (c->key_size > 0) {
		snprintf(key, sizeof(key), "%s.key", path);
		open_mapping(d, "key");
		dump_section(d, RB_SECTION_KEY, key, NULL, c);
		close_mapping(d);
	}
	close_mapping(d);
}

/* The journal's or the bridge's. */
static void
dump_outlet(struct dump *d, const struct rb_config_channel *channel,
	    enum rb_key_id block, const void *base)
{
	const char *name = rb_keys[block].name;
	enum rb_section section = block == RB_KEY_CHANNEL_journal
					  ? RB_SECTION_JOURNAL
					  : RB_SECTION_BRIDGE;
	char path[PATH_SIZE], otherwise[32];

	snprintf(path, sizeof(path), "channels.%s.%s", channel->name, name);
	snprintf(otherwise, sizeof(otherwise), "defaults.%s", name);
	open_mapping(d, name);
	for (size_t i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == section &&
		    rb_outlet_has_key(channel, &rb_keys[i]))
			dump_key(d, &rb_keys[i], path, otherwise, base);
	close_mapping(d);
}

static void
dump_outlets(struct dump *d, const struct rb_config_channel *channel)
{
	if (channel->journal.given)
		dump_outlet(d, channel, RB_KEY_CHANNEL_journal,
			    &channel->journal);
	if (channel->bridge.given)
		dump_outlet(d, channel, RB_KEY_CHANNEL_bridge,
			    &channel->bridge);
}

static void
dump_channel(struct dump *d, const struct rb_config_channel *channel)
{
	struct rb_channel_values values;
	char path[PATH_SIZE];

	rb_channel_values(channel, &values);
	snprintf(path, sizeof(path), "channels.%s", channel->name);
	open_mapping(d, channel->name);
	for (size_t i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == RB_SECTION_CHANNEL &&
		    rb_keys[i].type != RB_TYPE_BLOCK &&
		    rb_channel_has_key(channel, &rb_keys[i]))
			dump_key(d, &rb_keys[i], path, "defaults", &values);
	snprintf(path, sizeof(path), "channels.%s.access", channel->name);
	open_mapping(d, "access");
	dump_section(d, RB_SECTION_ACCESS, path, "defaults.access",
		     &channel->access);
	close_mapping(d);
	dump_outlets(d, channel);
	open_mapping(d, "consumers");
	for (unsigned i = 0; i < channel->n_consumers; i++)
		dump_consumer(d, channel, &channel->consumers[i]);
	close_mapping(d);
	close_mapping(d);
}

void
rb_dump_config(const struct rb_config *config, bool as_json)
{
	struct dump d = { config, as_json, true, 0 };

	if (as_json)
		printf("{");
	open_mapping(&d, "daemon");
	dump_section(&d, RB_SECTION_DAEMON, "daemon", NULL, config);
	close_mapping(&d);
	open_mapping(&d, "dynamic");
	dump_section(&d, RB_SECTION_DYNAMIC, "dynamic", NULL, &config->dynamic);
	open_mapping(&d, "access");
	dump_section(&d, RB_SECTION_DYNAMIC_ACCESS, "dynamic.access", NULL,
		     &config->dynamic.access);
	close_mapping(&d);
	close_mapping(&d);
	open_mapping(&d, "channels");
	for (unsigned i = 0; i < config->n_channels; i++)
		dump_channel(&d, &config->channels[i]);
	close_mapping(&d);
	if (as_json)
		printf("}\n");
}
