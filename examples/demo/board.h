/* SPDX-License-Identifier: MIT */
/*
 * board.h - where each process notes how far it is, and what it saw in the end
 *
 * A file in memory that all inherit; each writes only its own part, by pwrite(2).
 * The notes are the second witness for the order of things: a `replica` without NATS
 * between notes an event after it has dealt with it and before it is committed, so
 * that `app`, when it is shown an event, has to find it noted.
 */
#ifndef DEMO_BOARD_H
#define DEMO_BOARD_H

#include "client/ringbus.h"
#include "examples/demo/book.h"
#include "examples/demo/demo.h"
#include "examples/demo/event.h"

#define WHY_SIZE 256

struct note {
	int64_t sequence; /* of the last event done, -1 before the first */
	uint64_t n_events;
};

/* What only `app` has to tell. */
struct app_report {
	uint64_t n_batches;
	uint64_t n_ahead; /* events seen before they were done elsewhere */
	/* Slots from what app may read, and from what it has read, to what both
	 * of the others have committed. */
	int64_t nearest;
	int64_t farthest;
	int64_t latency_ns; /* longest way of an event up to app */
	uint64_t n_bytes;   /* of text */
	struct book book;
};

struct report {
	bool is_complete; /* it has ended well */
	struct tally tally;
	struct app_report app;
};

/* A descriptor, or a negative errno. */
int board_open(void);

void board_note(const struct demo *demo, enum role role, int64_t sequence,
		uint64_t n_events);
struct note board_read_note(const struct demo *demo, enum role role);

void board_report(const struct demo *demo, enum role role,
		  const struct report *report);
void board_read_report(const struct demo *demo, enum role role,
		       struct report *ret);

/* Leaves the reason for the parent to show; returns -1 for convenience. */
__attribute__((format(printf, 3, 4))) int board_fail(const struct demo *demo,
						     enum role role,
						     const char *fmt, ...);

/* The same for an error of the library; `bus` may be NULL. */
int board_fail_bus(const struct demo *demo, enum role role, const char *what,
		   int err, const struct ringbus *bus);

void board_read_why(const struct demo *demo, enum role role,
		    char why[WHY_SIZE]);

#endif
