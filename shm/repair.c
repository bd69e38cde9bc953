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
 * any claim. Of a framed event the first stamp was to come last: without it the
 * rest is taken back, with it the event is whole.
 */
#include "shm/repair.h"

#include "shm/gating.h"
#include "shm/sequencer.h"

/* A handle that claims again and again is not waited for. */
#define READ_TRIES 1000

/* A claim as a record tells it. */
struct claim {
	enum rb_intent_state state;
	int64_t lo;
	int64_t hi;
};

static struct claim
read_claim(const struct rb_channel *c, unsigned index)
{
	const struct rb_handle *handle = &c->ring->handles[index];
	uint64_t intent, again, n;
	struct claim claim = { .state = RB_INTENT_CLAIMING };
	int tries = READ_TRIES;

	/* ORDER(claim, acquire) - with a claim also the stamps of the one
	 * before it; pairs with own(). */
	again = rb_word64_load_acquire(&handle->intent);
	do {
		intent = again;
		/* ORDER(intent-size, acquire) - before the second look: a newer
		 * size comes with a newer intent. */
		n = rb_word64_load_acquire(&handle->n);
		/* ORDER(claim, acquire) - as above. */
		again = rb_word64_load_acquire(&handle->intent);
	} while (again != intent && --tries > 0);
	if (again != intent) /* it moves all the time: ask again later */
		return claim;
	claim.state = intent & 3;
	claim.lo = rb_stamp_sequence(intent);
	claim.hi = claim.lo + (int64_t)rb_min_u64(n, c->geometry.slots) - 1;
	return claim;
}

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

/* Stores a tombstone; false if the slot is not free for it yet. */
static bool
bury(struct rb_channel *c, int64_t sequence, int64_t room_to,
     struct rb_repair *report)
{
	int64_t lap_before = sequence - (int64_t)c->geometry.slots;

	if (sequence > room_to ||
	    (lap_before >= 0 &&
	     rb_stamp_sequence(stamp_of(c, sequence)) < lap_before))
		return false;
	/* ORDER(stamp, release) - as any stamp; consumers skip it. */
	rb_word64_store_release(rb_channel_stamp(c, sequence),
				rb_stamp(sequence, RB_STAMP_TOMBSTONE));
	if (report->tombstones++ == 0)
		report->first = report->last = sequence;
	if (sequence < report->first)
		report->first = sequence;
	if (sequence > report->last)
		report->last = sequence;
	return true;
}

static bool
is_stamped(const struct rb_channel *c, int64_t sequence)
{
	return rb_stamp_sequence(stamp_of(c, sequence)) >= sequence;
}

/* A claim whose range is known. */
static int
bury_claim(struct rb_channel *c, const struct claim *claim, int64_t room_to,
	   struct rb_repair *report)
{
	bool framed = rb_channel_is_framed(c);

	if (framed && is_stamped(c, claim->lo))
		return 0;
	for (int64_t i = claim->hi; i >= claim->lo; i--)
		if ((framed || !is_stamped(c, i)) &&
		    !bury(c, i, room_to, report))
			return 1;
	return 0;
}

/* The records of everybody else; false if one of them is just claiming. */
static bool
read_others(const struct rb_channel *c, struct claim *claims, unsigned *ret_n)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RB_PRODUCERS_MAX; i++) {
		uint32_t state = state_of(c, i);
		struct claim claim;

		if (state == RB_MEMBER_FREE)
			continue;
		claim = read_claim(c, i);
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
is_covered(const struct claim *claims, unsigned n, int64_t sequence)
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
	struct claim claims[RB_PRODUCERS_MAX];
	/* ORDER(intent, acquire) - before the records: whoever claimed up to
	 * here has said so in his. */
	int64_t claimed = rb_seq_load_acquire(&c->ring->claimed);
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
	struct claim claim;
	uint64_t before = report->tombstones;
	int64_t claimed;
	int left = 0;

	if (!rb_channel_is_multi(channel))
		return 0;
	claim = read_claim(channel, index);
	/* ORDER(none, relaxed) - a bound: a record that tells of more lies. */
	claimed = rb_seq_load_relaxed(&channel->ring->claimed);
	if (claim.hi > claimed)
		claim.hi = claimed;
	if (claim.state == RB_INTENT_CLAIMED)
		left = bury_claim(channel, &claim, room(channel, claimed),
				  report);
	else if (claim.state == RB_INTENT_CLAIMING)
		left = bury_unowned(channel, report);
	if (report->tombstones != before)
		rb_channel_wake_all(channel);
	return left;
}
