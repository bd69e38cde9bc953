/* SPDX-License-Identifier: MIT */
/*
 * registry.c - see registry.h
 */
#include "daemon/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/member.h"

struct rb_hosted *
rb_registry_find(const struct rb_registry *registry, const char *name)
{
	for (unsigned i = 0; i < registry->n_hosted; i++)
		if (strcmp(registry->hosted[i]->name, name) == 0)
			return registry->hosted[i];
	return NULL;
}

int
rb_registry_add(struct rb_registry *registry, struct rb_hosted *hosted)
{
	if (registry->n_hosted == RB_CHANNELS_MAX)
		return -EUSERS;
	registry->hosted[registry->n_hosted++] = hosted;
	return 0;
}

int
rb_registry_refuse(struct rb_registry *registry, const char *name, int err,
		   const char *why)
{
	struct rb_refused *refused = calloc(1, sizeof(*refused));

	if (refused == NULL)
		return -ENOMEM;
	snprintf(refused->name, sizeof(refused->name), "%s", name);
	snprintf(refused->why, sizeof(refused->why), "%s", why);
	refused->err = err;
	SLIST_INSERT_HEAD(&registry->refused, refused, next);
	registry->n_refused++;
	return 0;
}

static struct rb_refused *
find_refused(const struct rb_registry *registry, const char *name)
{
	struct rb_refused *refused;

	SLIST_FOREACH(refused, &registry->refused, next)
	if (strcmp(refused->name, name) == 0)
		return refused;
	return NULL;
}

const struct rb_refused *
rb_registry_find_refused(const struct rb_registry *registry, const char *name)
{
	return find_refused(registry, name);
}

static int
check_new(const struct rb_registry *registry, const char *name, char *why,
	  size_t why_size)
{
	const struct rb_refused *refused = rb_registry_find_refused(registry,
								    name);
	const struct rb_hosted *there = rb_registry_find(registry, name);

	if (refused != NULL) {
		snprintf(why, why_size, "%s", refused->why);
		return -EEXIST;
	}
	if (there != NULL && rb_hosted_is_broken(there)) {
		snprintf(why, why_size, "%s", RB_HOSTED_BROKEN);
		return -EBADMSG;
	}
	if (there != NULL) {
		snprintf(why, why_size, "there is one of this name already");
		return -EEXIST;
	}
	if (registry->n_hosted == RB_CHANNELS_MAX) {
		snprintf(why, why_size, "%d channels are the limit",
			 RB_CHANNELS_MAX);
		return -EUSERS;
	}
	return 0;
}

/* Under a hidden name, and in nobody's sight. */
static int
make(struct rb_registry *registry, const struct rb_creation *creation,
     char *why, size_t why_size, struct rb_hosted **ret)
{
	const struct rb_config_channel *config = creation->config;
	struct rb_user *creator = creation->creator;
	struct rb_hosted *hosted;
	int err = rb_hosted_new(config->name, creator != NULL ? NULL : config,
				&hosted);

	if (err < 0) {
		snprintf(why, why_size, "out of memory");
		return err;
	}
	hosted->dynamic = creator != NULL;
	hosted->creator = creator != NULL ? creator->uid : 0;
	hosted->preparing = creation->preparing;
	err = rb_folder_make(&registry->maker, hosted, config, why, why_size);
	if (err < 0) {
		rb_hosted_free(hosted);
		return err;
	}
	hosted->made = true;
	*ret = hosted;
	return 0;
}

int
rb_registry_make(struct rb_registry *registry,
		 const struct rb_config_channel *config, char *why,
		 size_t why_size, struct rb_hosted **ret)
{
	const struct rb_creation creation = { .config = config };

	return make(registry, &creation, why, why_size, ret);
}

void
rb_registry_unmake(struct rb_registry *registry, struct rb_hosted *hosted)
{
	rb_folder_remove(&registry->maker, hosted);
	rb_hosted_free(hosted);
}

int
rb_registry_place(struct rb_registry *registry, struct rb_hosted *hosted,
		  char *why, size_t why_size)
{
	int err = rb_folder_show(&registry->maker, hosted, why, why_size);

	if (err < 0)
		return err;
	hosted->preparing = NULL;
	return rb_registry_add(registry, hosted);
}

