/* SPDX-License-Identifier: MIT */
/*
 * roster.c - what the member table says: who is where, and what is free
 */
#include <errno.h>

#include "shm/entry.h"
#include "shm/member.h"

int
rb_member_find_free(const struct rb_channel *channel)
{
	const struct rb_meta *meta = channel->meta;

	for (unsigned i = 0; i < meta->header.max_consumers; i++) {
		const struct rb_member *m = &meta->consumers[i];

		if (rb_entry_get(&m->state) == RB_MEMBER_FREE &&
		    rb_entry_get(&m->declared) == 0)
			return (int)i;
	}
	return -EUSERS;
}

int
rb_member_find_named(const struct rb_channel *channel, const char *name)
{
	const struct rb_meta *meta = channel->meta;

	for (unsigned i = 0; i < meta->header.max_consumers; i++)
		if (rb_entry_has_name(&meta->consumers[i], name))
			return (int)i;
	return -ENOENT;
}

int
rb_member_find_consumer(const struct rb_channel *channel, const char *name)
{
	int index = rb_member_find_named(channel, name);
	const struct rb_member *m;

	if (index < 0)
		return rb_member_find_free(channel);
	m = &channel->meta->consumers[index];
	if (rb_entry_get(&m->state) == RB_MEMBER_EVICTED ||
	    (rb_entry_get(&m->state) == RB_MEMBER_ATTACHED &&
	     rb_entry_get(&m->group) == 0))
		return -EBUSY;
	return index;
}

/* A group that is attached is its workers. */
static bool
counts(const struct rb_member *m)
{
	return rb_entry_get(&m->state) != RB_MEMBER_FREE &&
	       (rb_entry_get(&m->group) == 0 ||
		rb_entry_get(&m->state) != RB_MEMBER_ATTACHED);
}

unsigned
rb_member_count(const struct rb_channel *channel)
{
	const struct rb_meta *meta = channel->meta;
	unsigned n = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		n += counts(&meta->producers[i]);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		n += counts(&meta->consumers[i]);
	return n;
}
