/* SPDX-License-Identifier: MIT */
/*
 * openmetrics.c - see openmetrics.h
 */
#include "client/ctl/openmetrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/words.h"

#define TOTAL "_total"
#define EXACT 9007199254740992.0 /* integers up to here are themselves */

static int
family_length(const struct openmetrics *om, const struct ringbus_metric *metric)
{
	int n = (int)strlen(metric->name), total = (int)strlen(TOTAL);

	if (om->is_classic || metric->kind != RINGBUS_COUNTER || n <= total ||
	    strcmp(metric->name + n - total, TOTAL) != 0)
		return n;
	return n - total;
}

static void
add_escaped(struct openmetrics *om, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			output_string(om->out, "\\n");
		else if (*text == '"' || *text == '\\')
			output_print(om->out, "\\%c", *text);
		else
			output_write(om->out, text, 1);
}

static void
write_family(struct openmetrics *om, const struct ringbus_metric *metric,
	     const char *type)
{
	const char *name = metric->name;
	int n = family_length(om, metric);

	output_print(om->out, "# HELP %.*s %s\n", n, name, metric->help);
	output_print(om->out, "# TYPE %.*s %s\n", n, name, type);
	if (!om->is_classic && metric->unit[0] != '\0')
		output_print(om->out, "# UNIT %.*s %s\n", n, name,
			     metric->unit);
}

void
openmetrics_family(struct openmetrics *om, const struct ringbus_metric *metric)
{
	write_family(om, metric,
		     metric->kind == RINGBUS_COUNTER ? "counter" : "gauge");
}

static void
begin_gauge(struct openmetrics *om, const char *name, const char *help)
{
	const struct ringbus_metric metric = {
		.name = name, .unit = "", .help = help, .kind = RINGBUS_GAUGE
	};

	openmetrics_family(om, &metric);
}

static void
add_labels(struct openmetrics *om, va_list args)
{
	const char *key, *before = "{";

	while ((key = va_arg(args, const char *)) != NULL) {
		output_print(om->out, "%s%s=\"", before, key);
		add_escaped(om, va_arg(args, const char *));
		output_string(om->out, "\"");
		before = ",";
	}
	if (before[0] == ',')
		output_string(om->out, "}");
}

void
openmetrics_sample(struct openmetrics *om, const char *name, double value, ...)
{
	va_list args;

	output_string(om->out, name);
	va_start(args, value);
	add_labels(om, args);
	va_end(args);
	if (value == (double)(int64_t)value && value < EXACT && value > -EXACT)
		output_print(om->out, " %" PRId64 "\n", (int64_t)value);
	else
		output_print(om->out, " %.17g\n", value);
}

void
openmetrics_gauge(struct openmetrics *om, const char *name, const char *help,
		  double value)
{
	begin_gauge(om, name, help);
	openmetrics_sample(om, name, value, NULL);
}

void
openmetrics_bus(struct openmetrics *om, bool is_up)
{
	openmetrics_gauge(om, "ringbus_up", "1 if the daemon has answered",
			  is_up);
	begin_gauge(om, "ringbus_build_info",
		    "the library that looks at the channels; always 1");
	openmetrics_sample(om, "ringbus_build_info", 1, "version",
			   ringbus_version(), NULL);
}

void
openmetrics_end(struct openmetrics *om)
{
	if (!om->is_classic)
		output_string(om->out, "# EOF\n");
}

bool
openmetrics_shows(const struct ringbus_channel *channel, int role,
		  unsigned index, struct ringbus_member *ret)
{
	struct ringbus_member first = { .size = sizeof(first) };

	ret->size = sizeof(*ret);
	if (ringbus_channel_member(channel, role, index, ret) != 1)
		return false;
	if (role == RINGBUS_PRODUCER)
		return true;
	return ret->worker_of < 0 &&
	       ringbus_channel_find(channel, role, ret->name, &first) == 1 &&
	       first.index == index;
}

static void
write_members(struct openmetrics *om, const struct openmetrics_channel *c,
	      unsigned number, const struct ringbus_metric *metric)
{
	int role = metric->scope == RINGBUS_OF_PRODUCER ? RINGBUS_PRODUCER
							: RINGBUS_CONSUMER;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct ringbus_member m;
		double value;
		char place[16];

		if (!openmetrics_shows(c->channel, role, i, &m) ||
		    ringbus_channel_metric(c->channel, number, i, &value) != 1)
			continue;
		snprintf(place, sizeof(place), "%u", i);
		if (role == RINGBUS_PRODUCER) /* whose names may be the same */
			openmetrics_sample(om, metric->name, value, "channel",
					   c->name, "producer", m.name, "place",
					   place, NULL);
		else
			openmetrics_sample(om, metric->name, value, "channel",
					   c->name, "consumer", m.name, NULL);
	}
}

