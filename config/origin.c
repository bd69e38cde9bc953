/* SPDX-License-Identifier: MIT */
/*
 * origin.c - see origin.h
 */
#include "config/origin.h"

#include <stdlib.h>
#include <string.h>

struct rb_origins *
rb_origins_new(void)
{
	return calloc(1, sizeof(struct rb_origins));
}

struct rb_origins *
rb_origins_free(struct rb_origins *origins)
{
	if (origins == NULL)
		return NULL;
	for (size_t i = 0; i < origins->n; i++) {
		free(origins->all[i].path);
		free(origins->all[i].place);
	}
	free(origins->all);
	free(origins);
	return NULL;
}

static bool
reserve(struct rb_origins *origins)
{
	size_t n = origins->n_allocated ? origins->n_allocated * 2 : 64;
	struct rb_origin *all;

	if (origins->n < origins->n_allocated)
		return true;
	all = reallocarray(origins->all, n, sizeof(*all));
	if (all == NULL)
		return false;
	origins->all = all;
	origins->n_allocated = n;
	return true;
}

void
rb_origins_note(struct rb_origins *origins, const char *path, const char *name,
		struct rb_place place)
{
	struct rb_origin *origin;

	if (origins == NULL)
		return;
	if (!reserve(origins)) {
		origins->is_short = true;
		return;
	}
	origin = &origins->all[origins->n];
	*origin = (struct rb_origin){ .number = origins->n };
	if (asprintf(&origin->path, "%s%s%s", path, path[0] && name ? "." : "",
		     name ? name : "") < 0)
		origin->path = NULL;
	if (asprintf(&origin->place, "%s:%zu:%zu", place.source->name,
		     place.line + 1, place.column + 1) < 0)
		origin->place = NULL;
	origins->n++;
	if (origin->path != NULL && origin->place != NULL)
		return;
	origins->is_short = true;
	origins->n--;
	free(origin->path);
	free(origin->place);
}

/* Of those with one path the last comes first. */
static int
compare(const void *a_, const void *b_)
{
	const struct rb_origin *a = a_, *b = b_;
	int r = strcmp(a->path, b->path);

	return r != 0 ? r : (a->number < b->number) - (a->number > b->number);
}

void
rb_origins_sort(struct rb_origins *origins)
{
	size_t n = 0;

	if (origins == NULL || origins->n == 0)
		return;
	qsort(origins->all, origins->n, sizeof(*origins->all), compare);
	for (size_t i = 0; i < origins->n; i++) {
		struct rb_origin *o = &origins->all[i];

		if (n > 0 && strcmp(origins->all[n - 1].path, o->path) == 0) {
			free(o->path);
			free(o->place);
		} else {
			origins->all[n++] = *o;
		}
	}
	origins->n = n;
}

static int
compare_path(const void *path, const void *origin)
{
	return strcmp(path, ((const struct rb_origin *)origin)->path);
}

const char *
rb_config_origin(const struct rb_config *config, const char *path)
{
	const struct rb_origins *origins = config->origins;
	const struct rb_origin *found;

	if (origins == NULL || origins->n == 0)
		return NULL;
	found = bsearch(path, origins->all, origins->n, sizeof(*found),
			compare_path);
	return found != NULL ? found->place : NULL;
}
