/* SPDX-License-Identifier: MIT */
/*
 * peer.c - see peer.h
 */
#include "daemon/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/request.h"
#include "daemon/server.h"

#define HELLO_PATIENCE_NS INT64_C(5000000000)

static void
on_message(void *context, int result)
{
	struct rb_peer *peer = context;
	struct rb_control message;

	if (result == RB_CONTROL_SIZE) {
		memcpy(&message, rb_watch_message(peer->message),
		       sizeof(message));
		if (rb_request_handle(peer, &message) == 0) {
			rb_watch_receive(peer->message, peer->fd);
			return;
		}
	} else if (result > 0) {
		rb_user_log(peer->user, LOG_WARNING,
			    "pid %d (uid %u) sent a message of the wrong "
			    "length: disconnected",
			    peer->who.pid, peer->who.uid);
	}
	rb_peer_free(peer);
}

static void
on_no_hello(void *context, int result)
{
	struct rb_peer *peer = context;

	(void)result;
	rb_user_log(peer->user, LOG_WARNING,
		    "pid %d (uid %u) connected and said nothing for 5 s: "
		    "disconnected",
		    peer->who.pid, peer->who.uid);
	rb_peer_free(peer);
}

static int
find_user(struct rb_peer *peer)
{
	int err = rb_user_get(rb_server_users(peer->server), peer->who.uid,
			      &peer->user);

	if (err == 0)
		peer->user->n_peers++;
	return err;
}

static int
find_process(struct rb_peer *peer)
{
	struct rb_processes *all = rb_server_processes(peer->server);
	uint32_t pid = (uint32_t)peer->who.pid;
	uint64_t start_time;
	int pidfd = rb_credentials_open_process(&peer->who, peer->fd);
	int err;

	if (pidfd < 0)
		return pidfd;
	err = rb_process_start_time(pid, pidfd, &start_time);
	if (err < 0) {
		rb_closep(&pidfd);
		return err;
	}
	err = rb_process_get(all, pid, start_time, pidfd, &peer->process);
	if (err == 0)
		peer->process->n_peers++;
	return err;
}

static int
set_up(struct rb_peer *peer)
{
	struct rb_loop *loop = rb_server_loop(peer->server);
	int err = rb_credentials_init(&peer->who, peer->fd);

	if (err == 0)
		err = find_user(peer);
	if (err == 0 && !rb_server_serves(peer->server, peer))
		err = -EUSERS;
	if (err == 0 && !rb_credentials_are_foreign(&peer->who))
		err = find_process(peer);
	if (err == 0)
		err = rb_watch_new(loop, on_message, peer, &peer->message);
	if (err == 0)
		err = rb_watch_new(loop, on_no_hello, peer, &peer->patience);
	if (err < 0)
		return err;
	rb_watch_receive(peer->message, peer->fd);
	rb_watch_timer(peer->patience, HELLO_PATIENCE_NS);
	return 0;
}

int
rb_peer_new(struct rb_server *server, int fd, struct rb_peer **ret)
{
	struct rb_peer *peer = calloc(1, sizeof(*peer));
	int err;

	if (peer == NULL)
		return -ENOMEM;
	peer->server = server;
	peer->daemon = server->daemon;
	peer->fd = fd;
	LIST_INSERT_HEAD(&server->peers, peer, of_server);
	server->n_peers++;
	err = set_up(peer);
	if (err < 0) {
		/* One that has gone again is nobody's trouble; of too many
		 * the first have been told. */
		if (err != -ESRCH && err != -EUSERS && !rb_server_is_short(err))
			rb_user_log(peer->user, LOG_WARNING,
				    "cannot serve pid %d (uid %u): %s",
				    peer->who.pid, peer->who.uid,
				    strerror(-err));
		peer->fd = -1;
		rb_peer_free(peer);
		return err;
	}
	*ret = peer;
	return 0;
}

static void
leave_user(struct rb_peer *peer)
{
	if (peer->user == NULL)
		return;
	peer->user->n_peers--;
	peer->user->n_greeted -= peer->greeted;
	rb_user_release(peer->user);
}

static void
leave_process(struct rb_peer *peer)
{
	struct rb_process *process = peer->process;

	if (process == NULL)
		return;
	if (!process->dead)
		rb_reaper_heed_process(&peer->daemon->reaper, process, peer);
	process->n_peers--;
	rb_process_release(process);
}

struct rb_peer *
rb_peer_free(struct rb_peer *peer)
{
	if (peer == NULL)
		return NULL;
	rb_request_abandon(peer);
	LIST_REMOVE(peer, of_server);
	peer->server->n_peers--;
	peer->server->n_greeted -= peer->greeted;
	leave_process(peer);
	leave_user(peer);
	rb_watch_free(peer->message);
	rb_watch_free(peer->patience);
	rb_credentials_deinit(&peer->who);
	rb_closep(&peer->fd);
	free(peer);
	return NULL;
}

void
rb_peer_set_greeted(struct rb_peer *peer)
{
	peer->greeted = true;
	peer->user->n_greeted++;
	peer->server->n_greeted++;
	peer->patience = rb_watch_free(peer->patience);
}

/* Of a local socket that is what its buffer still has to account for. */
bool
rb_peer_has_unread(const struct rb_peer *peer)
{
	int size = 0;

	return ioctl(peer->fd, SIOCOUTQ, &size) == 0 && size > 0;
}

static void
attach_fds(struct msghdr *header, const int fds[RB_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(RB_FDS * sizeof(int));
	memcpy(CMSG_DATA(c), fds, RB_FDS * sizeof(int));
}

int
rb_peer_send(struct rb_peer *peer, const struct rb_control *answer,
	     const int fds[RB_FDS])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RB_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)answer, sizeof(*answer) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fds != NULL) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		attach_fds(&header, fds);
	}
	if (sendmsg(peer->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN)
		rb_user_log(peer->user, LOG_WARNING,
			    "pid %d (uid %u) does not read its answers: "
			    "disconnected",
			    peer->who.pid, peer->who.uid);
	return -errno;
}
