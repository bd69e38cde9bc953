/* SPDX-License-Identifier: MIT */
/*
 * textfile.h - the page as a file, for node_exporter's textfile collector
 */
#ifndef EXPORTER_TEXTFILE_H
#define EXPORTER_TEXTFILE_H

#include <stdint.h>

#include "client/exporter/source.h"

/*
 * Writes it in one piece: beside it, then in its place. Once, or with an interval
 * above 0 again and again until SIGINT or SIGTERM. 0, or -1 after a message on
 * stderr.
 */
int textfile_write(struct source *source, const char *path,
		   int64_t interval_ns);

#endif
