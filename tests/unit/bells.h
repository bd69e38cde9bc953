/* SPDX-License-Identifier: MIT */
/*
 * bells.h - a channel whose bell is a real file, and an ear for it
 *
 * For the tests of waiting by descriptor. The channel is the static `f` of the
 * test file.
 */
#ifndef T_BELLS_H
#define T_BELLS_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "shm/bell.h"
#include "tests/fixture.h"

static struct fixture f;

/* Nobody is notified of what is read from a memfd. */
static inline void
hang_bell(void)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/bell", t_tmpdir());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "", 1, 0), 1);
	ck_assert_int_eq(dup3(fd, f.fds[RB_FD_BELL], O_CLOEXEC),
			 f.fds[RB_FD_BELL]);
	close(fd);
}

static inline void
open_channel(const struct shape *shape)
{
	fixture_open(&f, shape);
	hang_bell();
}

static inline int
watch_bell(void)
{
	char path[64];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f.fds[RB_FD_BELL]);
	ck_assert_int_ge(inotify_add_watch(fd, path, IN_ACCESS), 0);
	return fd;
}

#endif
