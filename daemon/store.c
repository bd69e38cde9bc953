/* SPDX-License-Identifier: MIT */
/*
 * store.c - see store.h
 */
#include "daemon/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/service.h"

#define PREFIX "segment."
#define NAME_SIZE 48

/* ------------------------------------------------------------------- names */

static void
name_of(uint64_t generation, enum rb_file file, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, PREFIX "%" PRIu64 ".%s", generation,
		 rb_file_names[file]);
}

/* The way back; whatever else looks alike is none. */
static bool
parse_name(const char *name, struct rb_stored *ret)
{
	char again[NAME_SIZE];

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	ret->generation = strtoull(name + strlen(PREFIX), NULL, 10);
	for (int i = 0; i < RB_FILES; i++) {
		ret->file = (enum rb_file)i;
		name_of(ret->generation, ret->file, again);
		if (strcmp(name, again) == 0)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ giving */

static int
send_one(uint64_t generation, enum rb_file file, int fd)
{
	char name[NAME_SIZE];

	name_of(generation, file, name);
	return rb_service_store(name, fd);
}

void
rb_store_put(struct rb_store *store, const struct rb_channel *channel,
	     const int fds[RB_FILES])
{
	const char *name = channel->meta->header.name;
	int r = 1;

	for (int i = 0; i < RB_FILES && r > 0; i++)
		r = send_one(channel->generation, i, fds[i]);
	if (r < 0)
		rb_log_error("channel %s: the service manager does not take "
			     "its memory: %s; should ringbusd die, its members "
			     "go on, but the next ringbusd cannot take it over",
			     name, strerror(-r));
	if (r != 0 || store->warned)
		return;
	store->warned = true;
	rb_log_warning("channel %s is sealed, and no service manager keeps its "
		       "memory: should ringbusd die, the members of such "
		       "channels go on, but the next ringbusd cannot take "
		       "them over; let systemd start it",
		       name);
}

static void
drop_one(uint64_t generation, enum rb_file file)
{
	char name[NAME_SIZE];

	name_of(generation, file, name);
	rb_service_forget(name);
}

void
rb_store_drop(uint64_t generation)
{
	for (int i = 0; i < RB_FILES; i++)
		drop_one(generation, i);
}

/* ------------------------------------------------------------ getting back */

int
rb_store_take(struct rb_store *store, const char *name, int fd)
{
	struct rb_stored stored = { .fd = fd };
	struct rb_stored *all;

	if (!parse_name(name, &stored))
		return 0;
	all = reallocarray(store->all, store->n + 1, sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	store->all = all;
	store->all[store->n++] = stored;
	return 1;
}

bool
rb_store_find(struct rb_store *store, uint64_t generation, int ret[RB_FILES])
{
	bool whole = true;

	for (int i = 0; i < RB_FILES; i++)
		ret[i] = -1;
	for (unsigned i = 0; i < store->n; i++) {
		const struct rb_stored *s = &store->all[i];

		if (s->generation == generation && ret[s->file] < 0)
			ret[s->file] = s->fd;
	}
	for (int i = 0; i < RB_FILES; i++)
		whole &= ret[i] >= 0;
	for (unsigned i = 0; i < store->n && whole; i++)
		store->all[i].wanted |= store->all[i].generation == generation;
	return whole;
}

void
rb_store_settle(struct rb_store *store, bool any_is_left)
{
	for (unsigned i = 0; i < store->n && !any_is_left; i++) {
		const struct rb_stored *s = &store->all[i];

		if (s->wanted)
			continue;
		if (s->file == RB_FILE_META)
			rb_log_info("memory of a channel that is gone "
				    "(generation %" PRIu64 "): given up",
				    s->generation);
		drop_one(s->generation, s->file);
	}
	rb_store_deinit(store);
}

void
rb_store_deinit(struct rb_store *store)
{
	for (unsigned i = 0; i < store->n; i++)
		rb_closep(&store->all[i].fd);
	free(store->all);
	store->all = NULL;
	store->n = 0;
}
