/* SPDX-License-Identifier: MIT */
/*
 * follow.c - EVENTS: events are handed to clients, each what he may look at
 *
 * One of a channel goes to who may tap it; of one that is gone to root and the
 * daemon's own user alone, as nobody knows any more who might, even if there is another
 * one of its name. The rest goes to all.
 * At most so many are passed over for one request, so that it does not hold up others;
 * the client asks again from there.
 */
#include <errno.h>

#include "daemon/event.h"
#include "daemon/request.h"
#include "daemon/rights.h"

#define LOOKS_MAX 32

static bool
may_look(const struct rb_peer *peer, int64_t id, const char *channel)
{
	const struct rb_hosted *hosted;

	if (channel[0] == '\0' || rb_access_is_owner(&peer->who))
		return true;
	hosted = rb_registry_find(&peer->daemon->registry, channel);
	return hosted != NULL && id >= hosted->born &&
	       rb_rights_may_tap(peer, hosted);
}

int
rb_request_events(struct rb_peer *peer, struct rb_control *answer)
{
	int64_t id = answer->from;
	const char *channel;

	for (int i = 0; i < LOOKS_MAX; i++, id++) {
		if (rb_event_read(&id, answer->text, sizeof(answer->text),
				  &channel) == 0) {
			answer->from = id;
			answer->result = -EAGAIN;
			return -EAGAIN;
		}
		if (may_look(peer, id, channel)) {
			answer->from = id + 1;
			return 0;
		}
	}
	answer->text[0] = '\0';
	answer->from = id;
	return 0;
}
