/* SPDX-License-Identifier: MIT */
/*
 * setting.c - see setting.h
 */
#include "client/ctl/setting.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
refuse(struct setting_source *source, int err, const char *what,
       const char *why)
{
	snprintf(source->why, sizeof(source->why), "%s: %s", what, why);
	return err;
}

int
setting_give(struct setting_source *source, const char *given)
{
	if (source->n_given == SETTING_GIVEN_MAX)
		return -ENOSPC;
	source->given[source->n_given++] = given;
	return 0;
}

/* What the daemon says of one key, behind which there may be a value. */
static int
ask(struct setting_source *source, const char *what,
    char ret[RINGBUS_SETTING_SIZE])
{
	char key[RINGBUS_SETTING_SIZE + RINGBUS_NAME_SIZE];
	const char *why;
	int err, n;

	n = snprintf(key, sizeof(key), "%s%s%s", source->block,
		     what[0] != '\0' ? "." : "", what);
	if (n >= (int)sizeof(key))
		return refuse(source, -EINVAL, source->block,
			      "a value is too long");
	err = ringbus_setting(source->bus, source->channel, key, ret,
			      RINGBUS_SETTING_SIZE);
	if (err >= 0)
		return 0;
	why = ringbus_error(source->bus);
	snprintf(source->why, sizeof(source->why), "%s",
		 why[0] != '\0' ? why : ringbus_strerror(err));
	return err;
}

int
setting_has_block(struct setting_source *source)
{
	char value[RINGBUS_SETTING_SIZE];
	int err = ask(source, "", value);

	return err < 0 ? err : strcmp(value, "true") == 0;
}

/* What the command line says of a key, KEY=VALUE, else the key. */
static const char *
find_given(const struct setting_source *source, const char *key)
{
	size_t n = strlen(key);

	for (int i = source->n_given - 1; i >= 0; i--)
		if (strncmp(source->given[i], key, n) == 0 &&
		    source->given[i][n] == '=')
			return source->given[i];
	return key;
}

/* ----------------------------------------------------------------- storing */

static int
store_text(const struct setting *setting, const char *value, char *target)
{
	if (strlen(value) >= setting->size)
		return -ENOSPC;
	memcpy(target, value, strlen(value) + 1);
	return 0;
}

static int
store_number(const char *value, int64_t *target)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < 0)
		return -EINVAL;
	*target = number;
	return 0;
}

static int
store_word(const struct setting *setting, const char *value, int *target)
{
	for (int i = 0; setting->words[i] != NULL; i++) {
		if (strcmp(setting->words[i], value) != 0)
			continue;
		*target = i;
		return 0;
	}
	return -EINVAL;
}

static int
store(const struct setting *setting, const char *value, void *target)
{
	char *at = (char *)target + setting->offset;

	switch (setting->type) {
	case SETTING_TEXT:
		return store_text(setting, value, at);
	case SETTING_NUMBER:
		return store_number(value, (int64_t *)(void *)at);
	case SETTING_FLAG:
		*(bool *)at = strcmp(value, "true") == 0;
		return 0;
	case SETTING_WORD:
		return store_word(setting, value, (int *)(void *)at);
	}
	return -EINVAL;
}

/* ----------------------------------------------------------------- reading */

/* All that was given, whether the table has it or not. */
static int
check_given(struct setting_source *source)
{
	char value[RINGBUS_SETTING_SIZE];
	int err = 0;

	for (int i = 0; i < source->n_given && err == 0; i++) {
		const char *given = source->given[i];

		if (given[0] == '=' || strchr(given, '=') == NULL)
			err = refuse(source, -EINVAL, given, "is no KEY=VALUE");
		else
			err = ask(source, given, value);
	}
	return err;
}

int
setting_read(struct setting_source *source, const struct setting *table,
	     void *target)
{
	char value[RINGBUS_SETTING_SIZE];
	int err = check_given(source);

	for (; table->key != NULL && err == 0; table++) {
		err = ask(source, find_given(source, table->key), value);
		if (err < 0)
			break;
		err = store(table, value, target);
		if (err == -ENOSPC)
			refuse(source, err, table->key, "is too long");
		else if (err < 0) /* of another version */
			refuse(source, err, table->key,
			       "the daemon says what this program does not "
			       "know");
	}
	return err;
}
