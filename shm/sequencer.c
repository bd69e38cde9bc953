/* SPDX-License-Identifier: MIT */
/*
 * sequencer.c - what single and multi producers have in common: waiting for
 * room, and the rules that do not depend on who else claims
 */
#include "shm/sequencer.h"

void
rb_sequencer_init(struct rb_sequencer *sequencer, struct rb_channel *channel,
		  unsigned index, uint32_t epoch)
{
	const struct rb_geometry *g = &channel->geometry;
	/* ORDER(none, relaxed) - the daemon gave us the handle over a socket
	 * after the last owner's stores. */
	int64_t published = rb_seq_load_relaxed(&channel->ring->published);

	*sequencer = (struct rb_sequencer){
		.channel = channel,
		.handle = &channel->ring->handles[index],
		.index = index,
		.epoch = epoch,
		.fence = channel->fence,
		.wait = channel->wait,
		.capacity = (int64_t)(g->slots - g->history),
		.next = published,
		.claimable = RB_SEQUENCE_INITIAL, /* of several: for ever */
		/* ORDER(none, relaxed) - as above. What a dead predecessor
		 * announced and may have written stays announced. */
		.announced = rb_seq_load_relaxed(&channel->ring->claimed),
		.gate = RB_SEQUENCE_INITIAL,
		.blocker = RB_NOBODY,
	};
	if (rb_wait_register() < 0)
		sequencer->fence = true;
}

/* What others have published meanwhile counts only if nobody has come who must
 * read it: the version is looked at once more, after the stamps. */
static int64_t
look_at_gates_multi(struct rb_sequencer *s)
{
	struct rb_channel *c = s->channel;
	const struct rb_word32 *version = &c->meta->control.version;
	uint32_t before, after;
	int64_t claimed, minimum;

	/* ORDER(membership, acquire) - as in rb_gating_minimum(). */
	after = rb_word32_load_acquire(version);
	do {
		before = after;
		/* ORDER(intent, acquire) - before the consumers' sequences:
		 * those that are not behind it hold nobody up to here. */
		claimed = rb_seq_load_acquire(&c->ring->claimed);
		minimum = rb_gating_minimum(c, s->gate, claimed, &s->blocker);
		if (s->blocker == RB_NOBODY)
			minimum = rb_multi_frontier(c, s->gate, claimed);
		/* ORDER(membership, acquire) - as above. */
		after = rb_word32_load_acquire(version);
	} while (rb_unlikely(after != before));
	return minimum;
}

/*
 * The minimum of the gating set, or where nobody gates: of a single producer
 * its own publishing, so that it never laps what it has not yet published; of
 * several the first slot that one of them has not published.
 */
static int64_t
look_at_gates(struct rb_sequencer *s)
{
	struct rb_channel *c = s->channel;

	/* A consumer that joins stores its membership, makes us fence by
	 * membarrier and reads our cursor again. */
	if (s->fence)
		/* ORDER(membership, seq_cst) - our last publish comes before
		 * the look at the gating set, where membarrier is missing. */
		rb_fence_seq_cst();
	if (!rb_channel_is_multi(c))
		return rb_gating_minimum(c, s->gate, rb_single_published(s),
					 &s->blocker);
	return look_at_gates_multi(s);
}

/* Far from any overflow, as long as nobody writes what he likes. */
static void
update_gate(struct rb_sequencer *s)
{
	int64_t gate = look_at_gates(s);

	if (gate < RB_SEQUENCE_MAX / 2)
		s->gate = gate;
}

/* Whether the stream has ended before `hi`. */
static bool
has_ended(const struct rb_sequencer *s, int64_t hi, bool committed)
{
	const struct rb_meta_control *control = &s->channel->meta->control;
	/* ORDER(closing, acquire) - before the end, which comes later. */
	uint32_t state = rb_word32_load_acquire(&control->stream);

	if (rb_likely(state == RB_STREAM_OPEN))
		return false;
	/* ORDER(none, relaxed) - a bound, no data hangs on it. */
	return state == RB_STREAM_ABORTED || !committed ||
	       hi > rb_seq_load_relaxed(&control->end);
}

static int
check_alive(struct rb_sequencer *s)
{
	const struct rb_member *member = &s->channel->meta->producers[s->index];
	uint32_t set = 1;

	/* ORDER(none, relaxed) - the daemon tells us, nothing depends on it. */
	if (rb_word32_load_relaxed(&member->epoch) != s->epoch)
		return -ESTALE;
	/* ORDER(none, relaxed) - a flag that carries no data. */
	if (rb_word32_cas_relaxed(&s->cancelled, &set, 0))
		return -ECANCELED;
	return 0;
}

static bool
waits_for_itself(const struct rb_sequencer *s, int64_t need)
{
	if (s->blocker == RB_NOBODY)
		return !rb_channel_is_multi(s->channel) &&
		       rb_single_published(s) < need;
	return s->is_self != NULL && s->is_self(s->is_self_context, s->blocker);
}

