/* SPDX-License-Identifier: MIT */
/*
 * channel.c - one channel of the file into one struct
 *
 * Values come in three layers: the built-in defaults, the `defaults` of the
 * files, the channel. Only the result can be checked across keys, and then the
 * blame goes to a key that the channel gives itself, if it gives one, since
 * that is where the author will look.
 */
#include "config/channel.h"

#include <stdio.h>
#include <string.h>

#include "config/outlet.h"
#include "config/rules.h"
#include "shm/base.h"

#define WHERE_SIZE (RB_NAME_SIZE + 32)

void
rb_channel_draft_init(struct rb_channel_draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	rb_section_reset(RB_SECTION_CHANNEL, &draft->values);
	rb_outlets_reset(&draft->values.channel);
}

void
rb_config_channel_init(struct rb_config_channel *channel)
{
	struct rb_channel_values values = { 0 };

	rb_section_reset(RB_SECTION_CHANNEL, &values);
	rb_outlets_reset(&values.channel);
	values.channel.slot_size = values.event_size;
	*channel = values.channel;
}

void
rb_name_parse(const char *what, struct rb_node key,
	      struct rb_problems *problems, char ret[RB_NAME_SIZE])
{
	const char *name = rb_node_text(key);

	if (!rb_name_is_valid(name))
		rb_problems_add(problems, rb_node_place(key), RB_NAME_HINT,
				"bad %s name " RB_QUOTED, what, name);
	snprintf(ret, RB_NAME_SIZE, "%s", name);
}

static void
parse_access(struct rb_channel_draft *draft, const char *where,
	     const char *path, struct rb_problems *problems)
{
	const struct rb_given *access = &draft->given[RB_KEY_CHANNEL_access];
	char access_where[WHERE_SIZE + 16], access_path[WHERE_SIZE + 16];
	const struct rb_block block = {
		.section = RB_SECTION_ACCESS,
		.where = access_where,
		.path = access_path,
		.base = &draft->values.channel.access,
		.given = draft->given,
	};

	if (!access->is_given ||
	    !rb_block_is_mapping("access", access->value, problems))
		return;
	snprintf(access_where, sizeof(access_where), "in 'access' %s", where);
	snprintf(access_path, sizeof(access_path), "%s.access", path);
	rb_block_parse(&block, access->value, problems);
}

/* The keys of a channel or of the defaults, with the blocks in it. */
static void
parse_values(struct rb_channel_draft *draft, const char *where,
	     const char *path, struct rb_node mapping,
	     struct rb_problems *problems)
{
	const struct rb_block block = {
		.section = RB_SECTION_CHANNEL,
		.where = where,
		.path = path,
		.base = &draft->values,
		.given = draft->given,
	};

	rb_block_parse(&block, mapping, problems);
	parse_access(draft, where, path, problems);
	rb_outlets_parse(draft, where, path, problems);
}

/* What only one channel can have. */
static void
refuse_defaults(const struct rb_channel_draft *defaults,
		struct rb_problems *problems)
{
	static const enum rb_key_id own[] = {
		RB_KEY_CHANNEL_consumers,
		RB_KEY_JOURNAL_dir,
		RB_KEY_BRIDGE_subject,
		RB_KEY_BRIDGE_state,
	};

	for (size_t i = 0; i < RB_ARRAY_SIZE(own); i++) {
		const struct rb_given *given = &defaults->given[own[i]];

		if (given->is_given)
			rb_problems_add(problems, rb_node_place(given->key),
					NULL, "'%s' cannot be a default",
					rb_keys[own[i]].name);
	}
}

void
rb_channel_parse_defaults(struct rb_channel_draft *defaults,
			  struct rb_node mapping, struct rb_problems *problems)
{
	size_t i;

	/* Each file is read afresh, on top of the values so far. */
	memset(defaults->given, 0, sizeof(defaults->given));
	parse_values(defaults, "in 'defaults'", "defaults", mapping, problems);
	refuse_defaults(defaults, problems);
	for (i = 0; i < RB_N_KEYS; i++)
		if (defaults->given[i].is_given)
			defaults->inherited[i] = defaults->given[i];
}

