/* SPDX-License-Identifier: MIT */
/*
 * stat.c - how fast channels move: a line an interval and channel
 *
 * Like vmstat(8), for scripts, logs and eyes: what happened in the interval that has
 * just ended. Columns have their widths from the start, since what has been printed
 * cannot be moved; on a terminal the header comes again with each screen.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/json.h"
#include "client/ctl/sample.h"
#include "client/ctl/when.h"

struct stat_args {
	int64_t interval_ns;
	uint64_t count; /* 0: for ever */
};

struct stat {
	struct ctl *ctl;
	const struct stat_args *args;
	struct sampler sampler;
	struct output out;
	unsigned n_lines; /* since the last header */
	int name_width;
};

static double
producers_sleeps(const struct sample *sample)
{
	double sum = 0;

	for (unsigned i = 0; i < sample->view.n_members; i++)
		if (sample->view.members[i].role == RINGBUS_PRODUCER)
			sum += sample->members[i].sleeps;
	return sum;
}

/* -------------------------------------------------------------------- text */

static unsigned
screen_height(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 3)
		return 0;
	return size.ws_row - 1U;
}

static void
print_header(struct stat *stat)
{
	unsigned height = screen_height();

	if (stat->n_lines > 0 && (height == 0 || stat->n_lines < height))
		return;
	output_print(&stat->out,
		     "%-*s  %11s  %13s  %5s  %10s  %9s  %9s  %9s  %9s"
		     "  %6s  %6s\n",
		     stat->name_width, "CHANNEL", "SLOTS/S", "BYTES/S", "FILL%",
		     "LAG", "BLOCKED/S", "WAKES/S", "MISSED/S", "LOST/S", "P50",
		     "P99");
	stat->n_lines = 1;
}

static void
print_sample(struct stat *stat, const struct sample *sample)
{
	const struct sample_rates *rates = &sample->rates;
	const struct ringbus_info *info = &sample->view.info;
	char p50[LATENCY_TEXT], p99[LATENCY_TEXT];

	print_header(stat);
	stat->n_lines++;
	output_print(&stat->out,
		     "%-*s  %11.0f  %13.0f  %5.1f  %10" PRId64
		     "  %9.1f  %9.1f  %9.1f  %9.0f"
		     "  %6s  %6s\n",
		     stat->name_width, sample->name, rates->slots,
		     rates->slots * (double)info->slot_size,
		     100 * view_fill(&sample->view), view_used(&sample->view),
		     producers_sleeps(sample), rates->wakes, rates->missed,
		     rates->lost,
		     latency_format(latencies_quantile(&sample->latencies, NULL,
						       0.5),
				    p50),
		     latency_format(latencies_quantile(&sample->latencies, NULL,
						       0.99),
				    p99));
}

/* -------------------------------------------------------------------- JSON */

/* Rates are whole numbers, as all numbers of this program are. */
static void
write_sample(struct stat *stat, const struct sample *sample)
{
	const struct sample_rates *rates = &sample->rates;
	const struct ringbus_info *info = &sample->view.info;
	char time[WHEN_TEXT];
	struct json json;

	json_begin(&json, &stat->out);
	json_string(&json, "time", when_format(when_now_ns(), time));
	json_string(&json, "channel", sample->name);
	json_int(&json, "slots_per_s", (int64_t)rates->slots);
	json_int(&json, "bytes_per_s",
		 (int64_t)(rates->slots * (double)info->slot_size));
	json_int(&json, "fill_permille",
		 (int64_t)(1000 * view_fill(&sample->view)));
	json_int(&json, "cursor", info->cursor);
	json_int(&json, "lag", view_used(&sample->view));
	json_int(&json, "blocked_per_s", (int64_t)producers_sleeps(sample));
	json_int(&json, "wakes_per_s", (int64_t)rates->wakes);
	json_int(&json, "missed_per_s", (int64_t)rates->missed);
	json_int(&json, "lost_per_s", (int64_t)rates->lost);
	latencies_write(&sample->latencies, NULL, &json);
	json_end(&json);
}

