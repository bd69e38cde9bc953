/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - what an earlier daemon left, taken over
 *
 * A daemon that was killed leaves its channels, and their members go on. The
 * next one looks at each and does what rb_judge() says: takes it over with all
 * members that are still alive, removes it, or leaves it alone and serves the
 * others; who was a member and is dead is buried. Half-made and half-removed
 * folders go.
 */
#ifndef RB_DAEMON_ADOPT_H
#define RB_DAEMON_ADOPT_H

#include "daemon/daemon.h"

/* Before channels are created. 0, or a negative errno, and has said why. */
int rb_adopt_all(struct rb_daemon *daemon);

#endif
