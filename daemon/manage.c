/* SPDX-License-Identifier: MIT */
/*
 * manage.c - LIST, CREATE, REMOVE, CLOSE: requests about channels as a whole
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/request.h"
#include "shm/member.h"

static bool
may_see(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	return rb_request_may(peer, hosted, RB_ROLE_PRODUCER) ||
	       rb_request_may(peer, hosted, RB_ROLE_CONSUMER) ||
	       rb_request_may(peer, hosted, RB_ROLE_TAP);
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

/* ---------------------------------------------------------------- creating */

static int
read_wish(struct rb_peer *peer, struct rb_control *answer,
	  struct rb_config_channel *ret)
{
	struct rb_geometry geometry;
	char why[128];

	if (answer->framing > RB_FRAMED || answer->producers > RB_MULTI ||
	    answer->wait >= RB_WAIT_KINDS)
		return rb_request_refuse(peer, answer, -EINVAL,
					 "unknown framing, producers or wait");
	rb_config_channel_init(ret);
	snprintf(ret->name, sizeof(ret->name), "%s", answer->channel);
	ret->slots = answer->slots;
	ret->slot_size = answer->slot_size;
	ret->history = answer->history;
	ret->framing = (enum rb_config_framing)answer->framing;
	ret->producers = (enum rb_config_producers)answer->producers;
	ret->wait = (enum rb_config_wait)answer->wait;
	if (rb_config_channel_check(ret, why, sizeof(why)) < 0)
		return rb_request_refuse(peer, answer, -EINVAL, "%s", why);
	if (rb_folder_geometry(ret, &geometry) < 0)
		return rb_request_refuse(peer, answer, -EINVAL,
					 "these sizes make no channel");
	return 0;
}

static int
check_limits(struct rb_peer *peer, struct rb_control *answer,
	     const struct rb_config_channel *wish)
{
	const struct rb_registry *registry = &peer->daemon->registry;
	const struct rb_config_dynamic *dynamic =
		&peer->daemon->config->dynamic;
	struct rb_geometry geometry;
	uint64_t used, size;
	unsigned n = rb_registry_count_dynamic(registry, &used);

	rb_folder_geometry(wish, &geometry);
	size = rb_geometry_total(&geometry);
	if (n >= dynamic->max_channels)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "there are %u dynamic channels "
					 "already: remove some, or raise "
					 "max_channels",
					 n);
	if (used > dynamic->max_bytes || size > dynamic->max_bytes - used)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "takes %" PRIu64 " bytes, and of "
					 "max_size %" PRIu64 " are used: take "
					 "fewer slots, or raise max_size",
					 size, used);
	return 0;
}

int
rb_request_create(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_registry *registry = &peer->daemon->registry;
	const struct rb_access_list *allow =
		&peer->daemon->config->dynamic.allow;
	struct rb_config_channel wish;
	char why[RB_CONTROL_TEXT_SIZE / 2];
	int err;

	if (!allow->given || !rb_access_allows(allow, &peer->who))
		return rb_request_refuse(peer, answer, -EACCES,
					 "uid %u may not create channels: add "
					 "it to dynamic: allow in the "
					 "configuration",
					 peer->who.uid);
	if (peer->daemon->stopping)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "this ringbusd is stopping");
	err = read_wish(peer, answer, &wish);
	if (err == 0)
		err = check_limits(peer, answer, &wish);
	if (err < 0)
		return err;
	err = rb_registry_create(registry, &wish, &peer->who.uid, why,
				 sizeof(why));
	if (err < 0)
		return rb_request_refuse(peer, answer, err, "%s", why);
	rb_log_info("channel %s: created by pid %d (uid %u)", wish.name,
		    peer->who.pid, peer->who.uid);
	return 0;
}

/* ----------------------------------------------------- removing and closing */

static bool
has_created(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	return rb_access_is_owner(&peer->who) ||
	       (hosted->dynamic && hosted->creator == peer->who.uid);
}

static bool
publishes(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &peer->process->memberships, of_owner)
	if (m->hosted == hosted && m->role == RB_ROLE_PRODUCER)
		return true;
	return false;
}

/* Anybody may attach to a dynamic channel; to end it takes more. */
static bool
may_end(const struct rb_peer *peer, const struct rb_hosted *hosted)
{
	if (hosted->dynamic)
		return has_created(peer, hosted) || publishes(peer, hosted);
	return rb_request_may(peer, hosted, RB_ROLE_PRODUCER);
}

int
rb_request_remove(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);
	int err;

	if (hosted == NULL)
		return answer->result;
	if (hosted->config != NULL)
		return rb_request_refuse(peer, answer, -EACCES,
					 "it is in the configuration: remove "
					 "it there");
	if (!has_created(peer, hosted))
		return rb_request_refuse(peer, answer, -EACCES,
					 "uid %u did not create it",
					 peer->who.uid);
	if (rb_hosted_has_members(hosted))
		return rb_request_refuse(peer, answer, -EBUSY,
					 "%u members are attached: stop them "
					 "first",
					 rb_member_count(&hosted->channel));
	rb_channel_close_stream(&hosted->channel, true); /* to its taps */
	err = rb_registry_remove(&peer->daemon->registry, hosted);
	if (err < 0)
		return rb_request_refuse(peer, answer, err,
					 "not all of it could be removed");
	rb_log_info("channel %s: removed by pid %d (uid %u)", answer->channel,
		    peer->who.pid, peer->who.uid);
	return 0;
}

int
rb_request_close(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);

	if (hosted == NULL)
		return answer->result;
	if (!may_end(peer, hosted))
		return rb_request_refuse(peer, answer, -EACCES,
					 "uid %u may not end it: only who "
					 "%s may",
					 peer->who.uid,
					 hosted->dynamic
						 ? "created it or has a "
						   "producer on it"
						 : "may publish to it");
	rb_channel_close_stream(&hosted->channel, false);
	rb_log_info("channel %s: ended by pid %d (uid %u)", hosted->name,
		    peer->who.pid, peer->who.uid);
	return 0;
}
