/* SPDX-License-Identifier: MIT */
/*
 * sample.c - channels looked at again and again, and how fast they move
 *
 * A member is the same as before if it has the same place, name and process:
 * one that came between two looks has rates from the next one on.
 */
#include "client/ctl/sample.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* How long a daemon may take to let us in before it counts as none. */
#define PATIENCE_NS INT64_C(300000000)

void
sampler_init(struct sampler *sampler, struct ctl *ctl, int64_t average_ns)
{
	*sampler = (struct sampler){ .ctl = ctl, .average_ns = average_ns };
}

static void
free_sample(struct sample *sample)
{
	ringbus_tap_close(sample->tap);
	free(sample);
}

void
sampler_deinit(struct sampler *sampler)
{
	unsigned i;

	for (i = 0; i < sampler->n_samples; i++)
		free_sample(sampler->samples[i]);
	free(sampler->samples);
	sampler->samples = NULL;
	sampler->n_samples = 0;
}

/* --------------------------------------------------------- who is there */

static unsigned
find_place(const struct sampler *sampler, const char *name)
{
	unsigned lo = 0, hi = sampler->n_samples, middle;

	while (lo < hi) {
		middle = (lo + hi) / 2;
		if (strcmp(sampler->samples[middle]->name, name) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

static struct sample *
find(const struct sampler *sampler, const char *name)
{
	unsigned i = find_place(sampler, name);

	return i < sampler->n_samples &&
			       strcmp(sampler->samples[i]->name, name) == 0
		       ? sampler->samples[i]
		       : NULL;
}

static struct sample *
insert(struct sampler *sampler, const char *name)
{
	unsigned i = find_place(sampler, name), n = sampler->n_samples;
	struct sample **grown, *sample = calloc(1, sizeof(*sample));

	grown = realloc(sampler->samples, (n + 1) * sizeof(*grown));
	if (grown != NULL)
		sampler->samples = grown;
	if (grown == NULL || sample == NULL) {
		free(sample);
		return NULL;
	}
	memmove(grown + i + 1, grown + i, (n - i) * sizeof(*grown));
	grown[i] = sample;
	sampler->n_samples++;
	memcpy(sample->name, name, strnlen(name, RINGBUS_NAME_SIZE - 1));
	return sample;
}

/* The old tap goes only where there is a new one, or nothing any more. */
static void
open_tap(struct sampler *sampler, struct sample *sample)
{
	struct ringbus_tap *tap;

	sample->error = ringbus_tap_open(sampler->ctl->bus, sample->name, NULL,
					 &tap);
	if (sample->error < 0)
		return;
	ringbus_tap_close(sample->tap);
	sample->tap = tap;
	sample->n_looks = 0;
}

int
sampler_add(struct sampler *sampler, const char *name)
{
	struct sample *sample = find(sampler, name);

	if (sample == NULL)
		sample = insert(sampler, name);
	if (sample == NULL)
		return -ENOMEM;
	if (sample->tap == NULL || sample->view.info.ended)
		open_tap(sampler, sample);
	sample->is_listed = true;
	return sample->error;
}

static void
drop_unlisted(struct sampler *sampler)
{
	unsigned i, n = 0;

	for (i = 0; i < sampler->n_samples; i++) {
		struct sample *sample = sampler->samples[i];

		if (sample->is_listed)
			sampler->samples[n++] = sample;
		else
			free_sample(sample);
	}
	sampler->n_samples = n;
}

static void
close_taps(struct sampler *sampler)
{
	unsigned i;

	for (i = 0; i < sampler->n_samples; i++) {
		ringbus_tap_close(sampler->samples[i]->tap);
		sampler->samples[i]->tap = NULL;
	}
}

/*
 * A request to a daemon that is gone waits for the next one: a new connection
 * tells soon. Who looks at a folder keeps that connection.
 */
static int
find_daemon(struct sampler *sampler)
{
	struct ctl *ctl = sampler->ctl;
	struct ringbus *bus;
	int r;

	if (ctl->common.shm_dir != NULL)
		return 0;
	r = ringbus_connect_within(ctl->common.socket, PATIENCE_NS, &bus);
	sampler->has_daemon = r == 0;
	if (r < 0)
		return ctl->is_alone ? 0 : r;
	if (ctl->is_alone) {
		close_taps(sampler);
		ringbus_close(ctl->bus);
		ctl->bus = bus;
		ctl->is_alone = false;
	} else {
		ringbus_close(bus);
	}
	return 0;
}

int
sampler_add_all(struct sampler *sampler)
{
	char name[RINGBUS_NAME_SIZE];
	unsigned i;
	int r = 0;

	for (i = 0; r == 0; i++) {
		r = ringbus_list(sampler->ctl->bus, i, name);
		if (r == 0 && sampler_add(sampler, name) == -ENOMEM)
			return -ENOMEM;
	}
	return r == -ENOENT ? 0 : r;
}

int
sampler_list(struct sampler *sampler)
{
	unsigned i;
	int r = find_daemon(sampler);

	if (r < 0)
		return r;
	for (i = 0; i < sampler->n_samples; i++)
		sampler->samples[i]->is_listed = false;
	r = sampler_add_all(sampler);
	if (r == 0)
		drop_unlisted(sampler);
	return r;
}

int
sampler_renew(struct sampler *sampler, const char *name)
{
	int r = find_daemon(sampler);

	return r < 0 ? r : sampler_add(sampler, name);
}

/* --------------------------------------------------------------- counts */

/* What is counted, and by which metric of a producer and of a consumer. */
static const struct counted {
	size_t offset; /* in struct sample_rates */
	const char *metrics[2];
} counted[] = {
#define AT(field) offsetof(struct sample_rates, field)
	{ AT(slots),
	  { "ringbus_producer_published_total", "ringbus_consumer_sequence" } },
	{ AT(stalled),
	  { "ringbus_producer_stall_seconds_total",
	    "ringbus_consumer_wait_seconds_total" } },
	{ AT(sleeps),
	  { "ringbus_producer_sleeps_total",
	    "ringbus_consumer_sleeps_total" } },
	{ AT(missed),
	  { "ringbus_producer_wakeups_missed_total",
	    "ringbus_consumer_wakeups_missed_total" } },
	{ AT(woken),
	  { "ringbus_producer_wakeups_total",
	    "ringbus_consumer_wakeups_total" } },
	{ AT(wakes),
	  { "ringbus_producer_wakes_total", "ringbus_consumer_wakes_total" } },
	{ AT(lost),
	  { "ringbus_producer_dropped_slots_total",
	    "ringbus_consumer_lost_slots_total" } },
	{ AT(errors), { NULL, "ringbus_consumer_errors_total" } },
};

#define N_COUNTED (sizeof(counted) / sizeof(counted[0]))

/* The metric's number, -1 if there is none; looked up once. */
static int
find_metric(size_t i, int role)
{
	static int numbers[N_COUNTED][2]; /* and 1; 0: not yet looked up */
	struct ringbus_metric metric = { .size = sizeof(metric) };
	const char *name = counted[i].metrics[role];
	unsigned n;

	if (name == NULL)
		return -1;
	for (n = 0; numbers[i][role] == 0; n++) {
		if (ringbus_metric(n, &metric) != 1)
			return -1;
		if (strcmp(metric.name, name) == 0)
			numbers[i][role] = (int)n + 1;
	}
	return numbers[i][role] - 1;
}

static double *
field_of(struct sample_rates *rates, size_t i)
{
	return (double *)((char *)rates + counted[i].offset);
}

static void
count_member(const struct ringbus_channel *channel,
	     const struct ringbus_member *member, struct sample_rates *ret)
{
	double value;
	size_t i;
	int n;

	*ret = (struct sample_rates){ 0 };
	for (i = 0; i < N_COUNTED; i++) {
		n = find_metric(i, member->role);
		if (n >= 0 &&
		    ringbus_channel_metric(channel, (unsigned)n, member->index,
					   &value) == 1)
			*field_of(ret, i) = value;
	}
}

/* ---------------------------------------------------------------- rates */

static bool
is_same(const struct ringbus_member *a, const struct ringbus_member *b)
{
	return a->role == b->role && a->index == b->index && a->pid == b->pid &&
	       strcmp(a->name, b->name) == 0;
}

/* The place that a member had at the look before; -1: none. */
static int
find_before(const struct sample *sample, const struct ringbus_member *member)
{
	unsigned i;

	for (i = 0; i < sample->before.n_members; i++)
		if (is_same(&sample->before.members[i], member))
			return (int)i;
	return -1;
}

struct step {
	double seconds;
	double weight; /* of what happened in them, in the average */
};

static double
average(const struct step *step, double now, double before, double old)
{
	double rate = now > before ? (now - before) / step->seconds : 0;

	return old + step->weight * (rate - old);
}

static void
rate_member(struct sample *sample, const struct step *step, unsigned now)
{
	int found = find_before(sample, &sample->view.members[now]);
	struct sample_rates *rates = &sample->members[now];
	size_t i;

	*rates = (struct sample_rates){ 0 };
	if (found < 0)
		return;
	for (i = 0; i < N_COUNTED; i++)
		*field_of(rates, i) = average(
			step, *field_of(&sample->counts[now], i),
			*field_of(&sample->counts_before[found], i),
			*field_of(&sample->members_before[found], i));
}

/* Consumers that were there at the look before. */
static uint64_t
find_known(const struct sample *sample)
{
	uint64_t known = 0;
	unsigned i;

	if (sample->n_looks == 0)
		return 0;
	for (i = 0; i < sample->view.n_members; i++) {
		const struct ringbus_member *member = &sample->view.members[i];

		if (member->role == RINGBUS_CONSUMER &&
		    find_before(sample, member) >= 0)
			known |= UINT64_C(1) << member->index;
	}
	return known;
}

static void
rate_channel(struct sample *sample, const struct step *step)
{
	struct sample_rates sum = { 0 };
	double stalled = 0;
	unsigned i;
	size_t k;

	for (i = 0; i < sample->view.n_members; i++) {
		for (k = 0; k < N_COUNTED; k++)
			*field_of(&sum, k) += *field_of(&sample->members[i], k);
		if (sample->view.members[i].role == RINGBUS_PRODUCER &&
		    sample->members[i].stalled > stalled)
			stalled = sample->members[i].stalled;
	}
	sum.stalled = stalled;
	sum.slots = average(step, (double)sample->view.info.cursor,
			    (double)sample->before.info.cursor,
			    sample->rates.slots);
	sample->rates = sum;
}

/* Nothing is averaged with what was not measured yet. */
static struct step
measure_step(const struct sampler *sampler, const struct sample *sample,
	     int64_t now_ns)
{
	double passed = (double)(now_ns - sample->time_ns);
	double over = (double)sampler->average_ns;

	if (passed < 1)
		passed = 1;
	return (struct step){
		.seconds = passed / 1e9,
		.weight = sample->n_looks < 2 ? 1 : passed / (passed + over),
	};
}

static void
keep_before(struct sample *sample)
{
	sample->before = sample->view;
	memcpy(sample->members_before, sample->members,
	       sizeof(sample->members));
	memcpy(sample->counts_before, sample->counts, sizeof(sample->counts));
}

static void
look_at(struct sampler *sampler, struct sample *sample)
{
	const struct ringbus_channel *channel = ringbus_tap_channel(
		sample->tap);
	struct step step;
	int64_t now_ns;
	unsigned i;

	keep_before(sample);
	sample->error = view_read(channel, &sample->view);
	now_ns = ctl_now_ns();
	if (sample->error < 0)
		return;
	for (i = 0; i < sample->view.n_members; i++)
		count_member(channel, &sample->view.members[i],
			     &sample->counts[i]);
	latencies_look(&sample->latencies, channel, &sample->view,
		       find_known(sample));
	step = measure_step(sampler, sample, now_ns);
	memset(&sample->members, 0, sizeof(sample->members));
	if (sample->n_looks == 0) {
		sample->rates = (struct sample_rates){ 0 };
	} else {
		for (i = 0; i < sample->view.n_members; i++)
			rate_member(sample, &step, i);
		rate_channel(sample, &step);
	}
	sample->time_ns = now_ns;
	sample->n_looks++;
}

void
sampler_look(struct sampler *sampler)
{
	unsigned i;

	for (i = 0; i < sampler->n_samples; i++)
		if (sampler->samples[i]->tap != NULL)
			look_at(sampler, sampler->samples[i]);
}
