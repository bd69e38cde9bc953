/* SPDX-License-Identifier: MIT */
/*
 * work.c - see work.h
 *
 * Moving the group's sequence is everybody's: who makes an event done moves it
 * over all that is done. Two that finish neighbours at once must not both leave
 * it to the other, so each of them fences between its own word and its look at
 * the others (Dekker, edge `finish`): of several fences one is the last, and who
 * did that one sees all of the words. What nobody does, such as a tombstone, is
 * passed over by those that wait and find the group stuck there.
 *
 * Nothing that is open stays unseen below the hint. An event that is published
 * is open until it is taken first; whoever opens it again is one that returns it,
 * or the daemon. Both open the word, and then lower the hint to the group's
 * sequence under a new version. Take one who reads version v, looks at an event
 * and finds it not open, or just taken from under his hands, and raises the hint
 * over it:
 *
 *   - if it was opened again after he looked, the opener's new version comes
 *     after v: either before the raise, which then fails, or after it, and takes
 *     it back;
 *   - if it was opened before he looked, somebody had taken it again.
 *
 * An opener that dies between its two steps is followed by the daemon, which
 * lowers the hint for every dead worker, whatever it finds.
 */
#include "shm/work.h"

#include "shm/clear.h"

/* Others may move the group on while one looks; so often one looks again. */
#define TRIES 1000

#define ATTEMPT_MAX 0xffff

static uint32_t
lap_of(const struct rb_worker *w, int64_t sequence)
{
	return (uint32_t)((uint64_t)sequence >> w->slots_shift) + 1;
}

static uint64_t
word_of(const struct rb_worker *w, int64_t sequence, unsigned attempt,
	enum rb_work_state state)
{
	uint64_t worker = state == RB_WORK_OPEN ? 0 : w->barrier.index + 1;

	return (uint64_t)lap_of(w, sequence) << 32 | (uint64_t)attempt << 16 |
	       worker << 8 | (uint64_t)state;
}

static struct rb_word64 *
place_of(const struct rb_worker *w, int64_t sequence)
{
	return &w->group->work[(uint64_t)sequence & w->barrier.channel->mask];
}

int
rb_work_attach(struct rb_worker *worker, struct rb_channel *channel,
	       unsigned index)
{
	const struct rb_geometry *g = &channel->geometry;
	const struct rb_member *member;
	uint32_t number;

	if (index >= RB_CONSUMERS_MAX)
		return -EBADMSG;
	member = &channel->meta->consumers[index];
	/* ORDER(none, relaxed) - stands before there are workers. */
	number = rb_word32_load_relaxed(&member->group);
	if (number == 0 || number > g->n_groups)
		return -EBADMSG;
	*worker = (struct rb_worker){
		.group = rb_channel_group(channel, number - 1),
		.gate = &channel->gates->consumers[index],
		.member = member,
		.group_index = index,
		.slots_shift = (unsigned)__builtin_ctzll(g->slots),
		/* ORDER(none, relaxed) - as above. */
		.key_offset = rb_word32_load_relaxed(&member->key_offset),
		.key_size = rb_word32_load_relaxed(&member->key_size),
	};
	if ((uint64_t)worker->key_offset + worker->key_size > g->event_size)
		return -EBADMSG;
	/* Nobody but the word of work says whose a slot is. */
	/* ORDER(none, relaxed) - as above. */
	if (rb_word32_load_relaxed(&member->slow) != RB_SLOW_GATE)
		return -EBADMSG;
	return 0;
}

int64_t
rb_work_sequence(const struct rb_worker *worker)
{
	/* ORDER(commit, acquire) - all that others did up to here. */
	return rb_seq_bounded(rb_seq_load_acquire(&worker->gate->sequence));
}

int64_t
rb_work_bound(struct rb_worker *worker, struct rb_event *ret_event)
{
	struct rb_barrier *b = &worker->barrier;
	const struct rb_channel *c = b->channel;
	int64_t slots = (int64_t)c->geometry.slots;
	int64_t sequence = rb_work_sequence(worker);

	for (int i = 0; i < TRIES; i++) {
		int64_t from = sequence > b->available ? sequence
						       : b->available;
		/* ORDER(end, acquire) - before the look, as in barrier.c. */
		int64_t end = rb_seq_load_acquire(&c->meta->control.end);
		int64_t bound = rb_barrier_bound(b, from + 1, ret_event);
		int64_t before = sequence;

		if (bound > end) /* published after the end */
			bound = end;
		if (bound > from && bound - slots <= sequence) {
			b->available = bound;
			return bound;
		}
		/* Nothing, or too much: unless the others were a lap faster. */
		sequence = rb_work_sequence(worker);
		if (sequence == before)
			return bound > from ? -EBADMSG : from;
	}
	return sequence;
}

