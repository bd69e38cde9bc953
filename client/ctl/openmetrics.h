/* SPDX-License-Identifier: MIT */
/*
 * openmetrics.h - metrics in the text that Prometheus reads
 *
 * Two formats of one content: Prometheus' text 0.0.4, and OpenMetrics 1.0, which
 * knows units, calls a counter without the _total of its samples, and has an end.
 * All samples of a family stand in a row, behind its openmetrics_family().
 */
#ifndef CTL_OPENMETRICS_H
#define CTL_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/ctl/output.h"
#include "client/ringbus.h"

struct openmetrics {
	struct output *out;
	bool is_classic; /* text 0.0.4 */
};

/* A channel whose metrics are told, and by which name. */
struct openmetrics_channel {
	char name[RINGBUS_NAME_SIZE];
	const struct ringbus_channel *channel;
};

/* The one histogram, ringbus_event_latency_seconds: its name, unit and help. */
extern const struct ringbus_metric openmetrics_latency;

/* Everything that ringbus_metric() knows, of all these channels, and the latencies
 * of those that measure them. */
void openmetrics_channels(struct openmetrics *om,
			  const struct openmetrics_channel *channels, size_t n);

/* `metric` needs name, unit, help and kind. */
void openmetrics_family(struct openmetrics *om,
			const struct ringbus_metric *metric);

/* A gauge of which there is one, without labels. */
void openmetrics_gauge(struct openmetrics *om, const char *name,
		       const char *help, double value);

/* ringbus_up, and ringbus_build_info. */
void openmetrics_bus(struct openmetrics *om, bool is_up);

/* NAME{KEY="VALUE",...} NUMBER. Keys and values by turns, up to NULL. */
void openmetrics_sample(struct openmetrics *om, const char *name, double value,
			...) __attribute__((sentinel));

void openmetrics_end(struct openmetrics *om);

/*
 * The name of the member at `index` if it has samples of its own, else false: a
 * worker is told with its group, and of two consumers of one name, one of them
 * evicted, the first.
 */
bool openmetrics_shows(const struct ringbus_channel *channel, int role,
		       unsigned index, struct ringbus_member *ret);

#endif
