/* SPDX-License-Identifier: MIT */
/*
 * reaper.h - members that leave: by their own wish, by death
 *
 *   a consumer    leaves, or with on_death: keep stays as absent until keep_for
 *                 is over (expiry.h); one that was evicted has nothing to keep
 *   a worker      leaves, what it had begun goes to others; with the last one
 *                 its group leaves, as a consumer does
 *   a producer    by its own wish just leaves; a dead one is DYING until what it
 *                 had claimed is repaired, which is tried again every few
 *                 milliseconds as long as a slot is still being read. On a
 *                 strict channel with anything claimed it is DYING, and stops
 *                 the stream, until the operator gives that up
 *
 * The timer for that runs only while there is something to repair.
 */
#ifndef RB_DAEMON_REAPER_H
#define RB_DAEMON_REAPER_H

#include "daemon/expiry.h"
#include "daemon/loop.h"
#include "daemon/membership.h"
#include "daemon/process.h"
#include "daemon/registry.h"

/* Somebody has left, or nobody waits for him any more. */
typedef void (*rb_reaper_left_fn)(void *context);

struct rb_reaper {
	struct rb_registry *registry;
	rb_reaper_left_fn left;
	void *context;
	struct rb_memberships dying;
	unsigned n_tried; /* the first of them, for which there was time */
	int64_t repair_pause_ns;
	bool repairing;    /* the timer runs */
	uint64_t n_rounds; /* of repairs */
	struct rb_watch *repair;
	struct rb_expiry expiry;
};

/* 0 or -ENOMEM. */
int rb_reaper_init(struct rb_reaper *reaper, struct rb_loop *loop,
		   struct rb_registry *registry, rb_reaper_left_fn left,
		   void *context);
void rb_reaper_deinit(struct rb_reaper *reaper);

/* A living process gives this membership up; frees it. `forget`: its place is
 * not kept, nor, if it was the last worker, that of its group. */
void rb_reaper_leave(struct rb_reaper *reaper, struct rb_membership *membership,
		     bool forget);

/* The process of this membership is dead; takes it over. */
void rb_reaper_bury(struct rb_reaper *reaper, struct rb_membership *membership);

/* All memberships of a dead process. */
void rb_reaper_bury_process(struct rb_reaper *reaper,
			    struct rb_process *process);

/*
 * Members whose processes live and that have gone, or never came, while nobody
 * could be told: of a process of which a connection ends; or of all, for a
 * daemon that has taken over and begun to listen. Those that another connection
 * asked for may yet come.
 */
void rb_reaper_heed_process(struct rb_reaper *reaper,
			    struct rb_process *process,
			    const struct rb_peer *ending);
void rb_reaper_heed_all(struct rb_reaper *reaper);

/*
 * What dead producers left claimed on a strict channel is given up, and its
 * stream goes on. Returns how many slots that were.
 */
uint64_t rb_reaper_mend(struct rb_reaper *reaper, struct rb_hosted *hosted);

/* The channel is broken: nothing of it is mended any more, or waited for. */
void rb_reaper_abandon(struct rb_reaper *reaper, struct rb_hosted *hosted);

/* Forgets all who are in a channel, which stays as it is. */
void rb_reaper_drop(struct rb_reaper *reaper, struct rb_hosted *hosted);

/* Removes a channel and its files, with all who are in it; taps, which are not,
 * are told by the end of its stream. 0 or a negative errno, and has said why. */
int rb_reaper_remove(struct rb_reaper *reaper, struct rb_hosted *hosted);

#endif
