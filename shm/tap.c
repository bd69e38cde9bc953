/* SPDX-License-Identifier: MIT */
/*
 * tap.c - see tap.h
 */
#include "shm/tap.h"

#include <string.h>

#include "shm/barrier.h"
#include "shm/event.h"

#define TRIES 1000

/* One who is overtaken again and again gives up this part of the ring more than
 * he must. */
#define START_PART 16

static int64_t
slots_of(const struct rb_channel *c)
{
	return (int64_t)c->geometry.slots;
}

/* The highest sequence whose slot somebody may have begun to write again. */
static int64_t
find_overwritten(const struct rb_channel *c)
{
	/* ORDER(overwrite, acquire) - by the fence of the caller, or only to
	 * have a place to start. */
	int64_t claimed = rb_seq_load_acquire(&c->ring->claimed);
	int64_t overwritten, gate;

	if (claimed < slots_of(c))
		return RB_SEQUENCE_INITIAL;
	overwritten = claimed - slots_of(c);
	if (rb_channel_is_multi(c)) {
		/* ORDER(overwrite, acquire) - claims may be made long before
		 * there is room, but are not written before. */
		gate = rb_seq_load_acquire(&c->ring->gate);
		if (gate < overwritten)
			overwritten = gate;
	}
	return overwritten < RB_SEQUENCE_MAX / 2 ? overwritten
						 : RB_SEQUENCE_MAX / 2;
}

int64_t
rb_tap_oldest(const struct rb_channel *c)
{
	int64_t gone = find_overwritten(c);
	int64_t begun;

	if (c->clear != RB_CLEAR_NONE) {
		/* ORDER(clear-begun, acquire) - by the fence of the caller. */
		begun = rb_seq_load_acquire(&c->gates->clear.begun);
		if (begun > gone && begun < RB_SEQUENCE_MAX / 2)
			gone = begun;
	}
	return gone < RB_SEQUENCE_INITIAL ? 0 : gone + 1;
}

bool
rb_tap_is_lapped(const struct rb_channel *c, int64_t sequence)
{
	if (sequence < rb_tap_oldest(c))
		return true;
	/* The tombstones of repair are ahead of the gate. */
	/* ORDER(stamp, acquire) - as in barrier.c. */
	return c->stamps != NULL &&
	       rb_stamp_sequence(rb_word64_load_acquire(
		       rb_channel_stamp(c, sequence))) > sequence;
}

/* Where one goes on who is lost at `next`. */
static int64_t
find_start(const struct rb_channel *c, int64_t next, bool again)
{
	int64_t oldest = rb_tap_oldest(c);

	if (oldest <= next)
		return next + 1;
	return again ? oldest + slots_of(c) / START_PART : oldest;
}

int64_t
rb_tap_reach(const struct rb_channel *c, int64_t next)
{
	int64_t reach = rb_published_from(c, next);
	int64_t oldest, start;

	if (reach >= next || !rb_tap_is_lapped(c, next))
		return reach;
	start = find_start(c, next, true);
	reach = rb_published_from(c, start);
	if (reach >= start)
		return reach;
	/* Only what is surely published is lost. */
	oldest = rb_tap_oldest(c);
	if (oldest <= next)
		return next;
	reach = rb_published_from(c, oldest);
	return reach < oldest ? oldest - 1 : reach;
}

/* Goes to `sequence`, or behind it to where an event starts. */
static void
seek(struct rb_tap *tap, int64_t sequence, int64_t available)
{
	const struct rb_channel *c = tap->channel;

	tap->next = sequence;
	if (!rb_channel_is_framed(c))
		return;
	for (; tap->next <= available; tap->next++) {
		/* ORDER(none, relaxed) - who knows `available` acquired it. */
		uint64_t stamp = rb_word64_load_relaxed(
			rb_channel_stamp(c, tap->next));

		if (stamp != rb_stamp(tap->next, RB_STAMP_REST))
			return;
	}
}

static void
start_at(struct rb_tap *tap, int64_t sequence)
{
	seek(tap, sequence, rb_published_from(tap->channel, sequence));
}

/* Of several producers: behind all that is claimed, or where a strict stream has
 * stopped for everybody. */
static int64_t
find_now(const struct rb_channel *channel)
{
	/* ORDER(none, relaxed) - any moment is "now". */
	int64_t claimed = rb_seq_bounded(
		rb_seq_load_relaxed(&channel->ring->claimed));
	int64_t broken_at = rb_channel_broken_at(channel);

	return claimed < broken_at ? claimed + 1 : broken_at;
}

void
rb_tap_init(struct rb_tap *tap, const struct rb_channel *channel, int64_t from)
{
	*tap = (struct rb_tap){ .channel = channel, .restart = -1 };
	if (from >= 0)
		start_at(tap, rb_seq_bounded(from));
	else if (from == RB_TAP_OLDEST)
		start_at(tap, rb_tap_oldest(channel));
	else if (!rb_channel_is_multi(channel))
		start_at(tap,
			 rb_seq_bounded(rb_published_from(channel, 0)) + 1);
	else
		start_at(tap, find_now(channel));
}

