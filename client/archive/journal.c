/* SPDX-License-Identifier: MIT */
/*
 * journal.c - a folder of segments, opened to be read; see reader.h
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/archive/reader.h"

#define WHAT_SIZE 256

static int
open_folder(struct ringbus_journal *j, const char *dir)
{
	int cancel;

	j->path = strdup(dir);
	j->error_size = strlen(dir) + RB_JOURNAL_NAME_SIZE + WHAT_SIZE;
	j->error = calloc(1, j->error_size);
	if (j->path == NULL || j->error == NULL)
		return -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pthread_setcancelstate(cancel, NULL);
	if (j->dirfd < 0)
		return errno == ENAMETOOLONG ? -EINVAL : -errno;
	return 0;
}

int
ringbus_journal_open(const char *dir, struct ringbus_journal **ret)
{
	struct ringbus_journal *j;
	int err;

	if (dir == NULL)
		return -EINVAL;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return -ENOMEM;
	j->dirfd = j->file.fd = j->last.file.fd = -1;
	err = open_folder(j, dir);
	if (err < 0) {
		ringbus_journal_close(j);
		return err;
	}
	*ret = j;
	return 0;
}

void
ringbus_journal_close(struct ringbus_journal *j)
{
	if (j == NULL)
		return;
	rb_journal_file_close(&j->file);
	rb_journal_file_close(&j->last.file);
	rb_journal_list_deinit(&j->list);
	rb_closep(&j->dirfd);
	free(j->path);
	free(j->error);
	free(j);
}

/* -------------------------------------------------------------------- errors */

const char *
ringbus_journal_error(const struct ringbus_journal *j)
{
	return j->error;
}

int
rb_journal_refuse(struct ringbus_journal *j, int err, const char *name,
		  const char *format, ...)
{
	char what[WHAT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(j->error, j->error_size, "%s/%s:%s", j->path, name, what);
	return err;
}

int
rb_journal_explain(struct ringbus_journal *j, int err, const char *name)
{
	switch (err) {
	case -EBADMSG:
		return rb_journal_refuse(
			j, err, name,
			"0: the header is damaged, or no journal's");
	case -EPROTONOSUPPORT:
		return rb_journal_refuse(
			j, err, name,
			"0: of another version, or of a machine of another "
			"byte order");
	}
	return rb_journal_refuse(j, err, name, "0: cannot be read: %s",
				 strerror(-err));
}

int
ringbus_journal_place(const struct ringbus_journal *j,
		      struct ringbus_journal_place *ret)
{
	if (ret->size != sizeof(*ret))
		return -EINVAL;
	if (j->place.size == 0)
		return -ENODATA;
	*ret = j->place;
	return 0;
}

/* ------------------------------------------------------------------ segments */

int
rb_journal_see_successor(struct ringbus_journal *j)
{
	int err = rb_journal_list_read(&j->list, j->dirfd);
	size_t i;

	if (err < 0)
		return rb_journal_refuse(j, err, ".", "0: %s", strerror(-err));
	i = rb_journal_list_behind(&j->list, &j->id);
	j->has_successor = i < j->list.n;
	j->limit = INT64_MAX;
	if (j->has_successor && j->list.ids[i].epoch == j->id.epoch)
		j->limit = j->list.ids[i].first;
	return 0;
}

void
rb_journal_add_hole(struct ringbus_journal *j, int64_t first, int64_t behind)
{
	if (first < j->next)
		first = j->next;
	if (behind > j->limit)
		behind = j->limit;
	if (first >= behind)
		return;
	j->hole_first = first;
	j->hole_behind = behind;
	j->next = behind;
}

int
rb_journal_enter(struct ringbus_journal *j, const struct rb_journal_id *id)
{
	struct rb_journal_block seal;
	int r;

	rb_journal_file_close(&j->file);
	rb_journal_drop_block(j);
	rb_journal_name(j->name, id->epoch, id->first, "rbj");
	r = rb_journal_file_open(&j->file, j->dirfd, j->name);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = rb_journal_file_find_seal(&j->file, &seal);
	if (r < 0) {
		rb_journal_file_close(&j->file);
		return rb_journal_explain(j, r, j->name);
	}
	j->has_seal = r == 1;
	j->id = *id;
	j->tells_mended = j->file.is_mended;
	j->is_unchained = j->is_probed = false;
	rb_journal_chain_begin(&j->chain, &j->file.header);
	r = rb_journal_see_successor(j);
	return r < 0 ? r : 1;
}
