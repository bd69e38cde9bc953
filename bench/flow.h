/* SPDX-License-Identifier: MIT */
/*
 * flow.h - events from producers to consumers through one channel, each in a
 * process of its own: every topology is one of these
 *
 * The channel's configuration says who comes after whom. All members attach, the
 * ring is gone round once so that all memory is there, and the clock runs from the
 * first claim to the last consumer's last event. Each consumer adds up what it got.
 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_FLOW_MEMBERS_MAX 16

struct bench_flow {
	const char *channel;
	const char *wait; /* "busy_spin" and so on; NULL: as the channel says */
	size_t size;      /* of an event: 8, or a multiple */
	int64_t batch;    /* events published at once */
	int n_producers;
	/* The first producer and the first consumer are on the cores of a pair;
	 * further producers are apart from the consumer, and further consumers
	 * on the cores that follow. */
	int n_consumers;
	const char *consumers[BENCH_FLOW_MEMBERS_MAX]; /* their names */
	bool is_on_one_core;                           /* all of them */
};

/* From one producer to one consumer of this channel, on two cores. */
struct bench_flow bench_flow_one_to_one(const char *channel, const char *wait,
					size_t size, int64_t batch);

/* Sends n events, or a few more to have whole batches, and returns millions of
 * events a second; `flow` is a struct bench_flow. */
double bench_flow_run(void *flow, int64_t n);

#endif
