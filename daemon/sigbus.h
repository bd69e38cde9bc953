/* SPDX-License-Identifier: MIT */
/*
 * sigbus.h - to survive a client that truncates a file of its channel
 *
 * Who holds a writable descriptor of a file in /dev/shm can shorten it, and the
 * next touch of the missing page would end the daemon. The page is replaced by
 * an empty one of our own instead: what is written there goes nowhere, which
 * harms nobody but that channel.
 */
#ifndef RB_DAEMON_SIGBUS_H
#define RB_DAEMON_SIGBUS_H

/* 0 or a negative errno. */
int rb_sigbus_init(void);

/* The address of the last page that was replaced since the last call, or NULL. */
const void *rb_sigbus_take(void);

#endif
