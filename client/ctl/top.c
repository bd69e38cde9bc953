/* SPDX-License-Identifier: MIT */
/*
 * top.c - who moves, who lags, who waits: on a terminal, as text, or as JSON
 *
 * What is shown is looked at in shared memory, so that a daemon that has died
 * changes nothing but that no new channels are found.
 */
#include "client/ctl/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"
#include "client/ctl/io.h"
#include "client/ctl/json.h"
#include "client/ctl/when.h"
#include "client/ctl/words.h"

#define LIST_NS (2 * CTL_SECOND_NS) /* between two looks for new channels */
#define TEXT_WIDTH 200
#define INTERVAL_MIN INT64_C(10000000)

struct top_args {
	int64_t interval_ns;
	uint64_t count; /* 0: no end */
	bool is_once;
	bool is_batch;
	int sort;
};

/* ----------------------------------------------------- what is looked at */

static const char *const sorts[] = {
	[TOP_BY_NAME] = "name",
	[TOP_BY_RATE] = "rate",
	[TOP_BY_LAG] = "lag",
	[TOP_BY_FILL] = "fill",
};

const char *
top_sort_name(int sort)
{
	return sorts[sort];
}

static int
parse_sort(const char *text, void *target)
{
	int sort = options_choose(text, sorts, TOP_SORTS);

	if (sort < 0)
		return sort;
	*(int *)target = sort;
	return 0;
}

static const struct options_type sort_type = { parse_sort,
					       "name, rate, lag or fill" };

static double
weigh(const struct sample *sample, int sort)
{
	if (sort == TOP_BY_RATE)
		return sample->rates.slots;
	return sort == TOP_BY_LAG ? (double)view_used(&sample->view)
				  : view_fill(&sample->view);
}

/* The largest first, names from A on; equal ones by name. */
static int
compare(const void *a, const void *b, void *top_)
{
	const struct sample *const *x = a, *const *y = b;
	const struct top *top = top_;
	double by = 0;
	int r;

	if (top->sort != TOP_BY_NAME)
		by = weigh(*y, top->sort) - weigh(*x, top->sort);
	r = by != 0 ? (by > 0 ? 1 : -1) : strcmp((*x)->name, (*y)->name);
	return top->is_reversed ? -r : r;
}

int
top_select(struct top *top)
{
	const struct sampler *sampler = &top->sampler;
	unsigned i;

	free(top->shown);
	top->n_shown = 0;
	top->shown = calloc(sampler->n_samples + 1, sizeof(*top->shown));
	if (top->shown == NULL)
		return -ENOMEM;
	for (i = 0; i < sampler->n_samples; i++)
		if (strstr(sampler->samples[i]->name, top->filter) != NULL)
			top->shown[top->n_shown++] = sampler->samples[i];
	qsort_r(top->shown, top->n_shown, sizeof(*top->shown), compare, top);
	return 0;
}

unsigned
top_find_chosen(const struct top *top)
{
	unsigned i;

	for (i = 0; i < top->n_shown; i++)
		if (strcmp(top->shown[i]->name, top->chosen) == 0)
			return i;
	return 0;
}

void
top_choose(struct top *top, unsigned place)
{
	if (place < top->n_shown)
		memcpy(top->chosen, top->shown[place]->name,
		       sizeof(top->chosen));
}

static int
list(struct top *top)
{
	return top->ctl->n_operands == 0
		       ? sampler_list(&top->sampler)
		       : sampler_renew(&top->sampler, top->ctl->operands[0]);
}

int
top_look(struct top *top)
{
	static int64_t listed_ns;
	int r = 0;

	if (listed_ns == 0 || ctl_now_ns() - listed_ns >= LIST_NS) {
		r = list(top);
		listed_ns = ctl_now_ns();
	}
	sampler_look(&top->sampler);
	return r == -ENOMEM ? r : 0;
}

/* -------------------------------------------------------------- as JSON */

