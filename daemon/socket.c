/* SPDX-License-Identifier: MIT */
/*
 * socket.c - see socket.h
 */
#include "daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "daemon/log.h"
#include "daemon/parents.h"
#include "shm/base.h"

/* Linux 6.16; absent from the headers of some builders. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define BACKLOG 128

static int
complain(const char *path, const char *what, int err)
{
	rb_log_error("%s: %s: %s; give another place by --socket", path, what,
		     strerror(-err));
	return err;
}

/* The folder of a path, or "" for / and the working directory. */
static void
find_parent(const char *path, char parent[RB_CONFIG_PATH_SIZE])
{
	const char *slash = strrchr(path, '/');

	snprintf(parent, RB_CONFIG_PATH_SIZE, "%.*s",
		 slash != NULL ? (int)(slash - path) : 0, path);
}

static void
remove_parent(const char *path)
{
	char parent[RB_CONFIG_PATH_SIZE];

	find_parent(path, parent);
	rmdir(parent); /* unless others use it */
}

/* Whatever the umask is: who may connect has to get there. */
static int
make_parent(const struct rb_paths *paths, bool *ret_made)
{
	char parent[RB_CONFIG_PATH_SIZE];
	mode_t before;
	int err = 0;

	*ret_made = false;
	find_parent(paths->socket, parent);
	if (parent[0] == '\0')
		return 0;
	before = umask(0);
	if (mkdir(parent, paths->socket_parent_mode) == 0)
		*ret_made = true;
	else if (errno != EEXIST)
		err = -errno;
	umask(before);
	return err < 0 ? complain(parent, "cannot make the folder", err) : 0;
}

/* Clients would talk to whoever puts a socket of his in the place of ours. */
static int
check_parent(const struct rb_paths *paths)
{
	char parent[RB_CONFIG_PATH_SIZE];
	rb_cleanup_(rb_closep) int fd = -1;

	find_parent(paths->socket, parent);
	if (parent[0] == '\0')
		snprintf(parent, sizeof(parent), "%s",
			 paths->socket[0] == '/' ? "/" : ".");
	fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return complain(parent, "cannot open the folder", -errno);
	return rb_parents_check(fd, paths->socket, "--socket");
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* The kernel closes the socket of a killed daemon some milliseconds after it is
 * gone, as io_uring is still accepting on it. */
static bool
is_alive(pid_t pid)
{
	rb_cleanup_(rb_closep) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd look = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return errno != ESRCH;
	return poll(&look, 1, 0) == 0;
}

/*
 * 0 if nobody has the socket at `path` any more, which the kernel says by
 * ECONNREFUSED; -EADDRINUSE if somebody listens, and *ret_pid is who, or 0; any
 * other error may be that of a socket in use.
 */
static int
probe(const char *path, pid_t *ret_pid)
{
	rb_cleanup_(rb_closep) int fd = -1;
	struct sockaddr_un address = address_of(path);
	struct ucred cred = { 0 };
	socklen_t size = sizeof(cred);

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED ? 0 : -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	*ret_pid = cred.pid;
	/* 0: of another pid namespace. */
	return cred.pid == 0 || is_alive(cred.pid) ? -EADDRINUSE : 0;
}

static int
remove_stale(const char *path)
{
	struct stat st;
	pid_t pid = 0;
	int err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT
			       ? 0
			       : complain(path, "cannot look at it", -errno);
	if (!S_ISSOCK(st.st_mode)) {
		rb_log_error("%s is there and is no socket: remove it, or give "
			     "another place by --socket",
			     path);
		return -EEXIST;
	}
	err = probe(path, &pid);
	if (err == -EADDRINUSE && pid != 0) {
		rb_log_error("pid %d listens on %s already: stop it, or give "
			     "another place by --socket",
			     pid, path);
		return err;
	}
	if (err < 0) {
		complain(path, "another program has the socket", err);
		return -EADDRINUSE;
	}
	rb_log_info("%s was left by a daemon that is gone: replaced", path);
	return unlink(path) < 0 ? complain(path, "cannot remove it", -errno)
				: 0;
}

/* The mode from the start: between bind() and chmod() anybody could come. */
static int
bind_to(int fd, const char *path, mode_t mode)
{
	struct sockaddr_un address = address_of(path);
	mode_t before = umask(0777 & ~mode);
	int err = 0;

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	umask(before);
	return err;
}

static int
listen_at(struct rb_socket *s, const struct rb_paths *paths)
{
	struct stat st;
	int err;

	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return complain(paths->socket, "cannot make a socket", -errno);
	err = bind_to(s->fd, paths->socket, paths->socket_mode);
	if (err < 0)
		return complain(paths->socket, "cannot bind the socket", err);
	if (lstat(paths->socket, &st) < 0)
		return complain(paths->socket, "the socket is gone", -errno);
	snprintf(s->path, sizeof(s->path), "%s", paths->socket);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (listen(s->fd, BACKLOG) < 0)
		return complain(paths->socket, "cannot listen", -errno);
	return 0;
}

static int
set_up(struct rb_socket *s, const struct rb_paths *paths)
{
	bool made;
	int err = make_parent(paths, &made);

	if (err < 0)
		return err;
	err = check_parent(paths);
	if (err == 0)
		err = remove_stale(paths->socket);
	if (err == 0)
		err = listen_at(s, paths);
	if (err < 0 && made)
		remove_parent(paths->socket);
	s->parent_is_ours = made || paths->socket_parent_is_ours;
	return err;
}

/*
 * No descriptors from clients. Nobody here asks for them; but to drop one that
 * came with a message is to close it, and the last close of a file may wait: of
 * a connection that lingers, for as long as its owner likes. io_uring cuts that
 * short, which nothing promises. Before Linux 6.16 there is no way to say so.
 * Connections have it from the socket.
 */
static void
refuse_descriptors(int fd)
{
	int no = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

int
rb_socket_open(struct rb_socket *ret, const struct rb_paths *paths,
	       int inherited)
{
	struct rb_socket s = RB_SOCKET_NULL;
	int err = 0;

	s.fd = inherited;
	if (inherited < 0)
		err = set_up(&s, paths);
	if (err < 0) {
		rb_socket_close(&s);
		return err;
	}
	refuse_descriptors(s.fd);
	*ret = s;
	return 0;
}

bool
rb_socket_is_there(const struct rb_socket *socket)
{
	struct stat st;

	return socket->path[0] == '\0' ||
	       (lstat(socket->path, &st) == 0 && st.st_dev == socket->dev &&
		st.st_ino == socket->ino);
}

void
rb_socket_close(struct rb_socket *socket)
{
	if (socket->path[0] != '\0' && rb_socket_is_there(socket))
		unlink(socket->path);
	if (socket->path[0] != '\0' && socket->parent_is_ours)
		remove_parent(socket->path);
	rb_closep(&socket->fd);
	*socket = RB_SOCKET_NULL;
}
