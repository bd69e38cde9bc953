/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - SIGINT and SIGTERM as something to wait for
 *
 * The handler writes the signal's number to a pipe; whoever may block waits for
 * that pipe too. So a verb ends between two events, detaches, and then main()
 * lets the signal do what it does. A second signal kills at once.
 */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* From here on; 0 or a negative errno. */
int interrupt_init(void);

bool interrupt_is_pending(void);

/*
 * Waits until `fd` has one of the poll events, at most timeout_ns (-1: for
 * ever). Returns the events it has, 0 after the time, -EINTR if we have been
 * interrupted, or another negative errno. An `fd` of -1 only waits.
 */
int interrupt_wait(int fd, short events, int64_t timeout_ns);

/* Dies of the signal that has interrupted us. */
void interrupt_die(void);

#endif
