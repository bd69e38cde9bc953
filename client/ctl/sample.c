/* SPDX-License-Identifier: MIT */
/*
 * sample.c - channels looked at again and again, and how fast they move
 *
 * A member is the same as before if it has the same place, name and process:
 * one that came between two looks has rates from the next one on.
 */
#include "client/ctl/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct sample *
sampler_find(const struct sampler *sampler, const char *name)
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
	struct sample *sample = sampler_find(sampler, name);

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

/* A request to a daemon that is gone waits for the next one: a new connection
 * tells at once. */
static int
find_daemon(const struct sampler *sampler)
{
	struct ringbus *bus;
	int r = ringbus_connect(sampler->ctl->common.socket, &bus);

	if (r == 0)
		ringbus_close(bus);
	return r;
}

int
sampler_list(struct sampler *sampler)
{
	char name[RINGBUS_NAME_SIZE];
	unsigned i;
	int r = find_daemon(sampler);

	for (i = 0; i < sampler->n_samples; i++)
		sampler->samples[i]->is_listed = false;
	for (i = 0; r == 0; i++) {
		r = ringbus_list(sampler->ctl->bus, i, name);
		if (r == 0 && sampler_add(sampler, name) == -ENOMEM)
			r = -ENOMEM;
	}
	if (r != -ENOENT || i == 0)
		return r;
	drop_unlisted(sampler);
	return 0;
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
average(const struct step *step, uint64_t now, uint64_t before, double old)
{
	double rate = now > before ? (double)(now - before) / step->seconds : 0;

	return old + step->weight * (rate - old);
}

static bool
has_sequence(const struct ringbus_member *member)
{
	return member->role == RINGBUS_CONSUMER || member->sequence >= 0;
}

/* From a sequence, which starts at -1, to a count. */
static uint64_t
count_slots(int64_t sequence)
{
	return sequence < 0 ? 0 : (uint64_t)sequence + 1;
}

static void
rate_member(const struct step *step, const struct ringbus_member *now,
	    const struct ringbus_member *before, struct sample_rates *rates)
{
	rates->slots = has_sequence(now)
			       ? average(step, count_slots(now->sequence),
					 count_slots(before->sequence),
					 rates->slots < 0 ? 0 : rates->slots)
			       : -1;
	rates->sleeps = average(step, now->sleeps, before->sleeps,
				rates->sleeps);
	rates->missed = average(step, now->missed, before->missed,
				rates->missed);
	rates->wakes = average(step, now->wakes, before->wakes, rates->wakes);
	rates->lost = average(step, now->lost + now->dropped,
			      before->lost + before->dropped, rates->lost);
	rates->errors = average(step, now->errors, before->errors,
				rates->errors);
}

static void
sum_up(struct sample_rates *sum, const struct sample_rates *rates)
{
	sum->sleeps += rates->sleeps;
	sum->missed += rates->missed;
	sum->wakes += rates->wakes;
	sum->lost += rates->lost;
	sum->errors += rates->errors;
}

static void
rate_all(struct sample *sample, const struct step *step)
{
	struct sample_rates sum = {
		.slots = average(step, count_slots(sample->view.info.cursor),
				 count_slots(sample->before.info.cursor),
				 sample->rates.slots),
	};
	unsigned i;
	int before;

	for (i = 0; i < sample->view.n_members; i++) {
		const struct ringbus_member *member = &sample->view.members[i];

		before = find_before(sample, member);
		sample->members[i] = before < 0
					     ? (struct sample_rates){ 0 }
					     : sample->members_before[before];
		if (before >= 0)
			rate_member(step, member,
				    &sample->before.members[before],
				    &sample->members[i]);
		else if (!has_sequence(member))
			sample->members[i].slots = -1;
		sum_up(&sum, &sample->members[i]);
	}
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
look_at(struct sampler *sampler, struct sample *sample)
{
	int64_t now_ns;
	struct step step;

	sample->before = sample->view;
	memcpy(sample->members_before, sample->members,
	       sizeof(sample->members));
	sample->error = view_read(ringbus_tap_channel(sample->tap),
				  &sample->view);
	now_ns = ctl_now_ns();
	if (sample->error < 0)
		return;
	if (sample->n_looks > 0) {
		step = measure_step(sampler, sample, now_ns);
		rate_all(sample, &step);
	} else {
		memset(&sample->rates, 0, sizeof(sample->rates));
		memset(sample->members, 0, sizeof(sample->members));
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
