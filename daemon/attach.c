/* SPDX-License-Identifier: MIT */
/*
 * attach.c - ATTACH and DETACH: processes become members and cease to be
 *
 * A client gets descriptors, never names: read-write where its role writes, and
 * opened anew for reading only where it does not, so that it cannot map them
 * writable. The bell is rung by reading it: nobody gets it writable.
 */
#include <errno.h>
#include <string.h>

#include "daemon/event.h"
#include "daemon/files.h"
#include "daemon/renewal.h"
#include "daemon/request.h"
#include "daemon/rights.h"
#include "daemon/seat.h"

#define MEMBERSHIPS_MAX 256 /* of one process */

/* Of a limit that is 0 there is none. */
static int
check_user(struct rb_peer *peer, const struct rb_hosted *hosted,
	   struct rb_control *answer)
{
	const struct rb_user *user = peer->user;
	unsigned on_channel = rb_hosted_count_user(hosted, user, answer->name);
	unsigned max = peer->daemon->config->max_members_per_user;
	unsigned max_on_channel = hosted->config != NULL
					  ? hosted->config->max_members_per_user
					  : 0;

	if (user->n_members >= max)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "uid %u has %u handles open already, "
					 "all that one user may: close some, "
					 "or raise max_members_per_user of the "
					 "daemon",
					 user->uid, user->n_members);
	if (max_on_channel != 0 && on_channel >= max_on_channel)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "uid %u has %u places here already, "
					 "all that one user may: give some up, "
					 "or raise its max_members_per_user",
					 user->uid, on_channel);
	return 0;
}

static int
check_room(struct rb_peer *peer, const struct rb_hosted *hosted,
	   struct rb_control *answer)
{
	if (answer->role == RB_ROLE_TAP)
		return 0; /* takes no place, and nothing of ours */
	if (peer->process->n_memberships >= MEMBERSHIPS_MAX)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "pid %d has %d handles open already: "
					 "close some",
					 peer->who.pid, MEMBERSHIPS_MAX);
	return rb_access_is_owner(&peer->who)
		       ? 0
		       : check_user(peer, hosted, answer);
}

/* What stands against it before we look for a place. */
static int
check_attach(struct rb_peer *peer, const struct rb_hosted *hosted,
	     struct rb_control *answer)
{
	enum rb_role role = answer->role;
	int err;

	if (answer->name[0] != '\0' && !rb_name_is_valid(answer->name))
		return rb_request_refuse(peer, answer, -EINVAL,
					 "the member's name is none: 1 to 63 "
					 "of A-Z a-z 0-9 . _ - and neither a "
					 "dot nor a dash in front");
	err = rb_rights_check_attach(peer, hosted, answer);
	if (err == 0)
		err = rb_request_check_whole(peer, hosted, answer);
	if (err < 0)
		return err;
	if (peer->daemon->stopping)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "this ringbusd is stopping");
	if (hosted->drains && !rb_renewal_needs(hosted, role, answer->name))
		return rb_request_refuse(
			peer, answer, -EAGAIN,
			"it drains: its definition has "
			"changed, and it is made anew once all "
			"have left it: try again later");
	if (role == RB_ROLE_PRODUCER &&
	    !rb_stream_is_open(rb_hosted_stream(hosted)))
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "its stream has ended, no producer "
					 "can join any more");
	return check_room(peer, hosted, answer);
}

/* What stands against a client that says what the events are: it would read or
 * write them wrongly. */
static int
check_type(struct rb_peer *peer, const struct rb_hosted *hosted,
	   struct rb_control *answer)
{
	const struct rb_meta_header *header = &hosted->channel.meta->header;

	if (answer->type_name[0] == '\0')
		return 0;
	if (!rb_name_is_valid(answer->type_name))
		return rb_request_refuse(peer, answer, -EINVAL,
					 "the name of its events' type is "
					 "none: 1 to 63 of A-Z a-z 0-9 . _ - "
					 "and neither a dot nor a dash in "
					 "front");
	if (header->type[0] == '\0' ||
	    (strncmp(header->type, answer->type_name, RB_NAME_SIZE) == 0 &&
	     header->type_version == answer->type_version))
		return 0;
	return rb_request_refuse(peer, answer, -EPROTOTYPE,
				 "its events are of type %.64s version %u, pid "
				 "%d wants %s version %u: build both sides "
				 "with the same definition, or use another "
				 "channel",
				 header->type, header->type_version,
				 peer->who.pid, answer->type_name,
				 answer->type_version);
}

