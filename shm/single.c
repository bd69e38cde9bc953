/* SPDX-License-Identifier: MIT */
/*
 * single.c - the single-producer sequencer
 *
 * After LMAX's SingleProducerSequencer: `next` and the cached minimum are
 * private, a publish is one release store. Two things differ. The claimed value
 * never goes into the published cursor (upstream's slow path stores it there, so
 * that claims which are not yet written become visible); and `claimed` is kept
 * in shared memory beside it, some slots ahead, for taps, which must know which
 * slots may be under the pen.
 *
 * Nothing of a claim is visible before its publish, so a producer that dies in
 * between leaves nothing to repair: its successor goes on at published + 1.
 */
#include "shm/sequencer.h"

#include <string.h>

#include "shm/latency.h"

/* Slots announced at a time; a tap loses at most these too early. */
#define ANNOUNCED_AHEAD_MAX 256
#define ANNOUNCED_AHEAD_PART 64 /* and no more than this part of the ring */

/* Says which slots we may be writing, some ahead, so that it is seldom; but none
 * that somebody has yet to read. */
static void
announce(struct rb_sequencer *s, int64_t hi)
{
	int64_t part = (int64_t)s->channel->geometry.slots /
		       ANNOUNCED_AHEAD_PART;
	int64_t room = s->gate + s->capacity;

	hi += part < ANNOUNCED_AHEAD_MAX ? part : ANNOUNCED_AHEAD_MAX;
	s->announced = hi < room ? hi : room;
	/* ORDER(overwrite, relaxed) - released by the fence below. */
	rb_seq_store_relaxed(&s->channel->ring->claimed, s->announced);
	/* ORDER(overwrite, release) - `claimed` comes before any write into
	 * the slots; a tap could take torn bytes for whole ones otherwise. */
	rb_fence_release();
}

int64_t
rb_single_claim(struct rb_sequencer *s, int64_t n, int64_t timeout_ns)
{
	int64_t hi = s->next + n;

	if (rb_unlikely(hi - s->capacity > s->gate ||
			rb_channel_is_paused(s->channel))) {
		int err = s->next < RB_SEQUENCE_MAX / 2
				  ? rb_sequencer_wait_for_room(
					    s, hi, timeout_ns, false)
				  : rb_sequencer_refuse(s, -EBADMSG);

		if (err < 0)
			return err;
	}
	s->next = hi;
	if (hi > s->announced)
		announce(s, hi);
	s->claimable = s->gate + s->capacity < s->announced
			       ? s->gate + s->capacity
			       : s->announced;
	return hi;
}

static void
stamp_frame(struct rb_channel *c, int64_t lo, int64_t hi)
{
	/* ORDER(none, relaxed) - the cursor publishes them. */
	rb_word64_store_relaxed(rb_channel_stamp(c, lo),
				rb_stamp(lo, RB_STAMP_EVENT));
	for (int64_t i = lo + 1; i <= hi; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_word64_store_relaxed(rb_channel_stamp(c, i),
					rb_stamp(i, RB_STAMP_REST));
}

int
rb_single_publish_stamped(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	struct rb_channel *c = s->channel;

	if (c->times != NULL)
		rb_latency_stamp(c, lo, c->stamps != NULL ? lo : hi);
	if (c->stamps != NULL)
		stamp_frame(c, lo, hi);
	s->published = hi;
	/* ORDER(publish, release) - as in rb_single_publish(). */
	rb_seq_store_release(&c->ring->published, hi);
	return rb_sequencer_finish(s, hi);
}

int
rb_single_abandon(struct rb_sequencer *s, int64_t lo, int64_t hi)
{
	const struct rb_channel *c = s->channel;

	if (hi != s->next || lo <= s->published || lo > hi)
		return rb_sequencer_refuse(s, -EINVAL);
	if (c->clear != RB_CLEAR_NONE) /* no consumer will come by */
		memset(rb_channel_slot(c, lo), 0,
		       (uint64_t)(hi - lo + 1) * c->geometry.slot_size);
	/* `claimed` stays: the slots may have been written. */
	s->next = lo - 1;
	rb_count_add(&s->handle->abandoned, (uint64_t)(hi - lo + 1));
	return 0;
}
