/* SPDX-License-Identifier: MIT */
/*
 * folder.c - see folder.h
 */
#include "client/journal/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/journal/notice.h"
#include "client/journal/signals.h"
#include "client/journal/spare.h"

#define LOCK_NS INT64_C(2000000000)

/* One that was made has a name that is as safe as what will be in it, if its parent
 * may be read. */
static int
make_one(const char *path, mode_t mode)
{
	int fd, parent, err = 0;

	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0 && fsync(parent) < 0)
		err = -errno;
	if (parent >= 0)
		close(parent);
	if (fd >= 0)
		close(fd);
	return err;
}

/* As `mkdir -p`. */
static int
make_path(const char *dir)
{
	char path[PATH_MAX];
	int err = 0;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *at = path + 1; err == 0 && (at = strchr(at, '/')) != NULL;
	     *at++ = '/') {
		*at = '\0';
		err = make_one(path, 0755);
	}
	return err < 0 ? err : make_one(path, 0750);
}

/* One that was just killed holds it until the kernel is through with it. */
static int
lock_file(int fd)
{
	int64_t end = notice_now_ns() + LOCK_NS;
	int r;

	while ((r = flock(fd, LOCK_EX | LOCK_NB)) < 0 &&
	       (errno == EWOULDBLOCK || errno == EINTR) &&
	       notice_now_ns() < end && !signals_stop())
		signals_nap(LOCK_NS / 100);
	return r < 0 ? -errno : 0;
}

static int
take_lock(int dirfd, const char *dir)
{
	int fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	int err = fd < 0 ? -errno : lock_file(fd);

	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	notice_error("%s/lock: %s", dir,
		     err == -EWOULDBLOCK
			     ? "another ringbus-journal writes here: stop it, "
			       "or give this one another `dir`"
			     : strerror(-err));
	return err;
}

static void
remove_parts(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n, suffix = strlen(SPARE_SUFFIX);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		n = strlen(entry->d_name);
		if (n > suffix &&
		    strcmp(entry->d_name + n - suffix, SPARE_SUFFIX) == 0)
			unlinkat(dirfd, entry->d_name, 0);
	}
	closedir(dir);
}

int
folder_open(const char *dir, int *ret_lock)
{
	int err = make_path(dir), fd, lock;

	fd = err < 0 ? err : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = err < 0 ? err : -errno;
		notice_error("%s: %s: the journal's folder has to be one that "
			     "we may make, or write to",
			     dir, strerror(-err));
		return err;
	}
	lock = take_lock(fd, dir);
	if (lock < 0) {
		close(fd);
		return lock;
	}
	remove_parts(fd);
	*ret_lock = lock;
	return fd;
}
