/* SPDX-License-Identifier: MIT */
/*
 * socket.h - where the daemon listens
 *
 * On a socket that the service manager hands over, or on one that it makes. The
 * file of a socket that nobody has open any more is replaced; no other is. Only for the holder of the lock, see lock.h.
 */
#ifndef RB_DAEMON_SOCKET_H
#define RB_DAEMON_SOCKET_H

#include <sys/types.h>

#include "daemon/paths.h"

struct rb_socket {
	int fd;
	char path[RB_CONFIG_PATH_SIZE]; /* empty: not ours to remove */
	dev_t dev;
	ino_t ino;
	bool parent_is_ours; /* to remove, once it is empty */
};

#define RB_SOCKET_NULL ((struct rb_socket){ .fd = -1 })

/* `inherited` is one of the service manager, ours from now on; -1: there is none. 0;
 * -EADDRINUSE if another process has the place; or another negative errno. Has said
 * why. */
int rb_socket_open(struct rb_socket *ret, const struct rb_paths *paths,
		   int inherited);

/* Whether its file is still the one that we made; one of the service manager is the
 * service manager's business. */
bool rb_socket_is_there(const struct rb_socket *socket);

/* Also removes the file, if it is still the one that we made, and its folder. */
void rb_socket_close(struct rb_socket *socket);

#endif
