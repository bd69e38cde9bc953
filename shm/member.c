/* SPDX-License-Identifier: MIT */
/*
 * member.c - see member.h
 *
 * A consumer joins while producers run. Between the moment a producer reads the
 * gating set and the moment it claims, it trusts what it read. So:
 *
 *   1. place the joiner's sequence, a first guess
 *   2. publish the new graph, then raise its version
 *   3. membarrier: every producer that goes on with the old set has read its
 *      sequences before this point, so its minimum is at most what 4 reads
 *   4. place the sequence again; now it is right
 *
 * and producers take their minimum again if the version moved meanwhile. A stale
 * minimum m lets a producer overwrite up to m - history, and m <= the place read
 * in 4, so everything later than that place less the history is still there:
 * that is what RB_JOIN_OLDEST gives. Setting the sequence before and after
 * without 3 and the version (as upstream does) loses events with two producers.
 *
 * The place is the last sequence up to which all is published; for a dependent
 * stage it is the slowest of those it waits for. The last one claimed would not
 * do: a gate there lets producers lap the slots below that are claimed and not
 * yet published.
 */
#include "shm/member.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "shm/sequencer.h"

/* Attached or absent: has a sequence that others wait for. */
static bool
is_active(const struct rb_member *member)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&member->state) != RB_MEMBER_FREE;
}

static uint64_t
active_consumers(const struct rb_meta *meta)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		if (is_active(&meta->consumers[i]))
			mask |= UINT64_C(1) << i;
	return mask;
}

static uint64_t
after_of(const struct rb_meta *meta, int index)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word64_load_relaxed(&meta->consumers[index].after);
}

/*
 * Whom consumer `index` waits for: those it is declared after, and in place of
 * one that is not there those which that one is after. So a stage that is gone
 * lets nobody pass the stages before it, which hold no producer back.
 */
static uint64_t
active_deps(const struct rb_meta *meta, unsigned index, uint64_t active)
{
	uint64_t left = after_of(meta, (int)index);
	uint64_t seen = 0;

	for (uint64_t next = left; next != 0; next = left & ~seen) {
		int i = __builtin_ctzll(next);

		seen |= UINT64_C(1) << i;
		if ((active >> i & 1) == 0)
			left |= after_of(meta, i);
	}
	return seen & active;
}

/* The leaves, and who may have joined behind one that waits for it. */
static uint64_t
gating_consumers(const struct rb_meta *meta, uint64_t active)
{
	uint64_t gating = active;

	for (uint64_t m = active; m != 0; m &= m - 1)
		gating &= ~active_deps(meta, (unsigned)__builtin_ctzll(m),
				       active);
	for (uint64_t m = active; m != 0; m &= m - 1) {
		int i = __builtin_ctzll(m);

		/* ORDER(none, relaxed) - the daemon is the only writer. */
		if (rb_word32_load_relaxed(&meta->consumers[i].behind) != 0)
			gating |= UINT64_C(1) << i;
	}
	return gating;
}

/* Makes the graph agree with the states of the members. */
static void
publish_graph(struct rb_channel *channel)
{
	struct rb_meta *meta = channel->meta;
	uint64_t active = active_consumers(meta);

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		/* ORDER(membership, release) - the place of the stage that is
		 * waited for, to the one that waits. */
		rb_word64_store_release(&meta->consumers[i].deps,
					active_deps(meta, i, active));
	}
	/* ORDER(membership, release) - the places of the consumers in it. */
	rb_word64_store_release(&meta->control.gating,
				gating_consumers(meta, active));
	/* ORDER(membership, acq_rel) - the set, to producers that look twice. */
	rb_word32_add_acq_rel(&meta->control.version, 1);
	if (rb_membarrier() < 0)
		/* ORDER(membership, seq_cst) - producers of a channel without
		 * membarrier fence on their own. */
		rb_fence_seq_cst();
}

