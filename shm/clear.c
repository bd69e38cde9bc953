/* SPDX-License-Identifier: MIT */
/*
 * clear.c - see clear.h
 *
 * Three things could go wrong, each between two parties that look at what the
 * other one stores:
 *
 *   turn   one commits and finds the clearing taken, just as the owner has had
 *          its last look. So: commit, fence, look at the owner; owner := 0,
 *          fence, look at the sequences.
 *   set    the set shrinks to nobody, and producers that are free now write
 *          where an owner zeroes that knows only the old set; or one joins
 *          behind what an owner is about to zero. So: begun, fence, look at the
 *          set's version; set, membarrier, look at begun.
 *   tap    zeroes are taken for an event: begun, fence, zero; copy, fence, look
 *          at begun.
 */
#include "shm/clear.h"

#include <sched.h>
#include <string.h>

#include "shm/gating.h"

/* Those that commit all the time could keep the daemon at it for ever. */
#define DAEMON_ROUNDS 1000

static int64_t
slots_of(const struct rb_channel *c)
{
	return (int64_t)c->geometry.slots;
}

static int64_t
find_done(const struct rb_channel *c)
{
	/* ORDER(clear-done, acquire) - the zeroes up to here come before what
	 * is written there next. */
	return rb_seq_load_acquire(&c->gates->clear.done);
}

static int64_t
find_skip(const struct rb_channel *c)
{
	/* ORDER(membership, acquire) - with a sequence that was placed after it
	 * comes the right one. */
	return (int64_t)(rb_word64_load_acquire(&c->meta->control.skip) - 1);
}

/* What there is nothing to do about any more. */
static int64_t
find_cleared(const struct rb_channel *c)
{
	int64_t done = find_done(c);
	int64_t skip = find_skip(c);

	return done > skip ? done : skip;
}

/* What all have read; in *ret_version of whom that is true. No further than
 * producers have come: whoever says so lies. */
static int64_t
find_read(const struct rb_channel *c, uint32_t *ret_version)
{
	int64_t read = rb_gating_read(c, ret_version);
	/* ORDER(none, relaxed) - a bound. */
	int64_t claimed = rb_seq_load_relaxed(&c->ring->claimed);

	if (read > claimed)
		read = claimed;
	return read < RB_SEQUENCE_MAX / 2 ? read : RB_SEQUENCE_MAX / 2;
}

static void
wake_producers(struct rb_channel *c)
{
	rb_wake_if_wanted(c, &c->gates->consumers[RB_CLEAR_GATE].event,
			  &c->ring->space_wanted[RB_CLEAR_GATE], false, NULL);
}

/* Whether there is something to clear. What was skipped is free without us, and
 * who waits for it has only to be told. */
static bool
look_for_work(struct rb_channel *c)
{
	uint32_t version;
	int64_t read = find_read(c, &version);

	if (read > find_skip(c))
		return read > find_done(c);
	wake_producers(c);
	return false;
}

/* The slots from lo + 1 to hi. */
static void
zero(struct rb_channel *c, int64_t lo, int64_t hi)
{
	if (hi <= lo)
		return;
	/* Whoever lies about them makes the difference overflow. */
	if ((uint64_t)hi - (uint64_t)lo > c->geometry.slots)
		lo = hi - slots_of(c);
	/* ORDER(clear-begun, release) - `begun`, and that we are zeroing, come
	 * before the first zero; a tap, or the daemon after our death, would
	 * not know of it otherwise. */
	rb_fence_release();
	memset(rb_channel_slot(c, lo + 1), 0,
	       (uint64_t)(hi - lo) * c->geometry.slot_size);
}

static void
set_done(struct rb_channel *c, int64_t sequence)
{
	/* ORDER(clear-done, release) - the zeroes, to producers; they would be
	 * written over an event otherwise. */
	rb_seq_store_release(&c->gates->clear.done, sequence);
}

static void
set_begun(struct rb_channel *c, int64_t sequence)
{
	/* ORDER(none, relaxed) - each use of it has a fence of its own. */
	rb_seq_store_relaxed(&c->gates->clear.begun, sequence);
}

