/* SPDX-License-Identifier: MIT */
/*
 * reload.c - see reload.h
 */
#include "daemon/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/judge.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/renewal.h"
#include "daemon/revision.h"
#include "daemon/shape.h"
#include "shm/count.h"

/* ------------------------------------------------------- making, or nothing */

static void
unmake_all(struct rb_revision *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->all[i].made != NULL) {
			rb_registry_unmake(&r->daemon->registry,
					   r->all[i].made);
			r->all[i].made = NULL;
		}
}

/* If there is an error, *ret_name is the channel that has it. */
static int
make_all(struct rb_revision *r, const char **ret_name, char *why,
	 size_t why_size)
{
	int err = 0;

	for (unsigned i = 0; i < r->n && err == 0; i++) {
		struct rb_revised *item = &r->all[i];

		if (item->fate == RB_FATE_MAKE || item->fate == RB_FATE_REPLACE)
			err = rb_registry_make(&r->daemon->registry,
					       item->config, why, why_size,
					       &item->made);
		if (err < 0)
			*ret_name = item->config->name;
	}
	if (err < 0)
		unmake_all(r);
	return err;
}

/* Nobody is in it, and nobody has a place there: an empty one is as good. */
static bool
is_nobodys(const struct rb_revised *item)
{
	return item->hosted != NULL && item->before != NULL &&
	       (item->fate == RB_FATE_REPLACE ||
		item->fate == RB_FATE_RETIRE) &&
	       !rb_hosted_has_members(item->hosted) &&
	       rb_judge_find_owed(item->hosted) == NULL;
}

/* How many. */
static unsigned
make_room(struct rb_revision *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		if (is_nobodys(&r->all[i])) {
			rb_reaper_remove(&r->daemon->reaper, r->all[i].hosted);
			r->all[i].hosted = NULL;
			n++;
		}
	return n;
}

static void
put_back(struct rb_revision *r)
{
	struct rb_hosted *hosted;
	char why[256];

	for (unsigned i = 0; i < r->n; i++) {
		struct rb_creation creation = { .config = r->all[i].before };

		if (creation.config == NULL || r->all[i].hosted != NULL)
			continue;
		if (rb_registry_create(&r->daemon->registry, &creation, why,
				       sizeof(why), &hosted) == 0)
			rb_daemon_watch(r->daemon, hosted);
		else
			rb_report_add(r->report, LOG_ERR,
				      "channel %s cannot be made again: %s",
				      creation.config->name, why);
	}
	rb_expiry_expect(&r->daemon->reaper.expiry);
}

/* The new ones get their places, which can yet be taken back. */
static int
place_new(struct rb_revision *r)
{
	unsigned first = r->daemon->registry.n_hosted;
	char why[256];
	int err = 0;

	for (unsigned i = 0; i < r->n && err == 0; i++) {
		struct rb_revised *item = &r->all[i];

		if (item->made == NULL || item->hosted != NULL)
			continue;
		err = rb_registry_place(&r->daemon->registry, item->made, why,
					sizeof(why));
		if (err < 0)
			rb_report_add(r->report, LOG_ERR, "channel %s: %s",
				      item->config->name, why);
		else
			item->made = NULL;
	}
	while (err < 0 && r->daemon->registry.n_hosted > first)
		rb_registry_remove(
			&r->daemon->registry,
			r->daemon->registry
				.hosted[r->daemon->registry.n_hosted - 1]);
	if (err < 0)
		unmake_all(r);
	return err;
}

static int
make_or_nothing(struct rb_revision *r)
{
	const char *name = NULL;
	char why[256];
	unsigned n_gone = 0;
	int err = make_all(r, &name, why, sizeof(why));

	if (err == -ENOSPC || err == -ENOMEM)
		n_gone = make_room(r);
	if (n_gone > 0)
		err = make_all(r, &name, why, sizeof(why));
	if (err < 0)
		rb_report_add(r->report, LOG_ERR, "channel %s: %s", name, why);
	else
		err = place_new(r);
	if (err < 0 && n_gone > 0)
		put_back(r);
	return err;
}

/* ---------------------------------------------------------- the point of no return */

static void
replace(struct rb_daemon *daemon, struct rb_revised *item)
{
	char why[256];

	rb_reaper_remove(&daemon->reaper, item->hosted);
	if (rb_registry_place(&daemon->registry, item->made, why,
			      sizeof(why)) == 0)
		return;
	rb_log_error("channel %s: %s", item->config->name, why);
	rb_registry_unmake(&daemon->registry, item->made);
}

static void
keep(struct rb_revised *item)
{
	struct rb_hosted *hosted = item->hosted;
	const struct rb_config_channel *c = item->config;
	struct rb_word64 *reloads =
		&hosted->channel.meta->control.counters.reloads;

	hosted->config = c;
	if (rb_hosted_is_broken(hosted))
		return;
	rb_shape_tune(hosted);
	rb_count_add(reloads, 1);
	rb_pages_place(hosted, c);
}

