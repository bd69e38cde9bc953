/* SPDX-License-Identifier: MIT */
/*
 * settings.c - see settings.h
 */
#include "client/journal/settings.h"

#include "client/journal/notice.h"

static const char *const syncs[] = { "always", "interval", "none", NULL };
static const char *const policies[] = { "stall", "drop", NULL };
static const char *const ios[] = { "auto", "uring", "sync", NULL };

#define KEY(name, type)                                                        \
	{                                                                      \
#name, type, offsetof(struct settings, name), 0, NULL          \
	}
#define TEXT(name)                                                             \
	{                                                                      \
#name, SETTING_TEXT, offsetof(struct settings, name),          \
			sizeof(((struct settings *)0)->name), NULL             \
	}
#define WORD(name, words)                                                      \
	{                                                                      \
#name, SETTING_WORD, offsetof(struct settings, name), 0, words \
	}

static const struct setting table[] = {
	TEXT(dir),
	TEXT(consumer),
	WORD(sync, syncs),
	KEY(sync_interval, SETTING_NUMBER),
	KEY(segment_size, SETTING_NUMBER),
	KEY(retain_size, SETTING_NUMBER),
	KEY(retain_for, SETTING_NUMBER),
	WORD(on_full, policies),
	KEY(direct, SETTING_FLAG),
	WORD(io, ios),
	{ 0 },
};

int
settings_read(struct settings *ret, struct setting_source *source)
{
	int err;

	*ret = (struct settings){ 0 };
	err = setting_read(source, table, ret);
	if (err < 0)
		notice_error("%s", source->why);
	return err;
}
