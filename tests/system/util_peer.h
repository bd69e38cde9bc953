/* SPDX-License-Identifier: MIT */
/*
 * util_peer.h - raw talk with a daemon
 *
 * A t_peer is a connection that speaks the control protocol by hand, to say what
 * the library would not; t_peer_connect() and t_peer_greet() make one.
 */
#ifndef T_UTIL_PEER_H
#define T_UTIL_PEER_H

#include "tests/system/util_daemon.h"

/* A message of this type about this channel, which may be NULL. */
struct rb_control t_message(enum rb_control_type type, const char *channel);

/*
 * Sends, receives the answer in place, and returns its result, or -ECONNRESET.
 * Descriptors go into `fds`, if given; else they are closed.
 */
int t_peer_ask(int peer, struct rb_control *message, int fds[RB_FDS]);

/* As many descriptors as the kernel lets through with one message. */
#define T_FDS_MAX 253

/* Sends a message with n descriptors; as sendmsg(). */
ssize_t t_peer_send_fds(int peer, const struct rb_control *message,
			const int *fds, size_t n);

/* A request to create a channel of 64 slots of 8 bytes. */
struct rb_control t_create_message(const char *channel, uint32_t flags);

/* A request to attach as `name`, which may be NULL. */
struct rb_control t_attach_message(const char *channel, enum rb_role role,
				   const char *name);

/* Asks to attach as `name`, which may be NULL. *ret is the answer. */
int t_peer_attach(int peer, const char *channel, enum rb_role role,
		  const char *name, struct rb_control *ret);

/* As t_peer_ask(); and if it is refused, `text` has to be in the reason. */
int t_peer_refuses(int peer, struct rb_control *message, const char *text);

/* Detaches what an answer to ATTACH let in; and gives its place up. */
int t_peer_detach(int peer, const struct rb_control *attached);
int t_peer_forget(int peer, const struct rb_control *attached);

/*
 * A process that attaches by hand, tells its answer, and waits to be killed
 * with t_kill(). `hang_up`: it closes its connection first.
 */
pid_t t_holder(const struct t_daemon *daemon, const struct rb_control *attach,
	       bool hang_up, struct rb_control *ret);

/* Says in shared memory that the member which an answer to ATTACH let in has
 * come, as a client does; closes the descriptors. */
void t_peer_arrive(const struct rb_control *attached, const int fds[RB_FDS]);

/* Asks to attach, and if let in, comes. */
int t_peer_come(int peer, struct rb_control *message);

/* The same, and keeps ring and gates open, as one does that maps them. */
int t_peer_stay(int peer, struct rb_control *message);

/* True if the daemon has closed this connection; waits for it. */
bool t_peer_is_closed(int peer);

#endif