/* Whether what was read at `sequence` up to now was not written over. */
static bool
is_whole(const struct rb_channel *c, int64_t sequence)
{
	/* ORDER(overwrite, acquire) - our reads of the slot come before the
	 * look at `claimed` and `gate`; pairs with the fence after each claim.
	 * ORDER(clear-begun, acquire) - and at `begun`; pairs with zero(). */
	rb_fence_acquire();
	return !rb_tap_is_lapped(c, sequence);
}

/* Gives up what lies from the next slot to the one before `start`. */
static int
lose(struct rb_tap *tap, int64_t start, int64_t available,
     struct rb_tap_found *ret)
{
	ret->sequence = tap->next;
	seek(tap, start <= available ? start : available + 1, available);
	ret->last = tap->next - 1;
	tap->lost += tap->next - ret->sequence;
	tap->restart = tap->next;
	return RB_TAP_LOST;
}

/* Steps over a row of tombstones. They are words, and cannot be torn. */
static int
pass_gap(struct rb_tap *tap, int64_t available, struct rb_tap_found *ret)
{
	ret->sequence = tap->next;
	do {
		uint64_t stamp;

		if (++tap->next > available)
			break;
		/* ORDER(none, relaxed) - nothing hangs on it but itself. */
		stamp = rb_word64_load_relaxed(
			rb_channel_stamp(tap->channel, tap->next));
		if (stamp != rb_stamp(tap->next, RB_STAMP_TOMBSTONE))
			break;
	} while (true);
	ret->last = tap->next - 1;
	return RB_TAP_GAP;
}

/* What lies beyond it was published first, and we were overtaken up to here. */
static bool
is_hole(const struct rb_channel *c, int64_t sequence)
{
	/* ORDER(stamp, acquire) - as in barrier.c. */
	return c->stamps != NULL &&
	       rb_stamp_sequence(rb_word64_load_acquire(
		       rb_channel_stamp(c, sequence))) < sequence;
}

int
rb_tap_next(struct rb_tap *tap, int64_t available, void *buffer,
	    uint64_t buffer_size, struct rb_tap_found *ret)
{
	const struct rb_channel *c = tap->channel;
	struct rb_event_view *view = &ret->view;
	int64_t sequence = tap->next;
	int kind;

	if (sequence > available || is_hole(c, sequence))
		return 0;
	kind = rb_event_at(c, sequence, available, view);
	if (kind == RB_NO_EVENT_TOMBSTONE)
		return pass_gap(tap, available, ret);
	if (kind == 0 && view->size > 0 && view->size <= buffer_size)
		memcpy(buffer, view->data, view->size);
	if (rb_unlikely(rb_channel_is_broken(c))) /* zeroes, perhaps */
		return -EBADMSG;
	if (!is_whole(c, sequence))
		return lose(tap,
			    find_start(c, sequence, sequence == tap->restart),
			    available, ret);
	if (kind == RB_NO_EVENT_REST)
		return lose(tap, sequence + 1, available, ret);
	if (kind < 0)
		return kind;
	if (view->size > buffer_size)
		return -EMSGSIZE;
	view->data = buffer;
	ret->sequence = sequence;
	ret->last = view->last;
	tap->next = view->last + 1;
	return 1;
}

/* How far a tap may read; its end in *ret_end. */
static int64_t
find_available(const struct rb_tap *tap, int64_t *ret_end)
{
	const struct rb_channel *c = tap->channel;
	int64_t available;

	/* ORDER(end, acquire) - before the look, as in barrier.c. */
	*ret_end = rb_seq_load_acquire(&c->meta->control.end);
	available = rb_tap_reach(c, tap->next);
	if (available > *ret_end) /* published after the end */
		available = *ret_end;
	return available < RB_SEQUENCE_MAX / 2 ? available
					       : RB_SEQUENCE_MAX / 2;
}

/* Nothing is there to be read now: why. */
static int
why_nothing(const struct rb_tap *tap, int64_t end)
{
	if (rb_channel_is_broken(tap->channel))
		return -EBADMSG;
	if (tap->next > end)
		return -ESHUTDOWN;
	return rb_channel_broken_at(tap->channel) == tap->next ? -EOWNERDEAD
							       : -EAGAIN;
}

int64_t
rb_tap_read(struct rb_tap *tap, void *buffer, uint64_t buffer_size,
	    uint64_t *ret_size)
{
	struct rb_tap_found found;

	/* Producers may lap us as often as they like; we try so often. */
	for (int laps = 0; laps < TRIES;) {
		int64_t end, available = find_available(tap, &end);
		int kind = rb_tap_next(tap, available, buffer, buffer_size,
				       &found);

		if (kind == 0)
			return why_nothing(tap, end);
		if (kind == 1 || kind == -EMSGSIZE)
			*ret_size = found.view.size;
		if (kind < 0)
			return kind;
		if (kind == 1)
			return found.sequence;
		laps += kind == RB_TAP_LOST;
	}
	return -EAGAIN;
}
