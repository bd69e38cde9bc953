/* SPDX-License-Identifier: MIT */
/*
 * plan.h - the consumers that a client wants to declare with its next channel
 *
 * They come one at a time, and only CREATE tells whether they make a graph.
 */
#ifndef RB_DAEMON_PLAN_H
#define RB_DAEMON_PLAN_H

#include "config/config.h"
#include "shm/control.h"

struct rb_plan {
	unsigned n_consumers;
	struct rb_config_consumer consumers[RB_CONSUMERS_MAX];
};

/* One without consumers, or NULL. */
struct rb_plan *rb_plan_new(void);
struct rb_plan *rb_plan_free(struct rb_plan *plan);

/* Adds the consumer of a request. -EUSERS if there are too many. */
int rb_plan_add(struct rb_plan *plan, const struct rb_control *request);

#endif
