/* SPDX-License-Identifier: MIT */
/*
 * keys.c - the keys for other programs: a JSON Schema, and lines for the manual
 *
 * A schema can tell less than the parser: not what holds between keys, nor whether
 * a user is there. What it refuses, the parser refuses; YAML takes quotes off, so
 * that numbers may be texts here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/render.h"
#include "daemon/dump.h"
#include "daemon/quote.h"

#define NUMBER "(0|[1-9][0-9]*)"
#define LIST "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"
#define NAME "^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$"
#define SIZE_UNIT "([KMGT](iB?)?|kB|MB|GB|TB|B)?"
#define TOKEN "[!-)+\\-/-=?-~]+"
#define HOST "([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])"
#define SERVER "(nats|tls)://" HOST "(:[0-9]{1,5})?"
#define ANY_SCALAR "[\"string\",\"number\",\"boolean\"]"

static bool
has_number(enum rb_type type)
{
	return type >= RB_TYPE_COUNT && type <= RB_TYPE_DURATION;
}

static bool
has_fallback(const struct rb_key *key)
{
	return (has_number(key->type) || key->type == RB_TYPE_BOOL ||
		rb_type_choices(key->type) != NULL) &&
	       rb_key_admits(key, key->fallback);
}

/* ------------------------------------------------------------------ JSON Schema */

static void
write_pattern(const char *pattern)
{
	printf("\"pattern\":");
	rb_quote(stdout, pattern);
}

static void
write_access(const struct rb_key *key)
{
	const char *pattern = key->type == RB_TYPE_ACCESS
				      ? "^(any|(user|group):.+)$"
				      : "^(any|creator|(user|group):.+)$";

	printf("\"anyOf\":[{\"type\":\"string\",");
	write_pattern(pattern);
	printf("},{\"type\":\"array\",\"maxItems\":%d,\"items\":{\"type\":"
	       "\"string\",",
	       RB_ACCESS_MAX);
	write_pattern(pattern);
	printf("}}]");
}

static void
write_powers(const struct rb_key *key)
{
	bool first = true;

	printf("\"anyOf\":[{\"enum\":[");
	for (uint64_t n = 1; n != 0 && n <= key->max; n *= 2) {
		if (n < key->min)
			continue;
		printf("%s%" PRIu64, first ? "" : ",", n);
		first = false;
	}
	printf("]},{\"type\":\"string\",");
	write_pattern(key->type == RB_TYPE_POWER ? "^[1-9][0-9]*$"
						 : "^[1-9][0-9]*" SIZE_UNIT
						   "$");
	printf("}]");
}

static void
write_number(const struct rb_key *key)
{
	printf("\"anyOf\":[{\"type\":\"integer\",\"minimum\":%" PRIu64
	       ",\"maximum\":%" PRIu64 "},{\"type\":\"string\",",
	       key->min, key->max);
	write_pattern(key->type == RB_TYPE_SIZE ? "^" NUMBER SIZE_UNIT "$"
						: "^" NUMBER "$");
	printf("}]");
}

static void
write_words(const char *const *words)
{
	printf("\"enum\":[");
	for (unsigned i = 0; words[i] != NULL; i++) {
		printf("%s", i > 0 ? "," : "");
		rb_quote(stdout, words[i]);
	}
	printf("]");
}

static void
write_word(enum rb_type type)
{
	printf("\"type\":%s,\"maxLength\":%zu,",
	       type == RB_TYPE_STREAM || type == RB_TYPE_HOST ? ANY_SCALAR
							      : "\"string\"",
	       rb_type_text_size(type) - 1);
	if (type == RB_TYPE_STREAM)
		write_pattern("^[A-Za-z0-9_-]+$");
	else if (type == RB_TYPE_SUBJECT)
		write_pattern("^(?!\\$)" TOKEN "(\\." TOKEN ")*$");
	else if (type == RB_TYPE_HOST)
		write_pattern("^" HOST "$");
	else
		write_pattern("^/");
}

static void
write_servers(void)
{
	static const char pattern[] = "^" SERVER "(," SERVER ")*$";

	printf("\"anyOf\":[{\"type\":\"string\",\"maxLength\":%d,",
	       RB_CONFIG_SERVERS_SIZE - 1);
	write_pattern(pattern);
	printf("},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":"
	       "\"string\",");
	write_pattern(pattern);
	printf("}}]");
}

