/* SPDX-License-Identifier: MIT */
/*
 * locate.c - finds the daemon's socket and connects to it
 *
 * The socket has a time limit, so that a daemon that is stopped does not stop
 * us. In places that other users could have made, a daemon counts only if it is
 * this user's own, or root's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/internal.h"

#define USEC INT64_C(1000000)
#define SYSTEM_SOCKET "/run/ringbus/control.sock"

static int
limit_time(int fd, int64_t patience_ns)
{
	int64_t us = patience_ns / 1000 + 1; /* 0: for ever */
	const struct timeval patience = {
		.tv_sec = us / USEC,
		.tv_usec = us % USEC,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return -errno;
	return 0;
}

/* *ret is filled in with the path, as far as it goes. */
static int
connect_to(const char *path, struct rb_place *ret)
{
	rb_cleanup_(rb_closep) int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	snprintf(ret->socket, sizeof(ret->socket), "%s", path);
	if (path[0] == '\0')
		return -ENOENT;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = limit_time(fd, ret->patience_ns);
	if (err < 0)
		return err;
	do
		err = connect(fd, (struct sockaddr *)&address, sizeof(address));
	while (err < 0 && errno == EINTR);
	if (err == 0)
		return rb_take_fd(&fd);
	if (errno == EPROTOTYPE)
		return -EPROTO;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static bool
is_trusted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* As connect_to(), but somebody else's daemon is none. */
static int
connect_to_own(const char *path, struct rb_place *ret)
{
	rb_cleanup_(rb_closep) int fd = connect_to(path, ret);

	if (fd >= 0 && !is_trusted(fd))
		return -ENOENT;
	return fd < 0 ? fd : rb_take_fd(&fd);
}

/* Where a daemon of this user would listen; see ringbusd(8). */
static int
connect_to_users(struct rb_place *ret)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	char path[4096];
	int fd = -ENOENT;

	if (runtime != NULL && runtime[0] != '\0') {
		snprintf(path, sizeof(path), "%s/ringbus/control.sock",
			 runtime);
		fd = connect_to_own(path, ret);
	}
	if (fd < 0) {
		snprintf(path, sizeof(path),
			 "/dev/shm/ringbus-%u/.control.sock",
			 (unsigned)geteuid());
		fd = connect_to_own(path, ret);
	}
	return fd;
}

int
rb_locate_daemon(const char *path, struct rb_place *ret)
{
	int fd = -ENOENT;

	ret->is_users = false;
	if (path == NULL)
		path = secure_getenv("RINGBUS_SOCKET");
	if (path != NULL)
		return connect_to(path, ret);
	if (geteuid() != 0)
		fd = connect_to_users(ret);
	ret->is_users = fd >= 0;
	return fd >= 0 ? fd : connect_to(SYSTEM_SOCKET, ret);
}

int
rb_locate_again(const struct rb_place *place)
{
	struct rb_place again = *place;

	return place->is_users ? connect_to_own(place->socket, &again)
			       : connect_to(place->socket, &again);
}
