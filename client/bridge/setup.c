/* SPDX-License-Identifier: MIT */
/*
 * setup.c - see setup.h
 */
#include "client/bridge/setup.h"

#include <stddef.h>
#include <string.h>

#include "client/bridge/log.h"

#define AT(field) offsetof(struct setup, field)
#define TEXT(key, field)                                                       \
	{                                                                      \
		key, SETTING_TEXT, AT(field),                                  \
			sizeof(((struct setup *)NULL)->field), NULL            \
	}
#define NUMBER(key, field)                                                     \
	{                                                                      \
		key, SETTING_NUMBER, AT(field), 0, NULL                        \
	}
#define FLAG(key, field)                                                       \
	{                                                                      \
		key, SETTING_FLAG, AT(field), 0, NULL                          \
	}
#define WORD(key, field, words)                                                \
	{                                                                      \
		key, SETTING_WORD, AT(field), 0, words                         \
	}

static const char *const directions[] = { "export", "import", NULL };
static const char *const starts[] = { "oldest", "newest", NULL };

static const struct setting table[] = {
	WORD("direction", direction, directions),
	TEXT("servers", servers),
	TEXT("stream", stream),
	TEXT("subject", subject),
	TEXT("consumer", consumer),
	NUMBER("max_events", max_events),
	NUMBER("max_bytes", max_bytes),
	NUMBER("linger", linger_ns),
	NUMBER("window", window),
	FLAG("manage_stream", manage_stream),
	NUMBER("replicas", replicas),
	NUMBER("duplicates", duplicates_ns),
	NUMBER("stream_size", stream_size),
	NUMBER("stream_age", stream_age_ns),
	WORD("start", start, starts),
	TEXT("state", state),
	TEXT("credentials", credentials),
	TEXT("nkey", nkey),
	TEXT("ca", ca),
	TEXT("certificate", certificate),
	TEXT("key", key),
	FLAG("tls", tls),
	TEXT("tls_name", tls_name),
	{ 0 },
};

/* Where what the stream may lose is to be had once more. */
static int
find_journal(struct setup *s, struct ringbus *bus)
{
	char word[RINGBUS_SETTING_SIZE];
	int err = ringbus_setting(bus, s->channel, "journal", word,
				  sizeof(word));

	if (err < 0 || strcmp(word, "true") != 0)
		return err;
	return ringbus_setting(bus, s->channel, "journal.dir", s->journal,
			       sizeof(s->journal));
}

int
setup_read(struct setup *s, struct setting_source *source)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->channel = source->channel;
	err = setting_read(source, table, s);
	if (err < 0) {
		log_error("%s", source->why);
		return err;
	}
	return find_journal(s, source->bus);
}
