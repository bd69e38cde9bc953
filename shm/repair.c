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
count(struct rb_repair *report, int64_t first, int64_t last)
{
	if (report->tombstones == 0 || first < report->first)
		report->first = first;
	if (report->tombstones == 0 || last > report->last)
		report->last = last;
	report->tombstones += (uint64_t)(last - first) + 1;
}

/* Stores a tombstone; false if the slot is not free for it yet. */
static bool
bury(struct rb_channel *c, int64_t sequence, int64_t room_to,
     struct rb_repair *report)
{
	int64_t lap_before = sequence - (int64_t)c->geometry.slots;

	if (report->only_looks) {
		count(report, sequence, sequence);
		return true;
	}
	if (sequence > room_to ||
	    (lap_before >= 0 &&
	     rb_stamp_sequence(stamp_of(c, sequence)) < lap_before))
		return false;
	/* ORDER(stamp, release) - as any stamp; consumers skip it. */
	rb_word64_store_release(rb_channel_stamp(c, sequence),
				rb_stamp(sequence, RB_STAMP_TOMBSTONE));
	count(report, sequence, sequence);
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

/* Where others have claimed. */
struct others {
	unsigned n;
	struct rb_claim claims[RB_PRODUCERS_MAX];
};

/* The records of everybody else; false if one of them is just claiming. */
static bool
read_others(const struct rb_channel *c, struct others *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++) {
		uint32_t state = state_of(c, i);
		struct rb_claim claim;

		if (state == RB_MEMBER_FREE)
			continue;
		claim = rb_claim_read(c, i);
		if (claim.state == RB_INTENT_CLAIMED)
			ret->claims[n++] = claim;
		else if (claim.state == RB_INTENT_CLAIMING &&
			 state == RB_MEMBER_ATTACHED)
			return false;
	}
	ret->n = n;
	return true;
}

/* `sequence`, or if it is in a claim, what comes after that, and is in none. */
static int64_t
pass_claims(const struct others *others, int64_t sequence)
{
	int64_t before;

	do {
		before = sequence;
		for (unsigned i = 0; i < others->n; i++)
			if (sequence >= others->claims[i].lo &&
			    sequence <= others->claims[i].hi)
				sequence = others->claims[i].hi + 1;
	} while (sequence != before);
	return sequence;
}

/* The end of the gap between claims that begins at `sequence`. */
static int64_t
end_of_gap(const struct others *others, int64_t sequence, int64_t last)
{
	for (unsigned i = 0; i < others->n; i++)
		if (others->claims[i].lo > sequence &&
		    others->claims[i].lo <= last)
			last = others->claims[i].lo - 1;
	return last;
}

/* What is claimed and too far ahead to have been published: whether some of it is
 * nobody's. A ring for each handle is too much to look at one by one. */
static bool
find_unowned(const struct others *others, int64_t first, int64_t last,
	     struct rb_repair *report)
{
	bool found = false;

	while ((first = pass_claims(others, first)) <= last) {
		int64_t end = end_of_gap(others, first, last);

		if (report->only_looks)
			count(report, first, end);
		found = true;
		first = end + 1;
	}
	return found;
}

/* Every hole that is nobody's. */
static int
bury_unowned(struct rb_channel *c, struct rb_repair *report)
{
	struct others others;
	/* ORDER(intent, acquire) - before the records: whoever claimed up to
	 * here has said so in his. */
	int64_t claimed = up_to_end(c, rb_seq_load_acquire(&c->ring->claimed));
	int64_t room_to = room(c, claimed);
	int64_t frontier, last;
	bool is_left;

	if (!read_others(c, &others))
		return 1;
	if (claimed < 0 || claimed > RB_SEQUENCE_MAX / 2)
		return 0; /* not from a producer of ours */
	frontier = rb_multi_frontier(c, RB_SEQUENCE_INITIAL, claimed);
	last = frontier + (int64_t)c->geometry.slots;
	last = last < claimed ? last : claimed;
	for (int64_t i = frontier + 1; i <= last; i++)
		if (!is_stamped(c, i) && pass_claims(&others, i) == i &&
		    !bury(c, i, room_to, report))
			return 1; /* nobody reads beyond it meanwhile */
	is_left = find_unowned(&others, last + 1, claimed, report);
	return is_left && !report->only_looks;
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
