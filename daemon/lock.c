/* SPDX-License-Identifier: MIT */
/*
 * lock.c - see lock.h
 *
 * As the file is removed at the end, somebody may wait for, or get, the lock of
 * a file that is no longer there. So whoever gets it looks whether the name
 * still means the same file, and begins anew if not.
 */
#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/log.h"
#include "shm/base.h"
#include "shm/wait.h"

/* One that was killed holds its lock until all of it is gone. */
#define PATIENCE_NS INT64_C(2000000000)
#define NAP_NS 5000000

static long
read_holder(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* Others may have been able to write to the folder before. One who had the file
 * would have the lock; one who gave it a second name, or gave ours to another file
 * of this user, would have us write there. */
static int
check_file(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink <= 1 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return fchmod(fd, 0600) < 0 ? -errno : 0; /* despite an ACL */
	rb_log_error("%s/" RB_LOCK_NAME " is no lock of ours (uid %u, mode "
		     "%06o, %u names): remove it",
		     path, (unsigned)st.st_uid, (unsigned)st.st_mode,
		     (unsigned)st.st_nlink);
	return -EBADMSG;
}

bool
rb_lock_is_ours(int shm_dirfd, int fd)
{
	struct stat named, ours;

	return fstat(fd, &ours) == 0 &&
	       fstatat(shm_dirfd, RB_LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

static int
write_holder(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno != 0 ? -errno : -ENOSPC;
	return 0;
}

/* 1 if what was locked has been removed meanwhile. */
static int
try_lock(int shm_dirfd, const char *path, int *ret)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int err;

	fd = openat(shm_dirfd, RB_LOCK_NAME,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);
	if (fd < 0)
		return -errno;
	err = check_file(fd, path);
	if (err < 0)
		return err;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		*ret = rb_take_fd(&fd);
		return err;
	}
	if (!rb_lock_is_ours(shm_dirfd, fd))
		return 1;
	err = write_holder(fd);
	if (err < 0) {
		rb_lock_remove(shm_dirfd);
		return err;
	}
	*ret = rb_take_fd(&fd);
	return 0;
}

int
rb_lock_take(int shm_dirfd, const char *path)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	int64_t until_ns = rb_clock_ns() + PATIENCE_NS;
	int fd = -1;
	int err;

	while ((err = try_lock(shm_dirfd, path, &fd)) != 0 &&
	       (err > 0 || (err == -EBUSY && rb_clock_ns() < until_ns))) {
		rb_closep(&fd);
		fd = -1;
		nanosleep(&nap, NULL);
	}
	if (err == 0)
		return fd;
	if (err == -EBUSY)
		rb_log_error("another ringbusd (pid %ld) has %s: stop it, or "
			     "give this one another folder by --shm-dir",
			     read_holder(fd), path);
	else if (err != -EBADMSG) /* has been said */
		rb_log_error("cannot lock %s/" RB_LOCK_NAME ": %s", path,
			     strerror(-err));
	rb_closep(&fd);
	return err;
}

void
rb_lock_remove(int shm_dirfd)
{
	unlinkat(shm_dirfd, RB_LOCK_NAME, 0);
}
