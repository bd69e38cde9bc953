/* SPDX-License-Identifier: MIT */
/*
 * util_ledger.c - what must hold, event by event and in the end
 *
 * A stage has to see, of each life of a producer, the numbers from 0 on without
 * a gap, at least up to the last that was surely published; twice only what it
 * had not committed when it died, and then the very same at the same sequences.
 * `app` sees at each sequence what `journal` saw there, and never before both
 * have committed it. The group handles in each slot every lap, twice only what a
 * worker had that was killed.
 *
 * Whoever writes here may die between two stores. So what was seen is written
 * down before the mark that says so, and nothing is counted that follows from
 * other words.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/torture/torture.h"

#define JOURNAL 0
#define APP 2

#define TOMBSTONE UINT64_MAX
#define WORKER_BITS 20

struct torture_ledger *torture_ledger;

void
torture_fail(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	dprintf(STDERR_FILENO, "torture: pid %d: %s\n", (int)getpid(), text);
	ck_abort_msg("%s", text);
}

static uint64_t
get(const struct rb_word64 *word)
{
	return rb_word64_load_acquire(word);
}

static void
set(struct rb_word64 *word, uint64_t value)
{
	rb_word64_store_release(word, value);
}

static void
add(struct rb_word64 *own_word)
{
	set(own_word, get(own_word) + 1);
}

/* ----------------------------------------------------------------- events */

static uint64_t
sum_of(const struct torture_event *event)
{
	uint64_t x = event->life * UINT64_C(0x9e3779b97f4a7c15) + event->number;

	x = (x ^ x >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ x >> 29) + event->key;
}

void
torture_fill(struct torture_event *event, uint64_t life, uint64_t number)
{
	event->life = life;
	event->number = number;
	event->key = number % KEYS;
	event->sum = sum_of(event);
}

static struct torture_event
read_whole(const struct ringbus_event *e, const char *who)
{
	struct torture_event event;

	torture_expect(e->size == sizeof(event), "%s: %zu bytes at %lld", who,
		       e->size, (long long)e->sequence);
	memcpy(&event, e->data, sizeof(event));
	torture_expect(event.life < LIVES_MAX && event.key < KEYS &&
			       event.sum == sum_of(&event),
		       "%s: torn at %lld: life %llu number %llu", who,
		       (long long)e->sequence, (unsigned long long)event.life,
		       (unsigned long long)event.number);
	return event;
}

/* ----------------------------------------------------------------- stages */

static struct rb_word64 *
saw_at(struct torture_witness *w, int64_t sequence)
{
	return &w->saw[(uint64_t)sequence % WINDOW];
}

/* The life in the upper half: no event is all ones. */
static uint64_t
note_of(const struct torture_event *event)
{
	return event->life << 40 | event->number;
}

int64_t
torture_resume(unsigned stage, int64_t committed)
{
	struct torture_witness *w = &torture_ledger->stages[stage];
	uint64_t at = (uint64_t)committed + 1;

	/* Behind the last event of a commit come tombstones, if anything. */
	torture_expect(at == get(&w->committed) || (at >= get(&w->committing) &&
						    at > get(&w->committed)),
		       "stage %u resumes at %llu; committed %llu, committing "
		       "%llu",
		       stage, (unsigned long long)at,
		       (unsigned long long)get(&w->committed),
		       (unsigned long long)get(&w->committing));
	set(&w->committed, at);
	return (int64_t)at;
}

void
torture_skip(unsigned stage, int64_t at, int64_t end)
{
	struct torture_witness *w = &torture_ledger->stages[stage];

	for (; at < end; at++) {
		if ((uint64_t)at >= get(&w->last)) {
			set(saw_at(w, at), TOMBSTONE);
			set(&w->last, (uint64_t)at + 1);
		}
		torture_expect(get(saw_at(w, at)) == TOMBSTONE,
			       "lost: stage %u saw an event at %lld, and does "
			       "not get it again",
			       stage, (long long)at);
	}
}

/* Seen before, in another life of the stage. */
static void
see_again(unsigned stage, const struct torture_event *event, int64_t sequence)
{
	struct torture_witness *w = &torture_ledger->stages[stage];
	struct rb_word64 *next = &w->next_of[event->life];

	torture_expect(get(saw_at(w, sequence)) == note_of(event),
		       "stage %u sees another event at %lld than before", stage,
		       (long long)sequence);
	add(&w->n_repeats);
	/* It may have died before it had this written down. */
	if (get(next) == event->number)
		set(next, event->number + 1);
}

static void
see_first(unsigned stage, const struct torture_event *event, int64_t sequence)
{
	struct torture_witness *w = &torture_ledger->stages[stage];
	struct rb_word64 *next = &w->next_of[event->life];

	torture_expect(get(next) == event->number,
		       "%s: stage %u at %lld: life %llu number %llu, not %llu",
		       get(next) < event->number ? "lost" : "doubled", stage,
		       (long long)sequence, (unsigned long long)event->life,
		       (unsigned long long)event->number,
		       (unsigned long long)get(next));
	set(saw_at(w, sequence), note_of(event));
	set(&w->last, (uint64_t)sequence + 1);
	set(next, event->number + 1);
}

static void
compare_with_others(const struct torture_event *event, int64_t sequence)
{
	for (unsigned i = JOURNAL; i < APP; i++) {
		struct torture_witness *w = &torture_ledger->stages[i];

		torture_expect(get(&w->committing) > (uint64_t)sequence &&
				       get(saw_at(w, sequence)) ==
					       note_of(event),
			       "app is at %lld, stage %u is committing %llu",
			       (long long)sequence, i,
			       (unsigned long long)get(&w->committing));
	}
}

