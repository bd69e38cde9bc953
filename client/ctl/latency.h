/* SPDX-License-Identifier: MIT */
/*
 * latency.h - how long events took between two looks at the histograms
 *
 * Consumers count since they came. What they counted between two looks is a
 * histogram of its own, and tells of now.
 */
#ifndef CTL_LATENCY_H
#define CTL_LATENCY_H

#include <stdint.h>

#include "client/ctl/json.h"
#include "client/ctl/view.h"

#define LATENCY_TEXT 8

/* By the index of a consumer. */
struct latencies {
	struct ringbus_latency seen[RINGBUS_MEMBERS_MAX]; /* since it came */
	struct ringbus_latency passed[RINGBUS_MEMBERS_MAX];
	struct ringbus_latency all; /* passed, of the channel */
};

/* Bit i of `known`: consumer i is the one of the look before. Of others nothing
 * is known yet. */
void latencies_look(struct latencies *latencies,
		    const struct ringbus_channel *channel,
		    const struct view *view, uint64_t known);

/* In nanoseconds: of this member, or if it is NULL of all consumers. -EAGAIN if
 * no events passed, or nobody measures. */
int64_t latencies_quantile(const struct latencies *latencies,
			   const struct ringbus_member *member, double q);

/* "950ns", "1.23us", ">1h": at most 6 characters; "-" for an errno. */
const char *latency_format(int64_t ns, char text[LATENCY_TEXT]);

/* The keys p50_ns and p99_ns, if they are known. */
void latencies_write(const struct latencies *latencies,
		     const struct ringbus_member *member, struct json *json);

#endif
