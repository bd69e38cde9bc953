/* SPDX-License-Identifier: MIT */
/*
 * reload.c - see reload.h
 */
#include "daemon/reload.h"

#include <errno.h>
#include <string.h>

#include "daemon/judge.h"
#include "daemon/log.h"
#include "shm/count.h"
#include "shm/member.h"

/* ------------------------------------------------------------- new channels */

static int
create(struct rb_daemon *daemon, const struct rb_config_channel *config)
{
	struct rb_creation creation = { .config = config };
	struct rb_hosted *hosted;
	char why[256];
	int err = rb_registry_create(&daemon->registry, &creation, why,
				     sizeof(why), &hosted);

	if (err < 0)
		rb_log_error("channel %s: %s", config->name, why);
	return err;
}

/* Those from number `first` on in the registry, which is how it was. */
static void
remove_from(struct rb_daemon *daemon, unsigned first)
{
	struct rb_registry *registry = &daemon->registry;

	while (registry->n_hosted > first)
		rb_registry_remove(registry,
				   registry->hosted[registry->n_hosted - 1]);
}

/* What nobody is in any more makes room for a new one. */
static void
remove_broken(struct rb_daemon *daemon)
{
	struct rb_registry *registry = &daemon->registry;

	for (unsigned i = registry->n_hosted; i-- > 0;) {
		struct rb_hosted *hosted = registry->hosted[i];

		if (!rb_hosted_is_broken(hosted) ||
		    rb_hosted_has_members(hosted))
			continue;
		rb_log_info("channel %s was broken: removed", hosted->name);
		rb_reaper_remove(&daemon->reaper, hosted);
	}
}

static bool
is_new(const struct rb_daemon *daemon, const char *name)
{
	const struct rb_hosted *there = rb_registry_find(&daemon->registry,
							 name);

	if (rb_registry_find_refused(&daemon->registry, name) != NULL)
		return false; /* was told when we started */
	/* One that a client has created is in the way. */
	return there == NULL || there->dynamic;
}

static int
create_new(struct rb_daemon *daemon, const struct rb_config *config)
{
	unsigned first = daemon->registry.n_hosted;
	int err = 0;

	for (unsigned i = 0; i < config->n_channels && err == 0; i++)
		if (is_new(daemon, config->channels[i].name))
			err = create(daemon, &config->channels[i]);
	if (err < 0)
		remove_from(daemon, first);
	return err;
}

/* ----------------------------------------------------- those that are there */

static void
retire(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	if (rb_hosted_has_members(hosted)) {
		rb_log_warning("channel %s is no longer in the configuration: "
			       "nobody is let in any more, its %u members go "
			       "on; it is removed once it is in nobody's use, "
			       "by the next reload or start",
			       hosted->name, rb_member_count(&hosted->channel));
		return;
	}
	rb_log_info("channel %s is no longer in the configuration: removed",
		    hosted->name);
	rb_reaper_remove(&daemon->reaper, hosted);
}

static void
keep(struct rb_daemon *daemon, struct rb_hosted *hosted)
{
	const char *key = rb_judge_find_difference(hosted);

	if (rb_hosted_is_broken(hosted)) {
		rb_log_warning(
			"channel %s is broken, and has %u members still: "
			"stop them, then reload ringbusd again",
			hosted->name, rb_member_count(&hosted->channel));
		return;
	}
	if (key != NULL)
		rb_log_warning("channel %s is not what the configuration says "
			       "now (%s): it stays as it was; for the new "
			       "definition stop its members, then start "
			       "ringbusd again",
			       hosted->name, key);
	rb_count_add(&hosted->channel.meta->control.counters.reloads, 1);
	rb_folder_set_stuck(&hosted->channel, hosted->config);
	rb_daemon_watch(daemon, hosted);
}

/* From the last on, since some are removed. */
static void
rebind(struct rb_daemon *daemon, const struct rb_config *config)
{
	struct rb_registry *registry = &daemon->registry;

	for (unsigned i = registry->n_hosted; i-- > 0;) {
		struct rb_hosted *hosted = registry->hosted[i];

		if (hosted->dynamic)
			continue;
		hosted->config = rb_config_find(config, hosted->name);
		if (hosted->config == NULL)
			retire(daemon, hosted);
		else
			keep(daemon, hosted);
	}
}

/* What was decided when the daemon started. */
static void
tell_fixed(const struct rb_config *old, const struct rb_config *new)
{
	if (strcmp(old->socket, new->socket) != 0 ||
	    strcmp(old->shm_dir, new->shm_dir) != 0 ||
	    old->max_clients != new->max_clients)
		rb_log_warning("socket, shm_dir and max_clients stay as they "
			       "are until ringbusd is started anew");
}

int
rb_reload(struct rb_daemon *daemon)
{
	struct rb_config *old = daemon->config, *new;
	int err = -EINVAL;

	rb_service_reloading(&daemon->service);
	if (rb_daemon_load_config(daemon->options, &new) == RB_EXIT_OK) {
		remove_broken(daemon);
		err = create_new(daemon, new);
		if (err < 0)
			rb_config_free(new);
	}
	if (err < 0) {
		rb_log_error("the configuration was not reloaded: all goes on "
			     "as before");
		rb_service_ready(&daemon->service,
				 "the last reload failed, see the log");
		return err;
	}
	tell_fixed(old, new);
	rebind(daemon, new);
	rb_expiry_expect(&daemon->reaper.expiry);
	daemon->config = new;
	rb_config_free(old);
	rb_log_info("the configuration was reloaded: %u channels",
		    daemon->registry.n_hosted);
	rb_service_ready(&daemon->service, NULL);
	return 0;
}
