/* SPDX-License-Identifier: MIT */
/*
 * multi.c - the multi-producer sequencer
 *
 * Handles claim by one RMW on `claimed` and publish by a stamp per slot, in any
 * order among each other; consumers read as far as the stamps go. There is no
 * ordered commit, so nobody waits for a slower producer but the consumers that
 * need its slots.
 *
 * A producer may die between the claim and the last stamp. So that the daemon
 * can tell whose hole that is, each handle says what it is about to do, in a
 * line of its own, and has one claim at a time:
 *
 *   intent := CLAIMING          about to claim; the range is not yet known
 *   n      := n                 if it is another than last time
 *   lo      = claimed += n      the claim
 *   intent := CLAIMED(lo)       n slots from lo are ours
 *   wait for room, fill, stamp each slot, wake
 *
 * The intent is not taken back after the publish: a CLAIMED whose slots all
 * carry their stamps is a finished claim. Repair is in repair.c.
 *
 * A claim that may be given up (with a deadline, or revocable) proves room
 * first and then claims by CAS; one that waits for ever adds to `claimed`
 * first, which is faster among many producers, and is bound to go through.
 */
#include "shm/sequencer.h"

#include "shm/latency.h"

static uint64_t
intent_word(int64_t lo, enum rb_intent_state state)
{
	return (uint64_t)(lo + 1) << 2 | (uint64_t)state;
}

static void
intend(struct rb_sequencer *s, int64_t n)
{
	/* ORDER(none, relaxed) - ordered by the RMW that follows (intent). */
	rb_word64_store_relaxed(&s->handle->intent,
				intent_word(-1, RB_INTENT_CLAIMING));
	if (rb_likely(s->intended == n)) /* a store less before the RMW */
		return;
	s->intended = n;
	/* ORDER(intent-size, release) - after CLAIMING: a repair that sees the
	 * new size with an old CLAIMED looks again and finds CLAIMING. */
	rb_word64_store_release(&s->handle->n, (uint64_t)n);
}

static void
own(struct rb_sequencer *s, int64_t lo, int64_t n)
{
	/* ORDER(claim, release) - the stamps of our last claim: a repair that
	 * sees this claim must see that one finished, or it would take its
	 * slots for holes. */
	rb_word64_store_release(&s->handle->intent,
				intent_word(lo, RB_INTENT_CLAIMED));
	s->claim_lo = lo;
	s->next = lo + n - 1;
	s->unpublished = n;
}

static void
disclaim(struct rb_sequencer *s)
{
	/* ORDER(claim, release) - as in own(). */
	rb_word64_store_release(&s->handle->intent,
				intent_word(-1, RB_INTENT_IDLE));
}

/* Far from any overflow, as it is unless somebody writes what he likes. */
static bool
is_sane(int64_t claimed)
{
	return claimed >= RB_SEQUENCE_INITIAL && claimed < RB_SEQUENCE_MAX / 2;
}

static bool
is_known_free(const struct rb_sequencer *s, int64_t hi)
{
	return hi - s->capacity <= s->gate;
}

/* The minimum that some producer has already seen is as good as our own. */
static bool
has_room(struct rb_sequencer *s, int64_t hi)
{
	int64_t shared;

	if (is_known_free(s, hi))
		return true;
	/* ORDER(gate, acquire) - the reads of the consumers that the other
	 * producer waited for are done before we write. */
	shared = rb_seq_load_acquire(&s->channel->ring->gate);
	if (shared > s->gate && is_sane(shared))
		s->gate = shared;
	return is_known_free(s, hi);
}

/* What is published at the place of `sequence`, in this lap or a later one; less
 * than it, if nothing is. */
static int64_t
published_in_place_of(const struct rb_channel *c, int64_t sequence)
{
	/* ORDER(stamp, acquire) - what its producer wrote comes before what we
	 * will write over it. */
	return rb_stamp_sequence(
		rb_word64_load_acquire(rb_channel_stamp(c, sequence)));
}

/* The slot has been published, in this lap or a later one. */
bool
rb_multi_is_stamped(const struct rb_channel *c, int64_t sequence)
{
	return published_in_place_of(c, sequence) >= sequence;
}

/*
 * All up to here is published; `known` was so before. Looks no further than
 * `claimed`, which the caller has read: consumers that are beyond that say
 * nothing about what was published since. Those who wait for room have claimed
 * it already, so `claimed` may be a ring per handle ahead of the room, but no
 * more: that bounds the search, whatever the words say. Who published in a later
 * lap had room there, so all but the last ring up to it is published, and need not
 * be looked at.
 */
