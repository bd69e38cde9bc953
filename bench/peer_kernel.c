/* SPDX-License-Identifier: MIT */
/*
 * peer_kernel.c - what Linux itself has: pipes, sockets and message queues
 *
 * Each is as deep as its user may make it. A reader of bytes takes as many as
 * there are, up to 64 KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/peer_lane.h"
#include "bench/setup.h"

#define BUFFER_SIZE 65536
#define PIPE_SIZE (1 << 20)
#define QUEUE_DEPTH 1024

/* A side sends what it has just written here, or reads what has just come. */
static _Alignas(64) char buffer[BUFFER_SIZE];

static void
open_nothing(struct peer_lane *lane)
{
	(void)lane;
}

static void *
claim_buffer(struct peer_lane *lane)
{
	(void)lane;
	return buffer;
}

/* Whether that is no more than: not now. */
static bool
is_to_be_repeated(const struct peer_lane *lane, ssize_t result)
{
	if (result > 0)
		return false;
	if (result == 0)
		bench_check("peer", -EPIPE);
	if (errno != EINTR && !(lane->spins && errno == EAGAIN))
		bench_check("peer", -errno);
	return true;
}

static void
send_bytes(struct peer_lane *lane)
{
	for (size_t sent = 0; sent < lane->size;) {
		ssize_t n = write(lane->fds[1], buffer + sent,
				  lane->size - sent);

		if (!is_to_be_repeated(lane, n))
			sent += (size_t)n;
	}
}

static const void *
receive_bytes(struct peer_lane *lane, size_t *ret_size)
{
	ssize_t n;

	do
		n = read(lane->fds[0], buffer, BUFFER_SIZE);
	while (is_to_be_repeated(lane, n));
	*ret_size = (size_t)n;
	return buffer;
}

static void
close_both(struct peer_lane *lane)
{
	close(lane->fds[0]);
	close(lane->fds[1]);
}

/* ------------------------------------------------------------------- pipes */

static int
prepare_pipe(struct peer_lane *lane)
{
	if (pipe2(lane->fds, O_CLOEXEC | (lane->spins ? O_NONBLOCK : 0)) < 0)
		return -errno;
	/* As it is, if that is more than a user may have. */
	fcntl(lane->fds[1], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

const struct peer_lane_ops peer_pipe = {
	.prepare = prepare_pipe,
	.open = open_nothing,
	.claim = claim_buffer,
	.send = send_bytes,
	.receive = receive_bytes,
	.close = close_both,
};

/* ----------------------------------------------------------------- sockets */

static int
prepare_sockets(struct peer_lane *lane, int type)
{
	int flags = SOCK_CLOEXEC | (lane->spins ? SOCK_NONBLOCK : 0);

	return socketpair(AF_UNIX, type | flags, 0, lane->fds) < 0 ? -errno : 0;
}

static int
prepare_stream(struct peer_lane *lane)
{
	return prepare_sockets(lane, SOCK_STREAM);
}

static int
prepare_seqpacket(struct peer_lane *lane)
{
	return prepare_sockets(lane, SOCK_SEQPACKET);
}

const struct peer_lane_ops peer_unix_stream = {
	.prepare = prepare_stream,
	.open = open_nothing,
	.claim = claim_buffer,
	.send = send_bytes,
	.receive = receive_bytes,
	.close = close_both,
};

const struct peer_lane_ops peer_unix_seqpacket = {
	.prepare = prepare_seqpacket,
	.open = open_nothing,
	.claim = claim_buffer,
	.send = send_bytes,
	.receive = receive_bytes,
	.close = close_both,
};

/* ---------------------------------------------------------- message queues */

static int
prepare_queue(struct peer_lane *lane)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | (lane->spins ? O_NONBLOCK : 0);
	struct mq_attr attr = { .mq_msgsize = (long)lane->size };
	char name[64];
	mqd_t queue = -1;

	snprintf(name, sizeof(name), "/ringbus-bench-%d", (int)getpid());
	mq_unlink(name); /* a dead one's, of the same number */
	/* More than ten are for the privileged, by default. */
	for (int depth = QUEUE_DEPTH; queue < 0 && depth > 0; depth /= 2) {
		attr.mq_maxmsg = depth > 8 ? depth : 10;
		queue = mq_open(name, flags, 0600, &attr);
	}
	if (queue < 0)
		return -errno;
	mq_unlink(name);
	lane->fds[0] = queue;
	return 0;
}

static void
send_message(struct peer_lane *lane)
{
	int err;

	do
		err = mq_send(lane->fds[0], buffer, lane->size, 0);
	while (err != 0 && is_to_be_repeated(lane, err));
}

static const void *
receive_message(struct peer_lane *lane, size_t *ret_size)
{
	ssize_t n;

	do
		n = mq_receive(lane->fds[0], buffer, BUFFER_SIZE, NULL);
	while (is_to_be_repeated(lane, n));
	*ret_size = (size_t)n;
	return buffer;
}

static void
close_queue(struct peer_lane *lane)
{
	mq_close(lane->fds[0]);
}

const struct peer_lane_ops peer_posix_mq = {
	.prepare = prepare_queue,
	.open = open_nothing,
	.claim = claim_buffer,
	.send = send_message,
	.receive = receive_message,
	.close = close_queue,
};
