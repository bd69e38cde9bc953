/* SPDX-License-Identifier: MIT */
/*
 * sigbus.h - to survive a client that truncates a file of its channel
 *
 * The next touch of what is missing would end the daemon. It gets memory of its
 * own there instead (shm/guard.h): what is written there goes nowhere, which
 * harms nobody but that channel.
 */
#ifndef RB_DAEMON_SIGBUS_H
#define RB_DAEMON_SIGBUS_H

#include <stdint.h>

/* 0 or a negative errno. */
int rb_sigbus_init(void);

/* An address that was missing since the last call, or NULL. Of so many at a time
 * that nobody could take them, the first are kept. */
const void *rb_sigbus_take(void);

/* What was mapped here no longer is: of an address in it nothing is to be told any
 * more, as another channel may lie there by then. */
void rb_sigbus_forget(const void *base, uint64_t size);

#endif
