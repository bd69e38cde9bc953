/* SPDX-License-Identifier: MIT */
/*
 * folder.c - channels looked at where they lie, without a daemon
 *
 * The daemon may be dead, or stopped, or never have seen this folder, because it is a
 * copy. Whoever could write here may have written anything, and may do so while we
 * look: what is opened is opened for reading, by its name in the folder and through no
 * link, and then believed as little as what a daemon hands out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/internal.h"

#define SYSTEM_FOLDER "/dev/shm/ringbus"

/* ----------------------------------------------------------------- finding */

static bool
is_own(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

/* Where a daemon has its channels that was not told where; see ringbusd(8). */
static const char *
choose_folder(const char *given, char users[64])
{
	if (given == NULL)
		given = secure_getenv("RINGBUS_SHM_DIR");
	if (given != NULL)
		return given;
	snprintf(users, 64, SYSTEM_FOLDER "-%u", (unsigned)geteuid());
	return geteuid() != 0 && is_own(users) ? users : SYSTEM_FOLDER;
}

static int
open_folder(struct ringbus *bus, const char *path)
{
	bus->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bus->fd < 0)
		return errno == ENAMETOOLONG ? -EINVAL : -errno;
	bus->folder = strdup(path);
	return bus->folder != NULL ? 0 : -ENOMEM;
}

