/* SPDX-License-Identifier: MIT */
/*
 * access.c - users and groups by name or number
 *
 * Names are looked up once, at load: the kernel tells the daemon numbers, and a
 * directory server that hangs must not hang an attach.
 */
#include "config/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/scalar.h"

#define RECORD_SIZE_MIN ((size_t)4 << 10)
#define RECORD_SIZE_MAX ((size_t)16 << 20) /* groups list their members */

static int
look_up_user(const char *name, char *buffer, size_t size, uint32_t *ret)
{
	struct passwd record, *found = NULL;
	int r = getpwnam_r(name, &record, buffer, size, &found);

	if (found)
		*ret = record.pw_uid;
	return found ? 0 : r ? -r : -ENOENT;
}

static int
look_up_group(const char *name, char *buffer, size_t size, uint32_t *ret)
{
	struct group record, *found = NULL;
	int r = getgrnam_r(name, &record, buffer, size, &found);

	if (found)
		*ret = record.gr_gid;
	return found ? 0 : r ? -r : -ENOENT;
}

static int
look_up(enum rb_access_kind kind, const char *name, uint32_t *ret)
{
	size_t size;
	char *buffer;
	int r = -ERANGE;

	for (size = RECORD_SIZE_MIN; r == -ERANGE && size <= RECORD_SIZE_MAX;
	     size *= 2) {
		buffer = malloc(size);
		if (!buffer)
			return -ENOMEM;
		r = kind == RB_ACCESS_USER
			    ? look_up_user(name, buffer, size, ret)
			    : look_up_group(name, buffer, size, ret);
		free(buffer);
	}
	/* Some name services say so instead of finding nothing. */
	return r == -ESRCH || r == -EBADF || r == -EPERM ? -ENOENT : r;
}

/* `user:NAME|UID` or `group:NAME|GID`. */
static int
parse_id(const char *text, struct rb_access_entry *ret)
{
	struct rb_access_entry entry;
	uint64_t number;
	int r;

	if (strncmp(text, "user:", strlen("user:")) == 0)
		entry.kind = RB_ACCESS_USER;
	else if (strncmp(text, "group:", strlen("group:")) == 0)
		entry.kind = RB_ACCESS_GROUP;
	else
		return -EINVAL;
	text = strchr(text, ':') + 1;
	r = rb_scalar_parse_number(text, &number);
	/* The highest number means "no id" to the kernel. */
	if (r == -ERANGE || (r == 0 && number >= UINT32_MAX) || !*text)
		return -EINVAL;
	entry.id = r == 0 ? (uint32_t)number : 0;
	if (r < 0)
		r = look_up(entry.kind, text, &entry.id);
	if (r == 0)
		*ret = entry;
	return r;
}

static int
parse(const char *text, bool knows_creator, struct rb_access_entry *ret)
{
	bool is_any = strcmp(text, "any") == 0;
	bool is_creator = strcmp(text, RB_ACCESS_CREATOR_WORD) == 0;

	if (!is_any && !is_creator)
		return parse_id(text, ret);
	if (is_creator && !knows_creator)
		return -EINVAL;
	ret->kind = is_any ? RB_ACCESS_ANY : RB_ACCESS_CREATOR;
	ret->id = 0;
	return 0;
}

/* All or nothing of it, and nothing behind one that is missing. */
static void
note_words(struct rb_access_list *list, const char *text)
{
	const char *comma = list->n_words > 0 ? ", " : "";
	size_t used = strlen(list->words);
	size_t size = sizeof(list->words) - used;

	if (list->n_words + 1 < list->n_entries ||
	    strlen(comma) + strlen(text) >= size)
		return;
	snprintf(list->words + used, size, "%s%s", comma, text);
	list->n_words++;
}

int
rb_access_add(struct rb_access_list *list, const char *text, bool knows_creator)
{
	int r = parse(text, knows_creator, &list->entries[list->n_entries]);

	if (r < 0)
		return r;
	list->n_entries++;
	note_words(list, text);
	return 0;
}