static void
apply(struct rb_daemon *daemon, struct rb_revised *item)
{
	switch (item->fate) {
	case RB_FATE_MAKE:
		rb_registry_admit(&daemon->registry, item->config->name);
		break;
	case RB_FATE_REPLACE:
		if (item->hosted != NULL)
			replace(daemon, item);
		break;
	case RB_FATE_DRAIN:
		item->hosted->config = item->config;
		rb_renewal_begin(item->hosted);
		break;
	case RB_FATE_KEEP:
		if (item->hosted != NULL)
			keep(item);
		break;
	case RB_FATE_RETIRE:
		if (item->hosted != NULL)
			item->hosted->config = NULL;
		break;
	}
}

static void
finish(struct rb_revision *r, struct rb_config *new)
{
	struct rb_daemon *daemon = r->daemon;
	struct rb_config *old = daemon->config;

	for (unsigned i = 0; i < r->n; i++)
		apply(daemon, &r->all[i]);
	daemon->config = new;
	rb_config_free(old);
	rb_server_set_limit(&daemon->server, new->max_clients);
	rb_renewal_look(daemon);
	for (unsigned i = 0; i < daemon->registry.n_hosted; i++)
		rb_daemon_watch(daemon, daemon->registry.hosted[i]);
	rb_expiry_expect(&daemon->reaper.expiry);
}

/* ---------------------------------------------------------------------- all */

static int
load(struct rb_daemon *daemon, struct rb_report *report, struct rb_config **ret)
{
	struct rb_config_report problems = { 0 };
	int err = rb_daemon_read_config(daemon->options, &problems, ret);

	rb_report_add_text(report, problems.text);
	rb_config_report_deinit(&problems);
	return err;
}

static int
revise(struct rb_revision *r, struct rb_config *new, unsigned flags)
{
	int err = rb_revision_decide(r);

	if (err == 0 && r->n_blocked > 0)
		err = -EBUSY;
	if (err < 0 || (flags & RB_RELOAD_DRY) != 0)
		return err;
	err = make_or_nothing(r);
	if (err == 0)
		finish(r, new);
	return err;
}

static void
tell_verdict(const struct rb_revision *r, int err, unsigned flags)
{
	bool dry = (flags & RB_RELOAD_DRY) != 0;

	if (err < 0 && dry)
		rb_report_add(r->report, LOG_INFO,
			      "the configuration would not be loaded: %s",
			      err == -EBUSY ? "not all of it can be had now"
					    : strerror(-err));
	else if (err < 0)
		rb_report_add(r->report, LOG_ERR,
			      "the configuration was not reloaded: all goes on "
			      "as before");
	else if (dry)
		rb_report_add(r->report, LOG_INFO,
			      "the configuration would be loaded: %u changes",
			      r->n_changes);
	else
		rb_report_add(r->report, LOG_INFO,
			      "the configuration was reloaded: %u channels, %u "
			      "changes",
			      r->daemon->registry.n_hosted, r->n_changes);
}

static int
reload(struct rb_daemon *daemon, unsigned flags)
{
	struct rb_revision r = { .daemon = daemon,
				 .report = &daemon->report,
				 .recreate = (flags & RB_RELOAD_RECREATE) !=
					     0 };
	struct rb_config *new;
	int err;

	rb_report_clear(&daemon->report);
	err = load(daemon, &daemon->report, &new);
	if (err == 0) {
		r.config = new;
		err = revise(&r, new, flags);
		if (daemon->config != new)
			rb_config_free(new);
	}
	tell_verdict(&r, err, flags);
	rb_revision_deinit(&r);
	return err;
}

/* The lines of the log are the report's. */
static void
count(struct rb_daemon *daemon, int err)
{
	daemon->n_reloads += err == 0;
	daemon->n_reload_failures += err < 0;
	daemon->reload_failed = err < 0;
	if (err < 0)
		rb_event_tell(NULL, LOG_DEBUG,
			      RB_ABOUT(RB_EVENT_RELOAD_REFUSED),
			      "the configuration was not reloaded: %s",
			      strerror(-err));
	else
		rb_event_tell(NULL, LOG_DEBUG, RB_ABOUT(RB_EVENT_RELOAD),
			      "the configuration was reloaded: %u channels",
			      daemon->registry.n_hosted);
}

int
rb_reload(struct rb_daemon *daemon, unsigned flags)
{
	int err;

	if ((flags & RB_RELOAD_DRY) != 0)
		return reload(daemon, flags);
	rb_service_reloading(&daemon->service);
	err = reload(daemon, flags);
	count(daemon, err);
	rb_service_ready(&daemon->service,
			 err < 0 ? "the last reload failed, see the log"
				 : NULL);
	return err;
}
