/* SPDX-License-Identifier: MIT */
/*
 * rights.h - who may do what with a channel, and how a refusal tells
 *
 *                           attach          end, abort, mend      remove
 *   of the configuration    publish,        admin, else publish   nobody
 *                           consume, tap
 *   dynamic                 the same of     admin, else creator   creator, admin
 *                           all of them     and producers
 *   in no configuration     owner           owner                 owner
 *
 * Who may do any of it may ask for the settings of its journal and bridge.
 *
 * The words are the lists of `access`, for dynamic channels those of `dynamic:
 * access`; a list that is absent lets in everyone, one of admins leaves it to
 * what comes after "else". The owner, root or the daemon's own user, may do all
 * of it, but remove what is configured. What counts is the configuration as it
 * is at the request; who is in already stays in.
 */
#ifndef RB_DAEMON_RIGHTS_H
#define RB_DAEMON_RIGHTS_H

#include "daemon/hosted.h"
#include "daemon/peer.h"

/* Whether he may look at it without taking part. */
bool rb_rights_may_tap(const struct rb_peer *peer,
		       const struct rb_hosted *hosted);

/* Whether the peer may do anything with it at all. */
bool rb_rights_may_see(const struct rb_peer *peer,
		       const struct rb_hosted *hosted);

/*
 * 0; or -EACCES, and the answer is a refusal which names the role, who asked,
 * and the list with those whom it lets in.
 */
int rb_rights_check_attach(const struct rb_peer *peer,
			   const struct rb_hosted *hosted,
			   struct rb_control *answer);
int rb_rights_check_see(const struct rb_peer *peer,
			const struct rb_hosted *hosted,
			struct rb_control *answer);
int rb_rights_check_remove(const struct rb_peer *peer,
			   const struct rb_hosted *hosted,
			   struct rb_control *answer);
int rb_rights_check_create(const struct rb_peer *peer,
			   struct rb_control *answer);

/* The same for what concerns the daemon as a whole. */
int rb_rights_check_daemon(const struct rb_peer *peer,
			   struct rb_control *answer, const char *act);

/* The same for what takes an admin; `act` is the word for it, "end". */
int rb_rights_check_admin(const struct rb_peer *peer,
			  const struct rb_hosted *hosted,
			  struct rb_control *answer, const char *act);

#endif
