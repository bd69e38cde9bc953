/* SPDX-License-Identifier: MIT */
/*
 * files.c - see files.h
 */
#include "daemon/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ making */

int
rb_files_create(int dirfd, const struct rb_geometry *geometry,
		int fds[RB_FILES])
{
	for (int i = 0; i < RB_FILES; i++) {
		fds[i] = rb_segment_create(dirfd, rb_file_names[i],
					   rb_channel_file_size(geometry, i));
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/*
 * A file of one byte, to be read again and again. Who waits for that watches it
 * by name, by way of /proc, which takes leave to read it.
 */
int
rb_files_create_bell(int dirfd)
{
	rb_cleanup_(rb_closep) int fd = -1;

	fd = openat(dirfd, rb_file_names[RB_FD_BELL],
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || pwrite(fd, "", 1, 0) != 1)
		return -errno;
	return rb_take_fd(&fd);
}

/* ----------------------------------------------------------------- opening */

int
rb_files_open(const struct rb_hosted *hosted, int file, bool writable)
{
	return rb_segment_open(hosted->dirfd, rb_file_names[file], writable);
}

void
rb_files_close(int fds[RB_FILES])
{
	for (int i = 0; i < RB_FILES; i++)
		rb_closep(&fds[i]);
}

/* ---------------------------------------------------------------- removing */

/* One of the four files; what else has its name is not ours. */
static int
remove_file(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTEMPTY;
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int
rb_files_remove(int dirfd)
{
	int err = 0;

	for (int i = 0; i < RB_FDS && err == 0; i++)
		err = remove_file(dirfd, rb_file_names[i]);
	return err;
}
