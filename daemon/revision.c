/* SPDX-License-Identifier: MIT */
/*
 * revision.c - see revision.h
 */
#include "daemon/revision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/entry.h"
#include "daemon/judge.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/shape.h"
#include "shm/member.h"

#define WHY_SIZE 256
#define PLACE_SIZE 512

/* ------------------------------------------------------------------ telling */

/* Behind a path: where to look for it, or "". */
static const char *
place_of(const struct rb_revision *r, const char *path, char text[PLACE_SIZE])
{
	const char *place = rb_config_origin(r->config, path);

	text[0] = '\0';
	if (place != NULL)
		snprintf(text, PLACE_SIZE, " (%s)", place);
	return text;
}

static const char *
or_none(const char *value)
{
	return value[0] != '\0' ? value : "not given";
}

static void
tell_change(struct rb_revision *r, const struct rb_change *change,
	    const char *what, bool blocks)
{
	int priority = blocks ? LOG_ERR : LOG_INFO;
	char place[PLACE_SIZE];

	place_of(r, change->path, place);
	r->n_changes++;
	r->n_blocked += blocks;
	if (change->kind == RB_CHANGE_SET)
		rb_report_add(r->report, priority, "%s: %s -> %s%s: %s",
			      change->path, or_none(change->before),
			      or_none(change->after), place, what);
	else
		rb_report_add(r->report, priority, "%s: %s%s: %s", change->path,
			      change->kind == RB_CHANGE_ADDED ? "added"
							      : "removed",
			      place, what);
}

/* A channel as a whole. */
static void
tell_channel(struct rb_revision *r, const char *name, const char *change,
	     const char *what, bool blocks)
{
	char path[RB_NAME_SIZE + 16], place[PLACE_SIZE];

	snprintf(path, sizeof(path), "channels.%s", name);
	r->n_changes++;
	r->n_blocked += blocks;
	rb_report_add(r->report, blocks ? LOG_ERR : LOG_INFO, "%s: %s%s: %s",
		      path, change, place_of(r, path, place), what);
}

/* --------------------------------------------------------------- the daemon */

/* One that the command line gives does not change. */
static bool
is_overruled(const struct rb_options *options, const struct rb_key *key)
{
	return (key == &rb_keys[RB_KEY_DAEMON_socket] &&
		options->socket != NULL) ||
	       (key == &rb_keys[RB_KEY_DAEMON_shm_dir] &&
		options->shm_dir != NULL);
}

static void
decide_daemon(void *context, const struct rb_change *change)
{
	struct rb_revision *r = context;

	if (change->reload == RB_RELOAD_LIVE)
		tell_change(r, change, "live", false);
	else if (is_overruled(r->daemon->options, change->key))
		tell_change(r, change,
			    "without effect, as the command line says "
			    "otherwise",
			    false);
	else
		tell_change(r, change,
			    "needs a restart: start ringbusd anew, which the "
			    "members of all channels live through; or take it "
			    "back",
			    true);
}

/* ----------------------------------------------------- a channel that is there */

/* Why one that is there cannot be exchanged right now; "" if it can. */
static void
describe_use(const struct rb_hosted *hosted, char why[WHY_SIZE])
{
	const struct rb_member *owed = rb_judge_find_owed(hosted);
	unsigned n = rb_member_count(&hosted->channel);

	if (rb_hosted_has_members(hosted))
		snprintf(why, WHY_SIZE,
			 n == 1 ? "a member is in it" : "%u members are in it",
			 n);
	else if (owed != NULL)
		snprintf(why, WHY_SIZE,
			 "consumer %.64s, whose place is kept, has yet to read "
			 "it",
			 owed->name);
	else
		why[0] = '\0';
}

/* Changes of one channel on their way to a decision. */
struct look {
	struct rb_revision *r;
	struct rb_revised *item;
	bool only_counts;
	unsigned n_hard;
	char used[WHY_SIZE]; /* "", if it is not in use */
};

static void
tell_hard(const struct look *look, const struct rb_change *change,
	  const char *obstacle)
{
	struct rb_revision *r = look->r;
	char what[2 * WHY_SIZE];

	if (look->item->fate == RB_FATE_REPLACE)
		snprintf(what, sizeof(what), "a new generation, at once");
	else if (look->item->fate == RB_FATE_DRAIN)
		snprintf(what, sizeof(what),
			 "a new generation, once all have left: %s",
			 look->used);
	else
		snprintf(what, sizeof(what),
			 "needs a new generation%s%s, and %s: reload with "
			 "--recreate, which lets them read to the end, or stop "
			 "them first",
			 obstacle != NULL ? ", as " : "",
			 obstacle != NULL ? obstacle : "", look->used);
	tell_change(r, change, what, look->item->fate == RB_FATE_KEEP);
}

/* What takes effect without a new generation. */
static const char *
describe_live(const struct rb_change *change)
{
	if (change->key == NULL && change->consumer == NULL)
		return "its program asks for it when it starts";
	if (change->key != NULL && change->key->section == RB_SECTION_JOURNAL)
		return "for the next start of ringbus-journal";
	if (change->key != NULL && change->key->section == RB_SECTION_BRIDGE)
		return "for the next start of ringbus-bridge";
	return rb_pages_describe(change);
}

static void
look_at_change(void *context, const struct rb_change *change)
{
	struct look *look = context;
	const char *obstacle;
	bool hard = !rb_shape_admits(look->item->hosted, change, &obstacle);

	look->n_hard += hard;
	if (look->only_counts)
		return;
	if (hard)
		tell_hard(look, change, obstacle);
	else
		tell_change(look->r, change, describe_live(change), false);
}

