/* SPDX-License-Identifier: MIT */
/*
 * render.c - see render.h
 */
#include "config/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/access.h"
#include "config/scalar.h"

static const void *
field_of(const struct rb_key *key, const void *base)
{
	return (const char *)base + key->offset;
}

static size_t
append(char *text, size_t used, const char *more)
{
	int n = snprintf(text + used, RB_RENDER_SIZE - used, "%s", more);

	used += (size_t)n;
	return used < RB_RENDER_SIZE ? used : RB_RENDER_SIZE - 1;
}

static void
render_entry(const struct rb_access_entry *entry, char *text, size_t size)
{
	if (entry->kind == RB_ACCESS_ANY)
		snprintf(text, size, "any");
	else if (entry->kind == RB_ACCESS_CREATOR)
		snprintf(text, size, RB_ACCESS_CREATOR_WORD);
	else
		snprintf(text, size, "%s:%" PRIu32,
			 entry->kind == RB_ACCESS_USER ? "user" : "group",
			 entry->id);
}

static void
render_list(const struct rb_access_list *list, char *ret)
{
	size_t used = 0;
	char entry[32];

	if (!list->given)
		return;
	if (list->n_words == list->n_entries) {
		snprintf(ret, RB_RENDER_SIZE, "[%s]", list->words);
		return;
	}
	for (unsigned i = 0; i < list->n_entries; i++) {
		render_entry(&list->entries[i], entry, sizeof(entry));
		used = append(ret, used, i == 0 ? "[" : ", ");
		used = append(ret, used, entry);
	}
	append(ret, used, "]");
}

static void
render_bytes(const struct rb_bytes *bytes, char *ret)
{
	for (unsigned i = 0; i < bytes->size; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes->bytes[i]);
}

static bool
has(const struct rb_numbers *numbers, unsigned i)
{
	return i < RB_CPUS_MAX && (numbers->words[i / 64] >> i % 64 & 1) != 0;
}

static void
render_numbers(const struct rb_numbers *numbers, char *ret)
{
	char span[32];
	size_t used = 0;
	unsigned last;

	for (unsigned i = 0; i < RB_CPUS_MAX; i = last + 1) {
		last = i;
		if (!has(numbers, i))
			continue;
		while (has(numbers, last + 1))
			last++;
		snprintf(span, sizeof(span), last > i ? "%s%u-%u" : "%s%u",
			 used > 0 ? "," : "", i, last);
		used = append(ret, used, span);
	}
}

void
rb_key_render_number(const struct rb_key *key, uint64_t number,
		     char ret[RB_RENDER_SIZE])
{
	const char *const *choices = rb_type_choices(key->type);

	if (choices != NULL)
		snprintf(ret, RB_RENDER_SIZE, "%s", choices[number]);
	else if (key->type == RB_TYPE_BOOL)
		snprintf(ret, RB_RENDER_SIZE, "%s", number ? "true" : "false");
	else if (key->type == RB_TYPE_SIZE || key->type == RB_TYPE_POWER_SIZE)
		rb_scalar_format_size(number, ret, RB_RENDER_SIZE);
	else if (key->type == RB_TYPE_DURATION)
		rb_scalar_format_duration((int64_t)number, ret, RB_RENDER_SIZE);
	else
		snprintf(ret, RB_RENDER_SIZE, "%" PRIu64, number);
}

void
rb_key_render(const struct rb_key *key, const void *base,
	      char ret[RB_RENDER_SIZE])
{
	const void *field = field_of(key, base);

	ret[0] = '\0';
	if (rb_type_text_size(key->type) > 0) {
		snprintf(ret, RB_RENDER_SIZE, "%s", (const char *)field);
		return;
	}
	switch (key->type) {
	case RB_TYPE_BLOCK:
		break;
	case RB_TYPE_ACCESS:
	case RB_TYPE_OWN_ACCESS:
		render_list(field, ret);
		break;
	case RB_TYPE_HEX:
		render_bytes(field, ret);
		break;
	case RB_TYPE_LIST:
		render_numbers(field, ret);
		break;
	default:
		rb_key_render_number(key, rb_key_get(key, base), ret);
	}
}

void
rb_key_render_plain(const struct rb_key *key, const void *base,
		    char ret[RB_RENDER_SIZE])
{
	bool has_unit = key->type == RB_TYPE_SIZE ||
			key->type == RB_TYPE_POWER_SIZE ||
			key->type == RB_TYPE_DURATION;

	if (has_unit)
		snprintf(ret, RB_RENDER_SIZE, "%" PRIu64,
			 rb_key_get(key, base));
	else
		rb_key_render(key, base, ret);
}

void
rb_after_render(const struct rb_config_channel *channel,
		const struct rb_config_consumer *consumer,
		char ret[RB_RENDER_SIZE])
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		if ((consumer->after >> i & 1) == 0)
			continue;
		used = append(ret, used, used == 0 ? "[" : ", ");
		used = append(ret, used, channel->consumers[i].name);
	}
	if (used > 0)
		append(ret, used, "]");
}

static bool
is_same_list(const struct rb_access_list *a, const struct rb_access_list *b)
{
	if (a->given != b->given || a->n_entries != b->n_entries)
		return false;
	for (unsigned i = 0; i < a->n_entries; i++)
		if (a->entries[i].kind != b->entries[i].kind ||
		    a->entries[i].id != b->entries[i].id)
			return false;
	return true;
}

static bool
is_same_bytes(const struct rb_bytes *a, const struct rb_bytes *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool
rb_key_is_same(const struct rb_key *key, const void *a, const void *b)
{
	if (rb_type_text_size(key->type) > 0)
		return strcmp(field_of(key, a), field_of(key, b)) == 0;
	switch (key->type) {
	case RB_TYPE_ACCESS:
	case RB_TYPE_OWN_ACCESS:
		return is_same_list(field_of(key, a), field_of(key, b));
	case RB_TYPE_HEX:
		return is_same_bytes(field_of(key, a), field_of(key, b));
	case RB_TYPE_LIST:
		return memcmp(field_of(key, a), field_of(key, b),
			      sizeof(struct rb_numbers)) == 0;
	default:
		return rb_key_get(key, a) == rb_key_get(key, b);
	}
}
