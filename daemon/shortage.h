/* SPDX-License-Identifier: MIT */
/*
 * shortage.h - why the files of a channel cannot be made, and what to do
 */
#ifndef RB_DAEMON_SHORTAGE_H
#define RB_DAEMON_SHORTAGE_H

#include "daemon/folder.h"

/* For people: `err` came when a channel of this geometry was to be made. */
void rb_shortage_explain(const struct rb_maker *maker,
			 const struct rb_geometry *geometry, int err, char *why,
			 size_t why_size);

#endif