static void
decide_broken(struct rb_revision *r, struct rb_revised *item)
{
	const struct rb_hosted *hosted = item->hosted;

	if (!rb_hosted_has_members(hosted)) {
		item->fate = RB_FATE_REPLACE;
		rb_report_add(r->report, LOG_INFO,
			      "channel %s was broken: removed, and made anew",
			      hosted->name);
		r->n_changes++;
		return;
	}
	rb_report_add(r->report, LOG_WARNING,
		      "channel %s is broken, and has %u members still: stop "
		      "them, then reload ringbusd again",
		      hosted->name, rb_member_count(&hosted->channel));
}

static void
decide_there(struct rb_revision *r, struct rb_revised *item)
{
	const struct rb_config_channel *known = item->before != NULL
							? item->before
							: item->config;
	struct look look = { .r = r, .item = item, .only_counts = true };
	struct rb_config_channel is;

	item->fate = RB_FATE_KEEP;
	if (rb_hosted_is_broken(item->hosted)) {
		decide_broken(r, item);
		return;
	}
	rb_shape_of(item->hosted, known, &is);
	describe_use(item->hosted, look.used);
	rb_diff_channel(&is, item->config, look_at_change, &look);
	if (look.n_hard > 0 && look.used[0] == '\0')
		item->fate = RB_FATE_REPLACE;
	else if (item->hosted->drains || (look.n_hard > 0 && r->recreate))
		item->fate = RB_FATE_DRAIN;
	look.only_counts = false;
	rb_diff_channel(&is, item->config, look_at_change, &look);
}

/* ------------------------------------------------------- one that is not there */

/* Something else has its place in the file system. */
static bool
is_squatted(const struct rb_revision *r, const char *name)
{
	struct stat st;

	return fstatat(r->daemon->shm_dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

static void
decide_new(struct rb_revision *r, struct rb_revised *item)
{
	const char *name = item->config->name;
	const struct rb_registry *registry = &r->daemon->registry;
	const struct rb_hosted *there = rb_registry_find(registry, name);
	const struct rb_refused *refused = rb_registry_find_refused(registry,
								    name);

	item->fate = RB_FATE_MAKE;
	if (there != NULL) {
		tell_channel(r, name, "added",
			     "a client has created one of this name already: "
			     "remove that (ringbusctl channel remove), or take "
			     "another name",
			     true);
	} else if (refused != NULL && is_squatted(r, name)) {
		item->fate = RB_FATE_KEEP; /* was told when we started */
	} else if (is_squatted(r, name)) {
		tell_channel(r, name, "added",
			     "something of this name is in the way in shared "
			     "memory: look at it, and remove it",
			     true);
	} else {
		tell_channel(r, name, "added", "live", false);
	}
}

/* ------------------------------------------------------------ no longer wanted */

static void
decide_retired(struct rb_revision *r, struct rb_revised *item)
{
	char what[WHY_SIZE];

	item->fate = RB_FATE_RETIRE;
	if (item->hosted->config == NULL)
		return; /* was told before */
	if (!rb_hosted_has_members(item->hosted))
		snprintf(what, sizeof(what), "at once");
	else
		snprintf(what, sizeof(what),
			 "nobody is let in any more, its %u members go on; it "
			 "goes with the last of them",
			 rb_member_count(&item->hosted->channel));
	tell_channel(r, item->hosted->name, "removed", what, false);
}

/* ---------------------------------------------------------------------- all */

static void
decide_all(struct rb_revision *r)
{
	const struct rb_registry *registry = &r->daemon->registry;

	for (unsigned i = 0; i < r->config->n_channels; i++) {
		const struct rb_config_channel *c = &r->config->channels[i];
		struct rb_hosted *there = rb_registry_find(registry, c->name);
		struct rb_revised *item = &r->all[r->n++];

		*item = (struct rb_revised){ .config = c };
		if (there == NULL || there->dynamic) {
			decide_new(r, item);
			continue;
		}
		item->hosted = there;
		item->before = there->config;
		if (there->config == NULL)
			tell_channel(r, c->name, "added", "it is there still",
				     false);
		decide_there(r, item);
	}
	for (unsigned i = 0; i < registry->n_hosted; i++) {
		struct rb_hosted *hosted = registry->hosted[i];

		if (hosted->dynamic ||
		    rb_config_find(r->config, hosted->name) != NULL)
			continue;
		r->all[r->n] = (struct rb_revised){ .hosted = hosted,
						    .before = hosted->config };
		decide_retired(r, &r->all[r->n++]);
	}
}

static void
check_number(struct rb_revision *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->daemon->registry.n_hosted; i++)
		n += r->daemon->registry.hosted[i]->dynamic ||
		     r->daemon->registry.hosted[i]->config == NULL;
	if (n + r->config->n_channels <= RB_CHANNELS_MAX)
		return;
	r->n_blocked++;
	rb_report_add(r->report, LOG_ERR,
		      "channels: %u, and %u that clients created or that are "
		      "on their way out: %d are the limit",
		      r->config->n_channels, n, RB_CHANNELS_MAX);
}

int
rb_revision_decide(struct rb_revision *r)
{
	unsigned n = r->config->n_channels + r->daemon->registry.n_hosted;

	r->all = calloc(n + 1, sizeof(*r->all));
	if (r->all == NULL)
		return -ENOMEM;
	rb_diff_daemon(r->daemon->config, r->config, decide_daemon, r);
	decide_all(r);
	check_number(r);
	return 0;
}

void
rb_revision_deinit(struct rb_revision *r)
{
	free(r->all);
	r->all = NULL;
	r->n = 0;
}
