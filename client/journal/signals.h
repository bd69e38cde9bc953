/* SPDX-License-Identifier: MIT */
/*
 * signals.h - SIGTERM and SIGHUP as something to ask for
 *
 * The handler leaves the signal in a pipe and ends the consumer's wait. All threads
 * but the main one have them blocked.
 */
#ifndef JOURNAL_SIGNALS_H
#define JOURNAL_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ringbus.h"

/* Before any thread is started: 0 or a negative errno. */
int signals_init(void);

/* Whose wait is to end; NULL: nobody's, and has to be before it is closed. */
void signals_halt(struct ringbus_consumer *consumer);

/* SIGTERM or SIGINT has come, now or earlier. */
bool signals_stop(void);

/* SIGHUP has come since the last time. */
bool signals_roll(void);

/* Waits for a signal, so long at most. */
void signals_nap(int64_t timeout_ns);

#endif
