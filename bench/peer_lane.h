/* SPDX-License-Identifier: MIT */
/*
 * peer_lane.h - one way from a side to the other, through any peer
 *
 * What streams and round trips need of a peer between processes: a place for the
 * next event, to send it, and to receive. It is all that differs between them,
 * and called through a pointer: the quickest of them takes hundreds of times as
 * long for an event. For C++ too.
 */
#ifndef BENCH_PEER_LANE_H
#define BENCH_PEER_LANE_H

#include "bench/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct peer_lane {
	const struct peer_lane_ops *ops;
	size_t size; /* of an event */
	bool spins;  /* never sleeps */
	int number;  /* 0 there, 1 back */
	bool sends;  /* what this side does with it */

	int pid; /* of the bench: makes names its own */

	/* For the peer. */
	int fds[2]; /* to read, to write */
	void *state;
};

struct peer_lane_ops {
	/* Before there are sides. A negative errno: it cannot be had here. NULL if
	 * there is nothing to do. */
	int (*prepare)(struct peer_lane *lane);
	/* In a side. */
	void (*open)(struct peer_lane *lane);
	void *(*claim)(struct peer_lane *lane);
	void (*send)(struct peer_lane *lane);
	/* Waits for bytes, of one event or of several, that stay until the next
	 * call. */
	const void *(*receive)(struct peer_lane *lane, size_t *ret_size);
	/* When no side is left; NULL if that was all. */
	void (*close)(struct peer_lane *lane);
	bool streams_spinning;
};

/* As peer_stream() and peer_ping_pong(). */
double peer_lane_stream(const struct peer_lane_ops *ops,
			const struct bench_stream *stream);
int peer_lane_ping_pong(const struct peer_lane_ops *ops,
			const struct bench_stream *stream, bool spinning,
			int64_t *ret_ns);

/* What is there, in peer_*.c and peer_*.cc. */
extern const struct peer_lane_ops peer_pipe, peer_unix_stream,
	peer_unix_seqpacket, peer_posix_mq, peer_zeromq, peer_nng,
	peer_boost_mq, peer_iceoryx;

/* What runs between threads has loops of its own: there a call would show. */
struct peer_threads {
	double (*stream)(const struct bench_stream *stream);
	void (*ping_pong)(const struct bench_stream *stream, int64_t *ret_ns);
};

extern const struct peer_threads peer_boost_spsc;

#ifdef __cplusplus
}
#endif
#endif
