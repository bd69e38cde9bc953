/* SPDX-License-Identifier: MIT */
/*
 * paths.c - see paths.h
 */
#include "daemon/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "daemon/log.h"
#include "daemon/parents.h"
#include "shm/base.h"

/* Made by tmpfiles.d(5) and meant to stay. */
#define SYSTEM_SHM_DIR "/dev/shm/ringbus"

/* From <linux/magic.h>, which some builders have not. */
#define IS_TMPFS 0x01021994
#define IS_RAMFS 0x858458f6

/* An empty value is none. */
static const char *
runtime_dir(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR");

	return path != NULL && path[0] != '\0' ? path : NULL;
}

/* A user's service manager has the user's runtime folder in the environment,
 * the system's has not. */
static bool
is_system(void)
{
	return geteuid() == 0 ||
	       (getenv("RUNTIME_DIRECTORY") != NULL && runtime_dir() == NULL);
}

/* The user's, as the XDG Base Directory Specification has it: only an absolute one
 * counts. */
static const char *
user_state_dir(const char **ret_below)
{
	const char *path = getenv("XDG_STATE_HOME");

	*ret_below = "";
	if (path != NULL && path[0] == '/')
		return path;
	path = getenv("HOME");
	*ret_below = "/.local/state";
	return path != NULL && path[0] == '/' ? path : NULL;
}

void
rb_paths_state(const char *kind, const char *channel,
	       char ret[RB_CONFIG_FILE_SIZE])
{
	const char *below = "", *base = "/var/lib";
	int n;

	ret[0] = '\0';
	if (!is_system())
		base = user_state_dir(&below);
	if (base == NULL)
		return;
	n = snprintf(ret, RB_CONFIG_FILE_SIZE, "%s%s/ringbus/%s/%s", base,
		     below, kind, channel);
	if (n >= RB_CONFIG_FILE_SIZE)
		ret[0] = '\0';
}

static int
fill_in(char path[RB_CONFIG_PATH_SIZE], const char *fmt, const char *arg)
{
	char whole[4096];

	snprintf(whole, sizeof(whole), fmt, arg);
	if (strlen(whole) >= RB_CONFIG_PATH_SIZE) {
		rb_log_error("path too long for a socket, 107 bytes are the "
			     "limit: %s; give another one by --socket",
			     whole);
		return -ENAMETOOLONG;
	}
	memcpy(path, whole, strlen(whole) + 1);
	return 0;
}

/* A slash behind the name of a link would have it followed. */
static int
fill_in_folder(char path[RB_CONFIG_PATH_SIZE], const char *given)
{
	int err = fill_in(path, "%s", given);
	size_t n = err < 0 ? 0 : strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	return err;
}

static int
choose_shm_dir(struct rb_paths *paths, const char *given)
{
	char uid[16];

	if (given != NULL)
		return fill_in_folder(paths->shm_dir, given);
	if (is_system())
		return fill_in(paths->shm_dir, "%s", SYSTEM_SHM_DIR);
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	return fill_in(paths->shm_dir, "/dev/shm/ringbus-%s", uid);
}

static int
choose_socket(struct rb_paths *paths, const char *given)
{
	const char *runtime = runtime_dir();

	if (given != NULL)
		return fill_in(paths->socket, "%s", given);
	if (is_system())
		return fill_in(paths->socket, "%s",
			       "/run/ringbus/control.sock");
	if (runtime == NULL)
		return fill_in(paths->socket, "%s/" RB_SOCKET_NAME,
			       paths->shm_dir);
	paths->socket_parent_is_ours = true;
	return fill_in(paths->socket, "%s/ringbus/control.sock", runtime);
}

static const char *
first_given(const char *option, const char *configured)
{
	if (option != NULL)
		return option;
	return configured[0] != '\0' ? configured : NULL;
}

int
rb_paths_init(struct rb_paths *paths, const struct rb_options *options,
	      const struct rb_config *config)
{
	int err;

	*paths = (struct rb_paths){
		.socket_mode = is_system() ? 0660 : 0600,
		.socket_parent_mode = is_system() ? 0755 : 0700,
	};
	err = choose_shm_dir(paths,
			     first_given(options->shm_dir, config->shm_dir));
	if (err < 0)
		return err;
	paths->shm_dir_is_ours = strcmp(paths->shm_dir, SYSTEM_SHM_DIR) != 0;
	return choose_socket(paths,
			     first_given(options->socket, config->socket));
}

static int
check_shm(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid()) {
		rb_log_error("%s belongs to uid %u, not to us (uid %u): remove "
			     "it, or give another folder by --shm-dir",
			     path, (unsigned)st.st_uid, (unsigned)geteuid());
		return -EPERM;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		rb_log_error("others may write to %s: chmod go-w it, or give "
			     "another folder by --shm-dir",
			     path);
		return -EPERM;
	}
	return 0;
}

/* There it works as well, only slower than anybody would want. */
static void
warn_of_disk(int fd, const char *path)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == 0 && fs.f_type != IS_TMPFS &&
	    fs.f_type != IS_RAMFS)
		rb_log_warning("%s is on no tmpfs: what is published will be "
			       "written to a disk; give a folder in /dev/shm "
			       "by --shm-dir",
			       path);
}

/* The folder itself, then who could exchange it. */
static int
check_places(int fd, const char *path)
{
	rb_cleanup_(rb_closep) int above = -1;
	int err = check_shm(fd, path);

	if (err < 0)
		return err;
	above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = rb_parents_check(above, path, "--shm-dir");
	if (err == 0)
		warn_of_disk(fd, path);
	return err;
}

static int
open_checked(const char *path, bool made)
{
	rb_cleanup_(rb_closep) int fd = -1;
	int err;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		rb_log_error("cannot open %s as a folder: %s; give another one "
			     "by --shm-dir",
			     path, strerror(-err));
		return err;
	}
	/* Whatever the umask is: clients have no business in there, but ls. */
	if (made && fchmod(fd, 0755) < 0)
		return -errno;
	err = check_places(fd, path);
	return err < 0 ? err : rb_take_fd(&fd);
}

int
rb_paths_open_shm(const char *path, bool *ret_made)
{
	bool made = mkdir(path, 0755) == 0;
	int fd, err;

	if (!made && errno != EEXIST) {
		err = -errno;
		rb_log_error("cannot make the folder %s: %s; make it, or give "
			     "another one by --shm-dir",
			     path, strerror(-err));
		return err;
	}
	fd = open_checked(path, made);
	if (fd < 0 && made)
		rmdir(path);
	*ret_made = made && fd >= 0;
	return fd;
}
