/* SPDX-License-Identifier: MIT */
/*
 * sample.h - channels looked at again and again, and how fast they move
 *
 * A sampler keeps a tap on each of its channels, so that looking needs no
 * daemon. What happened between two looks, over the time between them, is a
 * rate; rates are averaged over a time that the caller chooses.
 *
 *	sampler_init(&sampler, ctl, 0);
 *	sampler_list(&sampler);          now and then: who is new, who is gone
 *	sampler_look(&sampler);          twice at least
 */
#ifndef CTL_SAMPLE_H
#define CTL_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/ctl/ctl.h"
#include "client/ctl/latency.h"
#include "client/ctl/view.h"

#define SAMPLE_MEMBERS (2 * RINGBUS_MEMBERS_MAX)

/* A second, as doubles alone. Of a channel the sums of its members, but for
 * `slots`, and for `stalled`, which is that of the producer that waits most. */
struct sample_rates {
	double slots;   /* published, of a consumer committed */
	double stalled; /* seconds of waiting: 1 is all the time */
	double sleeps;
	double missed; /* sleeps that no wake-up ended */
	double woken;
	double wakes;
	double lost; /* overwritten unread, or dropped */
	double errors;
};

/* One channel. */
struct sample {
	char name[RINGBUS_NAME_SIZE];
	struct ringbus_tap *tap; /* NULL: it may not be looked at */
	int error;               /* why, or 0 */
	unsigned n_looks;        /* rates are known from the second on */
	int64_t time_ns;         /* of the last look */
	struct view view;        /* as it was then */
	struct sample_rates rates;
	struct sample_rates members[SAMPLE_MEMBERS]; /* of view.members */
	struct sample_rates counts[SAMPLE_MEMBERS];  /* so far, not a second */
	struct latencies latencies; /* between the last two looks */
	/* At the look before. */
	struct view before;
	struct sample_rates members_before[SAMPLE_MEMBERS];
	struct sample_rates counts_before[SAMPLE_MEMBERS];
	bool is_listed;
};

struct sampler {
	struct ctl *ctl; /* connected */
	int64_t average_ns;
	struct sample **samples; /* by name */
	unsigned n_samples;
	bool has_daemon; /* at the last sampler_list() */
};

/* average_ns 0: rates are those between the last two looks. */
void sampler_init(struct sampler *sampler, struct ctl *ctl, int64_t average_ns);
void sampler_deinit(struct sampler *sampler);

/* One channel by its name. 0, or what ringbus_tap_open() said. */
int sampler_add(struct sampler *sampler, const char *name);

/* All that there are, also those that may not be looked at. 0 or a negative errno. */
int sampler_add_all(struct sampler *sampler);

/*
 * All channels there are: adds new ones, drops those that are gone, opens again
 * what has ended. 0 or a negative errno; without a daemon soon, and the channels
 * that were there stay. One that looks at a folder because there was no daemon
 * goes over to it when there is.
 */
int sampler_list(struct sampler *sampler);

/* The same for one of them alone: opens it again if it has ended. */
int sampler_renew(struct sampler *sampler, const char *name);

/* Looks at every channel. */
void sampler_look(struct sampler *sampler);

#endif