enum rb_work_state
rb_work_state(const struct rb_worker *worker, int64_t sequence,
	      uint64_t *ret_word)
{
	/* ORDER(work, acquire) - what was done with the event, to whoever
	 * passes it on; and with a later lap the group's sequence. */
	uint64_t word = rb_word64_load_acquire(place_of(worker, sequence));
	uint8_t state = (uint8_t)word;

	*ret_word = word;
	if ((uint32_t)(word >> 32) == lap_of(worker, sequence))
		return state == RB_WORK_TAKEN || state == RB_WORK_DONE
			       ? (enum rb_work_state)state
			       : RB_WORK_OPEN;
	/* Of a lap before, or after: then all have been done with this one. */
	return rb_work_sequence(worker) < sequence ? RB_WORK_OPEN
						   : RB_WORK_DONE;
}

unsigned
rb_work_take(struct rb_worker *worker, int64_t sequence, uint64_t word)
{
	unsigned attempt = 1;

	if ((uint32_t)(word >> 32) == lap_of(worker, sequence))
		attempt += (word >> 16) & ATTEMPT_MAX;
	if (attempt > ATTEMPT_MAX)
		attempt = ATTEMPT_MAX;
	/* ORDER(work, acq_rel) - what who returned it had done with it; and our
	 * reads of the slot count, for it was not free before. */
	if (!rb_word64_cas_acq_rel(place_of(worker, sequence), &word,
				   word_of(worker, sequence, attempt,
					   RB_WORK_TAKEN)))
		return 0;
	return attempt;
}

bool
rb_work_put(struct rb_worker *worker, const struct rb_work *work,
	    enum rb_work_state state)
{
	uint64_t word = word_of(worker, work->sequence, work->attempt,
				RB_WORK_TAKEN);

	/* ORDER(work, acq_rel) - our reads of the slot and what we did, to
	 * whoever moves the sequence on, or takes it next. */
	return rb_word64_cas_acq_rel(place_of(worker, work->sequence), &word,
				     word_of(worker, work->sequence,
					     work->attempt, state));
}

/* By place and not by sequence: what is taken is of the lap that its slot is
 * in, and nothing that anybody stored can lead us astray. */
void
rb_work_open_of(struct rb_worker *worker, unsigned self)
{
	uint64_t mine = (uint64_t)(self + 1) << 8 | RB_WORK_TAKEN;

	for (uint64_t i = 0; i <= worker->barrier.channel->mask; i++) {
		struct rb_word64 *place = &worker->group->work[i];
		/* ORDER(none, relaxed) - checked by the CAS; its owner is
		 * dead. */
		uint64_t word = rb_word64_load_relaxed(place);

		if ((word & 0xffff) == mine)
			/* ORDER(work, acq_rel) - as rb_work_put(). */
			rb_word64_cas_acq_rel(place, &word,
					      word & ~UINT64_C(0xffff));
	}
}

void
rb_work_clear(struct rb_worker *worker)
{
	for (uint64_t i = 0; i <= worker->barrier.channel->mask; i++)
		/* ORDER(none, relaxed) - there are no workers yet. */
		rb_word64_store_relaxed(&worker->group->work[i], 0);
	for (unsigned i = 0; i < RB_LANES; i++)
		/* ORDER(none, relaxed) - as above. */
		rb_word32_store_relaxed(&worker->group->lanes[i], 0);
	rb_work_lower_hint(worker);
}

/* Done, or nothing to do: a tombstone; or the rest of an event, since all before
 * it is over. */
static bool
is_over(const struct rb_worker *w, int64_t sequence)
{
	const struct rb_channel *c = w->barrier.channel;
	uint64_t word, stamp;

	if (rb_work_state(w, sequence, &word) == RB_WORK_DONE)
		return true;
	if (c->stamps == NULL)
		return false;
	/* ORDER(stamp, acquire) - pairs with stamp() in multi.c and with the
	 * tombstones of repair.c. */
	stamp = rb_word64_load_acquire(rb_channel_stamp(c, sequence));
	return stamp == rb_stamp(sequence, RB_STAMP_TOMBSTONE) ||
	       stamp == rb_stamp(sequence, RB_STAMP_REST);
}

