/* SPDX-License-Identifier: MIT */
/*
 * files.c - see files.h
 */
#include "daemon/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/service.h"

/* ------------------------------------------------------------------ making */

/* A line of /proc/meminfo, in bytes; 0 if it is not there. */
static uint64_t
find_amount(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line == NULL ? 0 : strtoull(line + strlen(key), NULL, 10) << 10;
}

uint64_t
rb_files_available(void)
{
	rb_cleanup_(rb_closep) int fd = -1;
	char text[4096];
	ssize_t n;

	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return UINT64_MAX;
	text[n] = '\0';
	return find_amount(text, "\nMemAvailable:") +
	       find_amount(text, "\nSwapFree:");
}

static int
create_sealed(const struct rb_hosted *hosted, int file, uint64_t size)
{
	char name[RB_NAME_SIZE + 8];

	snprintf(name, sizeof(name), "%s/%s", hosted->name,
		 rb_file_names[file]);
	return rb_segment_create_sealed(name, size, rb_service_works);
}

int
rb_files_create(const struct rb_hosted *hosted,
		const struct rb_geometry *geometry, enum rb_isolation isolation,
		int fds[RB_FILES])
{
	bool sealed = isolation == RB_ISOLATION_SEALED;

	/* The kernel would kill somebody for it. */
	if (sealed && rb_geometry_total(geometry) > rb_files_available())
		return -ENOMEM;
	for (int i = 0; i < RB_FILES; i++) {
		uint64_t size = rb_channel_file_size(geometry, i);

		fds[i] = sealed ? create_sealed(hosted, i, size)
				: rb_segment_create(hosted->dirfd,
						    rb_file_names[i], size,
						    rb_service_works);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/*
 * A file of at least one byte, to be read again and again. Who waits for that
 * watches it by name, by way of /proc, which takes leave to read it.
 */
int
rb_files_create_bell(const struct rb_hosted *hosted)
{
	rb_cleanup_(rb_closep) int fd = -1;
	char text[32] = "";
	size_t size = 1;

	if (rb_hosted_is_sealed(hosted))
		size = (size_t)snprintf(text, sizeof(text), "%" PRIu64 "\n",
					hosted->channel.generation);
	fd = openat(hosted->dirfd, rb_file_names[RB_FD_BELL],
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 ||
	    pwrite(fd, text, size, 0) != (ssize_t)size)
		return -errno;
	return rb_take_fd(&fd);
}

/* ----------------------------------------------------------------- opening */

int64_t
rb_files_read_bell(int dirfd)
{
	rb_cleanup_(rb_closep) int fd = -1;
	char text[32], *end;
	int64_t generation;
	ssize_t n;

	fd = rb_segment_open(dirfd, rb_file_names[RB_FD_BELL], false);
	if (fd < 0)
		return fd;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	generation = strtoll(text, &end, 10);
	return *end == '\n' && generation > 0 ? generation : 0;
}

int
rb_files_open(const struct rb_hosted *hosted, int file, bool writable)
{
	if (file != RB_FD_BELL && hosted->segments[file] >= 0)
		return rb_segment_reopen(hosted->segments[file], writable);
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
