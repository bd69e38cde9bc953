/* SPDX-License-Identifier: MIT */
/*
 * repair.c - see repair.h
 *
 * What a handle's intent says after its owner's death (multi.c has the states):
 *
 *   IDLE           nothing claimed
 *   CLAIMED(lo)    n slots from lo are its own: those without a stamp become
 *                  tombstones
 *   CLAIMING       it may have claimed, but where is not written down. Read
 *                  `claimed`; wait until no live handle is CLAIMING; then what
 *                  is below, has no stamp and is in no live handle's record was
 *                  the dead one's (or another dead one's: it makes no
 *                  difference)
 *
 * A tombstone goes only where every consumer has read the lap before, as for
 * any claim, and not beyond the end of the stream. Of a framed event the first
 * stamp was to come last: without it the rest is taken back, with it the event is
 * whole.
 */
#include "shm/repair.h"

#include "shm/claim.h"
#include "shm/gating.h"
#include "shm/sequencer.h"

static uint32_t
state_of(const struct rb_channel *c, unsigned index)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	return rb_word32_load_relaxed(&c->meta->producers[index].state);
}

static uint64_t
stamp_of(const struct rb_channel *c, int64_t sequence)
{
	/* ORDER(stamp, acquire) - whether its producer came that far. */
	return rb_word64_load_acquire(rb_channel_stamp(c, sequence));
}

/* Nobody reads beyond the end of the stream, and claims there have been given up:
 * the room that they would need never comes. */
static int64_t
up_to_end(const struct rb_channel *c, int64_t claimed)
{
	/* ORDER(none, relaxed) - the daemon is the only writer. */
	int64_t end = rb_seq_load_relaxed(&c->meta->control.end);

	return claimed < end ? claimed : end;
}

/* How far stamps may go; as for a claim. */
static int64_t
room(const struct rb_channel *c, int64_t claimed)
{
	int64_t capacity = (int64_t)(c->geometry.slots - c->geometry.history);
	int64_t minimum;
	int blocker;

	if (claimed > RB_SEQUENCE_MAX / 2) /* not from a producer of ours */
		return RB_SEQUENCE_INITIAL;
	minimum = rb_gating_minimum(c, RB_SEQUENCE_INITIAL, claimed, &blocker);
	if (blocker == RB_NOBODY) /* one may join at the first hole */
		minimum = rb_multi_frontier(c, RB_SEQUENCE_INITIAL, claimed);
	return capacity + minimum;
}

static void
count(struct rb_repair *report, int64_t sequence)
{
	if (report->tombstones++ == 0)
		report->first = report->last = sequence;
	if (sequence < report->first)
		report->first = sequence;
	if (sequence > report->last)
		report->last = sequence;
}

/* Stores a tombstone; false if the slot is not free for it yet. */
static bool
bury(struct rb_channel *c, int64_t sequence, int64_t room_to,
     struct rb_repair *report)
{
	int64_t lap_before = sequence - (int64_t)c->geometry.slots;

	if (report->only_looks) {
		count(report, sequence);
		return true;
	}
	if (sequence > room_to ||
	    (lap_before >= 0 &&
	     rb_stamp_sequence(stamp_of(c, sequence)) < lap_before))
		return false;
	/* ORDER(stamp, release) - as any stamp; consumers skip it. */
	rb_word64_store_release(rb_channel_stamp(c, sequence),
				rb_stamp(sequence, RB_STAMP_TOMBSTONE));
	count(report, sequence);
	return true;
}

/* By us, or by a daemon before us. */
static bool
is_buried(const struct rb_channel *c, int64_t sequence)
{
	return stamp_of(c, sequence) == rb_stamp(sequence, RB_STAMP_TOMBSTONE);
}

static bool
is_stamped(const struct rb_channel *c, int64_t sequence)
{
	return rb_stamp_sequence(stamp_of(c, sequence)) >= sequence;
}

