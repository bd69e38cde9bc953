/* SPDX-License-Identifier: MIT */
/*
 * peer_nng.c - nng: push to pull over ipc, asleep while there is nothing
 *
 * As with ZeroMQ, threads of its own do the work; spinning would be at their
 * cost.
 */
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <stdio.h>

#include "bench/peer_lane.h"
#include "bench/setup.h"

#define DEPTH 1024

struct end {
	nng_socket socket;
	nng_msg *message; /* to be sent, or received last */
};

static struct end ends[2]; /* by the number of the lane */

static void
check(const char *what, int err)
{
	if (err != 0)
		bench_fail("%s: %s", what, nng_strerror(err));
}

static void
open_end(struct peer_lane *lane)
{
	nng_socket *socket = &ends[lane->number].socket;
	char address[64];

	/* Abstract: leaves no file. */
	snprintf(address, sizeof(address), "abstract://ringbus-bench-%d-%d",
		 lane->pid, lane->number);
	if (lane->sends) {
		check("nng_push_open", nng_push0_open(socket));
		check("nng_socket_set_int",
		      nng_socket_set_int(*socket, NNG_OPT_SENDBUF, DEPTH));
		check("nng_dial",
		      nng_dial(*socket, address, NULL, NNG_FLAG_NONBLOCK));
	} else {
		check("nng_pull_open", nng_pull0_open(socket));
		check("nng_socket_set_int",
		      nng_socket_set_int(*socket, NNG_OPT_RECVBUF, DEPTH));
		check("nng_listen", nng_listen(*socket, address, NULL, 0));
	}
}

static void *
claim(struct peer_lane *lane)
{
	struct end *end = &ends[lane->number];

	check("nng_msg_alloc", nng_msg_alloc(&end->message, lane->size));
	return nng_msg_body(end->message);
}

static void
send_message(struct peer_lane *lane)
{
	struct end *end = &ends[lane->number];

	check("nng_sendmsg", nng_sendmsg(end->socket, end->message, 0));
}

static const void *
receive(struct peer_lane *lane, size_t *ret_size)
{
	struct end *end = &ends[lane->number];

	nng_msg_free(end->message);
	check("nng_recvmsg", nng_recvmsg(end->socket, &end->message, 0));
	*ret_size = nng_msg_len(end->message);
	return nng_msg_body(end->message);
}

const struct peer_lane_ops peer_nng = {
	.open = open_end,
	.claim = claim,
	.send = send_message,
	.receive = receive,
};
