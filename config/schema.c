/* SPDX-License-Identifier: MIT */
/*
 * schema.c - the table made from keys.h, and the struct fields behind it
 *
 * Whether a field has the C type that its key type stands for is asserted by
 * size here, since an offset has forgotten it.
 */
#include "config/schema.h"

#include <string.h>

#include "shm/base.h"

/* The struct that a section fills. */
#define BASE_DAEMON struct rb_config
#define BASE_DYNAMIC struct rb_config_dynamic
#define BASE_CHANNEL struct rb_channel_values
#define BASE_ACCESS struct rb_config_access
#define BASE_DYNAMIC_ACCESS struct rb_config_access
#define BASE_CONSUMER struct rb_config_consumer
#define BASE_KEY struct rb_config_consumer
#define BASE_JOURNAL struct rb_config_journal
#define BASE_BRIDGE struct rb_config_bridge

#define SIZE_PATH RB_CONFIG_PATH_SIZE
#define SIZE_FILE RB_CONFIG_FILE_SIZE
#define SIZE_STREAM RB_CONFIG_WORD_SIZE
#define SIZE_SUBJECT RB_CONFIG_WORD_SIZE
#define SIZE_HOST RB_CONFIG_WORD_SIZE
#define SIZE_SERVERS RB_CONFIG_SERVERS_SIZE
#define SIZE_ACCESS sizeof(struct rb_access_list)
#define SIZE_OWN_ACCESS sizeof(struct rb_access_list)
#define SIZE_NAME RB_NAME_SIZE
#define SIZE_HEX sizeof(struct rb_bytes)
#define SIZE_LIST sizeof(struct rb_numbers)
#define SIZE_COUNT sizeof(unsigned)
#define SIZE_NUMBER sizeof(uint64_t)
#define SIZE_POWER sizeof(uint64_t)
#define SIZE_SIZE sizeof(uint64_t)
#define SIZE_POWER_SIZE sizeof(uint64_t)
#define SIZE_DURATION sizeof(int64_t)
#define SIZE_BOOL sizeof(bool)
#define SIZE_FRAMING sizeof(unsigned)
#define SIZE_PRODUCERS sizeof(unsigned)
#define SIZE_WAIT sizeof(unsigned)
#define SIZE_CLEAR sizeof(unsigned)
#define SIZE_ISOLATION sizeof(unsigned)
#define SIZE_STUCK sizeof(unsigned)
#define SIZE_ON_DEATH sizeof(unsigned)
#define SIZE_SLOW sizeof(unsigned)
#define SIZE_SYNC sizeof(unsigned)
#define SIZE_ON_FULL sizeof(unsigned)
#define SIZE_IO sizeof(unsigned)
#define SIZE_DIRECTION sizeof(unsigned)
#define SIZE_START sizeof(unsigned)