int
rb_registry_create(struct rb_registry *registry,
		   const struct rb_creation *creation, char *why,
		   size_t why_size, struct rb_hosted **ret)
{
	struct rb_hosted *hosted;
	int err = check_new(registry, creation->config->name, why, why_size);

	if (err == 0)
		err = make(registry, creation, why, why_size, &hosted);
	if (err < 0)
		return err;
	err = creation->preparing != NULL
		      ? rb_registry_add(registry, hosted)
		      : rb_registry_place(registry, hosted, why, why_size);
	if (err < 0) {
		rb_registry_unmake(registry, hosted);
		return err;
	}
	if (creation->creator != NULL)
		rb_hosted_charge(hosted, creation->creator);
	*ret = hosted;
	return 0;
}

int
rb_registry_open(struct rb_registry *registry, struct rb_hosted *hosted,
		 char *why, size_t why_size)
{
	int err = rb_folder_show(&registry->maker, hosted, why, why_size);

	if (err == 0)
		hosted->preparing = NULL;
	return err;
}

void
rb_registry_forget(struct rb_registry *registry, const struct rb_hosted *hosted)
{
	struct rb_hosted **all = registry->hosted;
	unsigned i = 0;

	while (all[i] != hosted)
		i++;
	registry->n_hosted--;
	memmove(&all[i], &all[i + 1],
		(registry->n_hosted - i) * sizeof(struct rb_hosted *));
}

int
rb_registry_remove(struct rb_registry *registry, struct rb_hosted *hosted)
{
	int err = rb_folder_remove(&registry->maker, hosted);

	rb_registry_forget(registry, hosted);
	rb_hosted_free(hosted);
	return err;
}

void
rb_registry_admit(struct rb_registry *registry, const char *name)
{
	struct rb_refused *refused = find_refused(registry, name);

	if (refused == NULL)
		return;
	SLIST_REMOVE(&registry->refused, refused, rb_refused, next);
	registry->n_refused--;
	free(refused);
}

unsigned
rb_registry_count_dynamic(const struct rb_registry *registry,
			  uint64_t *ret_size)
{
	unsigned n = 0;

	*ret_size = 0;
	for (unsigned i = 0; i < registry->n_hosted; i++)
		if (registry->hosted[i]->dynamic) {
			n++;
			*ret_size += rb_hosted_size(registry->hosted[i]);
		}
	return n;
}

void
rb_registry_close_streams(struct rb_registry *registry, bool abort)
{
	for (unsigned i = 0; i < registry->n_hosted; i++)
		rb_hosted_retire(registry->hosted[i], abort);
}

bool
rb_registry_has_members(const struct rb_registry *registry)
{
	for (unsigned i = 0; i < registry->n_hosted; i++)
		if (rb_hosted_has_members(registry->hosted[i]))
			return true;
	return false;
}

struct rb_hosted *
rb_registry_find_address(const struct rb_registry *registry,
			 const void *address, enum rb_file *ret_file)
{
	for (unsigned i = 0; i < registry->n_hosted; i++)
		for (int f = 0; f < RB_FILES; f++) {
			struct rb_hosted *h = registry->hosted[i];
			const struct rb_segment *s = &h->channel.segments[f];

			if ((uintptr_t)address - (uintptr_t)s->base >=
			    s->mapping)
				continue;
			*ret_file = f;
			return h;
		}
	return NULL;
}

struct rb_user *
rb_registry_holder(const struct rb_registry *registry,
		   const struct rb_hosted *hosted, unsigned index)
{
	return rb_users_find(registry->users, hosted->holders[index]);
}

unsigned
rb_registry_count_broken(const struct rb_registry *registry)
{
	unsigned n = 0;

	for (unsigned i = 0; i < registry->n_hosted; i++)
		n += rb_hosted_is_broken(registry->hosted[i]);
	return n;
}

void
rb_registry_deinit(struct rb_registry *registry, enum rb_registry_rest rest)
{
	while (registry->n_hosted > 0) {
		struct rb_hosted *last = registry->hosted[--registry->n_hosted];

		if (rest == RB_REGISTRY_REMOVE ||
		    (rest == RB_REGISTRY_REMOVE_MADE && last->made))
			rb_folder_remove(&registry->maker, last);
		rb_hosted_free(last);
	}
	while (!SLIST_EMPTY(&registry->refused)) {
		struct rb_refused *first = SLIST_FIRST(&registry->refused);

		SLIST_REMOVE_HEAD(&registry->refused, next);
		free(first);
	}
	registry->n_refused = 0;
}
