/* SPDX-License-Identifier: MIT */
/*
 * book.h - an order book of the smallest kind
 *
 * Per price how much is offered and wanted. An order trades against the best
 * prices of the other side; what is left of it stays in the book. Whatever came
 * in is in the end either resting or was traded, once as bought and once as
 * sold: book_is_balanced() finds an order that was lost or taken twice.
 */
#ifndef DEMO_BOOK_H
#define DEMO_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "examples/demo/event.h"

#define BOOK_PRICES (ORDER_PRICE_MAX + 1)

struct book {
	uint64_t bids[BOOK_PRICES]; /* wanted at each price */
	uint64_t asks[BOOK_PRICES]; /* offered */
	uint32_t best_bid;          /* 0: none */
	uint32_t best_ask;          /* BOOK_PRICES: none */
	uint64_t n_trades;
	uint64_t traded;  /* volume */
	uint64_t entered; /* volume of all orders, of both sides */
};

void book_init(struct book *book);
void book_enter(struct book *book, const struct order *order);
uint64_t book_resting(const struct book *book);
bool book_is_balanced(const struct book *book);

#endif
