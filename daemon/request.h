/* SPDX-License-Identifier: MIT */
/*
 * request.h - what a client asks for, checked field by field and answered
 *
 * A message that no library of ours could have sent (an unknown type or role, a
 * name without an end, reserved bytes in use, HELLO not first) ends the
 * connection. Everything else gets an answer: 0, or a refusal that says what it
 * concerns and what to do, which is logged too.
 */
#ifndef RB_DAEMON_REQUEST_H
#define RB_DAEMON_REQUEST_H

#include "daemon/daemon.h"
#include "daemon/peer.h"

/* 0, or a negative errno: the connection has to end. */
int rb_request_handle(struct rb_peer *peer, const struct rb_control *request);

/*
 * For the handlers below: makes the answer a refusal, logs it, and returns the
 * error. `fmt` continues "channel NAME: ", if the request has a valid one.
 */
int rb_request_refuse(const struct rb_peer *peer, struct rb_control *answer,
		      int err, const char *fmt, ...) rb_printf_(4, 5);

/*
 * The handlers. Each finds the checked request in `answer` and turns it into
 * the answer. 0; or the error of the refusal.
 */
int rb_request_detach(struct rb_peer *peer, struct rb_control *answer);
int rb_request_list(struct rb_peer *peer, struct rb_control *answer);
int rb_request_plan(struct rb_peer *peer, struct rb_control *answer);
int rb_request_create(struct rb_peer *peer, struct rb_control *answer);
int rb_request_open(struct rb_peer *peer, struct rb_control *answer);
int rb_request_remove(struct rb_peer *peer, struct rb_control *answer);
int rb_request_close(struct rb_peer *peer, struct rb_control *answer);
int rb_request_mend(struct rb_peer *peer, struct rb_control *answer);
int rb_request_pause(struct rb_peer *peer, struct rb_control *answer);
int rb_request_evict(struct rb_peer *peer, struct rb_control *answer);
int rb_request_move(struct rb_peer *peer, struct rb_control *answer);
int rb_request_reload(struct rb_peer *peer, struct rb_control *answer);
int rb_request_report(struct rb_peer *peer, struct rb_control *answer);
int rb_request_events(struct rb_peer *peer, struct rb_control *answer);
int rb_request_status(struct rb_peer *peer, struct rb_control *answer);
int rb_request_setting(struct rb_peer *peer, struct rb_control *answer);

/* Sends its answer itself, as descriptors go with it. 0, or a negative errno:
 * the connection has to end. */
int rb_request_attach(struct rb_peer *peer, struct rb_control *answer);

/* The connection ends: its plan goes, and what it prepares. */
void rb_request_abandon(struct rb_peer *peer);

/* The channel that the request names, or NULL, and the answer says so. One that
 * another connection prepares is not there yet. */
struct rb_hosted *rb_request_find_channel(const struct rb_peer *peer,
					  struct rb_control *answer);

/* 0, or -EBADMSG if it is broken, and the answer says so. For those who may do
 * what they ask for. */
int rb_request_check_whole(const struct rb_peer *peer,
			   const struct rb_hosted *hosted,
			   struct rb_control *answer);

/* The channel that the request names, whole, and for a peer that may `act` on it
 * as its admin; or NULL, and the answer says so. */
struct rb_hosted *rb_request_find_to_manage(const struct rb_peer *peer,
					    struct rb_control *answer,
					    const char *act);

#endif
