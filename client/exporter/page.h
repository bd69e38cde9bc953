/* SPDX-License-Identifier: MIT */
/*
 * page.h - the page of all metrics, and whether the bus is well
 */
#ifndef EXPORTER_PAGE_H
#define EXPORTER_PAGE_H

#include <stdbool.h>

#include "client/exporter/source.h"

/* Into a file, in the format of Prometheus (classic) or OpenMetrics. 0 or a
 * negative errno. */
int page_write(struct source *source, int fd, bool is_classic);

/* 1, or 0 if something is CRITICAL; the file says what `ringbusctl check` would. Or
 * a negative errno. */
int page_health(struct source *source, int fd);

#endif
