/* SPDX-License-Identifier: MIT */
/*
 * show.h - what `show` prints of a channel, for other verbs that have one
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "client/ctl/output.h"
#include "client/ctl/view.h"

/* A JSON object and a newline. */
void show_write(const struct view *view, struct output *out);

/* As text, whatever its processes are doing now. 0 or -ENOMEM. */
int show_print(const struct view *view, struct output *out);

#endif
