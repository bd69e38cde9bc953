/* SPDX-License-Identifier: MIT */
/*
 * event.h - the events of the demo, and the counting of them
 *
 * Every event begins with a stamp: its number, when it was sent, and a checksum
 * of all that follows the checksum. Whoever sees events tallies them, so that
 * what two processes saw can be compared by a handful of numbers.
 */
#ifndef DEMO_EVENT_H
#define DEMO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stamp {
	uint64_t checksum; /* of the event, from `number` on */
	uint64_t number;   /* 0, 1, 2, ... */
	int64_t sent_ns;   /* CLOCK_MONOTONIC */
};

#define ORDER_BUY 0
#define ORDER_SELL 1

/* One slot of the channel `orders`. */
struct order {
	struct stamp stamp;
	uint64_t account;
	char symbol[16];
	uint32_t price; /* 1 to ORDER_PRICE_MAX */
	uint32_t quantity;
	uint32_t side;
	uint32_t venue;
};

#define ORDER_PRICE_MAX 255

_Static_assert(sizeof(struct order) == 64, "an order fills a cache line");

/* One event of the channel `lines`, with its newline if it has one. */
struct line {
	struct stamp stamp;
	char text[];
};

/* Makes up the order of this number; always the same but for its time. */
void order_fill(struct order *order, uint64_t number);

/* Fills in the stamp of an event of `size` bytes that is complete else. */
void event_seal(struct stamp *stamp, size_t size, uint64_t number);

struct tally {
	uint64_t n_events;
	uint64_t first; /* number of the first one */
	uint64_t last;  /* highest number */
	uint64_t sum;   /* of the checksums */
	uint64_t n_missing;
	uint64_t n_repeated; /* or out of order */
	uint64_t n_damaged;  /* wrong checksum */
};

/* Counts an event of our own making. */
void tally_count(struct tally *tally, const struct stamp *stamp);

/* Checks and counts an event that came from elsewhere; false if damaged. */
bool tally_check(struct tally *tally, const void *event, size_t size);

int64_t now_ns(void);

#endif
