/* SPDX-License-Identifier: MIT */
/*
 * waits.c - who waits for whom on a channel, found in what it looks like
 */
#include "client/ctl/waits.h"

#include <string.h>

static void
add(struct why *why, enum wait_kind kind, const struct ringbus_member *who,
    const struct ringbus_member *blocker)
{
	why->waits[why->n_waits++] = (struct wait){ kind, who, blocker };
}

/* It reads, or will when it comes back: not a worker, which is its group. */
static bool
is_reader(const struct ringbus_member *m)
{
	return m->role == RINGBUS_CONSUMER && m->worker_of < 0 &&
	       m->state != RINGBUS_MEMBER_DECLARED &&
	       m->state != RINGBUS_MEMBER_EVICTED;
}

static const struct ringbus_member *
find_slowest(const struct view *view)
{
	const struct ringbus_member *slowest = NULL;

	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i];

		if (m->gates && is_reader(m) &&
		    (slowest == NULL || m->sequence < slowest->sequence))
			slowest = m;
	}
	return slowest;
}

static const struct ringbus_member *
find_producer(const struct view *view, int index)
{
	for (unsigned i = 0; i < view->n_members; i++)
		if (view->members[i].role == RINGBUS_PRODUCER &&
		    (int)view->members[i].index == index)
			return &view->members[i];
	return NULL;
}

static const struct ringbus_member *
owner_of_hole(const struct why *why)
{
	return why->has_hole ? find_producer(&why->view, why->hole.producer)
			     : NULL;
}

/* Where nobody gates, producers do not lap what is not published. */
static void
find_space(struct why *why)
{
	const struct ringbus_info *info = &why->view.info;
	const struct ringbus_member *slowest = find_slowest(&why->view);
	int64_t gating = info->gating;

	if (slowest == NULL && why->has_hole)
		gating = why->hole.sequence - 1;
	why->capacity = (int64_t)(info->slots - info->history);
	why->free = why->capacity - (info->cursor - gating);
	if (why->free > why->capacity)
		why->free = why->capacity;
	if (why->free > 0)
		return;
	why->free = 0;
	if (slowest == NULL)
		slowest = owner_of_hole(why);
	add(why, WAIT_SPACE, NULL, slowest);
}

static bool
stands_at(const struct ringbus_member *m, int64_t sequence)
{
	return is_reader(m) && m->sequence == sequence - 1;
}

static bool
stands_at_hole(const struct why *why, const struct ringbus_member *m)
{
	return why->has_hole && stands_at(m, why->hole.sequence);
}

bool
waits_at_break(const struct why *why)
{
	int64_t broken = why->view.info.broken;

	return broken >= 0 && (!why->has_hole || why->hole.sequence == broken);
}

/* Whether it is one of those that a wait is about. */
bool
waits_has(const struct why *why, const struct wait *wait,
	  const struct ringbus_member *m)
{
	if (wait->kind == WAIT_STAGE)
		return m == wait->who;
	if (wait->kind == WAIT_EVENT)
		return stands_at_hole(why, m);
	return m->role == RINGBUS_PRODUCER && m != wait->blocker;
}

static void
find_event(struct why *why)
{
	bool waits = waits_at_break(why);

	for (unsigned i = 0; i < why->view.n_members && !waits; i++)
		waits = stands_at_hole(why, &why->view.members[i]);
	if (waits)
		add(why, WAIT_EVENT, NULL, owner_of_hole(why));
}

/* Those that it waits for: who is not there stands for those before it. */
static uint64_t
deps_of(const struct view *view, uint64_t after)
{
	uint64_t deps = 0, seen = 0;

	while ((after &= ~seen) != 0) {
		unsigned i = (unsigned)__builtin_ctzll(after);
		const struct ringbus_member *m = view_consumer(view, i);

		seen |= UINT64_C(1) << i;
		if (m == NULL)
			continue;
		if (is_reader(m))
			deps |= UINT64_C(1) << i;
		else
			after |= m->after;
	}
	return deps;
}

static const struct ringbus_member *
find_stage_before(const struct view *view, const struct ringbus_member *who)
{
	const struct ringbus_member *slowest = NULL;

	for (uint64_t deps = deps_of(view, who->after); deps != 0;
	     deps &= deps - 1) {
		const struct ringbus_member *m = view_consumer(
			view, (unsigned)__builtin_ctzll(deps));

		if (slowest == NULL || m->sequence < slowest->sequence)
			slowest = m;
	}
	return slowest;
}

/* It has done all that it was given, and the one before it has more to do: that
 * one, else NULL. */
static const struct ringbus_member *
find_stage_blocker(const struct view *view, const struct ringbus_member *who)
{
	const struct ringbus_member *before = find_stage_before(view, who);

	return before != NULL && before->lag > 0 &&
			       who->sequence >= before->sequence
		       ? before
		       : NULL;
}

static void
find_stages(struct why *why)
{
	const struct view *view = &why->view;

	for (unsigned i = 0; i < view->n_members; i++) {
		const struct ringbus_member *m = &view->members[i], *before;

		if (!is_reader(m) || stands_at_hole(why, m))
			continue;
		before = find_stage_blocker(view, m);
		if (before != NULL)
			add(why, WAIT_STAGE, m, before);
	}
}

/* What a consumer waits for itself: an earlier stage, or a producer; NULL if for
 * nobody, so that it is its own affair. */
const struct ringbus_member *
waits_blocker_of(const struct why *why, const struct ringbus_member *m)
{
	if (m->role != RINGBUS_CONSUMER)
		return NULL;
	return stands_at_hole(why, m) ? owner_of_hole(why)
				      : find_stage_blocker(&why->view, m);
}

/* Of those that wait so, for how long the one does that has waited longest. */
int64_t
waits_longest(const struct why *why, const struct wait *wait)
{
	int64_t longest = 0;

	for (unsigned i = 0; i < why->view.n_members; i++) {
		const struct ringbus_member *m = &why->view.members[i];

		if (waits_has(why, wait, m) && m->waiting_ns > longest)
			longest = m->waiting_ns;
	}
	return longest;
}

int
waits_read(const struct ringbus_channel *channel, struct why *why)
{
	int r;

	memset(why, 0, sizeof(*why));
	r = view_read(channel, &why->view);
	if (r < 0)
		return r;
	why->hole.size = sizeof(why->hole);
	why->has_hole = ringbus_channel_hole(channel, &why->hole) == 1;
	if (why->view.info.paused_ns != 0)
		add(why, WAIT_OPERATOR, NULL, NULL);
	find_space(why);
	find_event(why);
	find_stages(why);
	return 0;
}
