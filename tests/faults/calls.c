/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the calls of libc about files, in front of the real ones
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/shim.h"

/* What the real one says, or the error. */
#define CALL(classes, name, ...)                                               \
	({                                                                     \
		enum shim_verdict v_ = shim_ask(classes, #name);               \
		__typeof__(name(__VA_ARGS__)) r_ = -1;                         \
                                                                               \
		if (v_ != SHIM_FAIL)                                           \
			r_ = SHIM_REAL(name)(__VA_ARGS__);                     \
		if (v_ != SHIM_PASS) {                                         \
			r_ = -1;                                               \
			errno = shim_error();                                  \
		}                                                              \
		r_;                                                            \
	})

/* --------------------------------------------------------------------- names */

/* One that is open and says that it is not would be open for ever. */
static int
open_watched(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = -1;

	if (shim_ask(SHIM_OTHER, "openat") == SHIM_PASS)
		fd = SHIM_REAL(openat)(dirfd, path, flags, mode);
	else
		errno = shim_error();
	shim_watch(fd, true);
	if (fd >= 0 && (flags & O_CREAT) != 0)
		shim_note_names(FAULTS_CREATE, fd, path, NULL);
	return fd;
}

static mode_t
mode_of(int flags, va_list args)
{
	return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

SHIM_EXPORT int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (shim_is_folder(path))
		return open_watched(AT_FDCWD, path, flags, mode);
	return SHIM_REAL(open)(path, flags, mode);
}

SHIM_EXPORT int
openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (shim_is_watched(dirfd))
		return open_watched(dirfd, path, flags, mode);
	return SHIM_REAL(openat)(dirfd, path, flags, mode);
}

SHIM_EXPORT int
close(int fd)
{
	shim_watch(fd, false);
	return SHIM_REAL(close)(fd);
}

SHIM_EXPORT int
mkdir(const char *path, mode_t mode)
{
	return CALL(SHIM_OTHER, mkdir, path, mode);
}

SHIM_EXPORT int
renameat(int from, const char *name, int to, const char *other)
{
	int r;

	if (!shim_is_watched(from))
		return SHIM_REAL(renameat)(from, name, to, other);
	r = CALL(SHIM_OTHER, renameat, from, name, to, other);
	if (r == 0)
		shim_note_names(FAULTS_RENAME, -1, name, other);
	return r;
}

SHIM_EXPORT int
renameat2(int from, const char *name, int to, const char *other, unsigned flags)
{
	int r;

	if (!shim_is_watched(from))
		return SHIM_REAL(renameat2)(from, name, to, other, flags);
	r = CALL(SHIM_OTHER, renameat2, from, name, to, other, flags);
	if (r == 0)
		shim_note_names(FAULTS_RENAME, -1, name, other);
	return r;
}

SHIM_EXPORT int
unlinkat(int dirfd, const char *name, int flags)
{
	int r;

	if (!shim_is_watched(dirfd))
		return SHIM_REAL(unlinkat)(dirfd, name, flags);
	r = CALL(SHIM_OTHER, unlinkat, dirfd, name, flags);
	if (r == 0)
		shim_note_names(FAULTS_REMOVE, -1, name, NULL);
	return r;
}

SHIM_EXPORT int
fstatat(int dirfd, const char *name, struct stat *ret, int flags)
{
	if (!shim_is_watched(dirfd))
		return SHIM_REAL(fstatat)(dirfd, name, ret, flags);
	return CALL(SHIM_OTHER, fstatat, dirfd, name, ret, flags);
}

SHIM_EXPORT int
fstat(int fd, struct stat *ret)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(fstat)(fd, ret);
	return CALL(SHIM_OTHER, fstat, fd, ret);
}

SHIM_EXPORT int
flock(int fd, int operation)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(flock)(fd, operation);
	return CALL(SHIM_OTHER, flock, fd, operation);
}

/* --------------------------------------------------------------------- sizes */

