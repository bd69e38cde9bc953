/* SPDX-License-Identifier: MIT */
/*
 * seat.h - which entry of the member table a process gets, and on what terms
 *
 * A consumer whose name is declared, or kept since it was there last, takes that
 * place as it is: it may say nothing about its kind, or the same. Any other name
 * makes a consumer of the kind that it asks for. The name of a group makes a
 * worker of it.
 */
#ifndef RB_DAEMON_SEAT_H
#define RB_DAEMON_SEAT_H

#include "daemon/request.h"

/*
 * Lets the peer's process in and completes the answer; `after` are names with
 * blanks between. 0, or the error of the refusal that is in the answer.
 */
int rb_seat_producer(struct rb_peer *peer, struct rb_hosted *hosted,
		     struct rb_control *answer, struct rb_membership **ret);
int rb_seat_consumer(struct rb_peer *peer, struct rb_hosted *hosted,
		     struct rb_control *answer, const char *after,
		     struct rb_membership **ret);

#endif
