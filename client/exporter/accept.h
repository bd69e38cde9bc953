/* SPDX-License-Identifier: MIT */
/*
 * accept.h - which of the two formats somebody who scrapes would rather have
 */
#ifndef EXPORTER_ACCEPT_H
#define EXPORTER_ACCEPT_H

#include <stdbool.h>

/* The value of an Accept header, or NULL: text 0.0.4 is for all who do not ask
 * for OpenMetrics 1.0 at least as much. */
bool accept_prefers_open_metrics(const char *accepted);

#endif
