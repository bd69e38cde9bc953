/* SPDX-License-Identifier: MIT */
/*
 * hist.c - `ringbusctl hist`: how long events took from publish to commit
 *
 * Of each consumer that measures it: percentiles, and a bar for each power of two.
 * Or in the text of HdrHistogram, which has plotters.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/latency.h"

#define BAR_MAX 40
#define EIGHT 8 /* buckets of a power of two */

struct args {
	bool is_hdr;
};

static const struct args defaults;

static const struct options_entry options[] = {
	{ 0, "hdr", NULL, &options_flag, offsetof(struct args, is_hdr),
	  "the percentiles in the text format of HdrHistogram, in "
	  "microseconds" },
	{ 0 },
};

struct hist {
	const char *channel;
	struct ringbus_member member;
	struct ringbus_latency latency;
};

static const struct {
	const char *name;
	double q;
} percentiles[] = {
	{ "p50", 0.5 },     { "p90", 0.9 },       { "p99", 0.99 },
	{ "p99.9", 0.999 }, { "p99.99", 0.9999 }, { "max", 1 },
};

#define N_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))
#define KEY_TEXT 32

static uint64_t
count_power(const struct ringbus_latency *l, unsigned power)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < EIGHT; i++)
		n += l->counts[power * EIGHT + i];
	return n;
}

static void
print_bars(struct output *out, const struct ringbus_latency *l)
{
	unsigned n = RINGBUS_LATENCY_BUCKETS / EIGHT, first = n, last = 0;
	uint64_t most = 0;
	char text[LATENCY_TEXT];

	for (unsigned p = 0; p < n; p++) {
		uint64_t here = count_power(l, p);

		if (here > most)
			most = here;
		if (here > 0 && first == n)
			first = p;
		if (here > 0)
			last = p;
	}
	for (unsigned p = first; p <= last && p < n; p++) {
		uint64_t here = count_power(l, p);
		int bar = (int)((double)here / (double)most * BAR_MAX + 0.5);

		output_print(out, "  up to %6s %12" PRIu64 " %.*s\n",
			     latency_format(ringbus_latency_bound(p * EIGHT +
								  EIGHT - 1),
					    text),
			     here, bar,
			     "########################################");
	}
}

static double
mean_ns(const struct ringbus_latency *l)
{
	return l->count > 0 ? (double)l->sum_ns / (double)l->count : 0;
}

static void
print_table(struct output *out, const struct hist *h)
{
	const struct ringbus_latency *l = &h->latency;
	char text[LATENCY_TEXT];

	output_print(out, "%s: %" PRIu64 " events", h->member.name, l->count);
	if (l->count == 0) {
		output_string(out, "\n");
		return;
	}
	output_print(out, ", mean %s",
		     latency_format((int64_t)mean_ns(l), text));
	for (size_t i = 0; i < N_PERCENTILES; i++)
		output_print(out, ", %s %s", percentiles[i].name,
			     latency_format(ringbus_latency_quantile(
						    l, percentiles[i].q),
					    text));
	output_string(out, "\n");
	print_bars(out, l);
}

static void
write_json(struct output *out, const struct hist *h)
{
	const struct ringbus_latency *l = &h->latency;
	struct json json;

	json_begin(&json, out);
	json_string(&json, "channel", h->channel);
	json_string(&json, "consumer", h->member.name);
	json_uint(&json, "count", l->count);
	json_uint(&json, "sum_ns", l->sum_ns);
	for (size_t i = 0; l->count > 0 && i < N_PERCENTILES; i++) {
		char key[KEY_TEXT];

		snprintf(key, sizeof(key), "%s_ns", percentiles[i].name);
		for (char *dot = key; (dot = strchr(dot, '.')) != NULL;)
			*dot = '_';
		json_int(&json, key,
			 ringbus_latency_quantile(l, percentiles[i].q));
	}
	json_open(&json, "buckets", '[');
	for (unsigned i = 0; i < RINGBUS_LATENCY_BUCKETS; i++) {
		if (l->counts[i] == 0)
			continue;
		json_open(&json, NULL, '[');
		json_int(&json, NULL, ringbus_latency_bound(i));
		json_uint(&json, NULL, l->counts[i]);
		json_close(&json, ']');
	}
	json_close(&json, ']');
	json_end(&json);
}

