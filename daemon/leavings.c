/* SPDX-License-Identifier: MIT */
/*
 * leavings.c - see leavings.h
 */
#include "daemon/leavings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/paths.h"

static bool
is_of_the_daemon(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcmp(name, RB_LOCK_NAME) == 0 ||
	       strcmp(name, RB_SOCKET_NAME) == 0;
}

static bool
is_folder(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static enum rb_leaving
classify(const struct rb_maker *maker, const char *name)
{
	if (rb_name_is_valid(name))
		return RB_LEAVING_CHANNEL;
	return rb_folder_is_leftover(name) && is_folder(maker->shm_dirfd, name)
		       ? RB_LEAVING_HALF
		       : RB_LEAVING_OTHER;
}

int
rb_leavings_visit(const struct rb_maker *maker, rb_leaving_fn visit,
		  void *context)
{
	struct dirent **entries;
	int n = scandirat(maker->shm_dirfd, ".", &entries, NULL, alphasort);
	int r = n < 0 ? -errno : 0;

	if (r < 0)
		rb_log_error("cannot read %s: %s", maker->shm_dir,
			     strerror(-r));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (r == 0 && !is_of_the_daemon(name))
			r = visit(context, name, classify(maker, name));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return r;
}
