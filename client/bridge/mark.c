/* SPDX-License-Identifier: MIT */
/*
 * mark.c - see mark.h
 *
 * Written beside the old one, synced, and put in its place, so that there is always a
 * whole one.
 */
#include "client/bridge/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/bridge/stream.h"

#define FORMAT                                                                 \
	"ringbus-bridge 1\n"                                                   \
	"generation %" PRIx64 "\n"                                             \
	"stream-created %" PRId64 "\n"                                         \
	"base %" PRId64 "\n"                                                   \
	"index %" PRId64 "\n"                                                  \
	"source %" PRIx64 "\n"                                                 \
	"slot %" PRId64 "\n"
#define FORMAT_READ                                                            \
	"ringbus-bridge 1\n"                                                   \
	"generation %" SCNx64 "\n"                                             \
	"stream-created %" SCNd64 "\n"                                         \
	"base %" SCNd64 "\n"                                                   \
	"index %" SCNd64 "\n"                                                  \
	"source %" SCNx64 "\n"                                                 \
	"slot %" SCNd64 "\n%n"
#define FILE_SIZE 256

static int
fail(const char *path, const char *what, int err)
{
	stream_trouble("%s: %s: %s", path, what, strerror(-err));
	return err;
}

/* Indexes and slots are what frame_read() passes; a base is the difference of two. */
static bool
is_possible(const struct mark *m)
{
	const int64_t end = INT64_C(1) << 62;

	return m->base > -end && m->base < end && m->index >= 0 &&
	       m->index < end && m->slot >= -1 && m->slot < end;
}

int
mark_read(const char *path, struct mark *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), end = 0;
	char text[FILE_SIZE];
	struct mark m;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : fail(path, "cannot be read", -errno);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, FORMAT_READ, &m.generation, &m.created_ns, &m.base,
		   &m.index, &m.source, &m.slot, &end) != 6 ||
	    end == 0 || text[end] != '\0' || !is_possible(&m))
		return fail(path,
			    "is no state of a bridge: put the right one "
			    "there, or remove it to begin anew",
			    -EBADMSG);
	*ret = m;
	return 0;
}

static int
write_all(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t size = strlen(text);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size)
		err = errno != 0 ? -errno : -EIO;
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}

/* So that the new name is there after a power cut. */
static int
sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, err = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The folders above it, as far as they are missing. */
static void
make_folders(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *c = copy + 1; (c = strchr(c, '/')) != NULL; *c++ = '/') {
		*c = '\0';
		mkdir(copy, 0755);
	}
}

int
mark_write(const char *path, const struct mark *m)
{
	char text[FILE_SIZE], part[PATH_MAX + 8];
	int err;

	snprintf(text, sizeof(text), FORMAT, m->generation, m->created_ns,
		 m->base, m->index, m->source, m->slot);
	snprintf(part, sizeof(part), "%s.part", path);
	make_folders(path);
	errno = 0;
	err = write_all(part, text);
	if (err == 0 && rename(part, path) < 0)
		err = -errno;
	if (err == 0)
		err = sync_folder(path);
	return err < 0 ? fail(path, "cannot be written", err) : 0;
}
