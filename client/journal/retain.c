/* SPDX-License-Identifier: MIT */
/*
 * retain.c - see retain.h
 */
#include "client/journal/retain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/archive/file.h"
#include "client/archive/list.h"
#include "client/journal/notice.h"

struct extent {
	uint64_t bytes;
	int64_t changed_ns;
};

static struct extent
measure(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return (struct extent){ 0 };
	return (struct extent){
		.bytes = (uint64_t)st.st_size,
		.changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			      st.st_mtim.tv_nsec,
	};
}

/* When its last block was made: its SEAL has the time of that. */
static int64_t
find_end(int dirfd, const char *name, const struct extent *extent)
{
	struct rb_journal_file file = RB_JOURNAL_FILE_NULL;
	int64_t end = extent->changed_ns;
	struct rb_journal_block block;

	if (rb_journal_file_open(&file, dirfd, name) < 0)
		return end;
	if (rb_journal_file_find_seal(&file, &block) == 1)
		end = block.time_ns;
	rb_journal_file_close(&file);
	return end;
}

/* Whether it is gone: if not, those behind it stay too, or there were a hole. */
static bool
remove_segment(int dirfd, const struct rb_journal_id *id, const char *name)
{
	char index[RB_JOURNAL_NAME_SIZE];

	/* The index first: without its segment it is nothing. */
	rb_journal_name(index, id->epoch, id->first, "rbi");
	unlinkat(dirfd, index, 0);
	if (unlinkat(dirfd, name, 0) < 0) {
		if (errno == ENOENT)
			return true;
		notice_warning("%s cannot be removed, and is more than is to "
			       "be kept: %s",
			       name, strerror(errno));
		return false;
	}
	notice_info("%s removed: more than is to be kept", name);
	return true;
}

static uint64_t
measure_all(int dirfd, const struct rb_journal_list *list)
{
	char name[RB_JOURNAL_NAME_SIZE];
	uint64_t total = 0;

	for (size_t i = 0; i < list->n; i++) {
		rb_journal_name(name, list->ids[i].epoch, list->ids[i].first,
				"rbj");
		total += measure(dirfd, name).bytes;
	}
	return total;
}

static bool
is_too_much(int dirfd, const struct settings *settings, const char *name,
	    uint64_t total)
{
	struct extent extent = measure(dirfd, name);

	if (settings->retain_size > 0 &&
	    total > (uint64_t)settings->retain_size)
		return true;
	return settings->retain_for > 0 &&
	       find_end(dirfd, name, &extent) <
		       notice_time_ns() - settings->retain_for;
}

void
retain_apply(int dirfd, const struct settings *settings, const char *until)
{
	struct rb_journal_list list = { 0 };
	char name[RB_JOURNAL_NAME_SIZE];
	uint64_t total;

	if (settings->retain_size == 0 && settings->retain_for == 0)
		return;
	if (rb_journal_list_read(&list, dirfd) < 0)
		return;
	total = measure_all(dirfd, &list);
	for (size_t i = 0; i + 1 < list.n; i++) {
		uint64_t bytes;

		rb_journal_name(name, list.ids[i].epoch, list.ids[i].first,
				"rbj");
		bytes = measure(dirfd, name).bytes;
		if ((until[0] != '\0' && strcmp(name, until) >= 0) ||
		    !is_too_much(dirfd, settings, name, total) ||
		    !remove_segment(dirfd, &list.ids[i], name))
			break;
		total -= bytes;
	}
	rb_journal_list_deinit(&list);
}
