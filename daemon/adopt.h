/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - what a daemon finds of the one before it
 *
 * A daemon that was killed leaves its channels, and their members go on without
 * noticing. The next one takes over every channel that is of this boot and of
 * the shape that the configuration asks for: living members are watched, dead
 * ones are buried now. Any other channel is removed, unless a process is still
 * in it: then the daemon refuses to start. Nobody can tell who is in a channel
 * that cannot be read, so that one is left alone, as is what is no channel; the
 * daemon refuses to start if the configuration needs the name.
 */
#ifndef RB_DAEMON_ADOPT_H
#define RB_DAEMON_ADOPT_H

#include "daemon/daemon.h"

/* 0; -EBUSY if a member stands against it, -EEXIST if a name is taken; or
 * another negative errno. Has said why. */
int rb_adopt_all(struct rb_daemon *daemon);

#endif
