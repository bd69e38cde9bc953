/* SPDX-License-Identifier: MIT */
/*
 * value.c - one value into one field
 *
 * YAML hands over text; what it means is decided by the type of the key alone,
 * so quoted numbers are fine and a plain `yes` stays a word. Every refusal says
 * what was expected, what was found and what the key is for.
 */
#include "config/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/access.h"
#include "config/scalar.h"
#include "config/suggest.h"
#include "config/word.h"

#define TEXT_SIZE 160

struct value {
	const struct rb_key *key;
	struct rb_node node;
	struct rb_problems *problems;
};

/* "one of fixed, framed" */
static void
describe_choices(const char *const *choices, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "one of %s", *choices);

	while (*++choices && used < size)
		used += (size_t)snprintf(text + used, size - used, ", %s",
					 *choices);
}

/* What the key wants, to follow "must be". */
static void
describe_type(enum rb_type type, char *text, size_t size)
{
	if (rb_word_wanted(type)) {
		snprintf(text, size, "%s", rb_word_wanted(type));
		return;
	}
	switch (type) {
	case RB_TYPE_ACCESS:
		snprintf(text, size, "a list of any, user:NAME, group:NAME");
		return;
	case RB_TYPE_OWN_ACCESS:
		snprintf(text, size,
			 "a list of any, creator, user:NAME, group:NAME");
		return;
	case RB_TYPE_NAME:
		snprintf(text, size, "a name");
		return;
	case RB_TYPE_HEX:
		snprintf(text, size, "bytes as hex digits, such as 00ff");
		return;
	case RB_TYPE_LIST:
		snprintf(text, size, "numbers in rising order, such as 0-3,8");
		return;
	case RB_TYPE_COUNT:
	case RB_TYPE_NUMBER:
	case RB_TYPE_POWER:
		snprintf(text, size, "a whole number");
		return;
	case RB_TYPE_SIZE:
	case RB_TYPE_POWER_SIZE:
		snprintf(text, size, "a size such as 64, 4KiB or 2GiB");
		return;
	case RB_TYPE_DURATION:
		snprintf(text, size, "a duration such as 250ms or 1m30s");
		return;
	case RB_TYPE_BOOL:
		snprintf(text, size, "true or false");
		return;
	default:
		describe_choices(rb_type_choices(type), text, size);
		return;
	}
}

/* Says what the key is for, in the place of a suggestion. */
static const char *
explain(const struct rb_key *key, char *text, size_t size)
{
	snprintf(text, size, "%s: %s", key->name, key->text);
	return text;
}

static bool
refuse_kind(const struct value *value)
{
	char wanted[TEXT_SIZE], hint[TEXT_SIZE];

	describe_type(value->key->type, wanted, sizeof(wanted));
	rb_problems_add(value->problems, rb_node_place(value->node),
			explain(value->key, hint, sizeof(hint)),
			"'%s' must be %s, not %s", value->key->name, wanted,
			rb_node_kind(value->node));
	return false;
}

static bool
refuse_text(const struct value *value, const char *hint)
{
	char wanted[TEXT_SIZE], text[TEXT_SIZE];

	describe_type(value->key->type, wanted, sizeof(wanted));
	if (!hint)
		hint = explain(value->key, text, sizeof(text));
	rb_problems_add(value->problems, rb_node_place(value->node), hint,
			"'%s' must be %s, not " RB_QUOTED, value->key->name,
			wanted, rb_node_text(value->node));
	return false;
}

/* A number as the author would write it. */
static void
format_number(enum rb_type type, uint64_t number, char *text, size_t size)
{
	if (type == RB_TYPE_SIZE || type == RB_TYPE_POWER_SIZE)
		rb_scalar_format_size(number, text, size);
	else if (type == RB_TYPE_DURATION)
		rb_scalar_format_duration((int64_t)number, text, size);
	else
		snprintf(text, size, "%" PRIu64, number);
}

static bool
refuse_range(const struct value *value)
{
	const struct rb_key *key = value->key;
	char min[32], max[32], hint[TEXT_SIZE];

	format_number(key->type, key->min, min, sizeof(min));
	format_number(key->type, key->max, max, sizeof(max));
	rb_problems_add(value->problems, rb_node_place(value->node),
			explain(key, hint, sizeof(hint)),
			"'%s' must be from %s to %s, not " RB_QUOTED, key->name,
			min, max, rb_node_text(value->node));
	return false;
}

static bool
refuse_power(const struct value *value, uint64_t number)
{
	char next[32], hint[TEXT_SIZE];

	format_number(value->key->type, rb_next_power_of_two(number), next,
		      sizeof(next));
	snprintf(hint, sizeof(hint), "the next power of two is %s", next);
	rb_problems_add(value->problems, rb_node_place(value->node), hint,
			"'%s' must be a power of two, not " RB_QUOTED,
			value->key->name, rb_node_text(value->node));
	return false;
}

