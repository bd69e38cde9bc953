/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - `ringbusctl metrics`: every number there is, as Prometheus reads it
 *
 * Of one channel, or of all that may be looked at. What is told of the daemon and
 * not of a channel stands in front of them, in write_own().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/openmetrics.h"
#include "client/ctl/openmetrics_daemon.h"

struct args {
	bool is_classic;
	bool only_lists;
};

static const struct args defaults;

static const struct options_entry options[] = {
	{ 'c', "classic", NULL, &options_flag,
	  offsetof(struct args, is_classic),
	  "Prometheus' text format 0.0.4 instead of OpenMetrics" },
	{ 'l', "list", NULL, &options_flag, offsetof(struct args, only_lists),
	  "tell which metrics there are, and what they mean" },
	{ 0 },
};

/* Their taps are closed with the bus. */
struct found {
	struct openmetrics_channel *channels;
	size_t n;
};

static int
open_one(struct ctl *ctl, struct found *f, const char *name)
{
	struct openmetrics_channel *channels = reallocarray(
		f->channels, f->n + 1, sizeof(*channels));
	struct ringbus_tap *tap;
	int r;

	if (channels == NULL)
		return -ENOMEM;
	f->channels = channels;
	r = ringbus_tap_open(ctl->bus, name, NULL, &tap);
	if (r < 0)
		return r;
	memset(&channels[f->n], 0, sizeof(channels[f->n]));
	strncpy(channels[f->n].name, name, RINGBUS_NAME_SIZE - 1);
	channels[f->n++].channel = ringbus_tap_channel(tap);
	return 0;
}

static bool
is_gone(int r)
{
	return r == -ECONNRESET || r == -ETIMEDOUT || r == -ENOMEM;
}

/* Those that we may not look at, or that cannot be looked at, are left out. */
static int
open_all(struct ctl *ctl, struct found *f)
{
	char name[RINGBUS_NAME_SIZE];
	int r;

	for (unsigned i = 0;; i++) {
		r = ringbus_list(ctl->bus, i, name);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		r = open_one(ctl, f, name);
		if (is_gone(r))
			return r;
	}
}

/* The one that was named, or all. */
static int
open_asked(struct ctl *ctl, struct found *f)
{
	int r;

	f->n = 0;
	r = ctl->n_operands > 0 ? open_one(ctl, f, ctl->operands[0])
				: open_all(ctl, f);
	return ctl_look_alone(ctl, r) ? open_asked(ctl, f) : r;
}

static const char *
scope_word(int scope)
{
	return scope == RINGBUS_OF_CHANNEL    ? "channel"
	       : scope == RINGBUS_OF_PRODUCER ? "producer"
					      : "consumer";
}

static void
list_metric(const struct ctl *ctl, struct output *out, const char *of,
	    const char *kind, const struct ringbus_metric *m)
{
	struct json json;

	if (!ctl->common.json) {
		output_print(out, "%-42s %-8s %-9s %s\n", m->name, of, kind,
			     m->help);
		return;
	}
	json_begin(&json, out);
	json_string(&json, "name", m->name);
	json_string(&json, "of", of);
	json_string(&json, "kind", kind);
	json_string(&json, "unit", m->unit);
	json_string(&json, "help", m->help);
	json_end(&json);
}

static const char *
kind_word(const struct ringbus_metric *m)
{
	return m->kind == RINGBUS_COUNTER ? "counter" : "gauge";
}

static void
list_metrics(const struct ctl *ctl, struct output *out)
{
	struct ringbus_metric m = { .size = sizeof(m) };

	for (unsigned i = 0; openmetrics_daemon_metric(i, &m); i++)
		list_metric(ctl, out, "daemon", kind_word(&m), &m);
	for (unsigned i = 0; ringbus_metric(i, &m) == 1; i++)
		list_metric(ctl, out, scope_word(m.scope), kind_word(&m), &m);
	list_metric(ctl, out, scope_word(RINGBUS_OF_CONSUMER), "histogram",
		    &openmetrics_latency);
}

/* What is of no channel. */
static void
write_own(struct openmetrics *om, const struct ctl *ctl)
{
	struct openmetrics_daemon daemon;

	openmetrics_bus(om, !ctl->is_alone);
	if (!ctl->is_alone && openmetrics_daemon_read(ctl->bus, &daemon) == 0)
		openmetrics_daemon_write(om, &daemon);
}

static enum ctl_exit
run_metrics(struct ctl *ctl, void *args)
{
	const struct args *a = args;
	struct output out;
	struct openmetrics om = { &out, a->is_classic };
	struct found found = { 0 };
	enum ctl_exit code;
	int r;

	output_init(&out, STDOUT_FILENO);
	if (a->only_lists) {
		list_metrics(ctl, &out);
		return ctl_finish(ctl, &out);
	}
	if (ctl->common.json)
		return ctl_misused(ctl, "--json is for --list");
	code = ctl_connect_to_look(ctl);
	if (code != CTL_OK)
		return code;
	r = open_asked(ctl, &found);
	if (r == 0) {
		write_own(&om, ctl);
		openmetrics_channels(&om, found.channels, found.n);
		openmetrics_end(&om);
	}
	free(found.channels);
	return r < 0 ? ctl_refused(ctl, r) : ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_metrics = {
	.name = "metrics",
	.operands = "[CHANNEL]",
	.brief = "Print all metrics in the format of OpenMetrics",
	.help = "Of all channels that may be looked at, or of one. What they "
		"mean is in docs/metrics.md.\n",
	.max_operands = 1,
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct args),
	.run = run_metrics,
};
