/* SPDX-License-Identifier: MIT */
/*
 * health.h - what is wrong with a channel whatever the limits are
 */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H

#include <stdint.h>

#include "client/ctl/verdict.h"
#include "client/ctl/view.h"
#include "client/ringbus.h"

/* A hole that is the same for so long is nobody's who runs. */
#define HEALTH_HOLE_NS INT64_C(200000000)

/* The first hole at an earlier look; zeroed: there was no look. */
struct health_hole {
	int64_t sequence; /* -1: there was none */
	int64_t since_ns; /* since when it is the same; 0: no look yet */
};

/* The channel and its members. */
void health_judge(struct verdicts *found, const char *name,
		  const struct view *view);

/* Looks at the hole, and complains if it is the one that there was for so long. Who
 * has it is told by name. */
void health_judge_hole(struct verdicts *found, const char *name,
		       const struct ringbus_channel *channel,
		       struct health_hole *hole, int64_t now_ns);

#endif
