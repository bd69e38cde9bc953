/* SPDX-License-Identifier: MIT */
/*
 * presence.c - see presence.h
 */
#include "shm/presence.h"

static struct rb_word64 *
word_of(struct rb_channel *c, enum rb_role role, unsigned index)
{
	return role == RB_ROLE_PRODUCER ? &c->ring->handles[index].presence
					: &c->gates->consumers[index].presence;
}

static struct rb_member *
entry_of(struct rb_channel *c, enum rb_role role, unsigned index)
{
	return role == RB_ROLE_PRODUCER ? &c->meta->producers[index]
					: &c->meta->consumers[index];
}

/* Unless the place is somebody else's by now, with a later epoch. */
static bool
say(struct rb_word64 *word, uint32_t epoch, enum rb_presence presence)
{
	/* ORDER(none, relaxed) - checked by the CAS. */
	uint64_t found = rb_word64_load_relaxed(word);

	while (found >> 2 <= epoch)
		/* ORDER(presence, acq_rel) - all that we did in the channel
		 * comes before a leave, which makes the entry another's. */
		if (rb_word64_cas_acq_rel(word, &found,
					  (uint64_t)epoch << 2 |
						  (uint64_t)presence))
			return true;
	return false;
}

bool
rb_presence_arrive(struct rb_channel *channel, enum rb_role role,
		   unsigned index, uint32_t epoch)
{
	const struct rb_member *entry = entry_of(channel, role, index);

	if (!say(word_of(channel, role, index), epoch, RB_PRESENCE_HERE))
		return false;
	/* ORDER(presence, seq_cst) - HERE comes before the look whether we were
	 * given up; pairs with rb_presence_of(). */
	rb_fence_seq_cst();
	/* ORDER(none, relaxed) - the fence above orders it. */
	return rb_word32_load_relaxed(&entry->recalled) != epoch;
}

void
rb_presence_leave(struct rb_channel *channel, enum rb_role role, unsigned index,
		  uint32_t epoch, bool forget)
{
	say(word_of(channel, role, index), epoch,
	    forget ? RB_PRESENCE_FORGET : RB_PRESENCE_LEFT);
}

static enum rb_presence
look(struct rb_channel *c, enum rb_role role, unsigned index, uint32_t epoch)
{
	/* ORDER(presence, acquire) - pairs with say(). */
	uint64_t word = rb_word64_load_acquire(word_of(c, role, index));

	return epoch == 0 || word >> 2 == epoch ? (enum rb_presence)(word & 3)
						: RB_PRESENCE_NEVER;
}

enum rb_presence
rb_presence_of(struct rb_channel *channel, enum rb_role role, unsigned index,
	       uint32_t epoch)
{
	struct rb_member *entry = entry_of(channel, role, index);
	enum rb_presence found = look(channel, role, index, epoch);

	if (found != RB_PRESENCE_NEVER)
		return found;
	/* ORDER(none, relaxed) - by the fence that follows. */
	rb_word32_store_relaxed(&entry->recalled, epoch);
	/* ORDER(presence, seq_cst) - the recall comes before the second look;
	 * pairs with rb_presence_arrive(). */
	rb_fence_seq_cst();
	return look(channel, role, index, epoch);
}

void
rb_presence_reset(struct rb_channel *channel, enum rb_role role, unsigned index)
{
	/* ORDER(none, relaxed) - the client is told of its place later. */
	rb_word64_store_relaxed(word_of(channel, role, index), 0);
}