static bool
is_all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int
parse_duration(const char *text, uint64_t *ret)
{
	int64_t ns;
	int r = rb_config_parse_duration(text, &ns);

	if (r == 0)
		*ret = (uint64_t)ns;
	return r;
}

static int
parse_bool(const char *text, uint64_t *ret)
{
	bool is_true;
	int r = rb_scalar_parse_bool(text, &is_true);

	if (r == 0)
		*ret = is_true;
	return r;
}

static int
parse_choice(const char *text, const char *const *choices, uint64_t *ret)
{
	uint64_t i;

	for (i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) != 0)
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}

static int
parse_number(enum rb_type type, const char *text, uint64_t *ret)
{
	switch (type) {
	case RB_TYPE_COUNT:
	case RB_TYPE_NUMBER:
	case RB_TYPE_POWER:
		return rb_scalar_parse_number(text, ret);
	case RB_TYPE_SIZE:
	case RB_TYPE_POWER_SIZE:
		return rb_config_parse_size(text, ret);
	case RB_TYPE_DURATION:
		return parse_duration(text, ret);
	case RB_TYPE_BOOL:
		return parse_bool(text, ret);
	default:
		return parse_choice(text, rb_type_choices(type), ret);
	}
}

/* What to say about a text that is no number of the type. */
static const char *
guess_intent(enum rb_type type, const char *text, char *hint, size_t size)
{
	const char *const *choices = rb_type_choices(type);
	struct rb_suggestion suggestion;

	if (type == RB_TYPE_DURATION && is_all_digits(text))
		return "the unit is missing: ns, us, ms, s, m, h or d";
	if (text[0] == '0' && is_all_digits(text))
		return "write it without leading zeros";
	if (!choices)
		return NULL;
	rb_suggestion_init(&suggestion, text);
	while (*choices)
		rb_suggestion_offer(&suggestion, *choices++);
	return rb_suggestion_say(&suggestion, hint, size);
}

static bool
set_number(const struct value *value, void *base)
{
	const struct rb_key *key = value->key;
	const char *text = rb_node_text(value->node);
	char hint[TEXT_SIZE];
	uint64_t number = 0;
	int r = parse_number(key->type, text, &number);

	if (r == -EINVAL)
		return refuse_text(value, guess_intent(key->type, text, hint,
						       sizeof(hint)));
	if (r < 0 || number < key->min || number > key->max)
		return refuse_range(value);
	if (!rb_key_admits(key, number))
		return refuse_power(value, number);
	rb_key_set(key, base, number);
	return true;
}

static bool
refuse_length(const struct value *value)
{
	rb_problems_add(value->problems, rb_node_place(value->node), NULL,
			"'%s' is longer than %zu bytes", value->key->name,
			rb_type_text_size(value->key->type) - 1);
	return false;
}

static bool
set_word(const struct value *value, void *base)
{
	const char *text = rb_node_text(value->node), *hint;

	if (!rb_word_check(value->key->type, text, &hint))
		return refuse_text(value, hint);
	if (strlen(text) >= rb_type_text_size(value->key->type))
		return refuse_length(value);
	memcpy((char *)base + value->key->offset, text, strlen(text) + 1);
	return true;
}

/* A list of words as one text, with commas between. */
static bool
set_words(const struct value *value, void *base)
{
	size_t i, n = rb_node_n_items(value->node), used = 0, length;
	char text[RB_CONFIG_SERVERS_SIZE];
	const char *hint, *word;

	for (i = 0; i < n; i++) {
		struct rb_node item = rb_node_item(value->node, i);
		const struct value one = { value->key, item, value->problems };

		if (!rb_node_is_scalar(item) || rb_node_is_null(item))
			return refuse_kind(&one);
		word = rb_node_text(item);
		if (!rb_word_check(value->key->type, word, &hint))
			return refuse_text(&one, hint);
		length = strlen(word);
		if (used + length + 1 > sizeof(text))
			return refuse_length(value);
		memcpy(text + used, word, length);
		used += length;
		text[used++] = ',';
	}
	if (n == 0)
		return refuse_kind(value);
	text[used - 1] = '\0';
	memcpy((char *)base + value->key->offset, text, used);
	return true;
}

static bool
set_name(const struct value *value, void *base)
{
	const char *text = rb_node_text(value->node);

	if (!rb_name_is_valid(text))
		return refuse_text(value, RB_NAME_HINT);
	memcpy((char *)base + value->key->offset, text, strlen(text) + 1);
	return true;
}

/* What to say about a text that is no bytes. */
static const char *
guess_bytes(const char *text)
{
	if (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0)
		return "write it without 0x";
	if (strlen(text) % 2 != 0)
		return "each byte is two digits";
	return NULL;
}

