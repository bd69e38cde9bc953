/* SPDX-License-Identifier: MIT */
/*
 * service.h - what the daemon and its service manager tell each other
 *
 * All of sd_notify(3): that we are ready, what we are doing, in one line for
 * `systemctl status`, that we live, and that something takes longer. Where nobody
 * listens ($NOTIFY_SOCKET is not set) each of these does nothing. What we are
 * started with is in inherit.h, what we leave to the next daemon in store.h.
 *
 * The status line follows what happens, but is told once a second at most, so that
 * clients that come and go make no work for the service manager.
 *
 * The watchdog is fed by the loop itself: by the callback of a timer, which has come
 * through io_uring like all else, at half the interval that the manager wants, and
 * only while the owner finds nothing wrong. If he does, the manager is told so, and
 * not fed again: it ends us, and starts another daemon, which takes all over.
 */
#ifndef RB_DAEMON_SERVICE_H
#define RB_DAEMON_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/exit.h"
#include "daemon/loop.h"
#include "shm/base.h"

#define RB_SERVICE_STATUS_SIZE 256

/* What the owner knows. `describe` writes the status line; `ails` returns what is
 * wrong with the daemon, so that another one would do better, or NULL. */
struct rb_service_owner {
	void (*describe)(void *context, char text[RB_SERVICE_STATUS_SIZE]);
	const char *(*ails)(void *context);
	void *context;
};

struct rb_service {
	struct rb_service_owner owner;
	bool ready;
	bool stopping;
	char said[RB_SERVICE_STATUS_SIZE];
	int64_t quiet_until_ns; /* for the status line */
	bool waits;             /* for that time, to tell another */
	struct rb_watch *quiet;
	int64_t feed_ns; /* how often; 0: no watchdog */
	struct rb_watch *feed;
};

/* 0, or a negative errno. */
int rb_service_init(struct rb_service *service, struct rb_loop *loop,
		    const struct rb_service_owner *owner);
void rb_service_deinit(struct rb_service *service);

/* Everybody is served from now on; and so he is after a reload, whatever became of
 * that, in words for the status line, or NULL if there is nothing to say. */
void rb_service_ready(struct rb_service *service, const char *verdict);

/* A reload begins; rb_service_ready() ends it. */
void rb_service_reloading(struct rb_service *service);

/* The status line may not be what it was. Costs nothing if it is. */
void rb_service_changed(struct rb_service *service);

/* The last words: members have so long to leave; or another daemon comes. */
void rb_service_stopping(struct rb_service *service, int64_t drain_ns);
void rb_service_leaving(struct rb_service *service);

/* Something takes its time, and goes on: before each part of it that may take
 * seconds. Told once a second at most. */
void rb_service_works(void);

/* The end, and not as it should be; says why, with an errno, or 0 if there is none
 * better than what the exit code tells. */
void rb_service_failed(enum rb_exit code, int err);

/* Waits, a moment at most, until all that was sent with a descriptor has been taken:
 * it would be refused once we are gone. Nothing if there is none. */
void rb_service_settle(void);

/* Into the manager's store, and out of it. Above 0; 0 if nobody listens; or a
 * negative errno. */
int rb_service_store(const char *name, int fd);
void rb_service_forget(const char *name);

/*
 * Refuses a folder in /dev/shm, as channels would be removed with the last process of
 * the service, if a service manager has started us under a user that exists only for
 * that long: 0, or -EPERM, and has said why.
 */
int rb_service_check_user(int shm_dirfd, const char *shm_dir);

#endif
