/* SPDX-License-Identifier: MIT */
/*
 * schema.h - the keys as a table
 *
 * keys.h says it, this gives it a number, a section and a place in a struct.
 * Values travel as uint64_t in the unit of their field, whatever their type.
 */
#ifndef RB_CONFIG_SCHEMA_H
#define RB_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define RB_SECOND_NS INT64_C(1000000000)
#define RB_HOUR_NS (3600 * RB_SECOND_NS)

enum rb_section {
	RB_SECTION_TOP,
	RB_SECTION_DAEMON,
	RB_SECTION_DYNAMIC,
	RB_SECTION_CHANNEL,
	RB_SECTION_ACCESS,
	RB_SECTION_DYNAMIC_ACCESS,
	RB_SECTION_CONSUMER,
	RB_SECTION_KEY,
	RB_SECTION_JOURNAL,
	RB_SECTION_BRIDGE,
};

enum rb_type {
	RB_TYPE_BLOCK,  /* keys of its own */
	RB_TYPE_PATH,   /* char[RB_CONFIG_PATH_SIZE] */
	RB_TYPE_FILE,   /* char[RB_CONFIG_FILE_SIZE], an absolute path */
	RB_TYPE_STREAM, /* char[RB_CONFIG_WORD_SIZE], these three */
	RB_TYPE_SUBJECT,
	RB_TYPE_HOST,
	RB_TYPE_SERVERS,    /* char[RB_CONFIG_SERVERS_SIZE] */
	RB_TYPE_ACCESS,     /* struct rb_access_list */
	RB_TYPE_OWN_ACCESS, /* the same, where `creator` means somebody */
	RB_TYPE_NAME,       /* char[RB_NAME_SIZE] */
	RB_TYPE_HEX,        /* struct rb_bytes */
	RB_TYPE_LIST,       /* struct rb_numbers, of at most `max` numbers */
	RB_TYPE_COUNT,      /* unsigned */
	RB_TYPE_NUMBER,     /* uint64_t */
	RB_TYPE_POWER,      /* uint64_t, a power of two */
	RB_TYPE_SIZE,       /* uint64_t, bytes */
	RB_TYPE_POWER_SIZE, /* uint64_t, bytes, a power of two */
	RB_TYPE_DURATION,   /* int64_t, nanoseconds */
	RB_TYPE_BOOL,       /* bool */
	RB_TYPE_FRAMING,    /* the enums: unsigned, see rb_type_choices() */
	RB_TYPE_PRODUCERS,
	RB_TYPE_WAIT,
	RB_TYPE_CLEAR,
	RB_TYPE_ISOLATION,
	RB_TYPE_STUCK,
	RB_TYPE_ON_DEATH,
	RB_TYPE_SLOW,
	RB_TYPE_SYNC,
	RB_TYPE_ON_FULL,
	RB_TYPE_IO,
	RB_TYPE_DIRECTION,
	RB_TYPE_START,
};

/* What a change takes while the daemon runs. */
enum rb_reload {
	RB_RELOAD_LIVE,       /* nothing: it holds from then on */
	RB_RELOAD_GENERATION, /* the channel, made anew */
	RB_RELOAD_RESTART,    /* the daemon, started anew */
};

enum rb_key_id {
#define RB_KEY(section, name, type, field, min, max, fallback, reload, text)   \
	RB_KEY_##section##_##name,
#define RB_BLOCK(section, name, text) RB_KEY_##section##_##name,
#include "config/keys.h"
	RB_N_KEYS,
};

struct rb_key {
	enum rb_section section;
	enum rb_type type;
	const char *name;
	size_t offset;
	uint64_t min;
	uint64_t max;
	uint64_t fallback;
	enum rb_reload reload;
	const char *text;
};

struct rb_bytes {
	unsigned size;
	uint8_t bytes[RB_FILL_SIZE];
};

/*
 * What the section `channel` fills. A channel has one slot size, but two keys for
 * it, and a default may be given for both.
 */
struct rb_channel_values {
	struct rb_config_channel channel;
	uint64_t event_size;
	uint64_t frame_size;
	struct rb_bytes fill;
};

/* By enum rb_key_id. */
extern const struct rb_key rb_keys[RB_N_KEYS];

/* The key of that name in the section; NULL if there is none. */
const struct rb_key *rb_key_find(enum rb_section section, const char *name);

/* A phrase for people: "in a channel". */
const char *rb_section_phrase(enum rb_section section);

/* Whether it is a text that is stored as it is, with a zero behind it, and the
 * bytes of its field. */
size_t rb_type_text_size(enum rb_type type);

/* The words of an enum type in its order, NULL at the end; else NULL. */
const char *const *rb_type_choices(enum rb_type type);

/* A field as a number, for the types from RB_TYPE_COUNT on. */
uint64_t rb_key_get(const struct rb_key *key, const void *base);
void rb_key_set(const struct rb_key *key, void *base, uint64_t value);

/* Whether a number is in the range of the key, and a power of two if asked. */
bool rb_key_admits(const struct rb_key *key, uint64_t value);

/* Sets every number of the section to its default. */
void rb_section_reset(enum rb_section section, void *base);

#endif