/* A line for each bucket that is not empty, as its own printer does it. */
static void
print_hdr(struct output *out, const struct hist *h)
{
	const struct ringbus_latency *l = &h->latency;
	uint64_t seen = 0;

	output_print(out, "# %s %s, in microseconds\n", h->channel,
		     h->member.name);
	output_print(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile",
		     "TotalCount", "1/(1-Percentile)");
	for (unsigned i = 0; i < RINGBUS_LATENCY_BUCKETS; i++) {
		double q;

		if (l->counts[i] == 0)
			continue;
		seen += l->counts[i];
		q = (double)seen / (double)l->count;
		output_print(out, "%12.3f %2.12f %10" PRIu64,
			     (double)ringbus_latency_bound(i) / 1e3, q, seen);
		if (seen < l->count)
			output_print(out, " %14.2f", 1 / (1 - q));
		output_string(out, "\n");
	}
	output_print(out,
		     "#[Mean    = %12.3f, Total count    = %12" PRIu64 "]\n",
		     mean_ns(l) / 1e3, l->count);
}

/* How many consumers were told of, or an errno. */
static int
tell(struct ctl *ctl, const struct args *args, struct output *out,
     const struct ringbus_channel *channel)
{
	const char *wanted = ctl->n_operands > 1 ? ctl->operands[1] : NULL;
	int n = 0;

	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		struct hist h = { .channel = ctl->operands[0],
				  .member = { .size = sizeof(h.member) },
				  .latency = { .size = sizeof(h.latency) } };
		int r = ringbus_channel_member(channel, RINGBUS_CONSUMER, i,
					       &h.member);

		if (r < 0)
			return r;
		if (r == 0 || h.member.worker_of >= 0 ||
		    (wanted != NULL && strcmp(wanted, h.member.name) != 0) ||
		    ringbus_channel_latency(channel, i, &h.latency) != 1)
			continue;
		n++;
		if (ctl->common.json)
			write_json(out, &h);
		else if (args->is_hdr)
			print_hdr(out, &h);
		else
			print_table(out, &h);
	}
	return n;
}

static enum ctl_exit
run_hist(struct ctl *ctl, void *args)
{
	const struct ringbus_channel *channel;
	enum ctl_exit code = ctl_look_at(ctl, &channel);
	struct ringbus_info info = { .size = sizeof(info) };
	struct output out;
	int r;

	if (code != CTL_OK)
		return code;
	output_init(&out, STDOUT_FILENO);
	r = ringbus_channel_info(channel, &info);
	if (r == 0)
		r = tell(ctl, args, &out, channel);
	if (r < 0)
		return ctl_failed(ctl, r);
	if (r == 0 && !info.latency) {
		ctl_say(ctl, "the channel does not measure latencies: declare "
			     "it with `latency: true`");
		return CTL_FAILED;
	}
	if (r == 0 && ctl->n_operands > 1) {
		ctl_say(ctl, "no consumer %s is there", ctl->operands[1]);
		return CTL_ABSENT;
	}
	return ctl_finish(ctl, &out);
}

const struct ctl_verb ctl_hist = {
	.name = "hist",
	.operands = "CHANNEL [CONSUMER]",
	.brief = "Tell how long events take from publish to commit",
	.help = "Of a channel with `latency: true`: percentiles of each "
		"consumer since it came, and a bar\nfor each power of "
		"two.\n",
	.min_operands = 1,
	.max_operands = 2,
	.options = options,
	.defaults = &defaults,
	.args_size = sizeof(struct args),
	.run = run_hist,
};