/* One round; without effect if the set changes under it. */
static void
clear(struct rb_channel *c, unsigned self)
{
	struct rb_clearing *clearing = &c->gates->clear;
	uint32_t version;
	int64_t hi = find_read(c, &version);
	int64_t lo = find_cleared(c);

	if (hi <= lo)
		return;
	set_begun(c, hi);
	/* ORDER(clear-set, seq_cst) - between `begun` and the second look at
	 * the set; see the top. */
	rb_fence_seq_cst();
	/* ORDER(clear-set, acquire) - as above. */
	if (rb_word32_load_acquire(&c->meta->control.version) != version) {
		set_begun(c, find_done(c));
		return;
	}
	/* What was skipped is free already, and who finishes for us must not
	 * touch it: `skip` may be another by then. */
	set_done(c, lo);
	/* ORDER(none, relaxed) - zero() has the fence. */
	rb_word32_store_relaxed(&clearing->owner,
				(self + 1) | RB_CLEAR_ZEROING);
	zero(c, lo, hi);
	set_done(c, hi);
}

static bool
take(struct rb_channel *c, unsigned self)
{
	uint32_t nobody = 0;

	/* ORDER(clear-turn, acq_rel) - what the last owner left, to us. */
	return rb_word32_cas_acq_rel(&c->gates->clear.owner, &nobody, self + 1);
}

/* Lets go, and wakes who may have waited for what we did. */
static void
let_go(struct rb_channel *c)
{
	/* ORDER(clear-turn, release) - all we did, to the next owner. */
	rb_word32_store_release(&c->gates->clear.owner, 0);
	/* ORDER(clear-turn, seq_cst) - before we look at the sequences again,
	 * and before the look for sleepers. */
	rb_fence_seq_cst();
	wake_producers(c);
}

void
rb_clear_read(struct rb_channel *channel, unsigned self)
{
	/* ORDER(clear-turn, seq_cst) - between our commit, or the new set, and
	 * the look at the owner: one that is there sees it when it looks
	 * again. */
	rb_fence_seq_cst();
	for (int i = 0; look_for_work(channel) && take(channel, self); i++) {
		clear(channel, self);
		let_go(channel);
		if (self < RB_CONSUMERS_MAX)
			continue;
		if (i == DAEMON_ROUNDS)
			break;
		sched_yield(); /* whoever commits just now takes it over */
	}
}

/* Goes on where the dead one stopped. What was skipped since it began lies
 * beyond what it was about to clear. */
static void
finish(struct rb_channel *c)
{
	/* ORDER(none, relaxed) - its only writer is dead. */
	int64_t begun = rb_seq_load_relaxed(&c->gates->clear.begun);

	zero(c, find_done(c), begun);
	set_done(c, begun);
}

void
rb_clear_dispossess(struct rb_channel *channel, unsigned index)
{
	/* ORDER(clear-turn, acquire) - what it had stored, to us. */
	uint32_t owner = rb_word32_load_acquire(&channel->gates->clear.owner);

	if ((owner & ~RB_CLEAR_ZEROING) == index + 1) {
		if ((owner & RB_CLEAR_ZEROING) != 0)
			finish(channel);
		else
			set_begun(channel, find_done(channel));
		let_go(channel);
	}
	rb_clear_read(channel, RB_CONSUMERS_MAX);
}

void
rb_clear_skip(struct rb_channel *channel, int64_t sequence)
{
	/* ORDER(membership, release) - before the places of those it is for. */
	rb_word64_store_release(&channel->meta->control.skip,
				(uint64_t)(sequence + 1));
}

int64_t
rb_clear_bound(const struct rb_channel *channel, bool is_gated)
{
	int64_t begun, done;

	/* ORDER(clear-set, seq_cst) - between the look at the set and the look
	 * at what has begun; see the top. */
	rb_fence_seq_cst();
	/* ORDER(clear-set, acquire) - as above; and before `done`, which is
	 * where it was if nothing is under way. */
	begun = rb_seq_load_acquire(&channel->gates->clear.begun);
	done = find_done(channel);
	if (begun > done)
		return done;
	return is_gated ? find_cleared(channel) : RB_SEQUENCE_MAX;
}

int
rb_clear_owner(const struct rb_channel *channel)
{
	/* ORDER(none, relaxed) - somebody to name. */
	uint32_t owner = rb_word32_load_relaxed(&channel->gates->clear.owner) &
			 ~RB_CLEAR_ZEROING;

	return owner >= 1 && owner <= RB_CONSUMERS_MAX ? (int)owner - 1 : -1;
}
