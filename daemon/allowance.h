/* SPDX-License-Identifier: MIT */
/*
 * allowance.h - so many at once, and so many a second after that
 *
 * A bucket that refills, kept as the time at which it will be full again: each
 * one taken moves that by what one costs.
 */
#ifndef RB_DAEMON_ALLOWANCE_H
#define RB_DAEMON_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#define RB_ALLOWANCE_BURST 20
#define RB_ALLOWANCE_RATE 10 /* a second */

struct rb_allowance {
	int64_t full_at_ns; /* 0: full */
};

/* Whether there is one more; takes it. */
bool rb_allowance_take(struct rb_allowance *allowance, int64_t now_ns);

/* Takes one in any case: the next ones have to wait for it. */
void rb_allowance_overdraw(struct rb_allowance *allowance, int64_t now_ns);

/* Whether all is there that there ever is. */
bool rb_allowance_is_full(const struct rb_allowance *allowance, int64_t now_ns);

#endif
