/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - see barrier.h
 *
 * Dependent stages read no cursor and scan no stamps: what an earlier stage has
 * finished is published. Only first stages look at what producers wrote.
 */
#include "shm/barrier.h"

#include "shm/bell.h"
#include "shm/clear.h"
#include "shm/count.h"
#include "shm/latency.h"
#include "shm/probe.h"
#include "shm/tap.h"

/* While spinning; more often would take the line from who is writing it. */
#define LOOKS_PER_PREFETCH 8

/* For one that arms: how often the ground may shift under it. */
#define TRIES 16

void
rb_barrier_init(struct rb_barrier *barrier, struct rb_channel *channel,
		unsigned index, uint32_t epoch)
{
	struct rb_gate *gate = &channel->gates->consumers[index];
	/* ORDER(none, relaxed) - the daemon stored it before it told us over
	 * the socket. */
	uint32_t slow = rb_word32_load_relaxed(
		&channel->meta->consumers[index].slow);

	*barrier = (struct rb_barrier){
		.channel = channel,
		.gate = gate,
		.member = &channel->meta->consumers[index],
		.index = index,
		.epoch = epoch,
		.fence = channel->fence,
		.lags = slow != RB_SLOW_GATE,
		.is_timed = slow == RB_SLOW_GATE && channel->times != NULL,
		/* What one that never gates has read makes nothing free. */
		.clears = channel->clear != RB_CLEAR_NONE &&
			  slow != RB_SLOW_LOSSY,
		.wait = channel->wait,
		/* ORDER(none, relaxed) - as above. */
		.committed = rb_seq_bounded(
			rb_seq_load_relaxed(&gate->sequence)),
	};
	barrier->available = barrier->committed;
	barrier->batches = rb_count_of(&gate->batches);
	barrier->lag_max = rb_seq_bounded((int64_t)rb_count_of(&gate->lag_max));
	if (rb_wait_register() < 0)
		barrier->fence = true;
}

/* Reads stamps from `next` on while they are of this lap. */
static int64_t
scan(const struct rb_channel *channel, int64_t next)
{
	int64_t slots = (int64_t)channel->geometry.slots;
	int64_t limit = slots < RB_SCAN_MAX ? slots : RB_SCAN_MAX;
	int64_t sequence = next;

	while (sequence - next < 2 * slots) {
		/* ORDER(stamp, acquire) - the slot's bytes; pairs with stamp()
		 * in multi.c and with the tombstones of repair.c. */
		uint64_t stamp = rb_word64_load_acquire(
			rb_channel_stamp(channel, sequence));

		if (rb_stamp_sequence(stamp) != sequence)
			break;
		/* A framed event is never cut, also where it laps one who may
		 * be overtaken: its first stamp came last. */
		if (sequence - next >= limit &&
		    rb_stamp_kind(stamp) != RB_STAMP_REST)
			break;
		sequence++;
	}
	return sequence - 1;
}

int64_t
rb_published_from(const struct rb_channel *channel, int64_t next)
{
	if (rb_channel_is_multi(channel))
		return scan(channel, next);
	/* ORDER(publish, acquire) - the events up to here; pairs with
	 * rb_single_publish(). */
	return rb_seq_load_acquire(&channel->ring->published);
}

/* The slowest of the consumers in `deps`, which is not empty. */
static int64_t
slowest(const struct rb_channel *channel, uint64_t deps, int *ret_slowest)
{
	int64_t minimum = RB_SEQUENCE_MAX;

	for (; deps != 0; deps &= deps - 1) {
		int i = __builtin_ctzll(deps);
		/* ORDER(commit, acquire) - what an earlier stage did with the
		 * events up to here is done; pairs with rb_barrier_commit(). */
		int64_t sequence = rb_seq_load_acquire(
			&channel->gates->consumers[i].sequence);

		if (sequence < minimum) {
			minimum = sequence;
			*ret_slowest = i;
		}
	}
	return minimum;
}

/* The bound that `deps` set, and in *ret_event what would wake us if it is not
 * enough. */
static int64_t
look_at(const struct rb_barrier *b, uint64_t deps, int64_t next,
	struct rb_event *ret_event)
{
	const struct rb_channel *c = b->channel;
	int slow = 0;
	int64_t available;

	if (deps == 0) {
		ret_event->event = &c->ring->event;
		ret_event->wanted = &c->gates->data_wanted;
		return b->lags ? rb_tap_reach(c, next)
			       : rb_published_from(c, next);
	}
	available = slowest(c, deps, &slow);
	ret_event->event = &c->gates->consumers[slow].event;
	ret_event->wanted = &c->gates->consumers[slow].wanted;
	return available;
}

/* As producers do: a bound counts only if nobody came to be waited for while it
 * was taken. Whoever joins later is placed at this bound or beyond. Like the next
 * inlined into the look, which comes between an event and its reader. */
