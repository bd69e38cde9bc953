/* SPDX-License-Identifier: MIT */
/*
 * openmetrics_daemon.h - the numbers that the daemon tells of itself, as metrics
 */
#ifndef CTL_OPENMETRICS_DAEMON_H
#define CTL_OPENMETRICS_DAEMON_H

#include "client/ctl/openmetrics.h"

#define OPENMETRICS_DAEMON_MAX 16

/* Zeroed: nothing is known, and nothing is written. */
struct openmetrics_daemon {
	double values[OPENMETRICS_DAEMON_MAX];
	bool is_known[OPENMETRICS_DAEMON_MAX];
};

/* Asks the daemon. 0 or a negative errno; then nothing is known. */
int openmetrics_daemon_read(struct ringbus *bus,
			    struct openmetrics_daemon *ret);

void openmetrics_daemon_write(struct openmetrics *om,
			      const struct openmetrics_daemon *daemon);

/* The metric at `index`, counted from 0: false behind the last. */
bool openmetrics_daemon_metric(unsigned index, struct ringbus_metric *ret);

#endif
