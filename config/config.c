/* SPDX-License-Identifier: MIT */
/*
 * config.c - the configuration as a checked struct
 *
 * Finds the files, has them loaded, and then parsed together. A file that
 * can't be loaded ends the run after the last file is looked at: it might have
 * held defaults, and what is said about channels without them might be wrong.
 */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/document.h"
#include "config/origin.h"
#include "config/parse.h"
#include "config/schema.h"

#define DROP_IN_DIR "conf.d"
#define DROP_INS_MAX 256

struct files {
	struct rb_problems problems;
	unsigned n_documents;
	struct rb_document *documents[1 + DROP_INS_MAX];
};

static struct rb_config *
config_new(void)
{
	struct rb_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->origins = rb_origins_new();
	if (!config->origins)
		return rb_config_free(config);
	rb_section_reset(RB_SECTION_DAEMON, config);
	rb_section_reset(RB_SECTION_DYNAMIC, &config->dynamic);
	return config;
}

struct rb_config *
rb_config_free(struct rb_config *config)
{
	if (!config)
		return NULL;
	rb_origins_free(config->origins);
	free(config->channels);
	free(config);
	return NULL;
}

const struct rb_config_channel *
rb_config_find(const struct rb_config *config, const char *name)
{
	for (unsigned i = 0; i < config->n_channels; i++)
		if (strcmp(config->channels[i].name, name) == 0)
			return &config->channels[i];
	return NULL;
}

static void
files_deinit(struct files *files)
{
	while (files->n_documents > 0)
		rb_document_free(files->documents[--files->n_documents]);
	rb_problems_deinit(&files->problems);
}

/* The new document is owned by the files; NULL on no memory. */
static struct rb_document *
add_document(struct files *files, const char *name)
{
	struct rb_document *document;

	document = rb_document_new(name, files->n_documents);
	if (!document) {
		rb_problems_fail(&files->problems, -ENOMEM);
		return NULL;
	}
	files->documents[files->n_documents++] = document;
	return document;
}

static void
add_file(struct files *files, const char *path)
{
	struct rb_document *document = add_document(files, path);

	if (document)
		rb_document_read(document, &files->problems);
}

static int
is_drop_in(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), n_suffix = strlen(".yaml");

	return entry->d_name[0] != '.' && n > n_suffix &&
	       strcmp(entry->d_name + n - n_suffix, ".yaml") == 0;
}

/* alphasort() would ask the locale. */
static int
compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
add_drop_in(struct files *files, const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		rb_problems_fail(&files->problems, -ENOMEM);
		return;
	}
	add_file(files, path);
	free(path);
}

static void
add_drop_ins(struct files *files, const char *dir)
{
	struct rb_place place = rb_document_whole(files->documents[0]);
	struct dirent **entries;
	int i, n = scandir(dir, &entries, is_drop_in, compare_entries);

	if (n < 0 && errno == ENOENT)
		return;
	if (n < 0) {
		rb_problems_fail(&files->problems, -errno);
		rb_problems_add(&files->problems, place, NULL,
				"cannot read the drop-ins in %s: %s", dir,
				strerror(errno));
		return;
	}
	if (n > DROP_INS_MAX)
		rb_problems_add(&files->problems, place, NULL,
				"more than %d drop-ins in %s", DROP_INS_MAX,
				dir);
	for (i = 0; i < n; i++) {
		if (n <= DROP_INS_MAX)
			add_drop_in(files, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* The directory beside a file; NULL on no memory. */
static char *
find_drop_in_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash + 1 - path) : 0;
	char *dir;

	if (asprintf(&dir, "%.*s" DROP_IN_DIR, n, path) < 0)
		return NULL;
	return dir;
}

static void
add_all_files(struct files *files, const char *path)
{
	char *dir = find_drop_in_dir(path);

	if (!dir)
		rb_problems_fail(&files->problems, -ENOMEM);
	add_file(files, path);
	if (dir && files->n_documents > 0)
		add_drop_ins(files, dir);
	free(dir);
}

/* Loads what was read and parses it; the result, or NULL with problems. */
static struct rb_config *
parse_files(struct files *files)
{
	struct rb_problems *problems = &files->problems;
	struct rb_config *config;
	bool is_loaded = problems->error == 0 && problems->n_total == 0;
	unsigned i;

	for (i = 0; i < files->n_documents; i++)
		if (files->documents[i]->source.text)
			is_loaded &= rb_document_load(files->documents[i],
						      problems);
	if (!is_loaded)
		return NULL;
	config = config_new();
	if (!config) {
		rb_problems_fail(problems, -ENOMEM);
		return NULL;
	}
	rb_parse_documents(files->documents, files->n_documents, problems,
			   config);
	if (problems->n_total > 0 || problems->error)
		return rb_config_free(config);
	return config;
}

/* Ends a run: tells the problems and hands the result over. */
static int
finish(struct files *files, struct rb_config_report *report,
       struct rb_config **ret)
{
	struct rb_config *config = parse_files(files);
	int r = rb_problems_report(&files->problems, report);

	if (r == 0)
		*ret = config;
	files_deinit(files);
	return r;
}

int
rb_config_load(const char *path, struct rb_config_report *report,
	       struct rb_config **ret)
{
	struct files files = { 0 };

	add_all_files(&files, path);
	return finish(&files, report, ret);
}

int
rb_config_parse(const char *name, const char *text, size_t size,
		struct rb_config_report *report, struct rb_config **ret)
{
	struct files files = { 0 };
	struct rb_document *document = add_document(&files, name);

	if (document)
		rb_document_set_text(document, size ? text : "", size);
	return finish(&files, report, ret);
}