static void
write_type(const struct rb_key *key)
{
	switch (key->type) {
	case RB_TYPE_PATH:
	case RB_TYPE_FILE:
	case RB_TYPE_STREAM:
	case RB_TYPE_SUBJECT:
	case RB_TYPE_HOST:
		write_word(key->type);
		break;
	case RB_TYPE_SERVERS:
		write_servers();
		break;
	case RB_TYPE_ACCESS:
	case RB_TYPE_OWN_ACCESS:
		write_access(key);
		break;
	case RB_TYPE_NAME:
		printf("\"type\":" ANY_SCALAR ",");
		write_pattern(NAME);
		break;
	case RB_TYPE_HEX:
		printf("\"type\":" ANY_SCALAR ",");
		write_pattern("^([0-9A-Fa-f]{2}){1,64}$");
		break;
	case RB_TYPE_LIST:
		printf("\"type\":" ANY_SCALAR ",");
		write_pattern(key->max == 1 ? "^[0-9]+$" : LIST);
		break;
	case RB_TYPE_BOOL:
		printf("\"enum\":[true,false,\"true\",\"false\"]");
		break;
	case RB_TYPE_DURATION:
		printf("\"anyOf\":[{\"const\":0},{\"type\":\"string\",");
		write_pattern("^(0|([0-9]+(d|h|min|m|s|ms|us|ns))+)$");
		printf("}]");
		break;
	case RB_TYPE_POWER:
	case RB_TYPE_POWER_SIZE:
		write_powers(key);
		break;
	case RB_TYPE_COUNT:
	case RB_TYPE_NUMBER:
	case RB_TYPE_SIZE:
		write_number(key);
		break;
	default:
		write_words(rb_type_choices(key->type));
	}
}

static void write_section(enum rb_section section, bool with_consumers);

/* A mapping from names to such a section. */
static void
write_named(enum rb_section section)
{
	printf("\"type\":[\"object\",\"null\"],\"patternProperties\":{"
	       "\"^x-\":{},\"^(?!x-)[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$\":{");
	write_section(section, true);
	printf("}},\"additionalProperties\":false");
}

static void
write_block(const struct rb_key *key)
{
	if (key == &rb_keys[RB_KEY_TOP_daemon])
		write_section(RB_SECTION_DAEMON, false);
	else if (key == &rb_keys[RB_KEY_TOP_dynamic])
		write_section(RB_SECTION_DYNAMIC, false);
	else if (key == &rb_keys[RB_KEY_TOP_defaults])
		write_section(RB_SECTION_CHANNEL, false);
	else if (key == &rb_keys[RB_KEY_TOP_channels])
		write_named(RB_SECTION_CHANNEL);
	else if (key == &rb_keys[RB_KEY_CHANNEL_access])
		write_section(RB_SECTION_ACCESS, false);
	else if (key == &rb_keys[RB_KEY_DYNAMIC_access])
		write_section(RB_SECTION_DYNAMIC_ACCESS, false);
	else if (key == &rb_keys[RB_KEY_CHANNEL_consumers])
		write_named(RB_SECTION_CONSUMER);
	else if (key == &rb_keys[RB_KEY_CONSUMER_key])
		write_section(RB_SECTION_KEY, false);
	else if (key == &rb_keys[RB_KEY_CHANNEL_journal])
		write_section(RB_SECTION_JOURNAL, false);
	else if (key == &rb_keys[RB_KEY_CHANNEL_bridge])
		write_section(RB_SECTION_BRIDGE, false);
	else /* after */
		printf("\"type\":[\"string\",\"number\",\"boolean\",\"array\"],"
		       "\"items\":{\"type\":" ANY_SCALAR "}");
}

static void
write_key(const struct rb_key *key)
{
	char value[RB_RENDER_SIZE];

	rb_quote(stdout, key->name);
	printf(":{\"description\":");
	rb_quote(stdout, key->text);
	printf(",");
	if (key->type == RB_TYPE_BLOCK)
		write_block(key);
	else
		write_type(key);
	if (key->type != RB_TYPE_BLOCK && has_fallback(key)) {
		rb_key_render_number(key, key->fallback, value);
		printf(",\"default\":");
		rb_quote(stdout, value);
	}
	printf("}");
}

