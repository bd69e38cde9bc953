/* SPDX-License-Identifier: MIT */
/*
 * hosted.c - see hosted.h
 */
#include "daemon/hosted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "daemon/entry.h"
#include "daemon/event.h"
#include "daemon/sigbus.h"
#include "daemon/user.h"
#include "shm/member.h"

int
rb_hosted_new(const char *name, const struct rb_config_channel *config,
	      struct rb_hosted **ret)
{
	struct rb_hosted *hosted = calloc(1, sizeof(*hosted));

	if (hosted == NULL)
		return -ENOMEM;
	snprintf(hosted->name, sizeof(hosted->name), "%s", name);
	hosted->dirfd = -1;
	for (int i = 0; i < RB_FILES; i++)
		hosted->segments[i] = -1;
	hosted->config = config;
	hosted->born = rb_event_next();
	hosted->channel = RB_CHANNEL_NULL;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		hosted->holders[i] = RB_NOBODY;
	LIST_INIT(&hosted->memberships);
	*ret = hosted;
	return 0;
}

/* Whoever has a descriptor keeps the file, and with it the watch. */
static void
unwatch(const struct rb_tampering *tampering)
{
	for (int i = 0; i < RB_FILES; i++)
		if (tampering->watches[i] > 0)
			inotify_rm_watch(tampering->inotify,
					 tampering->watches[i]);
}

static void
unmap(struct rb_channel *channel)
{
	for (int i = 0; i < RB_FILES; i++)
		rb_sigbus_forget(channel->segments[i].base,
				 channel->segments[i].mapping);
	rb_channel_detach(channel);
}

struct rb_hosted *
rb_hosted_free(struct rb_hosted *hosted)
{
	if (hosted == NULL)
		return NULL;
	while (!LIST_EMPTY(&hosted->memberships))
		rb_membership_free(LIST_FIRST(&hosted->memberships));
	if (hosted->user != NULL) {
		hosted->user->n_channels--;
		hosted->user->channels_size -= rb_hosted_size(hosted);
		rb_user_release(hosted->user);
	}
	unwatch(&hosted->tampering);
	rb_closep(&hosted->channel.bell);
	unmap(&hosted->channel);
	rb_closep(&hosted->dirfd);
	for (int i = 0; i < RB_FILES; i++)
		rb_closep(&hosted->segments[i]);
	free(hosted);
	return NULL;
}

uint64_t
rb_hosted_size(const struct rb_hosted *hosted)
{
	return rb_geometry_total(&hosted->channel.geometry);
}

void
rb_hosted_charge(struct rb_hosted *hosted, struct rb_user *user)
{
	hosted->user = user;
	user->n_channels++;
	user->channels_size += rb_hosted_size(hosted);
}

static bool
is_kept_for(const struct rb_hosted *hosted, unsigned index, uid_t uid)
{
	const struct rb_member *entry = &hosted->channel.meta->consumers[index];

	return hosted->holders[index] == uid &&
	       rb_entry_state(entry) == RB_MEMBER_ABSENT &&
	       !rb_entry_is_declared(entry);
}

unsigned
rb_hosted_count_user(const struct rb_hosted *hosted, const struct rb_user *user,
		     const char *name)
{
	int own = rb_member_find_named(&hosted->channel, name);
	const struct rb_membership *m;
	unsigned n = 0;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	n += m->user == user;
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		n += (int)i != own && is_kept_for(hosted, i, user->uid);
	return n;
}

bool
rb_hosted_has_members(const struct rb_hosted *hosted)
{
	const struct rb_membership *m;

	LIST_FOREACH(m, &hosted->memberships, of_hosted)
	if (m->process != NULL)
		return true;
	return false;
}

bool
rb_hosted_is_sealed(const struct rb_hosted *hosted)
{
	return hosted->segments[RB_FILE_META] >= 0;
}

void
rb_hosted_retire(struct rb_hosted *hosted, bool abort)
{
	rb_entry_put(&hosted->channel.meta->control.retired, 1);
	rb_channel_close_stream(&hosted->channel, abort);
}

uint32_t
rb_hosted_stream(const struct rb_hosted *hosted)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&hosted->channel.meta->control.stream);
}

bool
rb_hosted_is_broken(const struct rb_hosted *hosted)
{
	return rb_channel_is_broken(&hosted->channel);
}

const struct rb_member *
rb_hosted_entry(const struct rb_hosted *hosted, enum rb_role role,
		unsigned index)
{
	const struct rb_meta *meta = hosted->channel.meta;

	return role == RB_ROLE_PRODUCER ? &meta->producers[index]
					: &meta->consumers[index];
}

int
rb_hosted_visit(struct rb_hosted *hosted, rb_hosted_visit_fn visit,
		void *context)
{
	const struct rb_meta *meta = hosted->channel.meta;
	int r = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX && r == 0; i++)
		if (rb_entry_is_taken(&meta->producers[i]))
			r = visit(hosted, RB_ROLE_PRODUCER, i, context);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX && r == 0; i++)
		if (rb_entry_is_taken(&meta->consumers[i]))
			r = visit(hosted, RB_ROLE_CONSUMER, i, context);
	return r;
}

const struct rb_member *
rb_hosted_find_consumer(const struct rb_hosted *hosted, const char *name)
{
	int i = rb_member_find_named(&hosted->channel, name);

	return i < 0 ? NULL : &hosted->channel.meta->consumers[i];
}
