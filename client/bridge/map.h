/* SPDX-License-Identifier: MIT */
/*
 * map.h - which message of the stream has a slot of the channel, and the other way
 * round
 */
#ifndef BRIDGE_MAP_H
#define BRIDGE_MAP_H

#include "client/bridge/setup.h"
#include "client/ringbus.h"

/* Prints the message with slot `sequence` of the channel: 0, or an errno after it was
 * told: -ENOENT if it has none. */
int map_slot(const struct setup *setup, struct ringbus *bus, int64_t sequence);

/* Prints what message `number` has. As above. */
int map_message(const struct setup *setup, struct ringbus *bus, int64_t number);

#endif
