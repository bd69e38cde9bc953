/* SPDX-License-Identifier: MIT */
/*
 * peer.c - which peers there are, and which are there
 *
 * The Makefile looks for what is installed, and defines its PEER_x.
 */
#include "bench/peer.h"

#include <string.h>

#include "bench/peer_lane.h"
#include "bench/setup.h"

#ifdef PEER_zeromq
#define ZEROMQ &peer_zeromq
#else
#define ZEROMQ NULL
#endif
#ifdef PEER_nng
#define NNG &peer_nng
#else
#define NNG NULL
#endif
#ifdef PEER_boost
#define BOOST_SPSC &peer_boost_spsc
#define BOOST_MQ &peer_boost_mq
#else
#define BOOST_SPSC NULL
#define BOOST_MQ NULL
#endif
#ifdef PEER_iceoryx
#define ICEORYX &peer_iceoryx
#else
#define ICEORYX NULL
#endif

const struct peer peers[] = {
	{
		.id = "boost-spsc",
		.name = "boost::lockfree::spsc_queue, one process",
		.package = "libboost-dev",
		.in_process = true,
		.spins = true,
		.threads = BOOST_SPSC,
	},
	{
		.id = "iceoryx",
		.name = "iceoryx, queue of 256, polling or WaitSet",
		.package = "iceoryx libiceoryx-posh-dev",
		.spins = true,
		.sleeps = true,
		.lane = ICEORYX,
	},
	{
		.id = "boost-mq",
		.name = "boost::interprocess::message_queue",
		.package = "libboost-dev",
		.spins = true,
		.sleeps = true,
		.lane = BOOST_MQ,
	},
	{
		.id = "zeromq",
		.name = "ZeroMQ, PUSH/PULL, ipc",
		.package = "libzmq3-dev",
		.sleeps = true,
		.lane = ZEROMQ,
	},
	{
		.id = "nng",
		.name = "nng, push/pull, ipc",
		.package = "libnng-dev",
		.sleeps = true,
		.lane = NNG,
	},
	{
		.id = "pipe",
		.name = "pipe, 1 MiB",
		.spins = true,
		.sleeps = true,
		.lane = &peer_pipe,
	},
	{
		.id = "posix-mq",
		.name = "POSIX message queue",
		.spins = true,
		.sleeps = true,
		.lane = &peer_posix_mq,
	},
	{
		.id = "unix-stream",
		.name = "AF_UNIX, stream",
		.spins = true,
		.sleeps = true,
		.lane = &peer_unix_stream,
	},
	{
		.id = "unix-seqpacket",
		.name = "AF_UNIX, seqpacket",
		.spins = true,
		.sleeps = true,
		.lane = &peer_unix_seqpacket,
	},
	{ .id = NULL },
};

const struct peer *
peer_by_id(const char *id)
{
	const struct peer *peer = peers;

	while (peer->id != NULL && strcmp(peer->id, id) != 0)
		peer++;
	return peer->id != NULL ? peer : NULL;
}

bool
peer_is_there(const struct peer *peer)
{
	return peer->lane != NULL || peer->threads != NULL;
}

double
peer_stream(const struct peer *peer, const struct bench_stream *stream)
{
	if (peer->threads != NULL)
		return peer->threads->stream(stream);
	return peer_lane_stream(peer->lane, stream);
}

int
peer_ping_pong(const struct peer *peer, bool spinning, int64_t *ret_ns, int n,
	       size_t size)
{
	const struct bench_stream stream = { .n = n, .size = size };

	if (peer->threads == NULL)
		return peer_lane_ping_pong(peer->lane, &stream, spinning,
					   ret_ns);
	peer->threads->ping_pong(&stream, ret_ns);
	return 0;
}
