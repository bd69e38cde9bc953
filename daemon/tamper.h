/* SPDX-License-Identifier: MIT */
/*
 * tamper.h - what clients do to the files of their channel, and what becomes of it
 *
 * Who may write a file in /dev/shm may also shorten it, lengthen it and make
 * holes in it, of which the mappings tell nothing. So we watch the files that
 * clients may write by inotify, which hears none of the stores that a channel
 * lives by, and look at what has been done:
 *
 *   shorter       memory is gone. The channel is broken: nobody is let in any
 *                 more, and who is in it is told, until all have left and the
 *                 configuration is reloaded
 *   longer        somebody fills /dev/shm: it is cut back
 *   with holes    they are filled again while there is room, or somebody's next
 *                 touch could find none; some times, then the channel is broken
 *
 * What happens in between, or where there is no inotify, the guard of sigbus.h
 * survives; then the channel is broken as well.
 */
#ifndef RB_DAEMON_TAMPER_H
#define RB_DAEMON_TAMPER_H

#include "daemon/loop.h"
#include "daemon/reaper.h"
#include "daemon/registry.h"

/* A channel was broken. */
typedef void (*rb_tamper_fn)(void *context);

struct rb_tamper {
	/* Set before rb_tamper_init(). */
	struct rb_registry *registry;
	struct rb_reaper *reaper;
	rb_tamper_fn broke;
	void *context;

	int fd;     /* of inotify; -1: there is none */
	bool blind; /* and we have said so */
	struct rb_watch *event;
	struct rb_watch *pause;
};

/* 0 or -ENOMEM. Where there is no inotify it says so and goes on. */
int rb_tamper_init(struct rb_tamper *tamper, struct rb_loop *loop);

/* Once nobody is watched any more. */
void rb_tamper_deinit(struct rb_tamper *tamper);

/* Looks at the files of a channel, and from now on whenever they are changed;
 * ends with the channel. Can be repeated. */
void rb_tamper_watch(struct rb_tamper *tamper, struct rb_hosted *hosted);

/* After each turn of the loop: what the guard has met with meanwhile. */
void rb_tamper_heed_faults(struct rb_tamper *tamper);

#endif
