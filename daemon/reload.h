/* SPDX-License-Identifier: MIT */
/*
 * reload.h - the configuration, read anew while everything runs
 *
 * All or nothing: a configuration with a mistake, a change that cannot be had now
 * (revision.h), or a channel that cannot be made, changes nothing. What can fail
 * comes first, and can be taken back: each channel that is new, or comes in the
 * stead of another, is made under a hidden name. From there on nothing fails:
 *
 *   1  the new ones get their places                  a daemon that is killed
 *   2  those that are replaced go, the others come    anywhere here has done some
 *   3  those that drain are marked, then ended        of it, and the next one
 *   4  what is live is written into the others        reads the same file: what it
 *   5  those that are no longer wanted go             finds is as wanted or not
 *
 * Where memory is short, those that are replaced or removed and that nobody would
 * miss go before the others are made, and are made again if that does not help.
 */
#ifndef RB_DAEMON_RELOAD_H
#define RB_DAEMON_RELOAD_H

#include "daemon/daemon.h"

enum rb_reload_flags {
	RB_RELOAD_DRY = 1,      /* only report */
	RB_RELOAD_RECREATE = 2, /* channels in use may be ended and made anew */
};

/*
 * 0; -EINVAL for a mistake, -EBUSY for what cannot be had now, -ENOSPC and so on
 * for a channel that cannot be made: then nothing has changed. The daemon's report
 * says why, and so does the log.
 */
int rb_reload(struct rb_daemon *daemon, unsigned flags);

#endif
