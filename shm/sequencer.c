/* SPDX-License-Identifier: MIT */
/*
 * sequencer.c - what single and multi producers have in common: waiting for
 * room, and the rules that do not depend on who else claims
 */
#include "shm/sequencer.h"

#include "shm/clear.h"
#include "shm/count.h"
#include "shm/probe.h"

/* Where a single producer goes on. What its predecessor left may be anything: if
 * it cannot be, then beyond all that can be claimed. */
static int64_t
find_published(const struct rb_channel *channel)
{
	int64_t published;

	if (rb_channel_is_multi(channel))
		return RB_SEQUENCE_INITIAL;
	/* ORDER(none, relaxed) - the daemon gave us the handle over a socket
	 * after the last owner's stores. */
	published = rb_seq_load_relaxed(&channel->ring->published);
	return rb_seq_bounded(published) == published ? published
						      : RB_SEQUENCE_MAX / 2;
}

void
rb_sequencer_init(struct rb_sequencer *sequencer, struct rb_channel *channel,
		  unsigned index, uint32_t epoch)
{
	const struct rb_geometry *g = &channel->geometry;
	int64_t published = find_published(channel);

	*sequencer = (struct rb_sequencer){
		.channel = channel,
		.handle = &channel->ring->handles[index],
		.index = index,
		.epoch = epoch,
		.fence = channel->fence,
		.is_plain = channel->stamps == NULL && channel->times == NULL,
		.wait = channel->wait,
		.capacity = (int64_t)(g->slots - g->history),
		.next = published,
		.published = published,
		.claimable = RB_SEQUENCE_INITIAL, /* of several: for ever */
		/* ORDER(none, relaxed) - as above. What a dead predecessor
		 * announced and may have written stays announced. */
		.announced = rb_seq_load_relaxed(&channel->ring->claimed),
		.gate = RB_SEQUENCE_INITIAL,
		.blocker = RB_NOBODY,
	};
	if (rb_wait_register() < 0)
		sequencer->fence = true;
	if (!rb_channel_is_multi(channel))
		rb_count_set(&sequencer->handle->published,
			     (uint64_t)published);
	if (channel->strict) /* else one that waits could not be told */
		rb_sequencer_set_revocable(sequencer);
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
		return rb_gating_minimum(c, s->gate, s->published, &s->blocker);
	return look_at_gates_multi(s);
}

/* Far from any overflow, as long as nobody writes what he likes. Of several
 * producers none goes by a minimum that he has not told the others and the taps,
 * which go by it. */
static void
update_gate(struct rb_sequencer *s)
{
	int64_t gate = look_at_gates(s);

	if (gate <= s->gate || gate >= RB_SEQUENCE_MAX / 2)
		return;
	s->gate = gate;
	if (rb_channel_is_multi(s->channel))
		/* ORDER(gate, release) - what we acquired from the consumers,
		 * handed on to the other producers. */
		rb_seq_raise_release(&s->channel->ring->gate, gate);
}

/* 0, or why nothing can come to `hi`: the stream has ended before it, or is
 * broken. */
static int
check_stream(const struct rb_sequencer *s, int64_t hi, bool committed)
{
	const struct rb_meta_control *control = &s->channel->meta->control;
	/* ORDER(closing, acquire) - before the end, which comes later. */
	uint32_t state = rb_word32_load_acquire(&control->stream);

	if (rb_likely(rb_stream_is_open(state)))
		return 0;
	if (state == RB_STREAM_BROKEN)
		return -EBADMSG;
	/* ORDER(none, relaxed) - a bound, no data hangs on it. */
	return state == RB_STREAM_ABORTED || !committed ||
			       hi > rb_seq_load_relaxed(&control->end)
		       ? -ESHUTDOWN
		       : 0;
}

static int
check_alive(struct rb_sequencer *s)
{
	uint32_t set = 1;

	if (!rb_sequencer_is_ours(s))
		return rb_channel_why_lost(s->channel);
	/* ORDER(none, relaxed) - a flag that carries no data. */
	if (rb_word32_cas_relaxed(&s->cancelled, &set, 0))
		return -ECANCELED;
	return 0;
}

static int64_t
sequence_of(const struct rb_sequencer *s, int consumer)
{
	/* ORDER(none, relaxed) - only to see who is behind. */
	return rb_seq_load_relaxed(
		&s->channel->gates->consumers[consumer].sequence);
}

