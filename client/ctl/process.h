/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the process of a member is doing
 */
#ifndef CTL_PROCESS_H
#define CTL_PROCESS_H

#include <stdint.h>

/* "running", "sleeping", "stopped", "traced", "zombie", or "gone". Pids are those that
 * the daemon sees. */
const char *process_state(int64_t pid);

#endif
