/* SPDX-License-Identifier: MIT */
/*
 * check.c - is all well? For monitoring systems: a line, and a code
 *
 * After the guidelines for monitoring plug-ins: 0 OK, 1 WARNING, 2 CRITICAL,
 * 3 UNKNOWN; what is wrong in a line, the worst first, and behind a bar the figures.
 * Some states are wrong whatever the limits are. What has to last to be wrong, a hole
 * or a consumer that stands still, is looked at for as long.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/ctl/ctl.h"
#include "client/ctl/health.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/sample.h"
#include "client/ctl/verdict.h"

struct limits {
	uint64_t lag_warn;
	uint64_t lag_crit;
	uint64_t fill_warn;
	uint64_t fill_crit;
	int64_t stall_warn_ns;
	int64_t stall_crit_ns;
};

struct check {
	struct ctl *ctl;
	const struct limits *limits;
	struct sampler sampler;
	struct verdicts found;
};

static enum verdict
judge(uint64_t value, uint64_t warn, uint64_t crit)
{
	if (crit > 0 && value >= crit)
		return VERDICT_CRITICAL;
	return warn > 0 && value >= warn ? VERDICT_WARNING : VERDICT_OK;
}

/* ----------------------------------------------------------------- members */

static void
check_lag(struct check *check, const char *channel,
	  const struct ringbus_member *m)
{
	enum verdict verdict = judge((uint64_t)m->lag, check->limits->lag_warn,
				     check->limits->lag_crit);
	char text[CTL_LAGGARD_TEXT];

	if (verdict != VERDICT_OK)
		verdicts_complain(&check->found, verdict, "%s: %s", channel,
				  ctl_describe_laggard(m, text));
}

/* Of one that gates: whatever moves it, it has not moved since. */
static void
check_stall(struct check *check, const struct sample *sample,
	    const struct ringbus_member *m, int64_t still_ns)
{
	enum verdict verdict = judge((uint64_t)still_ns,
				     (uint64_t)check->limits->stall_warn_ns,
				     (uint64_t)check->limits->stall_crit_ns);

	if (verdict != VERDICT_OK)
		verdicts_complain(&check->found, verdict,
				  "%s: consumer %s (pid %" PRId64
				  ") stands still at "
				  "%" PRId64 ", %" PRId64 " behind",
				  sample->name, m->name, m->pid, m->sequence,
				  m->lag);
}

/* ---------------------------------------------------------------- channels */

static void
check_fill(struct check *check, const struct ringbus_info *info, uint64_t lag)
{
	uint64_t capacity = info->slots - info->history;
	uint64_t percent = lag >= capacity ? 100 : 100 * lag / capacity;
	const struct limits *l = check->limits;
	enum verdict verdict = judge(percent, l->fill_warn, l->fill_crit);

	if (verdict != VERDICT_OK)
		verdicts_complain(&check->found, verdict,
				  "%s: is %" PRIu64 "%% full", info->name,
				  percent);
	verdicts_note(&check->found,
		      "'%s_fill'=%" PRIu64 "%%;%.0" PRIu64 ";%.0" PRIu64
		      ";0;100",
		      info->name, percent, l->fill_warn, l->fill_crit);
}

static void
check_figures(struct check *check, const struct view *view)
{
	const struct ringbus_info *info = &view->info;
	const struct limits *l = check->limits;
	uint64_t lag = (uint64_t)view_used(view);

	verdicts_note(&check->found,
		      "'%s_lag'=%" PRIu64 ";%.0" PRIu64 ";%.0" PRIu64
		      ";0;%" PRIu64,
		      info->name, lag, l->lag_warn, l->lag_crit, info->slots);
	check_fill(check, info, lag);
}

/* ----------------------------------------------------------------- looking */

/* Of one channel what was seen first, and since when each consumer stands. */
struct watch {
	struct health_hole hole;
	int64_t sequences[RINGBUS_MEMBERS_MAX];
	int64_t since_ns[RINGBUS_MEMBERS_MAX];
};