/* Looks once: 0 if there is room, 1 if not yet, or a negative errno. */
static int
look_for_room(struct rb_sequencer *s, int64_t hi, int64_t timeout_ns,
	      bool committed)
{
	int64_t need = hi - s->capacity;
	int err;

	update_gate(s);
	if (has_ended(s, hi, committed))
		return -ESHUTDOWN;
	if (s->gate >= need)
		return 0;
	err = committed ? 0 : check_alive(s);
	if (err < 0)
		return err;
	if (timeout_ns == 0)
		return -EAGAIN;
	return !committed && waits_for_itself(s, need) ? -EDEADLK : 1;
}

/* Where the one that blocks us would wake us. */
static const struct rb_event *
blocker_event(const struct rb_sequencer *s, struct rb_event *event)
{
	if (s->blocker == RB_NOBODY)
		return NULL;
	event->event = &s->channel->gates->consumers[s->blocker].event;
	event->wanted = &s->channel->ring->space_wanted[s->blocker];
	return event;
}

int
rb_sequencer_wait_for_room(struct rb_sequencer *s, int64_t hi,
			   int64_t timeout_ns, bool committed)
{
	struct rb_wait_counters counters = { &s->handle->sleeps,
					     &s->handle->missed };
	struct rb_event event;
	struct rb_wait wait;
	int err;

	err = look_for_room(s, hi, timeout_ns, committed);
	if (err <= 0)
		return err;
	rb_wait_begin(&wait, s->wait, timeout_ns, counters);
	do {
		int late = rb_wait_turn(&wait, blocker_event(s, &event));

		err = look_for_room(s, hi, timeout_ns, committed);
		if (err == 1 && late < 0)
			err = late;
	} while (err == 1);
	if (err == 0)
		rb_wait_end(&wait);
	return err;
}

int
rb_sequencer_finish(struct rb_sequencer *s, int64_t hi)
{
	struct rb_channel *c = s->channel;
	const struct rb_meta_control *control = &c->meta->control;
	int64_t end;

	rb_wake_if_wanted(&c->ring->event, &c->gates->data_wanted, s->fence,
			  &s->handle->wakes);
	/* ORDER(closing, acquire) - as in rb_sequencer_is_quiet(). */
	if (rb_word32_load_acquire(&control->stream) == RB_STREAM_OPEN)
		return 0;
	/* ORDER(none, relaxed) - a bound, no data hangs on it. */
	end = rb_seq_load_relaxed(&control->end);
	return end == RB_SEQUENCE_MAX || hi > end ? -ESHUTDOWN : 0;
}

int64_t
rb_sequencer_claim_slowly(struct rb_sequencer *sequencer, int64_t n,
			  int64_t timeout_ns)
{
	if (rb_unlikely(n < 1 || n > sequencer->capacity))
		return -EINVAL;
	return rb_channel_is_multi(sequencer->channel)
		       ? rb_multi_claim(sequencer, n, timeout_ns)
		       : rb_single_claim(sequencer, n, timeout_ns);
}

int64_t
rb_sequencer_claim_available(struct rb_sequencer *sequencer, int64_t n,
			     int64_t *ret_lo)
{
	int64_t hi;

	if (n < 1)
		return -EINVAL;
	do { /* again if another producer was faster */
		int64_t free = rb_sequencer_remaining(sequencer);

		if (n > free)
			n = free > 0 ? free : 1;
		hi = rb_sequencer_claim(sequencer, n, 0);
	} while (hi == -EAGAIN && n > 1);
	if (hi >= 0)
		*ret_lo = hi - n + 1;
	return hi;
}

int
rb_sequencer_abandon(struct rb_sequencer *sequencer, int64_t lo, int64_t hi)
{
	return rb_channel_is_multi(sequencer->channel)
		       ? rb_multi_abandon(sequencer, lo, hi)
		       : rb_single_abandon(sequencer, lo, hi);
}

void
rb_sequencer_abandon_all(struct rb_sequencer *sequencer)
{
	if (rb_channel_is_multi(sequencer->channel)) {
		if (sequencer->unpublished > 0)
			rb_multi_abandon(sequencer, sequencer->claim_lo,
					 sequencer->next);
	} else {
		rb_single_abandon(sequencer, rb_single_published(sequencer) + 1,
				  sequencer->next);
	}
}

void
rb_sequencer_set_revocable(struct rb_sequencer *sequencer)
{
	/* ORDER(none, relaxed) - a wish that carries no data. */
	rb_word32_store_relaxed(&sequencer->revocable, 1);
}

int64_t
rb_sequencer_remaining(struct rb_sequencer *s)
{
	int64_t claimed = s->next;
	int64_t free;

	update_gate(s);
	if (rb_channel_is_multi(s->channel))
		/* ORDER(none, relaxed) - an estimate by nature. */
		claimed = rb_seq_load_relaxed(&s->channel->ring->claimed);
	if (claimed < RB_SEQUENCE_INITIAL) /* not from a producer of ours */
		return 0;
	free = s->gate + s->capacity - claimed;
	if (free < 0)
		return 0;
	return free < s->capacity ? free : s->capacity;
}

void
rb_sequencer_cancel(struct rb_sequencer *sequencer)
{
	/* ORDER(none, relaxed) - a flag that carries no data. */
	rb_word32_store_relaxed(&sequencer->cancelled, 1);
}
