/* SPDX-License-Identifier: MIT */
/*
 * spare.c - see spare.h
 */
#include "client/journal/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/archive/interrupted.h"

static const char zeroes[SPARE_PIECE] __attribute__((aligned(4096)));

/* A file-system that has no direct I/O says so here, or at the first write. */
static int
open_file(int dirfd, const struct spare *spare)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd;

	flags |= spare->is_direct ? O_DIRECT : 0;
	unlinkat(dirfd, spare->name, 0);
	fd = openat(dirfd, spare->name, flags, 0640);

	return fd < 0 ? -errno : fd;
}

/* One without fallocate(2) has no promise of space either: a write tells. */
static int
allocate(int fd, uint64_t size)
{
	unsigned n_tries = 0;
	int r;

	do
		r = fallocate(fd, 0, 0, (off_t)size);
	while (r < 0 && rb_journal_is_interrupted(&n_tries));
	if (r < 0 && errno == EOPNOTSUPP)
		r = ftruncate(fd, (off_t)size);
	return r < 0 ? -errno : 0;
}

static int
prepare(int dirfd, int fd, struct spare *spare)
{
	unsigned n_tries = 0;
	ssize_t n;
	int err;

	/* Held by whatever is on its way to it, also after our end. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	err = allocate(fd, spare->size);
	if (err < 0)
		return err;
	/* Also what tells whether direct writes work. */
	do
		n = pwrite(fd, zeroes, 4096, 0);
	while (n < 0 && rb_journal_is_interrupted(&n_tries));
	if (n < 4096)
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) < 0 || fsync(dirfd) < 0 ? -errno : 0;
}

static int
make(int dirfd, struct spare *spare)
{
	int fd = open_file(dirfd, spare);
	int err = fd < 0 ? fd : prepare(dirfd, fd, spare);

	if (err < 0 && fd >= 0) {
		close(fd);
		unlinkat(dirfd, spare->name, 0);
	}
	spare->fd = err < 0 ? -1 : fd;
	return err;
}

int
spare_make(int dirfd, uint64_t size, bool direct, struct spare *ret)
{
	static unsigned n_made;
	int err;

	*ret = (struct spare){ .is_direct = direct, .size = size };
	snprintf(ret->name, sizeof(ret->name), "next-%u" SPARE_SUFFIX,
		 n_made++);
	err = make(dirfd, ret);
	if (!direct || err != -EINVAL)
		return err;
	ret->is_direct = false;
	return make(dirfd, ret);
}

int
spare_zero(struct spare *spare)
{
	uint64_t left = spare->size - spare->zeroed;
	size_t n = left < SPARE_PIECE ? (size_t)left : SPARE_PIECE;
	ssize_t r;

	if (n == 0)
		return 0;
	r = pwrite(spare->fd, zeroes, n, (off_t)spare->zeroed);
	if (r <= 0)
		return r < 0 && errno == EINTR ? 1 : r < 0 ? -errno : -EIO;
	spare->zeroed += (uint64_t)r & ~UINT64_C(4095);
	return (uint64_t)r < 4096 ? -EIO : spare->zeroed < spare->size;
}

void
spare_drop(int dirfd, struct spare *spare)
{
	if (spare->fd < 0)
		return;
	close(spare->fd);
	spare->fd = -1;
	unlinkat(dirfd, spare->name, 0);
}
