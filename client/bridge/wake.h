/* SPDX-License-Identifier: MIT */
/*
 * wake.h - how the main thread is woken, by signals and by threads of libnats
 *
 * It sleeps in the ring, where a halt or a cancel ends the wait, or here, for a
 * while. A thread that has something for it rings: whichever it is, it ends.
 * SIGTERM and SIGINT ring too, and stay to be seen.
 */
#ifndef BRIDGE_WAKE_H
#define BRIDGE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ringbus.h"

/* First of all, before there is any other thread. 0 or a negative errno. */
int wake_init(void);

/* True from the first SIGTERM or SIGINT on. */
bool wake_is_stopped(void);

/* In whose waits the main thread may be; NULL: in none. By the main thread, before it
 * closes them too. */
void wake_watch_consumer(struct ringbus_consumer *consumer);
void wake_watch_producer(struct ringbus_producer *producer);

/* Ends the wait of the main thread, or its next one. Any thread. */
void wake_ring(void);

/* Sleeps until somebody rings, at most so long. */
void wake_sleep(int64_t timeout_ns);

/* The same between two tries: from 0 on longer each time, up to a second. */
void wake_pause(int64_t *pause_ns);

/* CLOCK_MONOTONIC, in nanoseconds. */
int64_t wake_now(void);

#endif