/* What nobody can have been told to overwrite yet: see the top. */
static int64_t
place_of(const struct rb_channel *channel, uint64_t deps)
{
	const struct rb_ring *ring = channel->ring;
	int64_t place = RB_SEQUENCE_MAX;

	if (deps == 0 && rb_channel_is_multi(channel))
		/* ORDER(membership, acquire) - after the membarrier. */
		return rb_multi_frontier(channel, RB_SEQUENCE_INITIAL,
					 rb_seq_load_acquire(&ring->claimed));
	if (deps == 0)
		/* ORDER(membership, acquire) - after the membarrier. */
		return rb_seq_load_acquire(&ring->published);
	for (; deps != 0; deps &= deps - 1) {
		int i = __builtin_ctzll(deps);
		/* ORDER(commit, acquire) - as producers read it. */
		int64_t sequence = rb_seq_load_acquire(
			&channel->gates->consumers[i].sequence);

		if (sequence < place)
			place = sequence;
	}
	return place;
}

/* Producers and consumers write these; we compute with them. */
static int64_t
bounded(int64_t sequence)
{
	if (sequence < RB_SEQUENCE_INITIAL)
		return RB_SEQUENCE_INITIAL;
	return sequence < RB_SEQUENCE_MAX / 2 ? sequence : RB_SEQUENCE_MAX / 2;
}

static bool
has_producers(const struct rb_meta *meta)
{
	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		if (is_active(&meta->producers[i]))
			return true;
	return false;
}

/*
 * The sequence before the oldest that is surely there, starting from `place`:
 * the history; or, while nobody can be claiming and nobody gates, the whole
 * ring.
 */
static int64_t
oldest_from(const struct rb_channel *c, int64_t place)
{
	const struct rb_geometry *g = &c->geometry;
	int64_t slots = (int64_t)g->slots;
	int64_t kept = (int64_t)g->history;
	int64_t claimed;

	if (!has_producers(c->meta)) {
		/* ORDER(none, relaxed) - no producer, so nobody writes it. */
		claimed = bounded(rb_seq_load_relaxed(&c->ring->claimed));
		if (claimed >= place && claimed - place < slots)
			kept = slots - (claimed - place);
	}
	place -= kept;
	return place < RB_SEQUENCE_INITIAL ? RB_SEQUENCE_INITIAL : place;
}

/* Moves forward to the slot before one where an event starts. */
static int64_t
align_to_event(const struct rb_channel *c, int64_t before, int64_t place)
{
	if (!rb_channel_is_framed(c))
		return before;
	for (; before < place; before++) {
		/* ORDER(stamp, acquire) - pairs with stamp() in multi.c. */
		uint64_t stamp = rb_word64_load_acquire(
			rb_channel_stamp(c, before + 1));

		if (stamp != rb_stamp(before + 1, RB_STAMP_REST))
			break;
	}
	return before;
}

/* The producers that are gone may have known of more room than one that starts
 * in the past leaves to those that come. */
static void
forget_gate(struct rb_channel *channel, int64_t place)
{
	struct rb_sequence *gate = &channel->ring->gate;

	/* ORDER(none, relaxed) - no producer, so nobody else writes it. */
	if (rb_seq_load_relaxed(gate) > place)
		rb_seq_store_relaxed(gate, place);
}

static void
place_consumer(struct rb_channel *channel, unsigned index, enum rb_join join)
{
	const struct rb_meta *meta = channel->meta;
	int64_t place = bounded(place_of(
		channel, active_deps(meta, index, active_consumers(meta))));

	if (join == RB_JOIN_OLDEST)
		place = align_to_event(channel, oldest_from(channel, place),
				       place);
	if (!has_producers(meta))
		forget_gate(channel, place);
	/* ORDER(commit, release) - to producers that count us in. */
	rb_seq_store_release(&channel->gates->consumers[index].sequence, place);
}

static void
set_name(struct rb_member *member, const char *name)
{
	memset(member->name, 0, sizeof(member->name));
	memcpy(member->name, name, strnlen(name, RB_NAME_SIZE - 1));
}

static void
set_state(struct rb_member *member, enum rb_member_state state)
{
	/* ORDER(membership, release) - the final place, to a producer that
	 * waits for its consumers before it begins. */
	rb_word32_store_release(&member->state, state);
}

