/* SPDX-License-Identifier: MIT */
/*
 * pace.h - how often a consumer looks at a stream that does not stop
 *
 * Each look at a line that somebody writes all the time takes that line away
 * from him, and he has to fetch it back before he can publish on. Two cores that
 * do so in lockstep hand over a few events a trip. A consumer that stays away
 * for a moment lets the producer run on in its own cache, and finds many events
 * at a time: the stream becomes several times faster. How long that moment has
 * to be depends on the machine, on how far the two cores are apart, and on the
 * size of the events; so it is found by trying.
 *
 * The consumer measures what it gets: events a nanosecond over some looks. Now
 * and then it tries a longer interval between looks, or a shorter one, with a
 * measurement before and one after: what is better than both is kept, and of
 * equals the shorter. So
 *
 *   - a stream that comes faster when it is left alone is left alone, just as
 *     long as that pays;
 *   - one that does not, because its producer has other work to do, is looked
 *     at whenever the consumer has time, and the tries become rare;
 *   - once less comes than was expected, the stream is over, and looks are made
 *     at will again;
 *   - who finds one event at a time does not wait at all, but for a try in some
 *     thousand looks: that may be a ping-pong, or a stream of large events.
 *
 * Private to one consumer, and to one thread at a time.
 */
#ifndef RB_PACE_H
#define RB_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Looks by which an interval is judged. */
#define RB_PACE_LOOKS 16

enum rb_pace_step {
	RB_PACE_REST,   /* no try for so many measurements */
	RB_PACE_BEFORE, /* one; the next is a try */
	RB_PACE_TRY,
	RB_PACE_AFTER,
};

struct rb_pace {
	int64_t interval_ns; /* between looks; 0: as soon as one likes */
	int64_t looked_ns;   /* when the last one was made that had to wait */
	bool is_single;      /* the last look found one event */
	bool has_held;       /* and had waited for its time */
	unsigned n_short;    /* looks in a row that found less than expected */

	/* The looks that are being measured. */
	unsigned looks;
	int64_t events;
	int64_t since_ns;

	enum rb_pace_step step;
	unsigned patience; /* measurements before the next try */
	unsigned rest;     /* how many that were, the last time */
	double before;     /* events a nanosecond, by the step */
	double tried;
	double rate;        /* with the interval that was settled on */
	int64_t settled_ns; /* the best interval so far */
	int64_t candidate_ns;
	int64_t again_ns; /* that of the last stream: to be tried first; or 0 */
	bool try_shorter; /* what to try next */
	unsigned stride;  /* how often a longer one is doubled once more */
};

/* For the next two. */
void rb_pace_hold_back(struct rb_pace *pace, int64_t at_most_ns);
void rb_pace_conclude(struct rb_pace *pace);
void rb_pace_expect(struct rb_pace *pace, int64_t events);

/* A look found so many events. */
static inline void
rb_pace_note(struct rb_pace *pace, int64_t events)
{
	pace->is_single = events == 1;
	pace->events += events;
	pace->looks++;
	if (pace->has_held)
		rb_pace_expect(pace, events);
}

/*
 * Before a look: waits until it is time for it, no longer than `at_most_ns` if
 * that is not negative. What is to be done now and then is done here, where
 * there may be nothing to read yet, and not when somebody waits for an answer.
 */
static inline void
rb_pace_keep(struct rb_pace *pace, int64_t at_most_ns)
{
	pace->has_held = false;
	if (pace->looks >= RB_PACE_LOOKS)
		rb_pace_conclude(pace);
	if (pace->interval_ns > 0 &&
	    (!pace->is_single || pace->step == RB_PACE_TRY))
		rb_pace_hold_back(pace, at_most_ns);
}

#endif