static bool
set_bytes(const struct value *value, void *base)
{
	const char *text = rb_node_text(value->node);
	struct rb_bytes bytes = { 0 };
	int r = rb_scalar_parse_hex(text, sizeof(bytes.bytes), bytes.bytes,
				    &bytes.size);

	if (r == -EINVAL)
		return refuse_text(value, guess_bytes(text));
	if (r < 0) {
		rb_problems_add(value->problems, rb_node_place(value->node),
				NULL, "'%s' has %zu bytes, more than %zu",
				value->key->name, strlen(text) / 2,
				sizeof(bytes.bytes));
		return false;
	}
	memcpy((char *)base + value->key->offset, &bytes, sizeof(bytes));
	return true;
}

static bool
set_list(const struct value *value, void *base)
{
	struct rb_numbers numbers;
	int n = rb_scalar_parse_list(rb_node_text(value->node), numbers.words);

	if (n == -EINVAL)
		return refuse_text(value, NULL);
	if (n >= 0 && (uint64_t)n <= value->key->max) {
		memcpy((char *)base + value->key->offset, &numbers,
		       sizeof(numbers));
		return true;
	}
	if (n < 0)
		rb_problems_add(value->problems, rb_node_place(value->node),
				NULL, "'%s' has a number above %d",
				value->key->name, RB_CPUS_MAX - 1);
	else
		rb_problems_add(value->problems, rb_node_place(value->node),
				NULL, "'%s' is one number, not %d",
				value->key->name, n);
	return false;
}

static bool
is_access(enum rb_type type)
{
	return type == RB_TYPE_ACCESS || type == RB_TYPE_OWN_ACCESS;
}

/* What to do about a text that is no entry of an access list. */
static const char *
guess_entry(enum rb_type type, const char *text)
{
	if (type == RB_TYPE_OWN_ACCESS)
		return "write any, creator, user:NAME, user:UID, group:NAME or "
		       "group:GID";
	if (strcmp(text, RB_ACCESS_CREATOR_WORD) == 0)
		return "only channels of clients have a creator: see 'access' "
		       "of 'dynamic'";
	return "write any, user:NAME, user:UID, group:NAME or group:GID";
}

static bool
add_entry(const struct value *value, struct rb_node item,
	  struct rb_access_list *list)
{
	const struct value one = { value->key, item, value->problems };
	const char *text;
	int r;

	if (!rb_node_is_scalar(item) || rb_node_is_null(item))
		return refuse_kind(&one);
	text = rb_node_text(item);
	r = rb_access_add(list, text, value->key->type == RB_TYPE_OWN_ACCESS);
	if (r == -EINVAL)
		rb_problems_add(value->problems, rb_node_place(item),
				guess_entry(value->key->type, text),
				"'%s' lists " RB_QUOTED, value->key->name,
				text);
	else if (r == -ENOENT)
		rb_problems_add(value->problems, rb_node_place(item),
				text[0] == 'u'
					? "create it, or write user:UID"
					: "create it, or write group:GID",
				"this system has no " RB_QUOTED, text);
	else if (r == -ENOMEM)
		rb_problems_fail(value->problems, r);
	else if (r < 0)
		rb_problems_add(value->problems, rb_node_place(item), NULL,
				"cannot look up " RB_QUOTED ": %s", text,
				strerror(-r));
	return r == 0;
}

static bool
set_access(const struct value *value, void *base)
{
	struct rb_access_list list = { .given = true };
	size_t i, n = rb_node_n_items(value->node);
	bool is_good = true;

	if (n > RB_ACCESS_MAX) {
		rb_problems_add(value->problems, rb_node_place(value->node),
				"use a group",
				"'%s' has %zu entries, more than %d",
				value->key->name, n, RB_ACCESS_MAX);
		return false;
	}
	for (i = 0; i < n; i++)
		is_good &= add_entry(value, rb_node_item(value->node, i),
				     &list);
	if (is_good)
		memcpy((char *)base + value->key->offset, &list, sizeof(list));
	return is_good;
}

bool
rb_value_parse(const struct rb_key *key, struct rb_node node, void *base,
	       struct rb_problems *problems)
{
	const struct value value = { key, node, problems };
	bool may_be_list = is_access(key->type) || key->type == RB_TYPE_SERVERS;
	bool is_list = may_be_list && rb_node_is_sequence(node);

	if (rb_node_is_null(node) || (!rb_node_is_scalar(node) && !is_list))
		return refuse_kind(&value);
	if (is_access(key->type))
		return set_access(&value, base);
	if (key->type == RB_TYPE_SERVERS)
		return set_words(&value, base);
	if (rb_word_wanted(key->type))
		return set_word(&value, base);
	if (key->type == RB_TYPE_NAME)
		return set_name(&value, base);
	if (key->type == RB_TYPE_HEX)
		return set_bytes(&value, base);
	if (key->type == RB_TYPE_LIST)
		return set_list(&value, base);
	return set_number(&value, base);
}