static void
begin_watch(struct verdicts *found, const struct sample *sample,
	    struct watch *watch)
{
	watch->hole = (struct health_hole){ 0 };
	health_judge_hole(found, sample->name, ringbus_tap_channel(sample->tap),
			  &watch->hole, ctl_now_ns());
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		watch->sequences[i] = -2;
}

/* Who has read everything does not stand still. */
static void
go_on_watching(const struct sample *sample, struct watch *watch)
{
	for (unsigned i = 0; i < sample->view.n_members; i++) {
		const struct ringbus_member *m = &sample->view.members[i];

		if (m->role != RINGBUS_CONSUMER ||
		    (m->lag > 0 && watch->sequences[m->index] == m->sequence))
			continue;
		watch->sequences[m->index] = m->sequence;
		watch->since_ns[m->index] = sample->time_ns;
	}
}

static void
check_channel(struct check *check, const struct sample *sample,
	      struct watch *watch)
{
	const struct view *view = &sample->view;

	check->found.n_channels++;
	health_judge(&check->found, sample->name, view);
	health_judge_hole(&check->found, sample->name,
			  ringbus_tap_channel(sample->tap), &watch->hole,
			  ctl_now_ns());
	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i];

		if (m->role != RINGBUS_CONSUMER || !m->gates)
			continue;
		check_lag(check, sample->name, m);
		check_stall(check, sample, m,
			    sample->time_ns - watch->since_ns[m->index]);
	}
	check_figures(check, view);
}

static int64_t
watch_time(const struct limits *limits)
{
	int64_t time = HEALTH_HOLE_NS;

	if (limits->stall_warn_ns > time)
		time = limits->stall_warn_ns;
	if (limits->stall_crit_ns > time)
		time = limits->stall_crit_ns;
	return time;
}

static void
look_on(struct sampler *sampler, struct watch *watches)
{
	sampler_look(sampler);
	for (unsigned i = 0; i < sampler->n_samples; i++)
		if (sampler->samples[i]->tap != NULL)
			go_on_watching(sampler->samples[i], &watches[i]);
}

/* What the first look finds has lasted long enough if the last one still does: 0, or
 * -EINTR. */
static int
watch_all(struct check *check, struct watch *watches)
{
	int64_t until, began, left;
	int r;

	look_on(&check->sampler, watches);
	until = ctl_now_ns() + watch_time(check->limits);
	do {
		left = until - ctl_now_ns();
		if (left < 0)
			left = 0;
		r = interrupt_wait(-1, 0,
				   left < CTL_SLICE_NS ? left : CTL_SLICE_NS);
		if (r < 0)
			return r;
		began = ctl_now_ns();
		look_on(&check->sampler, watches);
	} while (began < until);
	return 0;
}

static int
check_all(struct check *check)
{
	struct sampler *sampler = &check->sampler;
	struct watch *watches = calloc(sampler->n_samples + 1,
				       sizeof(*watches));
	int r;

	if (watches == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < sampler->n_samples; i++)
		if (sampler->samples[i]->tap != NULL)
			begin_watch(&check->found, sampler->samples[i],
				    &watches[i]);
	r = watch_all(check, watches);
	for (unsigned i = 0; r == 0 && i < sampler->n_samples; i++)
		if (sampler->samples[i]->tap != NULL)
			check_channel(check, sampler->samples[i], &watches[i]);
	free(watches);
	return r;
}

/* Why a channel cannot be looked at. */
static void
explain(struct check *check, const char *name, int err)
{
	const char *words = ringbus_error(check->ctl->bus);
	enum verdict verdict = err == -ENOENT || err == -EBADMSG
				       ? VERDICT_CRITICAL
				       : VERDICT_UNKNOWN;

	verdicts_complain(&check->found, verdict, "%s: %s", name,
			  words != NULL && words[0] != '\0'
				  ? words
				  : ringbus_strerror(err));
}

static int
add_all(struct check *check)
{
	char name[RINGBUS_NAME_SIZE];
	int r = 0;

	for (unsigned i = 0; r == 0; i++) {
		r = ringbus_list(check->ctl->bus, i, name);
		if (r < 0)
			break;
		r = sampler_add(&check->sampler, name);
		if (r == -ENOMEM || r == -ECONNRESET || r == -ETIMEDOUT)
			break;
		if (r < 0 && r != -ENOENT) /* removed meanwhile */
			explain(check, name, r);
		r = 0;
	}
	return r == -ENOENT ? 0 : r;
}

