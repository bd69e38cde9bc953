/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - the descriptors that the service manager starts us with
 *
 * A listening socket, if there is a unit for one, and what an earlier daemon had put
 * into the store, in whatever order. They are told apart by their names: what is not
 * the store's is the socket, which may be called "control" (FileDescriptorName=), or
 * anything as long as it is the only one and of the right kind.
 */
#ifndef RB_DAEMON_INHERIT_H
#define RB_DAEMON_INHERIT_H

#include "config/config.h"
#include "daemon/store.h"

/* The socket is the caller's, -1 if there is none; if there is, `path` is where it
 * listens from now on. 0 or a negative errno, and has said why. */
int rb_inherit(struct rb_store *store, int *ret_socket,
	       char path[RB_CONFIG_PATH_SIZE]);

#endif