static bool
waits_for_itself(const struct rb_sequencer *s, int64_t need)
{
	if (s->blocker == RB_NOBODY)
		return !rb_channel_is_multi(s->channel) && s->published < need;
	/* Whoever has read it and is in the way clears it yet. */
	return s->is_self != NULL && sequence_of(s, s->blocker) < need &&
	       s->is_self(s->is_self_context, s->blocker);
}

/* Looks once: 0 if there is room, 1 if not yet, or a negative errno. */
static int
look_for_room(struct rb_sequencer *s, int64_t hi, int64_t timeout_ns,
	      bool committed)
{
	int64_t need = hi - s->capacity;
	bool paused = !committed && rb_channel_is_paused(s->channel);
	int err;

	update_gate(s);
	err = check_stream(s, hi, committed);
	if (err < 0)
		return err;
	if (s->gate >= need && !paused)
		return 0;
	err = committed ? 0 : check_alive(s);
	if (err < 0)
		return err;
	if (paused) {
		s->blocker = RB_OPERATOR;
		return timeout_ns == 0 ? -EAGAIN : 1;
	}
	if (need >= rb_channel_broken_at(s->channel))
		return -EOWNERDEAD;
	if (timeout_ns == 0)
		return -EAGAIN;
	return !committed && waits_for_itself(s, need) ? -EDEADLK : 1;
}

/* Where consumer `index` wakes producers. */
static struct rb_event
event_of(const struct rb_sequencer *s, int index)
{
	return (struct rb_event){
		.event = &s->channel->gates->consumers[index].event,
		.wanted = &s->channel->ring->space_wanted[index],
	};
}

/* One more turn of waiting for room. */
static int
wait_for_blocker(struct rb_sequencer *s, struct rb_wait *wait)
{
	bool clears = s->channel->clear != RB_CLEAR_NONE;
	int gate = clears ? RB_CLEAR_GATE : s->blocker;
	struct rb_event event;

	if (s->blocker == RB_NOBODY)
		return rb_wait_turn(wait, NULL);
	if (s->blocker == RB_OPERATOR) /* who wakes all: where few others do */
		gate = RB_CONSUMERS_MAX - 1;
	event = event_of(s, gate);
	return rb_wait_turn(wait, &event);
}

int
rb_sequencer_wait_for_room(struct rb_sequencer *s, int64_t hi,
			   int64_t timeout_ns, bool committed)
{
	struct rb_wait wait;
	int err;

	err = look_for_room(s, hi, timeout_ns, committed);
	if (err == 1 || err == -EAGAIN)
		rb_count_add(&s->handle->full, 1);
	if (err <= 0)
		return err;
	RB_PROBE(4, wait_begin, s->channel->meta->header.name,
		 RB_PROBE_PRODUCER, s->index, hi);
	/* One that may not give up does not heed calls to. */
	rb_wait_begin(&wait, s->wait, timeout_ns, &s->handle->waits,
		      committed ? NULL : &s->cancelled);
	wait.began = &s->handle->waits_since;
	do {
		int late = wait_for_blocker(s, &wait);

		err = look_for_room(s, hi, timeout_ns, committed);
		if (err == 1 && late < 0)
			err = late;
	} while (err == 1);
	rb_wait_end(&wait, err == 0);
	RB_PROBE(4, wait_end, s->channel->meta->header.name, RB_PROBE_PRODUCER,
		 s->index, err == 0 ? hi : err);
	return err;
}

