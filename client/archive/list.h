/* SPDX-License-Identifier: MIT */
/*
 * list.h - which segments a folder has, in their order
 *
 * By their names alone. They come and go while somebody looks, so a list may be old;
 * where that matters it is read again, which costs nothing while the folder has not
 * changed.
 */
#ifndef RB_ARCHIVE_LIST_H
#define RB_ARCHIVE_LIST_H

#include <time.h>

#include "client/archive/format.h"

struct rb_journal_id {
	int64_t epoch;
	int64_t first;
};

struct rb_journal_list {
	struct rb_journal_id *ids; /* ascending */
	size_t n;
	size_t capacity;
	struct timespec changed; /* the folder, when it was read */
	bool is_sure;            /* what has changed since has another time */
};

/* Reads the folder if it may have changed: 0, or -ENOMEM and others of open(2). The
 * ids are freed by rb_journal_list_deinit(). */
int rb_journal_list_read(struct rb_journal_list *list, int dirfd);
void rb_journal_list_deinit(struct rb_journal_list *list);

static inline int
rb_journal_id_compare(const struct rb_journal_id *a,
		      const struct rb_journal_id *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* The index of the first one behind `id`; n if there is none. */
size_t rb_journal_list_behind(const struct rb_journal_list *list,
			      const struct rb_journal_id *id);

#endif