static void
write_samples(struct openmetrics *om, const struct openmetrics_channel *c,
	      unsigned number, const struct ringbus_metric *metric)
{
	double value;

	if (metric->scope != RINGBUS_OF_CHANNEL)
		write_members(om, c, number, metric);
	else if (ringbus_channel_metric(c->channel, number, 0, &value) == 1)
		openmetrics_sample(om, metric->name, value, "channel", c->name,
				   NULL);
}

static void
write_info(struct openmetrics *om, const struct openmetrics_channel *c)
{
	struct ringbus_info info = { .size = sizeof(info) };

	if (ringbus_channel_info(c->channel, &info) < 0)
		return;
	openmetrics_sample(om, "ringbus_channel_info", 1, "channel", c->name,
			   "framing", words_framing(info.framing), "producers",
			   words_producers(info.producers), "isolation",
			   words_isolation(info.isolation), "wait",
			   words_wait(info.wait), "type", info.type, NULL);
}

/* --------------------------------------------------------------- latencies */

#define LATENCY "ringbus_event_latency_seconds"

const struct ringbus_metric openmetrics_latency = {
	.size = sizeof(openmetrics_latency),
	.name = LATENCY,
	.unit = "seconds",
	.help = "time of events from publish to commit; only with latency: "
		"true",
	.kind = RINGBUS_GAUGE,
	.scope = RINGBUS_OF_CONSUMER,
};

/* Whether a bucket of the page ends with this time: at each power of two from
 * 2^7 ns, 128 ns, to 2^20, about 1 ms, then at each second one to 2^34, 17 s. */
static bool
is_bound(int64_t ns)
{
	int exponent = __builtin_ctzll((uint64_t)ns + 1);

	if (exponent < 7 || exponent > 34 || ns != (INT64_C(1) << exponent) - 1)
		return false;
	return exponent <= 20 || exponent % 2 == 0;
}

static void
write_bucket(struct openmetrics *om, const char *channel, const char *consumer,
	     const char *le, uint64_t n)
{
	openmetrics_sample(om, LATENCY "_bucket", (double)n, "channel", channel,
			   "consumer", consumer, "le", le, NULL);
}

static void
write_histogram(struct openmetrics *om, const char *channel,
		const char *consumer, const struct ringbus_latency *l)
{
	uint64_t n = 0;
	char le[32];

	for (unsigned i = 0; i < RINGBUS_LATENCY_BUCKETS; i++) {
		int64_t bound = ringbus_latency_bound(i);

		n += l->counts[i];
		if (!is_bound(bound))
			continue;
		snprintf(le, sizeof(le), "%.12g", (double)bound / 1e9);
		write_bucket(om, channel, consumer, le, n);
	}
	write_bucket(om, channel, consumer, "+Inf", n);
	openmetrics_sample(om, LATENCY "_count", (double)n, "channel", channel,
			   "consumer", consumer, NULL);
	openmetrics_sample(om, LATENCY "_sum", (double)l->sum_ns / 1e9,
			   "channel", channel, "consumer", consumer, NULL);
}

static void
write_latencies(struct openmetrics *om, const struct openmetrics_channel *c)
{
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct ringbus_latency l = { .size = sizeof(l) };
		struct ringbus_member m;

		if (openmetrics_shows(c->channel, RINGBUS_CONSUMER, i, &m) &&
		    ringbus_channel_latency(c->channel, i, &l) == 1)
			write_histogram(om, c->name, m.name, &l);
	}
}

/* ------------------------------------------------------------ all channels */

void
openmetrics_channels(struct openmetrics *om,
		     const struct openmetrics_channel *channels, size_t n)
{
	struct ringbus_metric metric = { .size = sizeof(metric) };

	begin_gauge(om, "ringbus_channel_info",
		    "what the channel is; always 1");
	for (size_t k = 0; k < n; k++)
		write_info(om, &channels[k]);
	for (unsigned i = 0; ringbus_metric(i, &metric) == 1; i++) {
		openmetrics_family(om, &metric);
		for (size_t k = 0; k < n; k++)
			write_samples(om, &channels[k], i, &metric);
	}
	write_family(om, &openmetrics_latency, "histogram");
	for (size_t k = 0; k < n; k++)
		write_latencies(om, &channels[k]);
}