const struct rb_given *
rb_channel_find_given(const struct rb_channel_draft *draft, enum rb_key_id key)
{
	return draft->given[key].is_given ? &draft->given[key]
					  : &draft->inherited[key];
}

/* One size has two keys, each for its own framing. */
static void
settle_slot_size(struct rb_channel_draft *draft, struct rb_problems *problems)
{
	struct rb_channel_values *values = &draft->values;
	bool is_framed = values->channel.framing == RB_CONFIG_FRAMED;
	const struct rb_given *wrong =
		&draft->given[is_framed ? RB_KEY_CHANNEL_event_size
					: RB_KEY_CHANNEL_slot_size];

	values->channel.slot_size = is_framed ? values->frame_size
					      : values->event_size;
	if (!wrong->is_given ||
	    rb_channel_find_given(draft, RB_KEY_CHANNEL_framing)->is_bad)
		return;
	rb_problems_add(problems, rb_node_place(wrong->key), NULL, "%s",
			is_framed ? "'event_size' is for framing: fixed; "
				    "a framed channel has a 'slot_size'"
				  : "'slot_size' is for framing: framed; "
				    "a fixed channel has an 'event_size'");
}

static void
settle_fill(struct rb_channel_draft *draft)
{
	struct rb_channel_values *values = &draft->values;

	values->channel.fill_size = values->fill.size;
	memcpy(values->channel.fill, values->fill.bytes,
	       sizeof(values->channel.fill));
}

/* Before the consumers, some of which are theirs. */
static void
settle_outlets(struct rb_channel_draft *draft, struct rb_problems *problems)
{
	struct rb_config_channel *channel = &draft->values.channel;

	channel->journal.given = draft->given[RB_KEY_CHANNEL_journal].is_given;
	channel->bridge.given = draft->given[RB_KEY_CHANNEL_bridge].is_given;
	rb_outlets_check(draft, problems);
	rb_outlets_settle(channel);
}

static void
check_rules(const struct rb_channel_draft *draft, struct rb_problems *problems)
{
	const struct rb_config_channel *channel = &draft->values.channel;
	const struct rb_given *culprit;
	char why[RB_CONFIG_WHY_SIZE];
	size_t i;

	for (i = 0; i < RB_N_RULES; i++) {
		if (rb_rules[i].check(channel, why, sizeof(why)))
			continue;
		culprit = rb_blame_find(&rb_rules[i].blame, draft->given,
					draft->inherited);
		if (culprit)
			rb_problems_add(problems, rb_node_place(culprit->value),
					rb_rules[i].blame.hint,
					"channel '%s': %s", channel->name, why);
	}
}

void
rb_channel_parse(const struct rb_channel_draft *defaults, struct rb_pair pair,
		 struct rb_problems *problems, struct rb_config_channel *ret)
{
	struct rb_channel_draft draft = *defaults;
	struct rb_config_channel *channel = &draft.values.channel;
	const struct rb_given *consumers =
		&draft.given[RB_KEY_CHANNEL_consumers];
	char where[WHERE_SIZE], path[WHERE_SIZE];

	memset(draft.given, 0, sizeof(draft.given));
	rb_name_parse("channel", pair.key, problems, channel->name);
	snprintf(where, sizeof(where), "in channel '%s'", channel->name);
	snprintf(path, sizeof(path), "channels.%s", channel->name);
	if (rb_block_is_mapping(channel->name, pair.value, problems))
		parse_values(&draft, where, path, pair.value, problems);
	settle_slot_size(&draft, problems);
	settle_fill(&draft);
	settle_outlets(&draft, problems);
	if (consumers->is_given)
		rb_block_is_mapping("consumers", consumers->value, problems);
	rb_consumers_parse(&draft, consumers->value, problems);
	check_rules(&draft, problems);
	*ret = *channel;
}
