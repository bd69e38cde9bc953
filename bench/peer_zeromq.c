/* SPDX-License-Identifier: MIT */
/*
 * peer_zeromq.c - ZeroMQ: PUSH to PULL over ipc, asleep while there is nothing
 *
 * Its own thread does the work of the socket, one a side, on the side's core: a
 * side that spun would keep it from that.
 */
#include <errno.h>
#include <stdio.h>
#include <zmq.h>

#include "bench/peer_lane.h"
#include "bench/setup.h"

#define HIGH_WATER 1000

static void *context; /* of a side */

struct end {
	void *socket;
	zmq_msg_t message; /* to be sent, or received last */
};

static struct end ends[2]; /* by the number of the lane */

static struct end *
end_of(const struct peer_lane *lane)
{
	return &ends[lane->number];
}

static void
check(const char *what, int result)
{
	bench_check(what, result < 0 ? -zmq_errno() : 0);
}

static void
open_end(struct peer_lane *lane)
{
	struct end *end = end_of(lane);
	const int high_water = HIGH_WATER;
	char address[64];

	if (context == NULL)
		context = zmq_ctx_new();
	end->socket = zmq_socket(context, lane->sends ? ZMQ_PUSH : ZMQ_PULL);
	check("zmq_setsockopt",
	      zmq_setsockopt(end->socket, lane->sends ? ZMQ_SNDHWM : ZMQ_RCVHWM,
			     &high_water, sizeof(high_water)));
	/* Abstract: leaves no file. */
	snprintf(address, sizeof(address), "ipc://@ringbus-bench-%d-%d",
		 lane->pid, lane->number);
	if (lane->sends)
		check("zmq_connect", zmq_connect(end->socket, address));
	else
		check("zmq_bind", zmq_bind(end->socket, address));
	zmq_msg_init(&end->message);
}

static void *
claim(struct peer_lane *lane)
{
	zmq_msg_t *message = &end_of(lane)->message;

	check("zmq_msg_init", zmq_msg_init_size(message, lane->size));
	return zmq_msg_data(message);
}

static void
send_message(struct peer_lane *lane)
{
	struct end *end = end_of(lane);

	check("zmq_msg_send", zmq_msg_send(&end->message, end->socket, 0));
}

static const void *
receive(struct peer_lane *lane, size_t *ret_size)
{
	struct end *end = end_of(lane);

	check("zmq_msg_recv", zmq_msg_recv(&end->message, end->socket, 0));
	*ret_size = zmq_msg_size(&end->message);
	return zmq_msg_data(&end->message);
}

const struct peer_lane_ops peer_zeromq = {
	.open = open_end,
	.claim = claim,
	.send = send_message,
	.receive = receive,
};
