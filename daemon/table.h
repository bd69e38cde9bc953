/* SPDX-License-Identifier: MIT */
/*
 * table.h - whether a member table can be believed
 *
 * A daemon that goes on from the words of another one uses them as indices and
 * as numbers of states. Only daemons write them; but memory may be damaged, and
 * then the channel is lost, and not the daemon.
 */
#ifndef RB_DAEMON_TABLE_H
#define RB_DAEMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/channel.h"

/* False if a word has a value that no daemon writes; `why` names it. */
bool rb_table_is_sound(const struct rb_channel *channel, char *why,
		       size_t why_size);

#endif