static uint64_t
boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
rb_member_declare(struct rb_channel *channel, unsigned index, const char *name,
		  uint64_t after, enum rb_on_death on_death,
		  uint64_t keep_for_ns)
{
	struct rb_member *m = &channel->meta->consumers[index];

	set_name(m, name);
	/* ORDER(none, relaxed) - the channel is not open yet. */
	rb_word32_store_relaxed(&m->declared, 1);
	rb_word32_store_relaxed(&m->on_death, on_death);
	rb_word64_store_relaxed(&m->after, after);
	rb_word64_store_relaxed(&m->keep_for_ns, keep_for_ns);
	/* ORDER(none, relaxed) - as above. */
	rb_word64_store_relaxed(&m->absent_ns, boottime_ns());
	if (on_death == RB_ON_DEATH_KEEP)
		set_state(m, RB_MEMBER_ABSENT);
	publish_graph(channel);
}

int
rb_member_find_consumer(const struct rb_channel *channel, const char *name)
{
	const struct rb_meta *meta = channel->meta;
	int free = -EUSERS;

	for (unsigned i = 0; i < meta->header.max_consumers; i++) {
		const struct rb_member *m = &meta->consumers[i];
		/* ORDER(none, relaxed) - the daemon is the only writer. */
		uint32_t state = rb_word32_load_relaxed(&m->state);
		bool declared = rb_word32_load_relaxed(&m->declared) != 0;

		if (strncmp(m->name, name, RB_NAME_SIZE) == 0)
			return state == RB_MEMBER_ATTACHED ? -EBUSY : (int)i;
		if (state == RB_MEMBER_FREE && !declared && free < 0)
			free = (int)i;
	}
	return free;
}

static void
clear(struct rb_word64 *counter)
{
	/* ORDER(none, relaxed) - the last owner is gone, the next not here. */
	rb_word64_store_relaxed(counter, 0);
}

/* A new owner of an entry; whoever still holds the old epoch is out. */
static uint32_t
identify(struct rb_member *member, const struct rb_identity *who)
{
	uint32_t epoch;

	set_name(member, who->name);
	/* ORDER(none, relaxed) - for people, and for the daemon itself. */
	rb_word32_store_relaxed(&member->pid, who->pid);
	rb_word64_store_relaxed(&member->start_time, who->start_time);
	/* ORDER(none, relaxed) - the new owner learns it over the socket. */
	epoch = rb_word32_load_relaxed(&member->epoch) + 1;
	rb_word32_store_relaxed(&member->epoch, epoch);
	return epoch;
}

uint32_t
rb_member_join_consumer(struct rb_channel *channel, unsigned index,
			const struct rb_identity *who, enum rb_join join)
{
	struct rb_member *m = &channel->meta->consumers[index];
	bool resumes = is_active(m);
	uint32_t epoch = identify(m, who);

	if (resumes) {
		set_state(m, RB_MEMBER_ATTACHED);
		return epoch;
	}
	clear(&channel->gates->consumers[index].sleeps);
	clear(&channel->gates->consumers[index].missed);
	clear(&channel->gates->consumers[index].wakes);
	place_consumer(channel, index, join);
	/* One that starts in the past may be behind those that wait for it, and
	 * then they do not hold producers back for it. */
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	rb_word32_store_relaxed(&m->behind, join == RB_JOIN_OLDEST);
	set_state(m, RB_MEMBER_JOINING);
	publish_graph(channel);
	place_consumer(channel, index, join);
	set_state(m, RB_MEMBER_ATTACHED);
	return epoch;
}

void
rb_member_leave_consumer(struct rb_channel *channel, unsigned index, bool keep)
{
	struct rb_member *m = &channel->meta->consumers[index];

	/* ORDER(none, relaxed) - for people, and for the daemon itself. */
	rb_word32_store_relaxed(&m->pid, 0);
	rb_word64_store_relaxed(&m->absent_ns, boottime_ns());
	if (keep) {
		set_state(m, RB_MEMBER_ABSENT);
		return;
	}
	/* ORDER(none, relaxed) - the daemon is the only writer; the owner is
	 * told by the epoch. */
	rb_word32_store_relaxed(&m->behind, 0);
	rb_word32_store_relaxed(&m->epoch,
				rb_word32_load_relaxed(&m->epoch) + 1);
	set_state(m, RB_MEMBER_FREE);
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	if (rb_word32_load_relaxed(&m->declared) == 0)
		memset(m->name, 0, sizeof(m->name));
	publish_graph(channel);
	rb_channel_wake_all(channel);
}

