/* SPDX-License-Identifier: MIT */
/*
 * renewal.c - see renewal.h
 */
#include "daemon/renewal.h"

#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/judge.h"
#include "daemon/log.h"
#include "shm/member.h"

void
rb_renewal_begin(struct rb_hosted *hosted)
{
	struct rb_channel *channel = &hosted->channel;

	hosted->drains = true;
	rb_entry_put(&channel->meta->control.drains, 1);
	rb_channel_close_stream(channel, false);
}

bool
rb_renewal_needs(const struct rb_hosted *hosted, enum rb_role role,
		 const char *name)
{
	const struct rb_member *m = rb_hosted_find_consumer(hosted, name);

	return role == RB_ROLE_CONSUMER && m != NULL &&
	       (rb_entry_state(m) == RB_MEMBER_ABSENT ||
		(rb_entry_is_group(m) &&
		 rb_entry_state(m) == RB_MEMBER_ATTACHED));
}

bool
rb_renewal_make(struct rb_daemon *daemon,
		const struct rb_config_channel *config)
{
	struct rb_creation creation = { .config = config };
	struct rb_hosted *made;
	char why[256];

	if (rb_registry_create(&daemon->registry, &creation, why, sizeof(why),
			       &made) < 0) {
		rb_log_error("channel %s cannot be made anew: %s; reload "
			     "ringbusd once it can",
			     config->name, why);
		return false;
	}
	rb_daemon_watch(daemon, made);
	rb_expiry_expect(&daemon->reaper.expiry);
	return true;
}

static void
renew(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	const struct rb_config_channel *config = hosted->config;

	rb_reaper_remove(&daemon->reaper, hosted);
	if (rb_renewal_make(daemon, config))
		rb_log_info("channel %s has drained: made anew", config->name);
}

static void
look_at(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	if (hosted->dynamic || rb_hosted_has_members(hosted))
		return;
	if (hosted->config == NULL) {
		rb_log_info("channel %s is no longer in the configuration: "
			    "removed",
			    hosted->name);
		rb_reaper_remove(&daemon->reaper, hosted);
	} else if (hosted->drains && rb_judge_find_owed(hosted) == NULL) {
		renew(daemon, hosted);
	}
}

/* From the last on, since some go, and others come behind them. */
void
rb_renewal_look(struct rb_daemon *daemon)
{
	struct rb_registry *registry = &daemon->registry;

	for (unsigned i = registry->n_hosted; i-- > 0;)
		if (registry->hosted[i]->drains ||
		    registry->hosted[i]->config == NULL)
			look_at(daemon, registry->hosted[i]);
}