int64_t
rb_multi_frontier(const struct rb_channel *c, int64_t known, int64_t claimed)
{
	int64_t slots = (int64_t)c->geometry.slots;
	int64_t reach = slots * (RB_PRODUCERS_MAX + 1);
	/* ORDER(gate, acquire) - others may have come further than we. */
	int64_t sequence = rb_seq_bounded(rb_seq_load_acquire(&c->ring->gate));

	if (sequence < known)
		sequence = known;
	if (claimed > reach && sequence < claimed - reach)
		sequence = claimed - reach;
	while (sequence < claimed) {
		int64_t later = published_in_place_of(c, sequence + 1);

		if (later <= sequence)
			break;
		sequence++;
		if (later <= claimed && later - slots > sequence)
			sequence = later - slots;
	}
	return sequence;
}

/* Apart, as everything that is not the rule: what it has to save would cost the
 * rule too. */
__attribute__((noinline)) static int64_t
wait_for_ours(struct rb_sequencer *s, int64_t hi)
{
	int err = 0;

	if (!has_room(s, hi))
		err = rb_sequencer_wait_for_room(s, hi, -1, true);
	if (err == 0)
		return hi;
	s->claim_lo = hi + 1; /* behind the end; nobody will miss it */
	s->unpublished = 0;
	return err;
}

/* Claims for good, then waits for room as long as it takes. */
static int64_t
claim_and_wait(struct rb_sequencer *s, int64_t n)
{
	int64_t lo, hi;

	intend(s, n);
	/* ORDER(intent, acq_rel) - whoever sees this claim, or a later one,
	 * sees that we were claiming. */
	lo = rb_seq_add_acq_rel(&s->channel->ring->claimed, n) + 1;
	if (rb_unlikely(!is_sane(lo - 1))) {
		disclaim(s);
		return -EBADMSG;
	}
	hi = lo + n - 1;
	own(s, lo, n);
	return rb_likely(is_known_free(s, hi)) ? hi : wait_for_ours(s, hi);
}

/* Room may come and be taken by others, again and again: one deadline for all
 * of it, set at the first wait. */
static int64_t
time_left(int64_t timeout_ns, int64_t *deadline_ns)
{
	int64_t now;

	if (timeout_ns <= 0)
		return timeout_ns;
	now = rb_clock_ns();
	if (*deadline_ns < 0)
		*deadline_ns = timeout_ns > INT64_MAX - now ? INT64_MAX
							    : now + timeout_ns;
	return *deadline_ns > now ? *deadline_ns - now : 1;
}

/* There is room up to *found + n. No waiting between intend() and own() or
 * disclaim(): the repair of another handle waits for us to leave this window. On
 * failure *found is what is claimed now. */
static bool
try_claim(struct rb_sequencer *s, int64_t n, int64_t *found)
{
	int64_t lo = *found + 1;

	intend(s, n);
	/* ORDER(intent, acq_rel) - as in claim_and_wait(). */
	if (rb_seq_cas_acq_rel(&s->channel->ring->claimed, found, *found + n)) {
		own(s, lo, n);
		return true;
	}
	disclaim(s);
	return false;
}

/* Apart, as above. */
__attribute__((noinline)) static int64_t
wait_and_claim(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	const struct rb_sequence *claimed = &s->channel->ring->claimed;
	/* ORDER(none, relaxed) - the CAS checks it. */
	int64_t found = rb_seq_load_relaxed(claimed);
	int64_t deadline_ns = -1;

	for (;;) {
		int err;

		if (rb_unlikely(!is_sane(found)))
			return -EBADMSG;
		if (has_room(s, found + n) &&
		    !rb_channel_is_paused(s->channel)) {
			if (try_claim(s, n, &found))
				return found + n;
			continue;
		}
		err = rb_sequencer_wait_for_room(
			s, found + n, time_left(timeout_ns, &deadline_ns),
			false);
		if (err < 0)
			return err;
		/* ORDER(none, relaxed) - the CAS checks it. */
		found = rb_seq_load_relaxed(claimed);
	}
}

/* Claims only what there is room for. */
static int64_t
claim_or_wait(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	/* ORDER(none, relaxed) - the CAS checks it. */
	int64_t found = rb_seq_load_relaxed(&s->channel->ring->claimed);

	if (rb_likely(is_sane(found) && is_known_free(s, found + n)) &&
	    try_claim(s, n, &found))
		return found + n;
	return wait_and_claim(s, n, timeout_ns);
}

