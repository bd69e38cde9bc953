/* SPDX-License-Identifier: MIT */
/*
 * peer.h - one connection of a client
 *
 * Takes messages one at a time, hands them to request.h, sends the answers. The
 * daemon never waits for a peer: one that does not read its answers, does not
 * say HELLO in time, or says what cannot be said is disconnected. Descriptors go
 * to no peer that has answers to read: what is on its way counts for the
 * daemon's user, and with too much of it nobody gets any. A disconnection ends the
 * connection, its plan and the channels that it has not opened yet; the
 * memberships of its process stay.
 *
 * A process outside of the daemon's PID namespace has no pid here, and so could
 * not be found again by the next daemon: it is told so at its HELLO.
 */
#ifndef RB_DAEMON_PEER_H
#define RB_DAEMON_PEER_H

#include <sys/queue.h>

#include "daemon/access.h"
#include "daemon/loop.h"
#include "daemon/process.h"
#include "daemon/user.h"
#include "shm/channel.h"
#include "shm/control.h"

struct rb_daemon;
struct rb_plan;
struct rb_server;

struct rb_peer {
	struct rb_daemon *daemon;
	struct rb_server *server;
	int fd;
	bool greeted;
	struct rb_credentials who;
	struct rb_user *user;       /* whose it is */
	struct rb_process *process; /* NULL: of no pid of ours, see below */
	struct rb_watch *message;
	struct rb_watch *patience; /* for HELLO */
	struct rb_plan *plan;      /* of the next channel it creates, or NULL */
	LIST_ENTRY(rb_peer) of_server;
};

/* Takes the descriptor if it returns 0. Else a negative errno, and has said why. */
int rb_peer_new(struct rb_server *server, int fd, struct rb_peer **ret);
struct rb_peer *rb_peer_free(struct rb_peer *peer);

/*
 * Sends an answer, with the descriptors of a channel if they are given. 0 or a
 * negative errno; then the peer has to be disconnected.
 */
int rb_peer_send(struct rb_peer *peer, const struct rb_control *answer,
		 const int fds[RB_FDS]);

/* Whether there are answers that it has not read yet. */
bool rb_peer_has_unread(const struct rb_peer *peer);

/* HELLO was right. */
void rb_peer_set_greeted(struct rb_peer *peer);

#endif
