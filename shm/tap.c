/* SPDX-License-Identifier: MIT */
/*
 * tap.c - see tap.h
 */
#include "shm/tap.h"

#include <string.h>

#include "shm/barrier.h"
#include "shm/event.h"

#define TRIES 1000

static int64_t
slots_of(const struct rb_channel *c)
{
	return (int64_t)c->geometry.slots;
}

/* The lowest sequence that nobody can be writing over. */
static int64_t
oldest(const struct rb_channel *c)
{
	/* ORDER(overwrite, acquire) - by the fence of the caller, or only to
	 * have a place to start. */
	int64_t claimed = rb_seq_load_acquire(&c->ring->claimed);

	return claimed < slots_of(c) ? 0 : claimed - slots_of(c) + 1;
}

/* Goes to `sequence`, or behind it to where an event starts. */
static void
seek(struct rb_tap *tap, int64_t sequence)
{
	const struct rb_channel *c = tap->channel;
	int64_t published;

	tap->next = sequence;
	if (!rb_channel_is_framed(c))
		return;
	published = rb_published_from(c, sequence);
	for (; tap->next <= published; tap->next++) {
		/* ORDER(none, relaxed) - rb_published_from() acquired it. */
		uint64_t stamp = rb_word64_load_relaxed(
			rb_channel_stamp(c, tap->next));

		if (stamp != rb_stamp(tap->next, RB_STAMP_REST))
			return;
	}
}

void
rb_tap_init(struct rb_tap *tap, const struct rb_channel *channel, int64_t from)
{
	*tap = (struct rb_tap){ .channel = channel };
	if (from >= 0)
		seek(tap, from);
	else if (from == RB_TAP_OLDEST)
		seek(tap, oldest(channel));
	else if (!rb_channel_is_multi(channel))
		seek(tap, rb_published_from(channel, 0) + 1);
	else
		/* ORDER(none, relaxed) - any moment is "now". */
		seek(tap, rb_seq_load_relaxed(&channel->ring->claimed) + 1);
}

/* Skips what is overwritten; true if that was anything. */
static bool
skip_lost(struct rb_tap *tap)
{
	int64_t first = oldest(tap->channel);
	int64_t was = tap->next;

	if (was >= first)
		return false;
	seek(tap, first);
	tap->lost += tap->next - was;
	return true;
}

/* Whether what was read at `sequence` up to now was not written over. */
static bool
is_whole(const struct rb_channel *c, int64_t sequence)
{
	/* ORDER(overwrite, acquire) - our reads of the slot come before the
	 * look at `claimed`; pairs with the fence after each claim. */
	rb_fence_acquire();
	return sequence >= oldest(c);
}

int64_t
rb_tap_read(struct rb_tap *tap, void *buffer, uint64_t buffer_size,
	    uint64_t *ret_size)
{
	const struct rb_channel *c = tap->channel;

	/* Producers may lap us as often as they like; we try so often. */
	for (int laps = 0; laps < TRIES;) {
		struct rb_event_view view;
		int64_t sequence = tap->next;
		int64_t end, available;
		int kind;

		/* ORDER(end, acquire) - before the look, as in barrier.c. */
		end = rb_seq_load_acquire(&c->meta->control.end);
		available = rb_published_from(c, sequence);
		if (available > end) /* published after the end */
			available = end;

		if (skip_lost(tap)) {
			laps++;
			continue;
		}
		if (available < sequence)
			return sequence > end ? -ESHUTDOWN : -EAGAIN;
		kind = rb_event_at(c, sequence, available, &view);
		if (kind == 0 && view.size > 0 && view.size <= buffer_size)
			memcpy(buffer, view.data, view.size);
		if (!is_whole(c, sequence)) {
			laps++;
			continue;
		}
		if (kind < 0)
			return kind;
		if (kind == 0)
			*ret_size = view.size;
		if (kind == 0 && view.size > buffer_size)
			return -EMSGSIZE;
		tap->next = view.last + 1;
		if (kind == 0)
			return sequence;
		tap->lost += kind == RB_NO_EVENT_REST;
	}
	return -EAGAIN;
}
