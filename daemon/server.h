/* SPDX-License-Identifier: MIT */
/*
 * server.h - the listening socket and the connections that come from it
 *
 * One user gets at most max_clients_per_user, and an eighth of max_clients is
 * kept for root and the daemon's own user, whom that does not bind: nobody can
 * shut the others out. Beyond a limit a client still gets an answer to its
 * HELLO, that there are too many; a few more, and it finds the connection
 * closed. When descriptors run out, the daemon takes no connection for a moment
 * and looks again.
 */
#ifndef RB_DAEMON_SERVER_H
#define RB_DAEMON_SERVER_H

#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/peer.h"
#include "daemon/socket.h"

struct rb_daemon;

struct rb_server {
	struct rb_daemon *daemon;
	struct rb_socket socket;
	struct rb_watch *accept;
	struct rb_watch *pause;
	int64_t complained_ns; /* of having no descriptors; 0: never */
	int held; /* accepted, and no descriptor was left for its process */
	unsigned max_clients;
	unsigned n_peers;
	unsigned n_greeted;
	LIST_HEAD(rb_peer_list, rb_peer) peers;
};

/* Another `max_clients`: who is there stays. */
void rb_server_set_limit(struct rb_server *server, unsigned max_clients);

/* Listens; *paths says where. 0, or a negative errno, and has said why. */
int rb_server_init(struct rb_server *server, struct rb_daemon *daemon,
		   const struct rb_paths *paths, unsigned max_clients);

/* Takes no more connections; those there are stay. */
void rb_server_stop(struct rb_server *server);

/* Closes all, and removes the socket file. */
void rb_server_deinit(struct rb_server *server);

/* How many connections there may be for this user to get one more. */
unsigned rb_server_limit(const struct rb_server *server,
			 const struct rb_credentials *who);

/* How many of them may be his. */
unsigned rb_server_user_limit(const struct rb_server *server,
			      const struct rb_credentials *who);

/* Whether this one, which is counted already, can be served, if only to be told
 * that there are too many of them. */
bool rb_server_serves(const struct rb_server *server,
		      const struct rb_peer *peer);

/* An error of having too little of what a connection takes: of this the server
 * speaks itself. */
bool rb_server_is_short(int err);

/* An estimate of what a server keeps the loop busy with. */
unsigned rb_server_max_watches(unsigned max_clients);

struct rb_loop *rb_server_loop(const struct rb_server *server);
struct rb_processes *rb_server_processes(const struct rb_server *server);
struct rb_users *rb_server_users(const struct rb_server *server);

#endif
