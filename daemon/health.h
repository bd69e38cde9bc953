/* SPDX-License-Identifier: MIT */
/*
 * health.h - what the daemon says of itself to its service manager
 *
 * The status line; and whether all is as only this daemon can keep it. What is
 * looked at, each time that the watchdog is fed:
 *
 *   the lock     its file is still the one that we hold. Without it, another daemon
 *                could take the same folder
 *   the socket   the file that we have made is still there. Without it, nobody new
 *                gets to us
 *   repairs      what dead producers have left is being tried. Without that, others
 *                wait for ever
 *
 * Each of them is mended by a daemon that starts anew.
 */
#ifndef RB_DAEMON_HEALTH_H
#define RB_DAEMON_HEALTH_H

#include <stdint.h>

#include "daemon/service.h"

struct rb_daemon;

/* What was there when the status line was last thought of, and what was seen of
 * repairs. */
struct rb_health {
	unsigned n_channels, n_refused, n_clients;
	uint64_t n_rounds;
	unsigned n_still;
};

/* How to look at this daemon. */
struct rb_service_owner rb_health_owner(struct rb_daemon *daemon);

/* After each turn of the loop: has what the status line tells changed? */
void rb_health_look(struct rb_daemon *daemon);

#endif
