/* SPDX-License-Identifier: MIT */
/*
 * source.h - where the numbers come from: the channels of a daemon, or what it
 * has left
 *
 * A tap on each channel, kept from one scrape to the next, so that a daemon which
 * has died takes no number with it, also from an exporter that may not read the
 * daemon's files. One that never saw the daemon looks into its folder, if it may.
 * Each refresh asks whether a daemon is there, and which channels it has.
 */
#ifndef EXPORTER_SOURCE_H
#define EXPORTER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/health.h"
#include "client/ctl/openmetrics_daemon.h"
#include "client/ringbus.h"

struct source_channel {
	char name[RINGBUS_NAME_SIZE];
	struct ringbus_tap *tap;
	bool is_listed;
	struct health_hole hole; /* as of the last look at its health */
};

struct source {
	/* Set before the first refresh; may be NULL. */
	const char *socket;
	const char *shm_dir; /* look there, and ask nobody */
	/* As of the last refresh. */
	bool is_up;                       /* the daemon has answered */
	struct openmetrics_daemon status; /* what it said then */
	char why_not[512];
	struct source_channel *channels;
	unsigned n_channels;
	unsigned n_hidden; /* are there, and cannot be opened */
	/* Its own. */
	struct ringbus *bus;
	bool is_folder;
	int64_t daemon; /* the pid of that we have the channels of */
	unsigned size;
	int64_t next_ns; /* no sooner than this */
};

/* Never waits longer than a second for a daemon. */
void source_refresh(struct source *source);

void source_close(struct source *source);

/* CLOCK_MONOTONIC. */
int64_t source_now_ns(void);

#endif
