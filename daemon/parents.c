/* SPDX-License-Identifier: MIT */
/*
 * parents.c - see parents.h
 */
#include "daemon/parents.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/log.h"

/* What stat() says of users that a user namespace does not have. */
#define NOBODY 65534
/* Of the first user namespace, in the kernel's own headers. */
#define FIRST_USER_NS 0xEFFFFFFDU

struct way {
	const char *path;
	const char *option;
};

/* In a user namespace the machine's root is nobody, and so may / be. */
static bool
is_unknown(uid_t uid)
{
	struct stat st;

	return uid == NOBODY && stat("/proc/self/ns/user", &st) == 0 &&
	       st.st_ino != FIRST_USER_NS;
}

static const char *
name_of(int dirfd, char name[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, name, PATH_MAX - 1);
	if (n < 0)
		return "a folder above it";
	name[n] = '\0';
	return name;
}

static bool
is_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid() ||
	       is_unknown(st->st_uid);
}

/* Behind the last slash is what the caller looks at himself. */
static int
check_links(const struct way *way)
{
	char name[PATH_MAX];
	struct stat st;

	for (const char *at = strchr(way->path, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		snprintf(name, sizeof(name), "%.*s", (int)(at - way->path),
			 way->path);
		if (lstat(name, &st) < 0 || !S_ISLNK(st.st_mode) ||
		    is_trusted(&st))
			continue;
		rb_log_error("%s: %s is a link of uid %u, who could let it "
			     "lead elsewhere; give another place by %s",
			     way->path, name, (unsigned)st.st_uid, way->option);
		return -EPERM;
	}
	return 0;
}

static int
check_one(const struct way *way, int dirfd, const struct stat *st)
{
	char name[PATH_MAX];

	if (!is_trusted(st)) {
		rb_log_error("%s: %s belongs to uid %u, who could put "
			     "something else in its place; give another place "
			     "by %s",
			     way->path, name_of(dirfd, name),
			     (unsigned)st->st_uid, way->option);
		return -EPERM;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st->st_mode & S_ISVTX) == 0) {
		rb_log_error("%s: others may write to %s, and so put something "
			     "else in its place: chmod go-w or chmod +t it, "
			     "or give another place by %s",
			     way->path, name_of(dirfd, name), way->option);
		return -EPERM;
	}
	return 0;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The next one above, in place of *fd; 1 if there is none. */
static int
go_up(int *fd, struct stat *st)
{
	struct stat above;
	int up = openat(*fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (up < 0)
		return -errno;
	rb_closep(fd);
	*fd = up;
	if (fstat(up, &above) < 0)
		return -errno;
	if (is_same(&above, st))
		return 1;
	*st = above;
	return 0;
}

int
rb_parents_check(int dirfd, const char *path, const char *option)
{
	const struct way way = { path, option };
	rb_cleanup_(rb_closep) int fd = -1;
	struct stat st;
	int err = check_links(&way);

	if (err < 0)
		return err;
	fd = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		err = -errno;
	while (err == 0) {
		err = check_one(&way, fd, &st);
		if (err < 0)
			return err;
		err = go_up(&fd, &st);
	}
	if (err < 0)
		rb_log_error("%s: cannot look at the folders above it: %s; "
			     "give another place by %s",
			     path, strerror(-err), option);
	return err < 0 ? err : 0;
}
