/* SPDX-License-Identifier: MIT */
/*
 * create.c - PLAN, CREATE, OPEN: channels that clients make
 *
 * A channel that its creator fills first keeps its hidden name until it is
 * opened, and belongs to the connection: what ends that, be it the death of the
 * daemon, removes the channel, so that nobody ever finds one half filled.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/event.h"
#include "daemon/plan.h"
#include "daemon/request.h"
#include "daemon/rights.h"
#include "shm/member.h"

#define WHY_SIZE (RB_CONTROL_TEXT_SIZE - 2 * RB_NAME_SIZE)

int
rb_request_plan(struct rb_peer *peer, struct rb_control *answer)
{
	if ((answer->flags & RB_CONTROL_RESET) != 0) {
		peer->plan = rb_plan_free(peer->plan);
		return 0;
	}
	if (!rb_name_is_valid(answer->name))
		return rb_request_refuse(peer, answer, -EINVAL,
					 "a consumer's name is 1 to 63 of A-Z "
					 "a-z 0-9 . _ - and starts with "
					 "neither a dot nor a dash");
	if (peer->plan == NULL)
		peer->plan = rb_plan_new();
	if (peer->plan == NULL)
		return rb_request_refuse(peer, answer, -ENOMEM,
					 "ringbusd is out of memory");
	if (rb_plan_add(peer->plan, answer) < 0)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "consumer %s: a channel has at most "
					 "%d consumers",
					 answer->name, RB_CONSUMERS_MAX);
	return 0;
}

/* What is asked for, in the words of the configuration. */
static void
describe(const struct rb_peer *peer, const struct rb_control *request,
	 struct rb_config_channel *ret)
{
	const struct rb_plan *plan = peer->plan;

	rb_config_channel_init(ret);
	snprintf(ret->name, sizeof(ret->name), "%s", request->channel);
	ret->slots = request->slots;
	ret->slot_size = request->slot_size;
	ret->history = request->history;
	ret->framing = (enum rb_config_framing)request->framing;
	ret->producers = (enum rb_config_producers)request->producers;
	ret->wait = (enum rb_config_wait)request->wait;
	ret->clear = (enum rb_config_clear)request->clear;
	ret->isolation = (enum rb_config_isolation)request->isolation;
	ret->latency = request->latency != 0;
	ret->strict = request->strict != 0;
	if (request->stuck_after_ns != 0) {
		ret->stuck = RB_CONFIG_STUCK_KILL;
		ret->stuck_after_ns = (int64_t)request->stuck_after_ns;
	}
	snprintf(ret->type, sizeof(ret->type), "%s", request->type_name);
	ret->version = request->type_version;
	ret->fill_size = request->fill_size;
	memcpy(ret->fill, request->fill, request->fill_size);
	if (plan == NULL)
		return;
	ret->n_consumers = plan->n_consumers;
	memcpy(ret->consumers, plan->consumers,
	       plan->n_consumers * sizeof(plan->consumers[0]));
}

static int
read_wish(struct rb_peer *peer, struct rb_control *answer,
	  struct rb_config_channel *ret)
{
	struct rb_geometry geometry;
	char why[WHY_SIZE];

	if (answer->framing > RB_FRAMED || answer->producers > RB_MULTI ||
	    answer->wait >= RB_WAIT_KINDS || answer->clear > RB_CLEAR_ZERO ||
	    answer->isolation > RB_ISOLATION_SEALED)
		return rb_request_refuse(peer, answer, -EINVAL,
					 "unknown framing, producers, wait, "
					 "clear or isolation");
	describe(peer, answer, ret);
	if (rb_config_channel_check(ret, why, sizeof(why)) < 0)
		return rb_request_refuse(peer, answer, -EINVAL, "%s", why);
	if (rb_folder_geometry(ret, &geometry) < 0)
		return rb_request_refuse(peer, answer, -EINVAL,
					 "these sizes make no channel");
	return 0;
}

