/* SPDX-License-Identifier: MIT */
/*
 * reload.h - the configuration, read anew while everything runs
 *
 *   live                          new channels; who may use which; `stuck`;
 *                                 `dynamic`; `drain`
 *   once nobody is in it          a channel that is no longer there
 *   with the next start           one that is defined otherwise; `socket`,
 *                                 `shm_dir`, `max_clients`
 *
 * All or nothing: a configuration with a mistake, or a new channel that cannot be
 * made, changes nothing. The new channels are made first; the rest cannot fail.
 * A daemon that is killed in between has made some of them, and the next one
 * takes them over.
 */
#ifndef RB_DAEMON_RELOAD_H
#define RB_DAEMON_RELOAD_H

#include "daemon/daemon.h"

/* 0, or a negative errno, and has said why: then nothing has changed. */
int rb_reload(struct rb_daemon *daemon);

#endif
