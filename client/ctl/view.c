/* SPDX-License-Identifier: MIT */
/*
 * view.c - a channel and its members, copied at once
 */
#include "client/ctl/view.h"

#include <string.h>

static void
read_io(const struct ringbus_channel *channel,
	const struct ringbus_member *member, struct ringbus_io *ret)
{
	ret->size = sizeof(*ret);
	if (ringbus_channel_io(channel, member->role, member->index, ret) != 1)
		ret->size = 0;
}

static void
read_members(const struct ringbus_channel *channel, int role, struct view *view)
{
	struct ringbus_member *member;
	unsigned i;

	for (i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		member = &view->members[view->n_members];
		member->size = sizeof(*member);
		if (ringbus_channel_member(channel, role, i, member) != 1)
			continue;
		read_io(channel, member, &view->ios[view->n_members]);
		view->n_members++;
	}
}

static void
read_placements(const struct ringbus_channel *channel, struct view *view)
{
	struct ringbus_placement *p = view->placements;
	unsigned i = 0;

	for (; i < VIEW_PLACEMENTS_MAX; i++, p++) {
		p->size = sizeof(*p);
		if (ringbus_channel_placement(channel, i, p) != 1)
			break;
	}
	view->n_placements = i;
}

int
view_read(const struct ringbus_channel *channel, struct view *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->info.size = sizeof(ret->info);
	read_members(channel, RINGBUS_PRODUCER, ret);
	read_members(channel, RINGBUS_CONSUMER, ret);
	read_placements(channel, ret);
	return ringbus_channel_info(channel, &ret->info);
}

const struct ringbus_member *
view_consumer(const struct view *view, unsigned index)
{
	const struct ringbus_member *member;
	unsigned i;

	for (i = 0; i < view->n_members; i++) {
		member = &view->members[i];
		if (member->role == RINGBUS_CONSUMER && member->index == index)
			return member;
	}
	return NULL;
}

const struct ringbus_io *
view_io(const struct view *view, const struct ringbus_member *member)
{
	const struct ringbus_io *io = &view->ios[member - view->members];

	return io->size > 0 ? io : NULL;
}

int64_t
view_used(const struct view *view)
{
	int64_t used = view->info.cursor - view->info.gating;

	return used > 0 ? used : 0;
}

double
view_fill(const struct view *view)
{
	double capacity = (double)(view->info.slots - view->info.history);
	double used = (double)view_used(view);

	return used < capacity ? used / capacity : capacity > 0;
}

unsigned
view_count_workers(const struct view *view, const struct ringbus_member *group)
{
	unsigned i, n = 0;

	for (i = 0; i < view->n_members; i++)
		n += view->members[i].role == RINGBUS_CONSUMER &&
		     view->members[i].worker_of == (int)group->index;
	return n;
}
