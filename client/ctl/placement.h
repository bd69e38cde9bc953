/* SPDX-License-Identifier: MIT */
/*
 * placement.h - what became of the wishes for a channel's memory, as `show` says it
 */
#ifndef CTL_PLACEMENT_H
#define CTL_PLACEMENT_H

#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/ctl/view.h"

/* A line for each that is asked for, but the usual one; what was not granted has its
 * reason. */
void placement_print(const struct view *view, struct output *out);

/* The array "placement" of the same. */
void placement_write(struct json *json, const struct view *view);

#endif