/* One that was named has to be there. */
static int
add_channels(struct check *check)
{
	const char *name = check->ctl->operands[0];
	int r = name != NULL ? sampler_add(&check->sampler, name)
			     : add_all(check);

	if (ctl_look_alone(check->ctl, r))
		return add_channels(check);
	if (r < 0)
		explain(check, name != NULL ? name : "channels", r);
	return r;
}

/* ----------------------------------------------------------------- the end */

static enum ctl_exit
report(const struct check *check)
{
	struct output out;
	enum ctl_exit code;

	output_init(&out, STDOUT_FILENO);
	if (check->ctl->common.json)
		verdicts_write(&check->found, &out);
	else
		verdicts_print(&check->found, &out);
	code = ctl_finish(check->ctl, &out);
	return code == CTL_OK ? (enum ctl_exit)check->found.worst
			      : (enum ctl_exit)VERDICT_UNKNOWN;
}

static int
look(struct check *check)
{
	struct ctl *ctl = check->ctl;
	int r = 0;

	sampler_init(&check->sampler, ctl, 0);
	if (add_channels(check) == 0)
		r = check_all(check);
	if (ctl->is_alone && ctl->common.shm_dir == NULL)
		verdicts_complain(&check->found, VERDICT_CRITICAL,
				  "no daemon answers");
	sampler_deinit(&check->sampler);
	return r;
}

static enum ctl_exit
run_check(struct ctl *ctl, void *args)
{
	struct check *check = calloc(1, sizeof(*check));
	enum ctl_exit code;

	if (check == NULL)
		return (enum ctl_exit)VERDICT_UNKNOWN;
	check->ctl = ctl;
	check->limits = args;
	code = ctl_connect_to_look(ctl);
	if (code == CTL_ABSENT || code == CTL_TIMED_OUT)
		verdicts_complain(&check->found, VERDICT_CRITICAL,
				  "no daemon answers");
	else if (code != CTL_OK)
		verdicts_complain(&check->found, VERDICT_UNKNOWN,
				  "the daemon refuses us");
	else if (look(check) == -EINTR)
		code = CTL_INTERRUPTED;
	if (code != CTL_INTERRUPTED)
		code = report(check);
	free(check);
	return code;
}

#define AT(name_) offsetof(struct limits, name_)

static const struct options_entry check_options[] = {
	{ 0, "lag-warn", "N", &options_count, AT(lag_warn),
	  "a consumer that gates is so many slots behind" },
	{ 0, "lag-crit", "N", &options_count, AT(lag_crit), "the same" },
	{ 0, "fill-warn", "PERCENT", &options_count, AT(fill_warn),
	  "the ring is so full" },
	{ 0, "fill-crit", "PERCENT", &options_count, AT(fill_crit),
	  "the same" },
	{ 0, "stall-warn", "TIME", &options_duration, AT(stall_warn_ns),
	  "a consumer has events and does not move for so long" },
	{ 0, "stall-crit", "TIME", &options_duration, AT(stall_crit_ns),
	  "the same" },
	{ 0 },
};

static const struct limits check_defaults = { 0 };

const struct ctl_verb ctl_check = {
	.name = "check",
	.operands = "[CHANNEL]",
	.brief = "Tell a monitoring system whether all is well",
	.help = "A line and figures for monitoring plug-ins, and their codes: "
		"0 OK, 1 WARNING,\n2 CRITICAL, 3 UNKNOWN. Wrong without any "
		"limit are a daemon that does not answer, a\nchannel that is "
		"damaged, broken or paused, a hole that stays, and a consumer "
		"that has\nfailed, is parked or was evicted.\n",
	.max_operands = 1,
	.is_plugin = true,
	.options = check_options,
	.defaults = &check_defaults,
	.args_size = sizeof(check_defaults),
	.run = run_check,
};
