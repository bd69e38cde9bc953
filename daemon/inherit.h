/* SPDX-License-Identifier: MIT */
/*
 * inherit.h - the descriptors that the service manager starts us with
 *
 * A listening socket, if there is a unit for one, and what an earlier daemon had put
 * into the store, in whatever order. They are told apart by their names alone.
 */
#ifndef RB_DAEMON_INHERIT_H
#define RB_DAEMON_INHERIT_H

#include "daemon/store.h"

/* The socket is the caller's, -1 if there is none. 0 or a negative errno, and has said
 * why. */
int rb_inherit(struct rb_store *store, int *ret_socket);

#endif
