/* SPDX-License-Identifier: MIT */
/*
 * util_peer.c - see util_peer.h
 */
#include "tests/system/util_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/presence.h"

struct rb_control
t_message(enum rb_control_type type, const char *channel)
{
	struct rb_control message = { .version = RB_CONTROL_VERSION,
				      .type = type };

	if (type == RB_CONTROL_HELLO)
		message.layout_hash = rb_layout_hash();
	if (channel != NULL)
		snprintf(message.channel, RB_NAME_SIZE, "%s", channel);
	return message;
}

static void
take_fds(struct msghdr *header, int fds[RB_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int got[RB_FDS];

	if (c == NULL)
		return;
	ck_assert_uint_eq(c->cmsg_len, CMSG_LEN(sizeof(got)));
	memcpy(got, CMSG_DATA(c), sizeof(got));
	for (int i = 0; i < RB_FDS; i++)
		if (fds != NULL)
			fds[i] = got[i];
		else
			close(got[i]);
}

int
t_peer_ask(int peer, struct rb_control *message, int fds[RB_FDS])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RB_FDS * sizeof(int))];
	} control;
	struct iovec part = { message, sizeof(*message) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t n;

	if (send(peer, message, sizeof(*message), MSG_NOSIGNAL) < 0)
		return -ECONNRESET;
	n = recvmsg(peer, &header, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return -ECONNRESET;
	ck_assert_int_eq(n, RB_CONTROL_SIZE);
	take_fds(&header, fds);
	return message->result;
}

ssize_t
t_peer_send_fds(int peer, const struct rb_control *message, const int *fds,
		size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(T_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)message, sizeof(*message) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(n *
							      sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(peer, &header, MSG_NOSIGNAL);
}

struct rb_control
t_create_message(const char *channel, uint32_t flags)
{
	struct rb_control message = t_message(RB_CONTROL_CREATE, channel);

	message.slots = 64;
	message.slot_size = 8;
	message.wait = RB_WAIT_BLOCKING;
	message.flags = flags;
	return message;
}

struct rb_control
t_attach_message(const char *channel, enum rb_role role, const char *name)
{
	struct rb_control message = t_message(RB_CONTROL_ATTACH, channel);

	message.role = role;
	message.from = RB_FROM_NOW;
	if (name != NULL)
		snprintf(message.name, RB_NAME_SIZE, "%s", name);
	return message;
}

void
t_peer_arrive(const struct rb_control *attached, const int fds[RB_FDS])
{
	struct rb_channel channel;

	t_ok(rb_channel_attach(&channel, fds, attached->role));
	if (attached->role != RB_ROLE_TAP)
		ck_assert(rb_presence_arrive(&channel, attached->role,
					     attached->index, attached->epoch));
	rb_channel_detach(&channel);
	for (int i = 0; i < RB_FDS; i++)
		close(fds[i]);
}

int
t_peer_come(int peer, struct rb_control *message)
{
	int fds[RB_FDS];
	int result = t_peer_ask(peer, message, fds);

	if (result == 0)
		t_peer_arrive(message, fds);
	return result;
}

int
t_peer_stay(int peer, struct rb_control *message)
{
	int fds[RB_FDS];
	int result = t_peer_ask(peer, message, fds);

	if (result < 0)
		return result;
	ck_assert_int_ge(dup(fds[RB_FILE_RING]), 0);
	ck_assert_int_ge(dup(fds[RB_FILE_GATES]), 0);
	t_peer_arrive(message, fds);
	return 0;
}

int
t_peer_attach(int peer, const char *channel, enum rb_role role,
	      const char *name, struct rb_control *ret)
{
	*ret = t_attach_message(channel, role, name);
	return t_peer_come(peer, ret);
}

int
t_peer_refuses(int peer, struct rb_control *message, const char *text)
{
	int result = t_peer_ask(peer, message, NULL);

	if (result < 0 && strstr(message->text, text) == NULL)
		ck_abort_msg("%s: not in: %s", text, message->text);
	return result;
}

static struct rb_control
detach_message(const struct rb_control *attached)
{
	struct rb_control message = t_message(RB_CONTROL_DETACH,
					      attached->channel);

	message.role = attached->role;
	message.index = attached->index;
	message.epoch = attached->epoch;
	message.generation = attached->generation;
	return message;
}

int
t_peer_detach(int peer, const struct rb_control *attached)
{
	struct rb_control message = detach_message(attached);

	return t_peer_ask(peer, &message, NULL);
}

int
t_peer_forget(int peer, const struct rb_control *attached)
{
	struct rb_control message = detach_message(attached);

	message.flags = RB_CONTROL_FORGET;
	return t_peer_ask(peer, &message, NULL);
}

struct holder {
	const struct t_daemon *daemon;
	struct rb_control message;
	bool hang_up;
	int told[2];
};

static int
hold(void *arg)
{
	struct holder *h = arg;
	int peer = t_peer_greet(h->daemon);

	t_peer_stay(peer, &h->message);
	if (h->hang_up)
		close(peer);
	if (write(h->told[1], &h->message, sizeof(h->message)) < 0)
		return 1;
	for (;;)
		pause();
}

pid_t
t_holder(const struct t_daemon *daemon, const struct rb_control *attach,
	 bool hang_up, struct rb_control *ret)
{
	struct holder h = { daemon, *attach, hang_up, { -1, -1 } };
	pid_t pid;

	ck_assert_int_eq(pipe2(h.told, O_CLOEXEC), 0);
	pid = t_child(hold, &h);
	close(h.told[1]);
	ck_assert_int_eq(read(h.told[0], ret, sizeof(*ret)), sizeof(*ret));
	close(h.told[0]);
	return pid;
}

bool
t_peer_is_closed(int peer)
{
	struct pollfd wait = { .fd = peer, .events = POLLIN };
	char byte;

	if (poll(&wait, 1, T_PATIENCE * 1000) <= 0)
		return false;
	return recv(peer, &byte, 1, 0) <= 0;
}