static inline int64_t
find_bound(const struct rb_barrier *b, int64_t next, struct rb_event *ret_event)
{
	const struct rb_word64 *deps = &b->member->deps;
	uint64_t before, after;
	int64_t available;

	/* ORDER(membership, acquire) - a stage that has joined has its place
	 * before it is waited for. */
	after = rb_word64_load_acquire(deps);
	do {
		before = after;
		available = look_at(b, before, next, ret_event);
		if (b->fence)
			/* ORDER(membership, seq_cst) - the bound comes before
			 * the second look, where membarrier is missing. */
			rb_fence_seq_cst();
		/* ORDER(membership, acquire) - as above. */
		after = rb_word64_load_acquire(deps);
	} while (rb_unlikely(after != before));
	return available;
}

int64_t
rb_barrier_bound(const struct rb_barrier *b, int64_t next,
		 struct rb_event *ret_event)
{
	return find_bound(b, next, ret_event);
}

static inline int
check(struct rb_barrier *b)
{
	const struct rb_meta_control *control = &b->channel->meta->control;
	uint32_t set = 1;

	/* ORDER(none, relaxed) - a flag that carries no data. */
	if (rb_unlikely(rb_word32_load_relaxed(&b->alerted) != 0) &&
	    rb_word32_cas_relaxed(&b->alerted, &set, 0))
		return -ECANCELED;
	if (!rb_barrier_is_ours(b))
		return rb_channel_why_lost(b->channel);
	/* ORDER(none, relaxed) - a state that stays once set. */
	if (rb_word32_load_relaxed(&control->stream) == RB_STREAM_ABORTED)
		return -ESHUTDOWN;
	return 0;
}

int
rb_barrier_check(struct rb_barrier *b)
{
	return check(b);
}

/* More than a ring ahead is a lie, or we were thrown out and lapped. One that
 * lags may be that far behind. */
static bool
is_too_far(const struct rb_barrier *b, int64_t next, int64_t available)
{
	if (rb_unlikely(b->lags))
		return available > RB_SEQUENCE_MAX / 2;
	return available > next &&
	       available - next >= (int64_t)b->channel->geometry.slots;
}

/* Looks once: the bound, or `next` - 1 if there is nothing, or an errno. */
static int64_t
look_for_events(struct rb_barrier *b, int64_t next, struct rb_event *event)
{
	const struct rb_meta_control *control = &b->channel->meta->control;
	int64_t end, available;
	int err;

	/* ORDER(end, acquire) - before the last look: what the end includes
	 * was published before it was stored. */
	end = rb_seq_load_acquire(&control->end);
	available = find_bound(b, next, event);
	err = check(b);
	if (rb_unlikely(err < 0))
		return err;
	if (rb_unlikely(is_too_far(b, next, available)))
		return -EBADMSG;
	if (available > end) /* published after the end: not in the stream */
		available = end;
	if (available >= next)
		return available;
	if (next > end)
		return -ESHUTDOWN;
	return rb_channel_broken_at(b->channel) == next ? -EOWNERDEAD
							: next - 1;
}

/*
 * Looks at the one word that will wake us, again and again, and has the line of
 * the event ready beside it: both change hands once the producer has written
 * them, and to ask for the second only when the first is there would be a trip
 * more. True once `next` has come, as far as that word tells. A stamp of a later
 * lap does not: that is for the look to judge, and may be a lie that stays.
 */
static bool
watch(const struct rb_barrier *b, const struct rb_event *on, int64_t next,
      uint32_t looks)
{
	const struct rb_channel *c = b->channel;
	const struct rb_sequence *word = &c->ring->published;
	const struct rb_word64 *stamp = NULL;
	const void *slot = rb_channel_slot(c, next);

	if (on->event != &c->ring->event)
		word = &rb_gate_of(on->event)->sequence;
	else if (rb_channel_is_multi(c))
		stamp = rb_channel_stamp(c, next);
	for (; looks > 0; looks--) {
		/* ORDER(none, relaxed) - the look that follows acquires. */
		if (stamp != NULL ? rb_stamp_sequence(rb_word64_load_relaxed(
					    stamp)) == next
				  : rb_seq_load_relaxed(word) >= next)
			return true;
		if (looks % LOOKS_PER_PREFETCH == 0)
			rb_prefetch(slot);
	}
	return false;
}

static inline void
note_lag(struct rb_barrier *b, int64_t found)
{
	if (rb_unlikely(found - b->committed > b->lag_max)) {
		b->lag_max = found - b->committed;
		rb_count_set(&b->gate->lag_max, (uint64_t)b->lag_max);
	}
}

