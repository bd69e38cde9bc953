/* SPDX-License-Identifier: MIT */
/*
 * preview.h - what a start would make of what is there, for `ringbusd --check`
 */
#ifndef RB_DAEMON_PREVIEW_H
#define RB_DAEMON_PREVIEW_H

#include "config/config.h"

/* A line for each thing in the folder of the channels, if there is one. Changes
 * nothing. */
void rb_preview_print(const struct rb_config *config, const char *shm_dir);

#endif
