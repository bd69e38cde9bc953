/* SPDX-License-Identifier: MIT */
/*
 * import.h - from the stream to the channel
 *
 * The only producer of the channel, so that what the channel has published is exactly
 * what was imported, and a bridge that was killed goes on in the middle of a message.
 * docs/bridge.md goes through the cases.
 */
#ifndef BRIDGE_IMPORT_H
#define BRIDGE_IMPORT_H

#include "client/bridge/setup.h"
#include "client/ringbus.h"

/* Until it is stopped, or the stream of the channel has ended: 0, or an errno after
 * what there was to say. */
int import_run(const struct setup *setup, struct ringbus *bus);

#endif
