/* SPDX-License-Identifier: MIT */
/*
 * manage.c - LIST, REMOVE, CLOSE, MEND, PAUSE: requests about channels as a whole
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/event.h"
#include "daemon/request.h"
#include "daemon/rights.h"
#include "shm/member.h"

static bool
may_see(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	if (hosted->preparing != NULL && hosted->preparing != peer)
		return false;
	return rb_rights_may_see(peer, hosted);
}

int
rb_request_list(struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_registry *registry = &peer->daemon->registry;
	uint32_t left = answer->index;

	for (unsigned i = 0; i < registry->n_hosted; i++) {
		if (!may_see(peer, registry->hosted[i]) || left-- > 0)
			continue;
		memcpy(answer->channel, registry->hosted[i]->name,
		       RB_NAME_SIZE);
		return 0;
	}
	answer->result = -ENOENT; /* the end of the list is no refusal */
	return -ENOENT;
}

/* ----------------------------------------------------- removing and closing */

/* Whose it is nobody knows. */
static int
remove_outdated(struct rb_peer *peer, struct rb_control *answer)
{
	int err = rb_rights_check_daemon(peer, answer,
					 "remove a channel of another layout");

	if (err < 0)
		return err;
	err = rb_outdated_remove(&peer->daemon->outdated, answer->channel);
	if (err == -EBUSY)
		return rb_request_refuse(peer, answer, err,
					 "somebody is in it: stop its members "
					 "first");
	if (err < 0)
		return rb_request_refuse(peer, answer, err,
					 "not all of it could be removed");
	rb_event_tell(peer->user, LOG_INFO,
		      RB_ABOUT(RB_EVENT_REMOVE, answer->channel, NULL,
			       peer->who.pid),
		      "channel %s: of another memory layout, removed by pid %d "
		      "(uid %u)",
		      answer->channel, peer->who.pid, peer->who.uid);
	return 0;
}

int
rb_request_remove(struct rb_peer *peer, struct rb_control *answer)
{
	const struct rb_refused *refused = rb_registry_find_refused(
		&peer->daemon->registry, answer->channel);
	struct rb_hosted *hosted;
	int err;

	if (refused != NULL && (refused->is_left || refused->outdated))
		return remove_outdated(peer, answer);
	hosted = rb_request_find_channel(peer, answer);
	if (hosted == NULL)
		return answer->result;
	if (hosted->config != NULL)
		return rb_request_refuse(peer, answer, -EACCES,
					 "it is in the configuration: remove "
					 "it there");
	err = rb_rights_check_remove(peer, hosted, answer);
	if (err < 0)
		return err;
	if (rb_hosted_has_members(hosted))
		return rb_request_refuse(peer, answer, -EBUSY,
					 "%u members are attached: stop them "
					 "first",
					 rb_member_count(&hosted->channel));
	err = rb_reaper_remove(&peer->daemon->reaper, hosted);
	if (err < 0)
		return rb_request_refuse(peer, answer, err,
					 "not all of it could be removed");
	rb_event_tell(peer->user, LOG_INFO,
		      RB_ABOUT(RB_EVENT_REMOVE, answer->channel, NULL,
			       peer->who.pid),
		      "channel %s: removed by pid %d (uid %u)", answer->channel,
		      peer->who.pid, peer->who.uid);
	return 0;
}

int
rb_request_mend(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_request_find_to_manage(peer, answer,
							     "mend it");

	if (hosted == NULL)
		return answer->result;
	answer->missed = (int64_t)rb_reaper_mend(&peer->daemon->reaper, hosted);
	if (answer->missed > 0)
		rb_event_tell(peer->user, LOG_INFO,
			      RB_ABOUT(RB_EVENT_MEND, hosted->name, NULL,
				       peer->who.pid),
			      "channel %s: mended by pid %d (uid %u): %" PRId64
			      " slots are given up",
			      hosted->name, peer->who.pid, peer->who.uid,
			      answer->missed);
	return 0;
}

int
rb_request_close(struct rb_peer *peer, struct rb_control *answer)
{
	bool abort = (answer->flags & RB_CONTROL_ABORT) != 0;
	struct rb_hosted *hosted = rb_request_find_to_manage(
		peer, answer, abort ? "abort it" : "end it");

	if (hosted == NULL)
		return answer->result;
	rb_channel_close_stream(&hosted->channel, abort);
	rb_event_tell(peer->user, LOG_INFO,
		      RB_ABOUT(abort ? RB_EVENT_ABORT : RB_EVENT_END,
			       hosted->name, NULL, peer->who.pid),
		      "channel %s: %s by pid %d (uid %u)", hosted->name,
		      abort ? "aborted" : "ended", peer->who.pid,
		      peer->who.uid);
	return 0;
}

/* ------------------------------------------------------------------ pausing */

static void
set_paused(const struct rb_peer *peer, struct rb_hosted *hosted, bool paused)
{
	struct rb_channel *channel = &hosted->channel;

	if (rb_channel_is_paused(channel) == paused)
		return;
	rb_channel_set_paused(channel, paused ? rb_realtime_ns() : 0);
	rb_event_tell(peer->user, LOG_INFO,
		      RB_ABOUT(paused ? RB_EVENT_PAUSE : RB_EVENT_RESUME,
			       hosted->name, NULL, peer->who.pid),
		      "channel %s: %s by pid %d (uid %u)", hosted->name,
		      paused ? "paused" : "resumed", peer->who.pid,
		      peer->who.uid);
}

int
rb_request_pause(struct rb_peer *peer, struct rb_control *answer)
{
	bool resume = (answer->flags & RB_CONTROL_RESUME) != 0;
	struct rb_hosted *hosted = rb_request_find_to_manage(
		peer, answer, resume ? "resume it" : "pause it");

	if (hosted == NULL)
		return answer->result;
	if (!rb_stream_is_open(rb_hosted_stream(hosted)))
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "its stream has ended, so that no "
					 "producer is there to %s",
					 resume ? "resume" : "pause");
	set_paused(peer, hosted, !resume);
	return 0;
}
