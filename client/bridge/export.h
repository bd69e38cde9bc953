/* SPDX-License-Identifier: MIT */
/*
 * export.h - from the channel to the stream
 *
 * A consumer that producers wait for, whose place moves when JetStream has
 * acknowledged. The stream itself tells how far it is: at the start, and whenever
 * there is doubt, its last message says what comes next, so that nothing is lost or
 * sent twice whoever was killed where. docs/bridge.md goes through the cases.
 */
#ifndef BRIDGE_EXPORT_H
#define BRIDGE_EXPORT_H

#include "client/bridge/setup.h"
#include "client/ringbus.h"

/* Until it is stopped, or the stream of the channel has ended: 0, or an errno after
 * what there was to say. */
int export_run(const struct setup *setup, struct ringbus *bus);

#endif
