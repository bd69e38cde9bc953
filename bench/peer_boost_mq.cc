/* SPDX-License-Identifier: MIT */
/*
 * peer_boost_mq.cc - boost::interprocess::message_queue
 *
 * A mutex and two condition variables in shared memory. The queue is there
 * before the sides, which inherit it.
 */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cerrno>
#include <string>
#include <unistd.h>

#include "bench/peer_lane.h"

namespace
{

namespace ipc = boost::interprocess;

constexpr std::size_t DEPTH = 1024;
constexpr std::size_t EVENT_MAX = 65536;

alignas(64) char buffer[EVENT_MAX];

ipc::message_queue *
queue_of(const struct peer_lane *lane)
{
	return static_cast<ipc::message_queue *>(lane->state);
}

int
prepare(struct peer_lane *lane)
{
	const std::string name = "ringbus-peer-" + std::to_string(getpid());

	/* A dead one's, of the same number. */
	ipc::message_queue::remove(name.c_str());
	try {
		lane->state = new ipc::message_queue(
			ipc::create_only, name.c_str(), DEPTH, lane->size);
	} catch (const ipc::interprocess_exception &e) {
		return -e.get_native_error();
	}
	ipc::message_queue::remove(name.c_str());
	return 0;
}

void
open(struct peer_lane *)
{
}

void *
claim(struct peer_lane *)
{
	return buffer;
}

void
send(struct peer_lane *lane)
{
	if (!lane->spins)
		queue_of(lane)->send(buffer, lane->size, 0);
	else
		while (!queue_of(lane)->try_send(buffer, lane->size, 0))
			;
}

const void *
receive(struct peer_lane *lane, std::size_t *ret_size)
{
	ipc::message_queue *queue = queue_of(lane);
	unsigned priority;

	if (!lane->spins)
		queue->receive(buffer, EVENT_MAX, *ret_size, priority);
	else
		while (!queue->try_receive(buffer, EVENT_MAX, *ret_size,
					   priority))
			;
	return buffer;
}

void
close(struct peer_lane *lane)
{
	delete queue_of(lane);
}

} // namespace

const struct peer_lane_ops peer_boost_mq = {
	prepare, open, claim, send, receive, close, false,
};
