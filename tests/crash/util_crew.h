/* SPDX-License-Identifier: MIT */
/*
 * util_crew.h - who lives on a channel while others die there
 *
 *	struct t_crew crew;
 *
 *	t_crew_begin(&crew, "slots: 64, event_size: 64, producers: multi");
 *	...
 *	t_crew_read(&crew, T_LIVE, 7);        all have seen what came up to this
 *	n = t_crew_count(&crew, victim);      how much of it was the victim's
 *	...
 *	t_crew_end(&crew);
 *
 * A daemon with the channel "a", and three that read all of it and remember it: a
 * consumer and a tap in the test itself, and a consumer that sleeps in a process
 * of its own. Whatever anybody sees has to be the same for all of them, whole,
 * and there once.
 */
#ifndef T_CRASH_UTIL_CREW_H
#define T_CRASH_UTIL_CREW_H

#include "tests/system/util_bus.h"

#define T_LIVE UINT64_C(0) /* who has written it, if not a victim */
#define T_SEEN_MAX 1024

/* What every event begins with; what comes after that follows from it. */
struct t_note {
	uint64_t who;
	uint64_t number; /* in that one's row */
};

struct t_seen {
	int64_t sequence;
	int64_t last; /* slot; unknown of a tap */
	struct t_note note;
};

struct t_crew {
	struct t_bus b;
	struct rb_channel map; /* to look at */
	struct ringbus_consumer *reader;
	struct ringbus_tap *tap;
	pid_t sleeper;
	struct t_log *log; /* of the sleeper */
	uint64_t n_read;   /* of that */
	int64_t last;      /* slot that all have read */
	int64_t n_gaps;    /* slots of no event, in the last reading */
	unsigned n_seen;   /* in the last reading */
	struct t_seen seen[T_SEEN_MAX];
};

void t_crew_begin(struct t_crew *crew, const char *keys);
void t_crew_end(struct t_crew *crew);

/* An event of `size` bytes. */
void t_note_fill(void *to, size_t size, struct t_note note);

/* Publishes one, without waiting. */
int64_t t_note_put(struct ringbus_producer *p, size_t size, struct t_note note);

/* What it says; fails the test if it is torn. */
struct t_note t_note_of(const struct ringbus_event *event);

/* Everybody reads on up to this event, and commits. */
void t_crew_read(struct t_crew *crew, uint64_t who, uint64_t number);

/* How many events the sleeper has seen, whether or not they were asked for. */
uint64_t t_crew_n_heard(const struct t_crew *crew);

/* Of what was read last: how many events of `who`, which have to be its first
 * ones in their order. */
unsigned t_crew_count(const struct t_crew *crew, uint64_t who);

/* Opens the channel to publish as soon as a single producer's place is free. */
struct ringbus_producer *t_crew_succeed(const struct t_crew *crew);

/* Waits until so many are there, kept places and workers included. */
void t_crew_until_members(const struct t_crew *crew, unsigned n_producers,
			  unsigned n_consumers);

#endif