int
ringbus_open_folder(const char *shm_dir, struct ringbus **ret)
{
	char users[64];
	const char *path = choose_folder(shm_dir, users);
	struct ringbus *bus = rb_bus_new();
	int err, cancel;

	if (bus == NULL)
		return -ENOMEM;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = open_folder(bus, path);
	pthread_setcancelstate(cancel, NULL);
	if (err < 0) {
		rb_bus_fail("%s", path);
		ringbus_close(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

static void
forget_names(struct ringbus *bus)
{
	while (bus->n_names > 0)
		free(bus->names[--bus->n_names]);
	free(bus->names);
	bus->names = NULL;
}

void
rb_folder_close(struct ringbus *bus)
{
	forget_names(bus);
	free(bus->folder);
	free(bus->findings);
}

/* ----------------------------------------------------------------- listing */

static int
has_name(const struct dirent *entry)
{
	return rb_name_is_valid(entry->d_name);
}

/* Also one that we may not look into, for it may be one. */
static bool
is_channel(int dirfd, const char *name)
{
	rb_cleanup_(rb_closep) int fd = openat(
		dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return false;
	for (int i = 0; i < RB_FDS; i++)
		if (fstatat(fd, rb_file_names[i], &st, AT_SYMLINK_NOFOLLOW) ==
			    0 ||
		    errno != ENOENT)
			return true;
	return false;
}

static int
read_names(struct ringbus *bus)
{
	int n, cancel;

	forget_names(bus);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	n = scandirat(bus->fd, ".", &bus->names, has_name, alphasort);
	n = n < 0 ? -errno : n;
	for (int i = 0; i < n; i++)
		if (is_channel(bus->fd, bus->names[i]->d_name))
			bus->names[bus->n_names++] = bus->names[i];
		else
			free(bus->names[i]);
	pthread_setcancelstate(cancel, NULL);
	return n < 0 ? n : 0;
}

/* The first one reads the folder anew, so that all of a list are of one moment. */
int
rb_folder_list(struct ringbus *bus, unsigned index, char *name)
{
	int err = 0;

	bus->error[0] = '\0';
	if (bus->pid != getpid())
		return -ECHILD;
	if (index == 0 || bus->names == NULL)
		err = read_names(bus);
	if (err < 0)
		return err;
	if (index >= (unsigned)bus->n_names)
		return -ENOENT;
	memcpy(name, bus->names[index]->d_name,
	       strlen(bus->names[index]->d_name) + 1);
	return 0;
}

/* ----------------------------------------------------------------- looking */

static int rb_printf_(3, 4)
	refuse(struct rb_attachment *a, int err, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	rb_bus_refuse(a->bus, "channel %s in %s %s", a->name, a->bus->folder,
		      why);
	return err;
}

static int
explain(struct rb_attachment *a, const char *file, int err)
{
	switch (err) {
	case -ENOENT:
		return refuse(a, -EBADMSG,
			      "has no %s: it is no channel, or "
			      "only half of one",
			      file);
	case -EACCES:
		return refuse(a, err, "is its owner's: be that user, or root");
	case -ELOOP:
	case -ENXIO:
	case -EBADMSG:
		return refuse(a, -EBADMSG, "has a %s that is no plain file",
			      file);
	}
	return refuse(a, err, "has a %s that cannot be opened: %s", file,
		      strerror(-err));
}

/* A bell and nothing else: see shm/segment.h. */
static bool
is_sealed(int dirfd)
{
	struct stat st;

	for (int i = 0; i < RB_FILES; i++)
		if (fstatat(dirfd, rb_file_names[i], &st,
			    AT_SYMLINK_NOFOLLOW) == 0 ||
		    errno != ENOENT)
			return false;
	return fstatat(dirfd, rb_file_names[RB_FD_BELL], &st,
		       AT_SYMLINK_NOFOLLOW) == 0;
}

static int
open_files(struct rb_attachment *a, int dirfd, int fds[RB_FILES])
{
	if (is_sealed(dirfd))
		return refuse(a, -ENODATA,
			      "is sealed: only the daemon can hand out its "
			      "memory");
	for (int i = 0; i < RB_FILES; i++) {
		fds[i] = rb_segment_open(dirfd, rb_file_names[i], false);
		if (fds[i] < 0)
			return explain(a, rb_file_names[i], fds[i]);
	}
	return 0;
}

static int
map_files(struct rb_attachment *a, const int fds[RB_FILES])
{
	int err = rb_channel_attach(&a->channel.shm, fds, RB_ROLE_TAP);

	if (err == -EPROTONOSUPPORT)
		return refuse(a, err,
			      "has another memory layout: look at it with the "
			      "ringbus that made it");
	if (err == -EBADMSG)
		return refuse(a, err,
			      "is damaged, or no channel: `ringbusctl inspect` "
			      "tells what is wrong");
	return err < 0 ? refuse(a, err, "cannot be mapped: %s", strerror(-err))
		       : 0;
}

/* As the daemon would refuse it. */
static int
check_type(struct rb_attachment *a, const struct rb_attach *request)
{
	const struct rb_meta_header *h = &a->channel.shm.meta->header;
	char type[RB_NAME_SIZE];
	int err;

	rb_copy_name(type, h->type);
	if (request->type == NULL || type[0] == '\0' ||
	    (strcmp(request->type, type) == 0 &&
	     request->type_version == h->type_version))
		return 0;
	err = refuse(a, -EPROTOTYPE, "has events of type %s, version %u", type,
		     h->type_version);
	rb_channel_detach(&a->channel.shm);
	return err;
}

int
rb_folder_open(struct rb_attachment *a, int fds[RB_FILES])
{
	int err,
		dirfd = openat(a->bus->fd, a->name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dirfd < 0 &&
	    (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return refuse(a, -ENOENT, "is not there");
	if (dirfd < 0)
		return explain(a, "folder", -errno);
	err = open_files(a, dirfd, fds);
	rb_closep(&dirfd);
	return err;
}

int
rb_folder_attach(struct rb_attachment *a, const struct rb_attach *request)
{
	int fds[RB_FILES] = { -1, -1, -1 };
	int err, cancel;

	if (a->bus->pid != getpid())
		return -ECHILD;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = rb_folder_open(a, fds);
	if (err == 0)
		err = map_files(a, fds);
	for (int i = 0; i < RB_FILES; i++)
		rb_closep(&fds[i]);
	pthread_setcancelstate(cancel, NULL);
	return err < 0 ? err : check_type(a, request);
}
