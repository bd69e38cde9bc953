/* SPDX-License-Identifier: MIT */
/*
 * summary.h - what a configuration comes to, for `ringbusd --check`
 */
#ifndef RB_DAEMON_SUMMARY_H
#define RB_DAEMON_SUMMARY_H

#include "config/config.h"

/* One line a channel, and the sum of their shared memory, to stdout. */
void rb_summary_print(const struct rb_config *config);

#endif