int64_t
rb_barrier_wait(struct rb_barrier *b, int64_t next, int64_t timeout_ns)
{
	struct rb_event event;
	struct rb_wait wait;
	int64_t found;

	/* Who may be overtaken would lose what it stays away for. */
	if (timeout_ns != 0 && !b->lags)
		rb_pace_keep(&b->pace, timeout_ns);
	found = look_for_events(b, next, &event);
	if (found != next - 1)
		goto out;
	if (timeout_ns == 0)
		return -EAGAIN;
	RB_PROBE(4, wait_begin, b->channel->meta->header.name,
		 RB_PROBE_CONSUMER, b->index, next);
	rb_wait_begin(&wait, b->wait, timeout_ns, &b->gate->waits, &b->alerted);
	wait.began = &b->gate->waits_since;
	do {
		int late = 0;

		if (!watch(b, &event, next, rb_wait_spins(&wait)))
			late = rb_wait_turn(&wait, &event);
		found = look_for_events(b, next, &event);
		if (found == next - 1 && late < 0)
			found = late;
	} while (found == next - 1);
	rb_wait_end(&wait, found >= next);
	RB_PROBE(4, wait_end, b->channel->meta->header.name, RB_PROBE_CONSUMER,
		 b->index, found);
out:
	if (found >= next) {
		b->available = found;
		note_lag(b, found);
		if (!b->lags) /* else it may be any number */
			rb_pace_note(&b->pace, found - next + 1);
	}
	return found;
}

/* Whether anything at `next` or later is on its way. */
static bool
is_under_way(const struct rb_channel *c, int64_t next)
{
	/* ORDER(none, relaxed) - an answer for people and event loops. */
	return next <= (rb_channel_is_multi(c)
				? rb_seq_load_relaxed(&c->ring->claimed)
				: rb_seq_load_relaxed(&c->ring->published));
}

int
rb_barrier_look(struct rb_barrier *b, int64_t next)
{
	struct rb_event event;
	int64_t found = look_for_events(b, next, &event);

	if (found >= next) {
		b->available = found;
		return RB_BARRIER_READY;
	}
	if (found == next - 1)
		return is_under_way(b->channel, next) ? RB_BARRIER_GATING
						      : RB_BARRIER_IDLE;
	return found == -ESHUTDOWN ? RB_BARRIER_END : (int)found;
}

/* Looks, and if there is nothing makes a wish of whoever changes that. True if
 * it stands: nothing came meanwhile, and we wait for what we looked at. */
static bool
wish(struct rb_barrier *b, int64_t next, int64_t *ret_found)
{
	struct rb_event on, again;

	*ret_found = look_for_events(b, next, &on);
	if (*ret_found != next - 1)
		return false;
	rb_wait_announce(&on);
	*ret_found = look_for_events(b, next, &again);
	return *ret_found == next - 1 && again.event == on.event;
}

int
rb_barrier_arm(struct rb_barrier *b, int64_t next)
{
	uint64_t self = UINT64_C(1) << b->index;
	int64_t found = next - 1;

	/* ORDER(bell, relaxed) - by the fence that follows. */
	rb_word64_or_relaxed(&b->channel->gates->bells, self);
	/* ORDER(bell, seq_cst) - our bit comes before we read the count that
	 * our wish is for; who moves it on later finds the bit. */
	rb_fence_seq_cst();
	for (int i = 0; i < TRIES && found == next - 1; i++)
		if (wish(b, next, &found))
			return 0;
	rb_barrier_disarm(b);
	/* With so much going on there may as well be something. */
	return found >= next - 1 || found == -ESHUTDOWN ? 1 : (int)found;
}

void
rb_barrier_disarm(struct rb_barrier *b)
{
	uint64_t self = UINT64_C(1) << b->index;

	/* ORDER(none, relaxed) - too late is one ring too many. */
	rb_word64_and_relaxed(&b->channel->gates->bells, ~self);
}

int
rb_barrier_commit(struct rb_barrier *b, int64_t sequence)
{
	struct rb_channel *c = b->channel;
	struct rb_gate *gate = b->gate;

	if (rb_unlikely(sequence < b->committed || sequence > b->available))
		return -EINVAL;
	if (sequence == b->committed)
		return 0;
	/* An evicted one may still store once, into a gate that nobody else has
	 * before the daemon knows it left. */
	if (rb_unlikely(!rb_barrier_is_ours(b)))
		return rb_channel_why_lost(c);
	if (rb_unlikely(b->is_timed)) /* before they may be overwritten */
		rb_latency_note(c, b->index, b->committed + 1, sequence);
	b->committed = sequence;
	/* ORDER(commit, release) - our reads of the slots, to producers that
	 * overwrite them, and what we did, to the stages after us. */
	rb_seq_store_release(&gate->sequence, sequence);
	rb_count_set(&gate->batches, ++b->batches);
	RB_PROBE(3, commit, c->meta->header.name, b->index, sequence);
	rb_wake_if_wanted(c, &gate->event, &gate->wanted, b->fence,
			  &gate->wakes);
	/* The fence, if any, was in the first. */
	rb_wake_if_wanted(c, &gate->event, &c->ring->space_wanted[b->index],
			  false, &gate->wakes);
	if (rb_unlikely(b->clears))
		rb_clear_read(c, b->index);
	return 0;
}

void
rb_barrier_disinherit(struct rb_barrier *b)
{
	b->committed = b->available - 1; /* so that no commit is for nothing */
}

void
rb_barrier_alert(struct rb_barrier *barrier)
{
	rb_alert(&barrier->alerted);
}