static void
write_section(enum rb_section section, bool with_consumers)
{
	bool first = true;

	printf("\"type\":[\"object\",\"null\"],\"properties\":{");
	for (size_t i = 0; i < RB_N_KEYS; i++) {
		if (rb_keys[i].section != section ||
		    (i == RB_KEY_CHANNEL_consumers && !with_consumers))
			continue;
		printf("%s", first ? "" : ",");
		write_key(&rb_keys[i]);
		first = false;
	}
	printf("},\"patternProperties\":{\"^x-\":{}},\"additionalProperties\":"
	       "false");
	if (section == RB_SECTION_KEY)
		printf(",\"required\":[\"size\"]");
}

void
rb_dump_schema(void)
{
	printf("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	       "\"title\":\"ringbus.yaml\",");
	write_section(RB_SECTION_TOP, false);
	printf("}\n");
}

/* ------------------------------------------------------------------- the manual */

static const char *const sections[] = {
	[RB_SECTION_TOP] = "top",
	[RB_SECTION_DAEMON] = "daemon",
	[RB_SECTION_DYNAMIC] = "dynamic",
	[RB_SECTION_CHANNEL] = "channel",
	[RB_SECTION_ACCESS] = "access",
	[RB_SECTION_DYNAMIC_ACCESS] = "dynamic.access",
	[RB_SECTION_CONSUMER] = "consumer",
	[RB_SECTION_KEY] = "key",
	[RB_SECTION_JOURNAL] = "journal",
	[RB_SECTION_BRIDGE] = "bridge",
};

static const char *const reloads[] = {
	[RB_RELOAD_LIVE] = "live",
	[RB_RELOAD_GENERATION] = "generation",
	[RB_RELOAD_RESTART] = "restart",
};

static const char *
type_word(const struct rb_key *key)
{
	switch (key->type) {
	case RB_TYPE_BLOCK:
		return "mapping";
	case RB_TYPE_PATH:
	case RB_TYPE_FILE:
		return "path";
	case RB_TYPE_STREAM:
		return "stream";
	case RB_TYPE_SUBJECT:
		return "subject";
	case RB_TYPE_HOST:
		return "host";
	case RB_TYPE_SERVERS:
		return "urls";
	case RB_TYPE_ACCESS:
	case RB_TYPE_OWN_ACCESS:
		return "access";
	case RB_TYPE_NAME:
		return "name";
	case RB_TYPE_HEX:
		return "hex";
	case RB_TYPE_LIST:
		return "list";
	case RB_TYPE_BOOL:
		return "bool";
	case RB_TYPE_SIZE:
	case RB_TYPE_POWER_SIZE:
		return "size";
	case RB_TYPE_DURATION:
		return "duration";
	default:
		return rb_type_choices(key->type) != NULL ? "word" : "number";
	}
}

static void
write_range(const struct rb_key *key)
{
	const char *const *choices = rb_type_choices(key->type);
	char min[RB_RENDER_SIZE], max[RB_RENDER_SIZE];

	for (unsigned i = 0; choices != NULL && choices[i] != NULL; i++)
		printf("%s%s", i > 0 ? ", " : "", choices[i]);
	if (!has_number(key->type))
		return;
	rb_key_render_number(key, key->min, min);
	rb_key_render_number(key, key->max, max);
	if (key->type == RB_TYPE_POWER || key->type == RB_TYPE_POWER_SIZE)
		printf("a power of two from %s to %s", min, max);
	else if (key->min == 0)
		printf("at most %s", max);
	else
		printf("from %s to %s", min, max);
}

void
rb_dump_keys(void)
{
	char value[RB_RENDER_SIZE];

	for (size_t i = 0; i < RB_N_KEYS; i++) {
		const struct rb_key *key = &rb_keys[i];

		printf("%s\t%s\t%s\t", sections[key->section], key->name,
		       type_word(key));
		write_range(key);
		value[0] = '\0';
		if (has_fallback(key))
			rb_key_render_number(key, key->fallback, value);
		printf("\t%s\t%s\t%s\n", value, reloads[key->reload],
		       key->text);
	}
}
