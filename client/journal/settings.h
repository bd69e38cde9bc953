/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what the journal of a channel is told: the block `journal:`
 *
 * Read once at the start, from the daemon, with what the command line says instead.
 */
#ifndef JOURNAL_SETTINGS_H
#define JOURNAL_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/setting.h"
#include "client/ringbus.h"

#define JOURNAL_ALWAYS 0
#define JOURNAL_INTERVAL 1
#define JOURNAL_NONE 2

#define JOURNAL_STALL 0
#define JOURNAL_DROP 1

#define JOURNAL_AUTO 0
#define JOURNAL_URING 1
#define JOURNAL_SYNC 2

/* By the names of their keys; bytes and nanoseconds. */
struct settings {
	char dir[PATH_MAX];
	char consumer[RINGBUS_NAME_SIZE];
	int sync; /* JOURNAL_... */
	int64_t sync_interval;
	int64_t segment_size;
	int64_t retain_size; /* 0: no limit */
	int64_t retain_for;  /* 0: no limit */
	int on_full;         /* JOURNAL_... */
	bool direct;
	int io; /* JOURNAL_... */
};

/* 0, or a negative errno after a message. */
int settings_read(struct settings *ret, struct setting_source *source);

#endif
