/* SPDX-License-Identifier: MIT */
/*
 * producer.c - producers in the member table, see member.h
 *
 * Nobody waits for a producer, so one comes and goes by its state alone. What a
 * dead one left claimed is repaired before its entry is free again.
 */
#include "shm/member.h"

#include <errno.h>
#include <string.h>

#include "shm/count.h"
#include "shm/entry.h"
#include "shm/presence.h"
#include "shm/probe.h"

int
rb_member_find_producer(const struct rb_channel *channel)
{
	const struct rb_meta *meta = channel->meta;
	unsigned n = rb_channel_is_multi(channel) ? meta->header.max_producers
						  : 1;

	for (unsigned i = 0; i < n; i++)
		if (rb_entry_get(&meta->producers[i].state) == RB_MEMBER_FREE)
			return (int)i;
	return n == 1 ? -EBUSY : -EUSERS;
}

uint32_t
rb_member_join_producer(struct rb_channel *channel, unsigned index,
			const struct rb_identity *who)
{
	struct rb_member *m = &channel->meta->producers[index];
	struct rb_handle *handle = &channel->ring->handles[index];
	uint32_t epoch = rb_entry_identify(m, who);

	rb_entry_put64(&handle->intent, 0); /* RB_INTENT_IDLE */
	rb_count_reset_handle(handle);
	rb_entry_put(&handle->waits_since, 0);
	rb_presence_reset(channel, RB_ROLE_PRODUCER, index);
	rb_entry_set_state(m, RB_MEMBER_ATTACHED);
	rb_count_add(&channel->meta->control.counters.attaches, 1);
	RB_PROBE(4, attach, channel->meta->header.name, RB_PROBE_PRODUCER,
		 index, who->pid);
	return epoch;
}

void
rb_member_set_dying(struct rb_channel *channel, unsigned index)
{
	rb_entry_set_state(&channel->meta->producers[index], RB_MEMBER_DYING);
}

void
rb_member_wipe_producer(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->producers[index];

	if (rb_entry_get(&m->state) == RB_MEMBER_FREE)
		memset(m->name, 0, sizeof(m->name));
}

void
rb_member_leave_producer(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->producers[index];

	if (rb_entry_get(&m->pid) != 0) {
		rb_count_add(&channel->meta->control.counters.detaches, 1);
		RB_PROBE(3, detach, channel->meta->header.name,
			 RB_PROBE_PRODUCER, index);
	}
	rb_entry_put(&m->pid, 0);
	rb_entry_raise_epoch(m);
	rb_entry_set_state(m, RB_MEMBER_FREE);
	rb_member_wipe_producer(channel, index);
	rb_channel_wake_all(channel);
}