static int
check_all(struct rb_peer *peer, struct rb_control *answer, uint64_t size)
{
	const struct rb_registry *registry = &peer->daemon->registry;
	const struct rb_config_dynamic *dynamic =
		&peer->daemon->config->dynamic;
	uint64_t used;
	unsigned n = rb_registry_count_dynamic(registry, &used);

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

/* 0 is half of what all may have. */
static uint64_t
or_half(uint64_t limit, uint64_t all)
{
	return limit != 0 ? limit : all - all / 2;
}

static int
check_own(struct rb_peer *peer, struct rb_control *answer, uint64_t size)
{
	const struct rb_config_dynamic *dynamic =
		&peer->daemon->config->dynamic;
	const struct rb_user *user = peer->user;
	uint64_t bytes = or_half(dynamic->max_bytes_per_user,
				 dynamic->max_bytes);

	if (rb_access_is_owner(&peer->who))
		return 0;
	if (user->n_channels >=
	    or_half(dynamic->max_channels_per_user, dynamic->max_channels))
		return rb_request_refuse(peer, answer, -EUSERS,
					 "uid %u has created %u channels that "
					 "are still there, all that one user "
					 "may: remove some, or raise "
					 "max_channels_per_user",
					 user->uid, user->n_channels);
	if (user->channels_size > bytes || size > bytes - user->channels_size)
		return rb_request_refuse(peer, answer, -EUSERS,
					 "takes %" PRIu64 " bytes, and of the "
					 "%" PRIu64 " that one user may have "
					 "uid %u uses %" PRIu64 ": take fewer "
					 "slots, or raise max_size_per_user",
					 size, bytes, user->uid,
					 user->channels_size);
	return 0;
}

static int
check_limits(struct rb_peer *peer, struct rb_control *answer,
	     const struct rb_config_channel *wish)
{
	struct rb_geometry geometry;
	uint64_t size;
	int err;

	rb_folder_geometry(wish, &geometry);
	size = rb_geometry_total(&geometry);
	err = check_own(peer, answer, size);
	return err < 0 ? err : check_all(peer, answer, size);
}

static int
check_leave(struct rb_peer *peer, struct rb_control *answer)
{
	int err = rb_rights_check_create(peer, answer);

	if (err == 0 && peer->daemon->stopping)
		return rb_request_refuse(peer, answer, -ESHUTDOWN,
					 "this ringbusd is stopping");
	return err;
}

static int
create(struct rb_peer *peer, struct rb_control *answer)
{
	bool prepare = (answer->flags & RB_CONTROL_PREPARE) != 0;
	struct rb_config_channel wish;
	struct rb_creation creation = {
		.config = &wish,
		.creator = peer->user,
		.preparing = prepare ? peer : NULL,
	};
	struct rb_hosted *hosted;
	char why[WHY_SIZE];
	int err = check_leave(peer, answer);

	if (err == 0)
		err = read_wish(peer, answer, &wish);
	if (err == 0)
		err = check_limits(peer, answer, &wish);
	if (err < 0)
		return err;
	err = rb_registry_create(&peer->daemon->registry, &creation, why,
				 sizeof(why), &hosted);
	if (err < 0)
		return rb_request_refuse(peer, answer, err, "%s", why);
	rb_daemon_watch(peer->daemon, hosted);
	rb_expiry_expect(&peer->daemon->reaper.expiry);
	rb_event_tell(peer->user, LOG_INFO,
		      RB_ABOUT(RB_EVENT_CREATE, wish.name, NULL, peer->who.pid),
		      "channel %s: created by pid %d (uid %u)%s", wish.name,
		      peer->who.pid, peer->who.uid,
		      prepare ? ", who prepares it" : "");
	return 0;
}

int
rb_request_create(struct rb_peer *peer, struct rb_control *answer)
{
	int err = create(peer, answer);

	peer->plan = rb_plan_free(peer->plan);
	return err;
}

int
rb_request_open(struct rb_peer *peer, struct rb_control *answer)
{
	struct rb_hosted *hosted = rb_request_find_channel(peer, answer);
	char why[WHY_SIZE];
	int err;

	if (hosted == NULL)
		return answer->result;
	if (hosted->preparing == NULL)
		return rb_request_refuse(peer, answer, -EACCES,
					 "it is open already");
	err = rb_request_check_whole(peer, hosted, answer);
	if (err < 0)
		return err;
	err = rb_registry_open(&peer->daemon->registry, hosted, why,
			       sizeof(why));
	if (err < 0)
		return rb_request_refuse(peer, answer, err, "%s", why);
	rb_user_log(peer->user, LOG_INFO, "channel %s: opened by pid %d",
		    hosted->name, peer->who.pid);
	return 0;
}

static void
remove_unopened(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	rb_event_tell(hosted->preparing->user, LOG_INFO,
		      RB_ABOUT(RB_EVENT_REMOVE, hosted->name, NULL,
			       hosted->preparing->who.pid),
		      "channel %s: removed, as pid %d has left without opening "
		      "it",
		      hosted->name, hosted->preparing->who.pid);
	rb_reaper_remove(&daemon->reaper, hosted);
}

void
rb_request_abandon(struct rb_peer *peer)
{
	struct rb_registry *registry = &peer->daemon->registry;

	peer->plan = rb_plan_free(peer->plan);
	for (unsigned i = registry->n_hosted; i-- > 0;)
		if (registry->hosted[i]->preparing == peer)
			remove_unopened(peer->daemon, registry->hosted[i]);
}