int64_t
rb_multi_claim(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	int64_t hi;

	if (rb_unlikely(s->unpublished > 0))
		return -EBUSY;
	if (rb_unlikely(rb_channel_is_paused(s->channel)))
		hi = wait_and_claim(s, n, timeout_ns);
	/* ORDER(none, relaxed) - a wish that carries no data. */
	else if (timeout_ns < 0 && rb_word32_load_relaxed(&s->revocable) == 0)
		hi = claim_and_wait(s, n);
	else
		hi = claim_or_wait(s, n, timeout_ns);
	/* ORDER(overwrite, release) - `claimed`, and the `gate` that we go by,
	 * come before any write into the slots; a tap could take torn bytes for
	 * whole ones otherwise. */
	rb_fence_release();
	return rb_likely(hi != -EBADMSG) ? hi
					 : rb_sequencer_refuse(s, -EBADMSG);
}

static void
stamp(struct rb_sequencer *s, int64_t sequence, enum rb_stamp_kind kind)
{
	/* ORDER(stamp, release) - the slot's bytes, to consumers and taps;
	 * they would read old bytes otherwise. */
	rb_word64_store_release(rb_channel_stamp(s->channel, sequence),
				rb_stamp(sequence, kind));
}

static bool
is_claimed(const struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	return lo >= s->claim_lo && hi >= lo && hi <= s->next;
}

/* Stamps what is not stamped yet, so that a repeated publish changes nothing. */
static inline void
stamp_once(struct rb_sequencer *s, int64_t sequence, enum rb_stamp_kind kind)
{
	/* ORDER(none, relaxed) - of our own claim only we write it. */
	uint64_t found = rb_word64_load_relaxed(
		rb_channel_stamp(s->channel, sequence));

	if (rb_unlikely(rb_stamp_sequence(found) == sequence))
		return;
	s->unpublished--;
	if (rb_likely(rb_stamp_sequence(found) < sequence))
		stamp(s, sequence, kind);
}

/* All of a claim of which nothing is stamped: there is no need to look, and who
 * does not look asks for the line but once, to write. */
static inline bool
is_untouched(const struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	return lo == s->claim_lo && hi == s->next && hi >= lo &&
	       s->unpublished == hi - lo + 1;
}

static void
note_time(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	if (rb_unlikely(s->channel->times != NULL))
		rb_latency_stamp(s->channel, lo, hi);
}

static void
count_published(struct rb_sequencer *s, int64_t n)
{
	rb_count_add(&s->handle->published, (uint64_t)n);
}

/* The first stamp makes the event visible, so it comes last. */
static int
publish_frame(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	int64_t before = s->unpublished;

	if (rb_unlikely(!is_claimed(s, lo, hi)))
		return rb_sequencer_refuse(s, -EINVAL);
	note_time(s, lo, lo);
	for (int64_t i = hi; i > lo; i--)
		stamp_once(s, i, RB_STAMP_REST);
	stamp_once(s, lo, RB_STAMP_EVENT);
	count_published(s, before - s->unpublished);
	return rb_sequencer_finish(s, hi);
}

/* What is not the rule: a part of a claim, or one that is repeated. */
__attribute__((noinline)) static int
publish_part(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	int64_t before = s->unpublished;

	if (!is_claimed(s, lo, hi))
		return rb_sequencer_refuse(s, -EINVAL);
	note_time(s, lo, hi);
	for (int64_t i = lo; i <= hi; i++)
		stamp_once(s, i, RB_STAMP_EVENT);
	count_published(s, before - s->unpublished);
	return rb_sequencer_finish(s, hi);
}

int
rb_multi_publish(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	if (rb_channel_is_framed(s->channel))
		return publish_frame(s, lo, hi);
	if (rb_unlikely(!is_untouched(s, lo, hi)))
		return publish_part(s, lo, hi);
	s->unpublished = 0;
	note_time(s, lo, hi);
	for (int64_t i = lo; i <= hi; i++)
		stamp(s, i, RB_STAMP_EVENT);
	count_published(s, hi - lo + 1);
	return rb_sequencer_finish(s, hi);
}

int
rb_multi_abandon(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	int64_t before = s->unpublished;

	if (!is_claimed(s, lo, hi))
		return rb_sequencer_refuse(s, -EINVAL);
	/* The first comes last, as for an event: repair goes by it. */
	for (int64_t i = hi; i >= lo; i--)
		stamp_once(s, i, RB_STAMP_TOMBSTONE);
	rb_count_add(&s->handle->abandoned,
		     (uint64_t)(before - s->unpublished));
	rb_sequencer_finish(s, hi);
	return 0;
}