/* ----------------------------------------------------------------- looking */

/* The one that was named, or all. */
static int
add_channels(struct stat *stat)
{
	int r;

	if (stat->ctl->n_operands > 0)
		r = sampler_add(&stat->sampler, stat->ctl->operands[0]);
	else
		r = sampler_add_all(&stat->sampler);
	if (ctl_look_alone(stat->ctl, r))
		return add_channels(stat);
	return r;
}

static void
find_width(struct stat *stat)
{
	stat->name_width = (int)strlen("CHANNEL");
	for (unsigned i = 0; i < stat->sampler.n_samples; i++) {
		int n = (int)strlen(stat->sampler.samples[i]->name);

		if (n > stat->name_width)
			stat->name_width = n;
	}
}

static int
print_all(struct stat *stat)
{
	sampler_look(&stat->sampler);
	for (unsigned i = 0; i < stat->sampler.n_samples; i++) {
		const struct sample *sample = stat->sampler.samples[i];

		if (sample->tap == NULL || sample->n_looks < 2)
			continue;
		if (stat->ctl->common.json)
			write_sample(stat, sample);
		else
			print_sample(stat, sample);
	}
	return output_flush(&stat->out);
}

/* 0 after --count, or why it stopped. Intervals do not drift. */
static int
go_on(struct stat *stat)
{
	int64_t next = ctl_now_ns();
	int r = 0;

	sampler_look(&stat->sampler);
	for (uint64_t i = 0;
	     r == 0 && (stat->args->count == 0 || i < stat->args->count); i++) {
		int64_t left;

		next += stat->args->interval_ns;
		left = next - ctl_now_ns();
		r = interrupt_wait(-1, 0, left > 0 ? left : 0);
		if (r == 0)
			r = print_all(stat);
	}
	return r;
}

static enum ctl_exit
run_stat(struct ctl *ctl, void *args_)
{
	struct stat stat = { .ctl = ctl, .args = args_ };
	enum ctl_exit code;
	int r;

	if (stat.args->interval_ns <= 0)
		return ctl_misused(ctl, "--interval is longer than 0");
	code = ctl_connect_to_look(ctl);
	if (code != CTL_OK)
		return code;
	output_init(&stat.out, STDOUT_FILENO);
	sampler_init(&stat.sampler, ctl, 0);
	r = add_channels(&stat);
	if (r < 0) {
		code = ctl_refused(ctl, r);
	} else {
		find_width(&stat);
		r = go_on(&stat);
		code = r == -EINTR ? CTL_INTERRUPTED
				   : ctl_finish(ctl, &stat.out);
	}
	sampler_deinit(&stat.sampler);
	return code;
}

#define AT(name_) offsetof(struct stat_args, name_)

static const struct options_entry stat_options[] = {
	{ 'i', "interval", "TIME", &options_duration, AT(interval_ns),
	  "a line for each channel after so long (1s)" },
	{ 'c', "count", "N", &options_count, AT(count),
	  "stop after N intervals" },
	{ 0 },
};

static const struct stat_args stat_defaults = { .interval_ns = CTL_SECOND_NS };

const struct ctl_verb ctl_stat = {
	.name = "stat",
	.operands = "[CHANNEL]",
	.brief = "Print how fast channels move, a line an interval",
	.help = "BLOCKED/S is how often producers slept as the ring was full, "
		"WAKES/S how often members\nwoke others, MISSED/S how often "
		"nobody woke a sleeper, LOST/S slots overwritten unread or\n"
		"dropped, P50 and P99 how long events took from publish to "
		"commit, on a channel with\n`latency: true`.\n",
	.max_operands = 1,
	.options = stat_options,
	.defaults = &stat_defaults,
	.args_size = sizeof(stat_defaults),
	.run = run_stat,
};