int
rb_sequencer_finish_slowly(struct rb_sequencer *s, int64_t hi)
{
	struct rb_channel *c = s->channel;
	const struct rb_meta_control *control = &c->meta->control;
	uint32_t state;
	int64_t end;

	rb_wake_if_wanted(c, &c->ring->event, &c->gates->data_wanted, s->fence,
			  &s->handle->wakes);
	/* ORDER(closing, acquire) - as in rb_sequencer_is_quiet(). */
	state = rb_word32_load_acquire(&control->stream);
	if (state == RB_STREAM_PAUSED)
		s->claimable = RB_SEQUENCE_INITIAL; /* the next claim looks */
	if (rb_stream_is_open(state))
		return 0;
	if (state == RB_STREAM_BROKEN)
		return -EBADMSG;
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

void
rb_sequencer_disinherit(struct rb_sequencer *s)
{
	s->claimable = RB_SEQUENCE_INITIAL;
	s->next = RB_SEQUENCE_MAX / 2; /* there will be no room so far */
	s->published = s->next;
	s->claim_lo = RB_SEQUENCE_MAX;
	s->unpublished = 0;
}

int
rb_sequencer_refuse(const struct rb_sequencer *s, int err)
{
	return s->channel->disinherited ? -ECHILD : err;
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
		rb_single_abandon(sequencer, sequencer->published + 1,
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
	if (claimed < RB_SEQUENCE_INITIAL || /* not from a producer of ours */
	    rb_channel_is_paused(s->channel))
		return 0;
	free = s->gate + s->capacity - claimed;
	if (free < 0)
		return 0;
	return free < s->capacity ? free : s->capacity;
}

void
rb_sequencer_cancel(struct rb_sequencer *sequencer)
{
	rb_alert(&sequencer->cancelled);
}

/* What a drain waits for: the highest that is published and that consumers may
 * come to. */
static int64_t
find_target(struct rb_sequencer *s)
{
	const struct rb_channel *c = s->channel;
	int64_t claimed, lowest, target, end;

	if (!rb_channel_is_multi(c)) {
		target = s->published;
	} else {
		/* ORDER(none, relaxed) - a bound. */
		claimed = rb_seq_load_relaxed(&c->ring->claimed);
		lowest = rb_multi_frontier(c, s->gate, claimed);
		target = claimed;
		/* No sum: what others store may be anything. */
		if (claimed > lowest &&
		    (uint64_t)claimed - (uint64_t)lowest > c->geometry.slots)
			target = lowest + (int64_t)c->geometry.slots;
		while (target > lowest && !rb_multi_is_stamped(c, target))
			target--;
		if (s->unpublished > 0 && target >= s->claim_lo)
			target = s->claim_lo - 1;
	}
	/* ORDER(none, relaxed) - a bound. */
	end = rb_seq_load_relaxed(&c->meta->control.end);
	return target < end ? target : end;
}

/* Who gates, is behind `target` and may yet come there; the slowest of them, or
 * RB_NOBODY. */
static int
find_laggard(const struct rb_sequencer *s, int64_t target)
{
	const struct rb_channel *c = s->channel;
	/* ORDER(membership, acquire) - before the sequences are read. */
	uint64_t mask = rb_word64_load_acquire(&c->meta->control.gating);
	int laggard = RB_NOBODY;

	for (; mask != 0; mask &= mask - 1) {
		int i = __builtin_ctzll(mask);
		const struct rb_gate *gate = &c->gates->consumers[i];
		/* ORDER(commit, acquire) - what it did with them is done. */
		int64_t sequence = rb_seq_load_acquire(&gate->sequence);

		if (sequence >= target || rb_gating_is_stuck(c, (unsigned)i))
			continue;
		target = sequence;
		laggard = i;
	}
	return laggard;
}

/* It has read all that comes before the place where a strict stream stops. */
static bool
stands_at_break(const struct rb_sequencer *s, int consumer)
{
	int64_t broken_at = rb_channel_broken_at(s->channel);

	return broken_at != RB_SEQUENCE_MAX &&
	       sequence_of(s, consumer) >= broken_at - 1;
}

/* Looks once: 0 if all is read, 1 if not yet, or a negative errno. */
static int
look_for_laggards(struct rb_sequencer *s, int64_t target, int64_t timeout_ns)
{
	const struct rb_word32 *stream = &s->channel->meta->control.stream;
	int err;

	s->blocker = find_laggard(s, target);
	if (rb_channel_is_broken(
		    s->channel)) /* whatever they seem to have read */
		return -EBADMSG;
	if (s->blocker == RB_NOBODY)
		return 0;
	/* ORDER(none, relaxed) - a state that stays once set. */
	if (rb_word32_load_relaxed(stream) == RB_STREAM_ABORTED)
		return -ESHUTDOWN;
	err = check_alive(s);
	if (err < 0)
		return err;
	if (stands_at_break(s, s->blocker))
		return -EOWNERDEAD;
	if (timeout_ns == 0)
		return -EAGAIN;
	return waits_for_itself(s, target) ? -EDEADLK : 1;
}

int
rb_sequencer_drain(struct rb_sequencer *s, int64_t timeout_ns)
{
	int64_t target = find_target(s);
	struct rb_wait wait;
	int err = look_for_laggards(s, target, timeout_ns);

	if (err <= 0)
		return err;
	rb_wait_begin(&wait, s->wait, timeout_ns, &s->handle->waits,
		      &s->cancelled);
	wait.began = &s->handle->waits_since;
	do {
		struct rb_event event = event_of(s, s->blocker);
		int late = rb_wait_turn(&wait, &event);

		err = look_for_laggards(s, target, timeout_ns);
		if (err == 1 && late < 0)
			err = late;
	} while (err == 1);
	rb_wait_end(&wait, err == 0);
	return err;
}