/* A claim whose range is known. */
static int
bury_claim(struct rb_channel *c, const struct rb_claim *claim, int64_t room_to,
	   struct rb_repair *report)
{
	bool framed = rb_channel_is_framed(c);

	if (framed && is_stamped(c, claim->lo))
		return 0;
	for (int64_t i = claim->hi; i >= claim->lo; i--)
		if (!is_buried(c, i) && (framed || !is_stamped(c, i)) &&
		    !bury(c, i, room_to, report))
			return 1;
	return 0;
}

/* The records of everybody else; false if one of them is just claiming. */
static bool
read_others(const struct rb_channel *c, struct rb_claim *claims,
	    unsigned *ret_n)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++) {
		uint32_t state = state_of(c, i);
		struct rb_claim claim;

		if (state == RB_MEMBER_FREE)
			continue;
		claim = rb_claim_read(c, i);
		if (claim.state == RB_INTENT_CLAIMED)
			claims[n++] = claim;
		else if (claim.state == RB_INTENT_CLAIMING &&
			 state == RB_MEMBER_ATTACHED)
			return false;
	}
	*ret_n = n;
	return true;
}

static bool
is_covered(const struct rb_claim *claims, unsigned n, int64_t sequence)
{
	for (unsigned i = 0; i < n; i++)
		if (sequence >= claims[i].lo && sequence <= claims[i].hi)
			return true;
	return false;
}

/* Every hole that is nobody's. */
static int
bury_unowned(struct rb_channel *c, struct rb_repair *report)
{
	struct rb_claim claims[RB_PRODUCERS_MAX];
	/* ORDER(intent, acquire) - before the records: whoever claimed up to
	 * here has said so in his. */
	int64_t claimed = up_to_end(c, rb_seq_load_acquire(&c->ring->claimed));
	int64_t room_to = room(c, claimed);
	int64_t i;
	unsigned n;

	if (!read_others(c, claims, &n))
		return 1;
	if (claimed < 0 || claimed > RB_SEQUENCE_MAX / 2)
		return 0; /* not from a producer of ours */
	for (i = rb_multi_frontier(c, RB_SEQUENCE_INITIAL, claimed) + 1;
	     i <= claimed; i++)
		if (!is_stamped(c, i) && !is_covered(claims, n, i) &&
		    !bury(c, i, room_to, report))
			return 1; /* nobody reads beyond it meanwhile */
	return 0;
}

int
rb_repair_producer(struct rb_channel *channel, unsigned index,
		   struct rb_repair *report)
{
	struct rb_claim claim;
	uint64_t before = report->tombstones;
	int64_t claimed;
	int left = 0;

	if (!rb_channel_is_multi(channel))
		return 0;
	claim = rb_claim_read(channel, index);
	/* ORDER(none, relaxed) - a bound: a record that tells of more lies. */
	claimed = up_to_end(channel,
			    rb_seq_load_relaxed(&channel->ring->claimed));
	if (claim.hi > claimed)
		claim.hi = claimed;
	if (claim.state == RB_INTENT_CLAIMED)
		left = bury_claim(channel, &claim, room(channel, claimed),
				  report);
	else if (claim.state == RB_INTENT_CLAIMING)
		left = bury_unowned(channel, report);
	if (report->tombstones != before && !report->only_looks)
		rb_channel_wake_all(channel);
	return left;
}

void
rb_repair_set_broken(struct rb_channel *channel, int64_t sequence)
{
	struct rb_word64 *broken = &channel->meta->control.broken;
	uint64_t value = sequence < RB_SEQUENCE_MAX ? (uint64_t)sequence + 1
						    : 0;

	/* ORDER(none, relaxed) - the daemon is the only writer. */
	if (rb_word64_load_relaxed(broken) == value)
		return;
	/* ORDER(broken, release) - after the state of the dead one, or after the
	 * tombstones that came in the place of what it had claimed. */
	rb_word64_store_release(broken, value);
	rb_channel_wake_all(channel);
}
