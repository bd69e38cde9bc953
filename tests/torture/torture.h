/* SPDX-License-Identifier: MIT */
/*
 * torture.h - who is tortured, what they write down, and what must hold
 *
 * Eleven processes: the daemon; four producers of a multi-producer channel; the
 * stages `journal` and `replicate`, and `app` behind both, whose places are kept;
 * three workers of the group `workers`. The test kills, stops and restarts them
 * by a plan that follows from a seed alone.
 *
 * Each process is a life with a number. A producer numbers its events from 0 on
 * in every life. What a life has done it writes into the ledger, in memory of
 * the test, so that its successor in the seat goes on there and the test can
 * compare in the end.
 */
#ifndef T_TORTURE_H
#define T_TORTURE_H

#include "tests/system/util_bus.h"

#define PRODUCERS 4
#define STAGES 3
#define WORKERS 3
#define CLIENTS (PRODUCERS + STAGES + WORKERS)
#define DAEMON CLIENTS /* its seat */
#define SEATS (CLIENTS + 1)

#define SLOTS_MAX 8192
#define WINDOW (4 * SLOTS_MAX) /* sequences that are remembered */
#define BATCH_MAX 64
#define KEYS 251
#define LIVES_MAX (1 << 20)

struct torture_event {
	uint64_t life;
	uint64_t number;
	uint64_t key; /* of the group */
	uint64_t sum;
};

/* ------------------------------------------------------------------- plan */

/* What the channel is like. */
struct torture_shape {
	uint64_t slots;
	bool clear;
	bool keyed; /* the group keeps the order of each key */
};

enum torture_deed {
	TORTURE_KILL,
	TORTURE_STOP,      /* and let it go on */
	TORTURE_STOP_KILL, /* and kill it while it is stopped */
};

struct torture_act {
	enum torture_deed deed;
	unsigned victim;   /* a seat */
	int64_t at_ns;     /* since the beginning */
	int64_t length_ns; /* of the stop; or how long the seat stays empty */
};

/* The row of acts that follows from a seed, one by one. */
struct torture_plan {
	uint64_t random;
	int64_t at_ns;
};

uint64_t torture_draw(uint64_t *random);
struct torture_shape torture_shape(uint64_t seed);
void torture_plan_begin(struct torture_plan *plan, uint64_t seed);
struct torture_act torture_plan_next(struct torture_plan *plan);

/* ----------------------------------------------------------------- ledger */

struct torture_life {
	struct rb_word64 published; /* numbers below: the publish returned */
	struct rb_word64 killed;    /* set before it is */
	struct rb_word64 attached;  /* how long that took, ns */
	struct rb_word64 n_repeats; /* of a worker */
};

/* What a stage has seen. Sequences are stored plus one. */
struct torture_witness {
	struct rb_word64 last;       /* the highest seen */
	struct rb_word64 committing; /* the commit of it may be under way */
	struct rb_word64 committed;  /* the commit of it has returned */
	struct rb_word64 n_repeats;
	struct rb_word64 next_of[LIVES_MAX]; /* the number to come, by life */
	struct rb_word64 saw[WINDOW]; /* life and number, by sequence; or 0 */
};

struct torture_ledger {
	struct torture_shape shape;
	struct rb_word64 stop;
	struct rb_word64 worker_kills;
	struct torture_witness stages[STAGES];
	/* Of the group, by slot: 1 + the sequence handled last, and by whom. */
	struct rb_word64 handled[SLOTS_MAX];
	struct rb_word64 last_of[KEYS]; /* the same, by key */
	struct torture_life lives[LIVES_MAX];
};

extern struct torture_ledger *torture_ledger;

/* Tells what is wrong and fails the test; in any process. */
__attribute__((noreturn, format(printf, 1, 2))) void torture_fail(
	const char *fmt, ...);

#define torture_expect(cond, ...)                                              \
	do {                                                                   \
		if (rb_unlikely(!(cond)))                                      \
			torture_fail(__VA_ARGS__);                             \
	} while (0)

void torture_fill(struct torture_event *event, uint64_t life, uint64_t number);

/* A stage that attaches at the place where it committed last: it has to be the
 * one that it knows of. Returns the sequence to account for next. */
int64_t torture_resume(unsigned stage, int64_t committed);

/* There are no events from `at` up to `end`, without that. */
void torture_skip(unsigned stage, int64_t at, int64_t end);

/* A stage is given an event; `at` is what it has to account for next, and what
 * lies between was skipped. Returns what comes next. */
int64_t torture_see(unsigned stage, const struct ringbus_event *event,
		    int64_t at);

/* A worker, in this life, is given an event for the how manieth time. */
void torture_work(uint64_t life, const struct ringbus_event *event,
		  int attempt);

/* The end, when all have seen all up to `cursor`. */
struct torture_totals {
	uint64_t events;
	uint64_t tombstones;
	uint64_t repeats;
	uint64_t again; /* events of the group handled anew */
};
void torture_check(uint64_t n_lives, uint64_t producer_kills, int64_t cursor,
		   struct torture_totals *ret);

/* ---------------------------------------------------------------- clients */

struct torture_client {
	const char *socket;
	unsigned seat;
	uint64_t life;
	uint64_t random;
	int64_t born_ns;
};

const char *torture_seat_name(unsigned seat);

/* The main() of a client: t_child() runs it. */
int torture_client(void *arg);

/* --------------------------------------------------------------- standstill */

struct torture_seat {
	pid_t pid; /* 0: nobody */
	uint64_t life;
	bool stopped;
	enum torture_deed then; /* at due_ns, if stopped */
	int64_t due_ns;         /* of the plan; INT64_MAX: nothing is due */
};

/* Prints who waits for whom. */
void torture_show(const struct ringbus_channel *channel,
		  const struct torture_seat *seats);

/* Moves the folders of the test to where they stay, and says where. */
void torture_keep(uint64_t seed);

#endif
