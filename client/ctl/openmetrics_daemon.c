/* SPDX-License-Identifier: MIT */
/*
 * openmetrics_daemon.c - see openmetrics_daemon.h
 *
 * A daemon of another version may tell less or more: what it does not tell is left
 * out.
 */
#include "client/ctl/openmetrics_daemon.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As ringbus_status() calls it, and as it is exposed. */
struct told {
	const char *key;
	struct ringbus_metric metric;
};

#define METRIC(key, name, kind, unit, help)                                    \
	{                                                                      \
		key,                                                           \
		{                                                              \
			sizeof(struct ringbus_metric), "ringbus_daemon_" name, \
				unit, help, RINGBUS_##kind, 0                  \
		}                                                              \
	}

/* clang-format off */
static const struct told table[] = {
	METRIC("uptime_seconds", "uptime_seconds", GAUGE, "seconds",
	       "time since the daemon has started"),
	METRIC("clients", "clients", GAUGE, "", "connections that it has"),
	METRIC("clients_max", "clients_max", GAUGE, "",
	       "connections that it takes"),
	METRIC("members", "members", GAUGE, "",
	       "producers and consumers of all channels"),
	METRIC("channels", "channels", GAUGE, "", "channels that it has"),
	METRIC("channels_broken", "channels_broken", GAUGE, "",
	       "channels that nobody can use any more"),
	METRIC("channels_refused", "channels_refused", GAUGE, "",
	       "channels of an earlier daemon that it does not serve"),
	METRIC("reloads_total", "reloads_total", COUNTER, "",
	       "reloads of the configuration that were done"),
	METRIC("reload_failures_total", "reload_failures_total", COUNTER, "",
	       "reloads of the configuration that were refused"),
	METRIC("loop_rounds_total", "loop_rounds_total", COUNTER, "",
	       "times that it had something to do"),
	METRIC("loop_slow_rounds_total", "loop_slow_rounds_total", COUNTER, "",
	       "of those the ones that took more than 10 ms"),
	METRIC("loop_longest_ns", "loop_longest_seconds", GAUGE, "seconds",
	       "the longest that one of them took"),
	METRIC("warning", "warnings", GAUGE, "",
	       "warnings that ringbusctl status has"),
};
/* clang-format on */

#define N_TOLD (sizeof(table) / sizeof(table[0]))

static_assert(N_TOLD <= OPENMETRICS_DAEMON_MAX, "has room for all");

static bool
is_warnings(const struct told *told)
{
	return strcmp(told->key, "warning") == 0;
}

static bool
is_nanoseconds(const struct told *told)
{
	return strcmp(told->key + strlen(told->key) - 3, "_ns") == 0;
}

/* One line "key=value". Of warnings there are as many lines. */
static void
take(struct openmetrics_daemon *d, const char *line)
{
	for (unsigned i = 0; i < N_TOLD; i++) {
		size_t n = strlen(table[i].key);
		double value;

		if (strncmp(line, table[i].key, n) != 0 || line[n] != '=')
			continue;
		value = strtod(line + n + 1, NULL);
		if (is_warnings(&table[i]))
			value = d->values[i] + 1;
		else if (is_nanoseconds(&table[i]))
			value /= 1e9;
		d->values[i] = value;
		d->is_known[i] = true;
	}
}

int
openmetrics_daemon_read(struct ringbus *bus, struct openmetrics_daemon *ret)
{
	char line[RINGBUS_STATUS_SIZE];
	int r = 0;

	*ret = (struct openmetrics_daemon){ 0 };
	for (unsigned i = 0; r >= 0; i++) {
		r = ringbus_status(bus, i, line, sizeof(line));
		if (r >= 0)
			take(ret, line);
	}
	if (r != -ENOENT) {
		*ret = (struct openmetrics_daemon){ 0 };
		return r;
	}
	for (unsigned i = 0; i < N_TOLD; i++)
		ret->is_known[i] |= is_warnings(&table[i]);
	return 0;
}

void
openmetrics_daemon_write(struct openmetrics *om,
			 const struct openmetrics_daemon *daemon)
{
	for (unsigned i = 0; i < N_TOLD; i++) {
		if (!daemon->is_known[i])
			continue;
		openmetrics_family(om, &table[i].metric);
		openmetrics_sample(om, table[i].metric.name, daemon->values[i],
				   NULL);
	}
}

bool
openmetrics_daemon_metric(unsigned index, struct ringbus_metric *ret)
{
	if (index >= N_TOLD)
		return false;
	*ret = table[index].metric;
	return true;
}