#define RB_KEY(section, name, type, field, min, max, fallback, reload, text)   \
	_Static_assert(sizeof(((BASE_##section *)0)->field) == SIZE_##type,    \
		       #name ": the field has another type than the key");
#define RB_BLOCK(section, name, text)
#include "config/keys.h"

const struct rb_key rb_keys[RB_N_KEYS] = {
#define RB_KEY(section, name, type, field, min, max, fallback, reload, text)   \
	{ RB_SECTION_##section,                                                \
	  RB_TYPE_##type,                                                      \
	  #name,                                                               \
	  offsetof(BASE_##section, field),                                     \
	  min,                                                                 \
	  max,                                                                 \
	  fallback,                                                            \
	  RB_RELOAD_##reload,                                                  \
	  text },
#define RB_BLOCK(section, name, text)                                          \
	{ RB_SECTION_##section, RB_TYPE_BLOCK, #name, 0, 0, 0, 0, 0, text },
#include "config/keys.h"
};

static const char *const section_phrases[] = {
	[RB_SECTION_TOP] = "at the top",
	[RB_SECTION_DAEMON] = "in 'daemon'",
	[RB_SECTION_DYNAMIC] = "in 'dynamic'",
	[RB_SECTION_CHANNEL] = "in a channel",
	[RB_SECTION_ACCESS] = "in 'access' of a channel",
	[RB_SECTION_DYNAMIC_ACCESS] = "in 'access' of 'dynamic'",
	[RB_SECTION_CONSUMER] = "in a consumer",
	[RB_SECTION_KEY] = "in 'key' of a consumer",
	[RB_SECTION_JOURNAL] = "in 'journal' of a channel",
	[RB_SECTION_BRIDGE] = "in 'bridge' of a channel",
};

static const char *const framings[] = { "fixed", "framed", NULL };
static const char *const producers[] = { "single", "multi", NULL };
static const char *const waits[] = { "busy_spin", "yielding",       "sleeping",
				     "blocking",  "phased_backoff", NULL };
static const char *const clears[] = { "none", "zero", NULL };
static const char *const isolations[] = { "named", "sealed", NULL };
static const char *const stucks[] = { "wait", "kill", NULL };
static const char *const on_deaths[] = { "release", "keep", NULL };
static const char *const slows[] = { "gate", "evict", "park", "lossy", NULL };
static const char *const syncs[] = { "always", "interval", "none", NULL };
static const char *const on_fulls[] = { "stall", "drop", NULL };
static const char *const ios[] = { "auto", "uring", "sync", NULL };
static const char *const directions[] = { "export", "import", NULL };
static const char *const starts[] = { "oldest", "newest", NULL };

/* By enum rb_type. */
static const char *const *const choices[] = {
	[RB_TYPE_FRAMING] = framings,
	[RB_TYPE_PRODUCERS] = producers,
	[RB_TYPE_WAIT] = waits,
	[RB_TYPE_CLEAR] = clears,
	[RB_TYPE_ISOLATION] = isolations,
	[RB_TYPE_STUCK] = stucks,
	[RB_TYPE_ON_DEATH] = on_deaths,
	[RB_TYPE_SLOW] = slows,
	[RB_TYPE_SYNC] = syncs,
	[RB_TYPE_ON_FULL] = on_fulls,
	[RB_TYPE_IO] = ios,
	[RB_TYPE_DIRECTION] = directions,
	[RB_TYPE_START] = starts,
};

const struct rb_key *
rb_key_find(enum rb_section section, const char *name)
{
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == section &&
		    strcmp(rb_keys[i].name, name) == 0)
			return &rb_keys[i];
	return NULL;
}

const char *
rb_section_phrase(enum rb_section section)
{
	return section_phrases[section];
}

const char *const *
rb_type_choices(enum rb_type type)
{
	return (size_t)type < RB_ARRAY_SIZE(choices) ? choices[type] : NULL;
}

size_t
rb_type_text_size(enum rb_type type)
{
	switch (type) {
	case RB_TYPE_PATH:
		return RB_CONFIG_PATH_SIZE;
	case RB_TYPE_FILE:
		return RB_CONFIG_FILE_SIZE;
	case RB_TYPE_NAME:
		return RB_NAME_SIZE;
	case RB_TYPE_STREAM:
	case RB_TYPE_SUBJECT:
	case RB_TYPE_HOST:
		return RB_CONFIG_WORD_SIZE;
	case RB_TYPE_SERVERS:
		return RB_CONFIG_SERVERS_SIZE;
	default:
		return 0;
	}
}

static size_t
number_size(enum rb_type type)
{
	if (type < RB_TYPE_COUNT)
		return 0;
	switch (type) {
	case RB_TYPE_BOOL:
		return sizeof(bool);
	case RB_TYPE_NUMBER:
	case RB_TYPE_POWER:
	case RB_TYPE_SIZE:
	case RB_TYPE_POWER_SIZE:
	case RB_TYPE_DURATION:
		return sizeof(uint64_t);
	default:
		return sizeof(unsigned);
	}
}

uint64_t
rb_key_get(const struct rb_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;
	uint64_t wide = 0;
	unsigned narrow = 0;

	switch (number_size(key->type)) {
	case sizeof(wide):
		memcpy(&wide, field, sizeof(wide));
		return wide;
	case sizeof(narrow):
		memcpy(&narrow, field, sizeof(narrow));
		return narrow;
	case sizeof(bool):
		return *(const bool *)field;
	default:
		return 0;
	}
}

void
rb_key_set(const struct rb_key *key, void *base, uint64_t value)
{
	char *field = (char *)base + key->offset;
	unsigned narrow = (unsigned)value;

	switch (number_size(key->type)) {
	case sizeof(value):
		memcpy(field, &value, sizeof(value));
		break;
	case sizeof(narrow):
		memcpy(field, &narrow, sizeof(narrow));
		break;
	case sizeof(bool):
		*(bool *)field = value != 0;
		break;
	default:
		break;
	}
}

bool
rb_key_admits(const struct rb_key *key, uint64_t value)
{
	if (value < key->min || value > key->max)
		return false;
	if (key->type == RB_TYPE_POWER || key->type == RB_TYPE_POWER_SIZE)
		return rb_is_power_of_two(value);
	return true;
}

void
rb_section_reset(enum rb_section section, void *base)
{
	size_t i;

	for (i = 0; i < RB_N_KEYS; i++)
		if (rb_keys[i].section == section)
			rb_key_set(&rb_keys[i], base, rb_keys[i].fallback);
}