SHIM_EXPORT int
ftruncate(int fd, off_t size)
{
	int r;

	if (!shim_is_watched(fd))
		return SHIM_REAL(ftruncate)(fd, size);
	r = CALL(SHIM_OTHER, ftruncate, fd, size);
	if (r == 0)
		shim_note(FAULTS_SIZE, fd, 0, (uint64_t)size);
	return r;
}

SHIM_EXPORT int
fallocate(int fd, int mode, off_t offset, off_t size)
{
	int r;

	if (!shim_is_watched(fd))
		return SHIM_REAL(fallocate)(fd, mode, offset, size);
	r = CALL(SHIM_OTHER, fallocate, fd, mode, offset, size);
	if (r == 0)
		shim_note(FAULTS_SIZE, fd, 0, (uint64_t)(offset + size));
	return r;
}

/* ------------------------------------------------------------- reads and writes */

SHIM_EXPORT ssize_t
pread(int fd, void *data, size_t size, off_t offset)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(pread)(fd, data, size, offset);
	return CALL(SHIM_OTHER, pread, fd, data, size, offset);
}

static ssize_t
write_watched(int fd, const struct iovec *iovecs, int n, off_t offset,
	      const char *name)
{
	enum shim_verdict verdict = shim_ask(SHIM_WRITE, name);
	struct iovec part[SHIM_IOVECS];
	uint64_t id;
	ssize_t r = -1;

	if (verdict == SHIM_CUT) {
		shim_cut(iovecs, n, part, &n);
		iovecs = part;
	}
	if (verdict != SHIM_FAIL) {
		id = shim_note_write(fd, iovecs, n, offset);
		r = SHIM_REAL(pwritev)(fd, iovecs, n, offset);
		shim_dirty(fd, offset, shim_total(iovecs, n));
		if (r >= 0)
			shim_note_done(id, false);
	}
	if (verdict == SHIM_PASS || verdict == SHIM_CUT)
		return r;
	errno = shim_error();
	return -1;
}

SHIM_EXPORT ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	struct iovec iovec = { (void *)(uintptr_t)data, size };

	if (!shim_is_watched(fd))
		return SHIM_REAL(pwrite)(fd, data, size, offset);
	return write_watched(fd, &iovec, 1, offset, "pwrite");
}

SHIM_EXPORT ssize_t
pwritev(int fd, const struct iovec *iovecs, int n, off_t offset)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(pwritev)(fd, iovecs, n, offset);
	return write_watched(fd, iovecs, n, offset, "pwritev");
}

SHIM_EXPORT ssize_t
write(int fd, const void *data, size_t size)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(write)(fd, data, size);
	return CALL(SHIM_OTHER, write, fd, data, size);
}

/* --------------------------------------------------------------------- syncs */

static int
sync_watched(int fd, int (*real)(int fd), const char *name)
{
	enum shim_verdict verdict = shim_ask(SHIM_SYNC, name);
	uint64_t id = shim_records();
	struct stat st;
	int r = -1;

	if (verdict != SHIM_FAIL)
		r = real(fd);
	if (verdict == SHIM_PASS) {
		bool is_folder = SHIM_REAL(fstat)(fd, &st) == 0 &&
				 S_ISDIR(st.st_mode);

		shim_clean(fd);
		shim_note(is_folder ? FAULTS_FOLDER : FAULTS_SYNC, fd, id, 0);
		return r;
	}
	if (verdict == SHIM_FAIL)
		shim_revert(fd);
	errno = shim_error();
	return -1;
}

SHIM_EXPORT int
fsync(int fd)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(fsync)(fd);
	return sync_watched(fd, SHIM_REAL(fsync), "fsync");
}

SHIM_EXPORT int
fdatasync(int fd)
{
	if (!shim_is_watched(fd))
		return SHIM_REAL(fdatasync)(fd);
	return sync_watched(fd, SHIM_REAL(fdatasync), "fdatasync");
}