int
rb_member_find_producer(const struct rb_channel *channel)
{
	const struct rb_meta *meta = channel->meta;
	unsigned n = rb_channel_is_multi(channel) ? meta->header.max_producers
						  : 1;

	for (unsigned i = 0; i < n; i++)
		if (!is_active(&meta->producers[i]))
			return (int)i;
	return n == 1 ? -EBUSY : -EUSERS;
}

uint32_t
rb_member_join_producer(struct rb_channel *channel, unsigned index,
			const struct rb_identity *who)
{
	struct rb_member *m = &channel->meta->producers[index];
	struct rb_handle *handle = &channel->ring->handles[index];
	uint32_t epoch = identify(m, who);

	clear(&handle->intent); /* RB_INTENT_IDLE */
	clear(&handle->sleeps);
	clear(&handle->missed);
	clear(&handle->wakes);
	set_state(m, RB_MEMBER_ATTACHED);
	return epoch;
}

void
rb_member_set_dying(struct rb_channel *channel, unsigned index)
{
	set_state(&channel->meta->producers[index], RB_MEMBER_DYING);
}

void
rb_member_leave_producer(struct rb_channel *channel, unsigned index)
{
	struct rb_member *m = &channel->meta->producers[index];

	/* ORDER(none, relaxed) - for people; the owner is told by the epoch. */
	rb_word32_store_relaxed(&m->pid, 0);
	rb_word32_store_relaxed(&m->epoch,
				rb_word32_load_relaxed(&m->epoch) + 1);
	set_state(m, RB_MEMBER_FREE);
	memset(m->name, 0, sizeof(m->name));
	rb_channel_wake_all(channel);
}

void
rb_member_adopt(struct rb_channel *channel)
{
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		struct rb_member *m = &channel->meta->consumers[i];

		/* ORDER(none, relaxed) - the daemon is the only writer. */
		if (rb_word32_load_relaxed(&m->state) == RB_MEMBER_JOINING)
			rb_member_leave_consumer(channel, i, false);
	}
	publish_graph(channel);
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	if (rb_word32_load_relaxed(&channel->meta->control.stream) !=
	    RB_STREAM_OPEN)
		rb_channel_close_stream(channel, false);
	rb_channel_wake_all(channel);
}

/* What is claimed of several producers will yet be published. */
static int64_t
end_of(const struct rb_channel *channel)
{
	const struct rb_ring *ring = channel->ring;

	/* ORDER(closing, acquire) - after the membarrier. */
	return rb_channel_is_multi(channel)
		       ? rb_seq_load_acquire(&ring->claimed)
		       : rb_seq_load_acquire(&ring->published);
}

void
rb_channel_close_stream(struct rb_channel *channel, bool abort)
{
	struct rb_meta_control *control = &channel->meta->control;

	/* ORDER(none, relaxed) - the daemon is the only writer. Unknown also
	 * if another daemon died in the middle of this. */
	if (rb_seq_load_relaxed(&control->end) == RB_SEQUENCE_MAX) {
		/* ORDER(closing, release) - before the cursor is read: who
		 * published without seeing it is included in the end. */
		rb_word32_store_release(&control->stream, RB_STREAM_CLOSING);
		if (rb_membarrier() < 0)
			/* ORDER(closing, seq_cst) - where it is missing. */
			rb_fence_seq_cst();
		/* ORDER(end, release) - all that it includes was published
		 * before; a consumer that sees it looks once more. */
		rb_seq_store_release(&control->end, end_of(channel));
	}
	if (abort)
		/* ORDER(closing, release) - after the end. */
		rb_word32_store_release(&control->stream, RB_STREAM_ABORTED);
	rb_channel_wake_all(channel);
}

unsigned
rb_member_count(const struct rb_channel *channel)
{
	const struct rb_meta *meta = channel->meta;
	unsigned n = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++)
		n += is_active(&meta->producers[i]);
	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++)
		n += is_active(&meta->consumers[i]);
	return n;
}
