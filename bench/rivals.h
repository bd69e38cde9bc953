/* SPDX-License-Identifier: MIT */
/*
 * rivals.h - flows, floors and peers as contestants
 */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include <stdbool.h>

#include "bench/contest.h"
#include "bench/floor.h"
#include "bench/flow.h"
#include "bench/peer.h"

/* A list of contestants that is being made. */
struct bench_entries {
	struct bench_contestant all[BENCH_CONTESTANTS_MAX];
	unsigned n;
};

void bench_enter(struct bench_entries *entries,
		 const struct bench_contestant *contestant);

/* One of ours. */
void bench_enter_flow(struct bench_entries *entries, const char *id,
		      const char *name, struct bench_flow *flow);

/* A floor that streams; `stream` says how, but for the number of events. */
void bench_enter_floor(struct bench_entries *entries, const char *id,
		       const char *name,
		       double (*floor)(const struct bench_stream *),
		       struct bench_stream stream);

/* One of round trips. */
void bench_enter_trips(struct bench_entries *entries, const char *id,
		       const char *name,
		       void (*floor)(int64_t *ret_ns, int n, size_t size));

/* A peer, by its id; if it is not installed it says so. */
void bench_enter_peer(struct bench_entries *entries, const char *id,
		      struct bench_stream stream);

/* All of them. Of round trips all that can
 * spin, or that can sleep. */
void bench_enter_peers(struct bench_entries *entries, size_t size);
void bench_enter_peers_trips(struct bench_entries *entries, bool spinning);

/* Runs a contest of throughput among them. */
void bench_compete(const struct bench_entries *entries, const char *id,
		   const char *title);

#endif
