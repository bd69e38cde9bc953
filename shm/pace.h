/* SPDX-License-Identifier: MIT */
/*
 * pace.h - how often a consumer looks at a stream that does not stop
 *
 * Each look at a line that somebody writes all the time takes that line away
 * from him, and he has to fetch it back before he can publish on. Two cores that
 * do so in lockstep hand over a few events a trip. A consumer that stays away
 * for a moment lets the producer run on in its own cache, and finds many events
 * at a time: the stream becomes several times faster. How long that moment has to be
 * depends on the machine, on how far the two cores are apart, and on the size of
 * the events; so it is found by trying.
 *
 * The consumer measures what it gets: events a nanosecond over some looks. Now
 * and then it tries twice the interval between looks, or half of it, and keeps
 * what is better; of equals, the shorter one. So
 *
 *   - a stream that comes faster when it is left alone is left alone, just as
 *     long as that pays;
 *   - one that does not, because its producer has other work to do, is looked
 *     at whenever the consumer has time, and the tries become rare;
 *   - who finds one event at a time (a ping-pong) never waits at all.
 *
 * Private to one consumer, and to one thread at a time.
 */
#ifndef RB_PACE_H
#define RB_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Looks by which an interval is judged. */
#define RB_PACE_LOOKS 16

struct rb_pace {
	int64_t interval_ns; /* between looks; 0: as soon as one likes */
	int64_t looked_ns;   /* when we last did */
	/* The looks that are being measured. */
	bool is_single; /* the last look found one event */
	unsigned looks;
	int64_t events;
	int64_t since_ns;
	/* What they are held against. */
	double rate;        /* events a nanosecond at `settled_ns` */
	int64_t settled_ns; /* the best interval so far */
	bool try_longer;    /* what to try next */
	unsigned patience;  /* measurements until then */
	unsigned rest;      /* how many to rest after a try that failed */
};

/* For the next two. */
void rb_pace_hold_back(struct rb_pace *pace, int64_t at_most_ns);

/* Measures by what a look has found, if that is not one event after another. */
void rb_pace_measure(struct rb_pace *pace, int64_t events);

/*
 * A look found so many events. Who sends one by one may wait for an answer to
 * each, and is never kept waiting.
 */
static inline void
rb_pace_note(struct rb_pace *pace, int64_t events)
{
	if (events == 1 && pace->is_single) {
		pace->looks = 0;
		return;
	}
	pace->is_single = events == 1;
	rb_pace_measure(pace, events);
}

/* Before a look: waits until it is time for it, no longer than `at_most_ns` if
 * that is not negative. */
static inline void
rb_pace_keep(struct rb_pace *pace, int64_t at_most_ns)
{
	if (pace->interval_ns > 0 && !pace->is_single && at_most_ns != 0)
		rb_pace_hold_back(pace, at_most_ns);
}

#endif
