/* SPDX-License-Identifier: MIT */
/*
 * peer.h - other ways of handing events over, as Debian packages them
 *
 * Each at the settings that are known to be its best, in the place of ringbus:
 * the same two cores, the same events, written and read in full. What is slow to
 * begin (connections, page faults, allocators) is over before the clock starts.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/stream.h"

struct peer {
	const char *id;      /* in figures */
	const char *name;    /* for people, with what was chosen */
	const char *package; /* what to install if it is not there */
	bool in_process;     /* two threads; else two processes */
	bool spins;          /* has round trips without sleeping, */
	bool sleeps;         /* and with */

	/* Either of them is there, or the peer is not. */
	const struct peer_lane_ops *lane;
	const struct peer_threads *threads;
};

/* All of them; ends with one without id. */
extern const struct peer peers[];

/* NULL if there is none of that id. */
const struct peer *peer_by_id(const char *id);

/* Whether it was there when this was built. */
bool peer_is_there(const struct peer *peer);

/* Millions of events a second; a negative errno if the system does not let it run.
 * Only boost's spsc_queue heeds `batch`, none `ring_size`. */
double peer_stream(const struct peer *peer, const struct bench_stream *stream);

/* How long each of n round trips took; 0 or a negative errno. */
int peer_ping_pong(const struct peer *peer, bool spinning, int64_t *ret_ns,
		   int n, size_t size);

#endif
