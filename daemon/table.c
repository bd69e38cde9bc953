/* SPDX-License-Identifier: MIT */
/*
 * table.c - see table.h
 */
#include "daemon/table.h"

#include <stdio.h>
#include <string.h>

#include "daemon/entry.h"

/* NULL, or the field of an entry that is wrong. */
static const char *
find_fault(const struct rb_member *m)
{
	if (memchr(m->name, '\0', RB_NAME_SIZE) == NULL)
		return "name";
	if (rb_entry_get(&m->state) > RB_MEMBER_EVICTED)
		return "state";
	if (rb_entry_get(&m->on_death) > RB_ON_DEATH_KEEP)
		return "on_death";
	if (rb_entry_get(&m->declared) > 1)
		return "declared";
	if (rb_entry_get(&m->slow) > RB_SLOW_LOSSY)
		return "slow";
	return rb_entry_get(&m->parked) > 1 ? "parked" : NULL;
}

static bool
is_key(const struct rb_member *m, const struct rb_geometry *geometry)
{
	uint64_t offset = rb_entry_key_offset(m), size = rb_entry_key_size(m);

	return size == 0 || offset + size <= geometry->event_size;
}

static const char *
find_fault_of_group(const struct rb_channel *channel, const struct rb_member *m)
{
	const struct rb_member *all = channel->meta->consumers;
	uint32_t worker_of = rb_entry_get(&m->worker_of);

	if (rb_entry_get(&m->group) > channel->geometry.n_groups)
		return "group";
	if (worker_of > RB_CONSUMERS_MAX ||
	    (worker_of > 0 && !rb_entry_is_group(&all[worker_of - 1])))
		return "worker_of";
	return is_key(m, &channel->geometry) ? NULL : "key";
}

static bool
is_sound(const struct rb_channel *channel, enum rb_role role, unsigned i,
	 char *why, size_t why_size)
{
	bool consumes = role == RB_ROLE_CONSUMER;
	const struct rb_member *m = consumes ? &channel->meta->consumers[i]
					     : &channel->meta->producers[i];
	const char *field = find_fault(m);

	if (field == NULL && consumes)
		field = find_fault_of_group(channel, m);
	if (field == NULL)
		return true;
	snprintf(why, why_size,
		 "the member table in meta is damaged (%s %u, field: %s)",
		 consumes ? "consumer" : "producer", i, field);
	return false;
}

bool
rb_table_is_sound(const struct rb_channel *channel, char *why, size_t why_size)
{
	bool sound = true;

	if (rb_entry_get(&channel->meta->control.stream) > RB_STREAM_PAUSED) {
		snprintf(why, why_size,
			 "the control words in meta are damaged (field: "
			 "stream)");
		return false;
	}
	for (unsigned i = 0; i < RB_PRODUCERS_MAX && sound; i++)
		sound = is_sound(channel, RB_ROLE_PRODUCER, i, why, why_size);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX && sound; i++)
		sound = is_sound(channel, RB_ROLE_CONSUMER, i, why, why_size);
	return sound;
}
