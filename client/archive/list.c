/* SPDX-License-Identifier: MIT */
/*
 * list.c - see list.h
 */
#include "client/archive/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LIST_MAX 1000000 /* 16 MB, whatever lies there */

/* So coarse may be the times of a file system, in seconds. */
#define TIME_STEP 3

static int
add(struct rb_journal_list *list, const struct rb_journal_id *id)
{
	if (list->n == LIST_MAX)
		return -EFBIG;
	if (list->n == list->capacity) {
		size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
		void *ids = realloc(list->ids, capacity * sizeof(*list->ids));

		if (ids == NULL)
			return -ENOMEM;
		list->ids = ids;
		list->capacity = capacity;
	}
	list->ids[list->n++] = *id;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return rb_journal_id_compare(a, b);
}

/* NULL with errno 0 at the end; what was done with the last one may have set it. */
static struct dirent *
read_next(DIR *folder)
{
	errno = 0;
	return readdir(folder);
}

static int
read_names(struct rb_journal_list *list, DIR *folder)
{
	struct rb_journal_id id;
	struct dirent *entry;
	int err = 0;

	list->n = 0;
	while (err == 0 && (entry = read_next(folder)) != NULL)
		if (rb_journal_parse_name(entry->d_name, &id.epoch, &id.first))
			err = add(list, &id);
	if (err == 0)
		err = -errno;
	if (list->n > 0)
		qsort(list->ids, list->n, sizeof(id), compare);
	return err;
}

static bool
is_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int
rb_journal_list_read(struct rb_journal_list *list, int dirfd)
{
	struct timespec now;
	struct stat st;
	DIR *folder;
	int err, fd;

	if (fstat(dirfd, &st) < 0)
		return -errno;
	if (list->is_sure && is_same(&list->changed, &st.st_mtim))
		return 0;
	list->is_sure = false;
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	folder = fdopendir(fd);
	if (folder == NULL) {
		rb_closep(&fd);
		return -ENOMEM;
	}
	err = read_names(list, folder);
	closedir(folder);
	if (err < 0)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	list->changed = st.st_mtim;
	list->is_sure = now.tv_sec > st.st_mtim.tv_sec + TIME_STEP;
	return 0;
}

void
rb_journal_list_deinit(struct rb_journal_list *list)
{
	free(list->ids);
	*list = (struct rb_journal_list){ 0 };
}

size_t
rb_journal_list_behind(const struct rb_journal_list *list,
		       const struct rb_journal_id *id)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rb_journal_id_compare(&list->ids[middle], id) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