int64_t
torture_see(unsigned stage, const struct ringbus_event *e, int64_t at)
{
	struct torture_event event = read_whole(
		e, torture_seat_name(PRODUCERS + stage));

	torture_expect(e->sequence >= at,
		       "doubled: stage %u gets %lld, not %lld", stage,
		       (long long)e->sequence, (long long)at);
	torture_skip(stage, at, e->sequence);
	if (stage == APP)
		compare_with_others(&event, e->sequence);
	if ((uint64_t)e->sequence < get(&torture_ledger->stages[stage].last))
		see_again(stage, &event, e->sequence);
	else
		see_first(stage, &event, e->sequence);
	return e->last + 1;
}

/* ------------------------------------------------------------------ group */

/* Between two events in a slot there may be tombstones: `journal` knows. */
static void
check_laps(int64_t handled, int64_t sequence)
{
	int64_t slots = (int64_t)torture_ledger->shape.slots;
	struct torture_witness *w = &torture_ledger->stages[JOURNAL];
	int64_t known = sequence - WINDOW / 2;

	for (int64_t at = sequence - slots; at > handled; at -= slots)
		torture_expect(
			at < 0 || at < known || get(saw_at(w, at)) == TOMBSTONE,
			"lost: %lld is handled before %lld was, after "
			"%lld",
			(long long)sequence, (long long)at, (long long)handled);
}

/* What a dead worker had taken is given out from its beginning. */
static void
check_order(const struct torture_event *event, int64_t sequence, int attempt)
{
	struct rb_word64 *last = &torture_ledger->last_of[event->key];

	torture_expect(get(last) <= (uint64_t)sequence || attempt > 1,
		       "the group is given key %llu at %lld, after %llu",
		       (unsigned long long)event->key, (long long)sequence,
		       (unsigned long long)get(last) - 1);
	set(last, (uint64_t)sequence + 1);
}

void
torture_work(uint64_t life, const struct ringbus_event *e, int attempt)
{
	struct torture_event event = read_whole(e, "worker");
	uint64_t mask = torture_ledger->shape.slots - 1;
	struct rb_word64 *word =
		&torture_ledger->handled[(uint64_t)e->sequence & mask];
	int64_t before = (int64_t)(get(word) >> WORKER_BITS) - 1;
	uint64_t by = get(word) & ((1 << WORKER_BITS) - 1);

	torture_expect((uint64_t)attempt <=
			       get(&torture_ledger->worker_kills) + 1,
		       "attempt %d at %lld, and nobody died", attempt,
		       (long long)e->sequence);
	torture_expect(
		before < e->sequence ||
			(before == e->sequence && attempt > 1 &&
			 get(&torture_ledger->lives[by].killed)),
		"doubled: %lld is handled in attempt %d, and %lld was by "
		"life %llu",
		(long long)e->sequence, attempt, (long long)before,
		(unsigned long long)by);
	if (before == e->sequence)
		add(&torture_ledger->lives[life].n_repeats);
	else
		check_laps(before, e->sequence);
	if (torture_ledger->shape.keyed)
		check_order(&event, e->sequence, attempt);
	set(word, (uint64_t)(e->sequence + 1) << WORKER_BITS | life);
}

/* ---------------------------------------------------------------- the end */

static void
check_life(uint64_t i, struct torture_totals *totals)
{
	const struct torture_life *life = &torture_ledger->lives[i];
	uint64_t seen = get(&torture_ledger->stages[JOURNAL].next_of[i]);
	uint64_t sure = get(&life->published);
	uint64_t unsure = get(&life->killed) ? BATCH_MAX : 0;

	torture_expect(seen >= sure,
		       "lost: life %llu published %llu, seen %llu",
		       (unsigned long long)i, (unsigned long long)sure,
		       (unsigned long long)seen);
	torture_expect(seen <= sure + unsure,
		       "doubled: life %llu published %llu, seen %llu",
		       (unsigned long long)i, (unsigned long long)sure,
		       (unsigned long long)seen);
	for (unsigned s = 1; s < STAGES; s++)
		torture_expect(
			get(&torture_ledger->stages[s].next_of[i]) == seen,
			"life %llu: journal saw %llu, stage %u %llu",
			(unsigned long long)i, (unsigned long long)seen, s,
			(unsigned long long)get(
				&torture_ledger->stages[s].next_of[i]));
	totals->events += seen;
	totals->again += get(&life->n_repeats);
}

/* The last lap of the group, that no later event has checked. */
static void
check_last_lap(int64_t cursor)
{
	int64_t slots = (int64_t)torture_ledger->shape.slots;

	for (int64_t i = 0; i < slots; i++) {
		uint64_t word = get(&torture_ledger->handled[i]);

		check_laps((int64_t)(word >> WORKER_BITS) - 1,
			   i + (cursor / slots + 1) * slots -
				   (i > cursor % slots ? slots : 0));
	}
}

void
torture_check(uint64_t n_lives, uint64_t producer_kills, int64_t cursor,
	      struct torture_totals *ret)
{
	*ret = (struct torture_totals){ 0 };
	for (uint64_t i = 0; i < n_lives; i++)
		check_life(i, ret);
	for (unsigned s = 0; s < STAGES; s++) {
		struct torture_witness *w = &torture_ledger->stages[s];

		ret->repeats += get(&w->n_repeats);
		torture_expect(get(&w->last) <= (uint64_t)cursor + 1,
			       "stage %u is at %llu, the cursor at %lld", s,
			       (unsigned long long)get(&w->last),
			       (long long)cursor);
	}
	check_last_lap(cursor);
	ret->tombstones = (uint64_t)cursor + 1 - ret->events;
	torture_expect(ret->tombstones <= producer_kills * BATCH_MAX,
		       "%llu tombstones of %llu killed producers",
		       (unsigned long long)ret->tombstones,
		       (unsigned long long)producer_kills);
}