static int
open_files(const struct rb_hosted *hosted, enum rb_role role, int fds[RB_FDS])
{
	enum rb_clear clear = hosted->channel.clear;

	for (int i = 0; i < RB_FDS; i++) {
		bool writable = i != RB_FD_BELL &&
				rb_role_writes(role, i, clear);

		fds[i] = rb_files_open(hosted, i, writable);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/* Decides; a refusal is in the answer then. */
static int
let_in(struct rb_peer *peer, struct rb_control *answer, int fds[RB_FDS],
       struct rb_membership **ret)
{
	struct rb_hosted *hosted;
	char after[RB_CONTROL_TEXT_SIZE];
	int err;

	memcpy(after, answer->text, sizeof(after));
	memset(answer->text, 0, sizeof(answer->text));
	hosted = rb_request_find_channel(peer, answer);
	if (hosted == NULL)
		return answer->result;
	err = check_attach(peer, hosted, answer);
	if (err == 0)
		err = check_type(peer, hosted, answer);
	if (err < 0)
		return err;
	err = open_files(hosted, answer->role, fds);
	if (err < 0)
		return rb_request_refuse(peer, answer, err,
					 "ringbusd cannot open its files: %s",
					 strerror(-err));
	answer->index = answer->epoch = 0;
	answer->generation = hosted->channel.generation;
	if (answer->role == RB_ROLE_TAP)
		return 0; /* in no table: nobody waits for it */
	if (answer->role == RB_ROLE_PRODUCER)
		return rb_seat_producer(peer, hosted, answer, ret);
	return rb_seat_consumer(peer, hosted, answer, after, ret);
}

/* Those on their way to others will be there some time. */
static int
tell_later(struct rb_peer *peer, struct rb_control *answer)
{
	rb_request_refuse(peer, answer, -EUSERS,
			  "too many descriptors are on their way to clients: "
			  "try again later");
	return rb_peer_send(peer, answer, NULL);
}

/* Not in the log, as those who leave. */
static void
tell_coming(const struct rb_membership *m)
{
	struct rb_about about = rb_event_about(RB_EVENT_ATTACH, m);

	rb_event_tell(m->user, LOG_DEBUG, &about, "channel %s: %s %.64s comes",
		      m->hosted->name, rb_membership_role_name(m->role),
		      about.member);
}

int
rb_request_attach(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_membership *membership = NULL;
	int fds[RB_FDS] = { -1, -1, -1, -1 };
	int err = let_in(peer, answer, fds, &membership);

	err = rb_peer_send(peer, answer, err == 0 ? fds : NULL);
	if (err == 0 && membership != NULL)
		tell_coming(membership);
	/* What the client never learns of must not have happened. */
	if (err < 0 && membership != NULL)
		rb_reaper_leave(&peer->daemon->reaper, membership,
				!membership->found);
	for (int i = 0; i < RB_FDS; i++)
		rb_closep(&fds[i]);
	return err == -ETOOMANYREFS ? tell_later(peer, answer) : err;
}

/* A process may detach what it has attached, over whichever connection. */
static struct rb_membership *
find_membership(const struct rb_peer *peer, const struct rb_control *request)
{
	struct rb_membership *m;

	LIST_FOREACH(m, &peer->process->memberships, of_owner)
	if (m->role == request->role && m->index == request->index &&
	    m->hosted->channel.generation == request->generation &&
	    strcmp(m->hosted->name, request->channel) == 0 &&
	    (m->epoch == request->epoch || m->epoch == 0))
		return m;
	return NULL;
}

int
rb_request_detach(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_membership *membership;

	if (answer->role == RB_ROLE_TAP)
		return 0;
	membership = find_membership(peer, answer);
	if (membership == NULL)
		return rb_request_refuse(peer, answer, -ESTALE,
					 "pid %d is not its %s %u (epoch %u)",
					 peer->who.pid,
					 rb_membership_role_name(answer->role),
					 answer->index, answer->epoch);
	rb_reaper_leave(&peer->daemon->reaper, membership,
			(answer->flags & RB_CONTROL_FORGET) != 0);
	return 0;
}
