/* SPDX-License-Identifier: MIT */
/*
 * util_manager.h - a service manager with a descriptor store, for a real ringbusd
 *
 *	struct t_manager m;
 *
 *	t_manager_begin(&m, "channels: { a: { isolation: sealed } }");
 *	t_daemon_kill(&m.d);
 *	t_manager_restart(&m);                 with all that it had put into the store
 *	t_manager_end(&m);
 *
 * It speaks sd_notify(3) and sd_listen_fds(3) as systemd does: what comes over its
 * socket is handled in the order in which it was sent, also if who sent it is dead.
 */
#ifndef T_UTIL_MANAGER_H
#define T_UTIL_MANAGER_H

#include <pthread.h>

#include "tests/system/util_daemon.h"

#define T_STORED_MAX 64
#define T_STORED_NAME 64

struct t_stored {
	char name[T_STORED_NAME];
	int fd;
};

struct t_manager {
	struct t_daemon d;
	char path[108];
	int notify;
	pthread_t keeper;
	struct t_stored stored[T_STORED_MAX];
	unsigned n;    /* stored */
	uint64_t said; /* by us, in the same queue */
	struct rb_word64 seen;
};

/* Fills in the paths, writes the configuration, and listens. */
void t_manager_prepare(struct t_manager *m, const char *yaml);

/* Starts ringbusd with what is in the store; waits until it answers. */
void t_manager_launch(struct t_manager *m);
void t_manager_restart(struct t_manager *m);

/* The three of them. */
void t_manager_begin(struct t_manager *m, const char *yaml);

/* Everything that was sent before this is in the store, or out of it, after it. */
void t_manager_settle(struct t_manager *m);

/* The descriptor of the first name that ends so, or -1; it stays the store's. */
int t_manager_find(const struct t_manager *m, const char *suffix);

/* Adds one, which is the store's then; takes out all whose names end so. */
void t_manager_add(struct t_manager *m, const char *name, int fd);
void t_manager_drop(struct t_manager *m, const char *suffix);

/* Forgets all, as when the service was stopped. */
void t_manager_empty(struct t_manager *m);

/* Stops ringbusd, which has to empty the store, and listens no more. */
void t_manager_end(struct t_manager *m);

#endif