static void
write_rates(struct json *json, const struct sample_rates *rates)
{
	const struct {
		const char *key;
		double rate;
	} all[] = {
		{ "slots_per_s", rates->slots },
		{ "woken_per_s", rates->woken },
		{ "wakes_per_s", rates->wakes },
		{ "sleeps_per_s", rates->sleeps },
		{ "missed_per_s", rates->missed },
		{ "lost_per_s", rates->lost },
		{ "errors_per_s", rates->errors },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		json_int(json, all[i].key, (int64_t)(all[i].rate + 0.5));
	json_int(json, "stalled_ns_per_s", (int64_t)(rates->stalled * 1e9));
}

static void
write_member(struct json *json, const struct ringbus_member *member,
	     const struct sample *sample, const struct sample_rates *rates)
{
	json_open(json, NULL, '{');
	json_string(json, "role", words_role(member->role));
	json_string(json, "name", member->name);
	json_int(json, "pid", member->pid);
	json_string(json, "state", words_state(member->state));
	if (member->role == RINGBUS_CONSUMER)
		json_int(json, "lag", member->lag);
	write_rates(json, rates);
	latencies_write(&sample->latencies, member, json);
	io_write(view_io(&sample->view, member), json);
	json_close(json, '}');
}

static void
write_sample(const struct sample *sample, struct output *out)
{
	char time[WHEN_TEXT];
	struct json json;
	unsigned i;

	json_begin(&json, out);
	json_string(&json, "time", when_format(when_now_ns(), time));
	json_string(&json, "channel", sample->name);
	if (sample->n_looks == 0) {
		json_string(&json, "error", ringbus_strerror(sample->error));
		json_end(&json);
		return;
	}
	json_int(&json, "cursor", sample->view.info.cursor);
	json_int(&json, "lag", view_used(&sample->view));
	json_uint(&json, "capacity",
		  sample->view.info.slots - sample->view.info.history);
	write_rates(&json, &sample->rates);
	latencies_write(&sample->latencies, NULL, &json);
	json_open(&json, "members", '[');
	for (i = 0; i < sample->view.n_members; i++)
		write_member(&json, &sample->view.members[i], sample,
			     &sample->members[i]);
	json_close(&json, ']');
	json_end(&json);
}

/* -------------------------------------------------------------- as text */

static int
print_text(const struct top *top, bool is_first, struct output *out)
{
	struct page page;
	int i, r = page_init(&page, TEXT_WIDTH, top_count_lines(top));
	size_t n;

	if (r < 0)
		return r;
	top_draw_all(top, &page);
	if (!is_first)
		output_string(out, "\n");
	for (i = 0; i < page.n_lines; i++) {
		n = strlen(page.lines[i].text);
		while (n > 0 && page.lines[i].text[n - 1] == ' ')
			n--;
		output_write(out, page.lines[i].text, n);
		output_string(out, "\n");
	}
	page_deinit(&page);
	return 0;
}

static int
print_all(struct top *top, bool is_first, struct output *out)
{
	unsigned i;
	int r = top_select(top);

	if (r == 0 && !top->ctl->common.json)
		r = print_text(top, is_first, out);
	for (i = 0; r == 0 && top->ctl->common.json && i < top->n_shown; i++)
		write_sample(top->shown[i], out);
	return r < 0 ? r : output_flush(out);
}

/* Rates take two looks; the first is behind us. */
static int
run_batch(struct top *top, uint64_t count)
{
	struct output out;
	uint64_t i;
	int r = 0;

	output_init(&out, STDOUT_FILENO);
	for (i = 0; r == 0 && (count == 0 || i < count); i++) {
		r = interrupt_wait(-1, 0, top->interval_ns);
		if (r == 0)
			r = top_look(top);
		if (r == 0)
			r = print_all(top, i == 0, &out);
	}
	return r;
}

/* ----------------------------------------------------------------- verb */

static int
run_any(struct top *top, const struct top_args *args)
{
	bool is_batch = args->is_batch || args->is_once || args->count > 0 ||
			top->ctl->common.json || !isatty(STDOUT_FILENO) ||
			!isatty(STDIN_FILENO);
	int r = list(top);

	if (r < 0)
		return r;
	sampler_look(&top->sampler);
	if (!is_batch)
		return top_run_screen(top);
	return run_batch(top, args->is_once ? 1 : args->count);
}

static enum ctl_exit
run_top(struct ctl *ctl, void *args_)
{
	const struct top_args *args = args_;
	enum ctl_exit code = ctl_connect_to_look(ctl);
	struct top top = {
		.ctl = ctl,
		.interval_ns = args->interval_ns,
		.sort = args->sort,
	};
	int r;

	if (code != CTL_OK)
		return code;
	if (args->interval_ns < INTERVAL_MIN)
		return ctl_misused(ctl, "--interval: 10ms at least");
	sampler_init(&top.sampler, ctl, args->interval_ns);
	r = run_any(&top, args);
	sampler_deinit(&top.sampler);
	free(top.shown);
	if (r == -EINTR)
		return CTL_INTERRUPTED;
	if (r == -EPIPE)
		return CTL_OK;
	if (r == -ENOTSUP) {
		ctl_say(ctl, "cannot draw on this terminal: use --batch");
		return CTL_FAILED;
	}
	return r < 0 ? ctl_refused(ctl, r) : CTL_OK;
}

#define AT(name_) offsetof(struct top_args, name_)

static const struct options_entry top_options[] = {
	{ 'i', "interval", "TIME", &options_duration, AT(interval_ns),
	  "look so often (1s)" },
	{ 'c', "count", "N", &options_count, AT(count),
	  "print N times as text, then end" },
	{ '1', "once", NULL, &options_flag, AT(is_once), "the same as -c 1" },
	{ 'b', "batch", NULL, &options_flag, AT(is_batch),
	  "print as text, also on a terminal" },
	{ 'o', "sort", "KEY", &sort_type, AT(sort),
	  "by name, rate, lag or fill (name)" },
	{ 0 },
};

static const struct top_args top_defaults = { .interval_ns = CTL_SECOND_NS };

const struct ctl_verb ctl_top = {
	.name = "top",
	.operands = "[CHANNEL]",
	.brief = "Watch channels and their members: rates, lags, waits",
	.help = "STALL is the part of the time that producers, or a member, "
		"waited; LAG and FILL are those\nof the slowest consumer that "
		"gates. Rates are averaged over two intervals or so. P50\nand "
		"P99 are how long events of the last interval took from "
		"publish to commit, on a channel\nwith `latency: true`.\n",
	.max_operands = 1,
	.options = top_options,
	.defaults = &top_defaults,
	.args_size = sizeof(top_defaults),
	.run = run_top,
};
