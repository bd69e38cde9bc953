/* SPDX-License-Identifier: MIT */
/*
 * renewal.h - a channel that is used, and is to be another one
 *
 *            begin                     nobody is in it, and no kept consumer
 *   OPEN ----------> drains, CLOSING --------------------------------> removed,
 *                                      has anything unread             made anew
 *
 * Its stream ends: producers are told, consumers read what is there. Nobody new is
 * let in but who resumes a kept place with something to read; all others are told
 * to try again. That it drains is written down in its memory before the stream
 * ends, so that another daemon goes on with it from wherever this one died: at
 * `drains` it ends the stream, and between the removal and the making it finds no
 * channel of the name, and makes it.
 *
 * The same look finds those that the configuration no longer has, once nobody is in
 * them any more.
 */
#ifndef RB_DAEMON_RENEWAL_H
#define RB_DAEMON_RENEWAL_H

#include "daemon/daemon.h"

/* Its configuration is the one that it is to have. */
void rb_renewal_begin(struct rb_hosted *hosted);

/* Whether this consumer has to be let in for the channel to come to its end. */
bool rb_renewal_needs(const struct rb_hosted *hosted, enum rb_role role,
		      const char *name);

/* Makes one whose predecessor has been removed; false if it cannot, and has said
 * why. */
bool rb_renewal_make(struct rb_daemon *daemon,
		     const struct rb_config_channel *config);

/* Removes and makes anew what has come to its end. Not while somebody goes through
 * the channels or the members of one. */
void rb_renewal_look(struct rb_daemon *daemon);

#endif