/* An earlier stage may not be done with what is over for us. */
static bool
is_in_bound(struct rb_worker *w, int64_t sequence)
{
	struct rb_event event;

	return sequence <= w->barrier.available ||
	       rb_work_bound(w, &event) >= sequence;
}

static int64_t
pass_over(struct rb_worker *w, int64_t sequence)
{
	/* Nobody is done with more than a ring, whatever the words say. */
	int64_t limit = sequence + (int64_t)w->barrier.channel->geometry.slots;

	while (sequence < limit && is_over(w, sequence + 1) &&
	       is_in_bound(w, sequence + 1))
		sequence++;
	return sequence;
}

bool
rb_work_is_broken(const struct rb_worker *worker)
{
	int64_t broken_at = rb_channel_broken_at(worker->barrier.channel);

	return broken_at != RB_SEQUENCE_MAX &&
	       rb_work_sequence(worker) == broken_at - 1;
}

/* Those that wait for the group: the stages after it, producers, and where the
 * stream ends or stops its own workers. */
static void
tell(struct rb_worker *w)
{
	struct rb_barrier *b = &w->barrier;
	struct rb_channel *c = b->channel;
	struct rb_gate *gate = w->gate;

	rb_wake_if_wanted(c, &gate->event, &gate->wanted, b->fence,
			  &b->gate->wakes);
	/* The fence, if any, was in the first. */
	rb_wake_if_wanted(c, &gate->event,
			  &c->ring->space_wanted[w->group_index], false,
			  &b->gate->wakes);
	if (rb_unlikely(b->clears))
		rb_clear_read(c, b->index);
	/* ORDER(end, acquire) - whether it is known; who waits looks again. */
	if (rb_work_sequence(w) >= rb_seq_load_acquire(&c->meta->control.end) ||
	    rb_work_is_broken(w))
		rb_work_call(w);
}

void
rb_work_advance(struct rb_worker *worker)
{
	int64_t sequence, next;

	/* ORDER(finish, seq_cst) - the word that is done before our look. */
	rb_fence_seq_cst();
	sequence = rb_work_sequence(worker);
	next = pass_over(worker, sequence);
	if (next == sequence)
		return;
	/* ORDER(commit, release) - what all of us did and read up to here, to
	 * producers and to the stages after us. */
	rb_seq_raise_release(&worker->gate->sequence, next);
	tell(worker);
}

bool
rb_work_is_stuck(const struct rb_worker *worker)
{
	int64_t next = rb_work_sequence(worker) + 1;

	return next <= worker->barrier.available && is_over(worker, next);
}

int64_t
rb_work_hint(const struct rb_worker *worker, int64_t *ret_seen)
{
	/* ORDER(hint, acquire) - what was opened before it was lowered. */
	int64_t seen = rb_seq_load_acquire(&worker->group->hint);
	int64_t sequence = rb_work_sequence(worker);
	uint32_t ahead = (uint32_t)seen - (uint32_t)(sequence + 1);

	*ret_seen = seen;
	/* Behind the sequence, or anything at all. */
	if (ahead > worker->barrier.channel->geometry.slots)
		return sequence;
	return sequence + ahead;
}

void
rb_work_raise_hint(struct rb_worker *worker, int64_t seen, int64_t sequence)
{
	uint64_t version = (uint64_t)seen >> 32 << 32;
	int64_t hint = (int64_t)(version | (uint32_t)(sequence + 1));

	/* ORDER(hint, acq_rel) - a version that is not the one we started from
	 * speaks of work that we may not have seen. */
	if (hint != seen)
		rb_seq_cas_acq_rel(&worker->group->hint, &seen, hint);
}

void
rb_work_lower_hint(struct rb_worker *worker)
{
	struct rb_sequence *hint = &worker->group->hint;
	/* ORDER(none, relaxed) - checked by the CAS. */
	int64_t found = rb_seq_load_relaxed(hint);
	uint64_t version;
	int64_t sequence;

	do {
		version = ((uint64_t)found >> 32) + 1;
		sequence = rb_work_sequence(worker);
		/* ORDER(hint, acq_rel) - what we opened, to who looks for it. */
	} while (!rb_seq_cas_acq_rel(hint, &found,
				     (int64_t)(version << 32 |
					       (uint32_t)(sequence + 1))));
}

void
rb_work_call(struct rb_worker *worker)
{
	struct rb_event event;

	rb_work_bound(worker, &event);
	rb_wake_again(worker->barrier.channel, event.event);
}
