/* SPDX-License-Identifier: MIT */
/*
 * util_flow.h - a producer and a consumer that live through everything
 *
 * Two processes on one channel. They exchange numbered, checksummed events, so
 * many as the test demands and when it demands them; neither may miss, double
 * or damage one, whatever becomes of the daemon meanwhile.
 */
#ifndef T_UTIL_FLOW_H
#define T_UTIL_FLOW_H

#include <stdint.h>

#include "client/ringbus.h"
#include "tests/system/util_daemon.h"

#define FLOW_SIZE 64 /* bytes of an event */

/* `who` 0 is a flow; anybody else's events are checked for damage only. */
struct flow_event {
	uint64_t who;
	uint64_t number;
	char filled[FLOW_SIZE - 16];
};

struct flow {
	const struct t_daemon *daemon;
	const char *channel;
	struct flow_words *words;
	pid_t producer;
	pid_t consumer;
};

void flow_start(struct flow *flow, const struct t_daemon *daemon,
		const char *channel);

/* Has n more events exchanged, and waits for the last. As many as the ring has
 * slots are claimed at once, so that all of it has to be free. */
void flow_demand(struct flow *flow, uint64_t n);

/* Both leave, and are joined; at the end of the stream they leave anyway. */
void flow_stop(struct flow *flow);
void flow_join(struct flow *flow);

/* True if one of its two is this process. */
bool flow_has(const struct flow *flow, pid_t pid);

void flow_fill(struct flow_event *event, uint64_t who, uint64_t number);

/* Fails the test if this is no event of ours, or is damaged. */
const struct flow_event *flow_check(const struct ringbus_event *event);

#endif
