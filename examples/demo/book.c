/* SPDX-License-Identifier: MIT */
/*
 * book.c - see book.h
 */
#include "examples/demo/book.h"

void
book_init(struct book *book)
{
	*book = (struct book){ .best_ask = BOOK_PRICES };
}

/* Trades against one price; returns what is still wanted. */
static uint64_t
trade(struct book *book, uint64_t *there, uint64_t wanted)
{
	uint64_t n = *there < wanted ? *there : wanted;

	*there -= n;
	book->traded += n;
	book->n_trades += n > 0;
	return wanted - n;
}

static void
buy(struct book *book, uint32_t limit, uint64_t wanted)
{
	for (; book->best_ask <= limit; book->best_ask++) {
		wanted = trade(book, &book->asks[book->best_ask], wanted);
		if (wanted == 0)
			return;
	}
	book->bids[limit] += wanted;
	if (limit > book->best_bid)
		book->best_bid = limit;
}

static void
sell(struct book *book, uint32_t limit, uint64_t offered)
{
	for (; book->best_bid >= limit; book->best_bid--) {
		offered = trade(book, &book->bids[book->best_bid], offered);
		if (offered == 0)
			return;
	}
	book->asks[limit] += offered;
	if (limit < book->best_ask)
		book->best_ask = limit;
}

void
book_enter(struct book *book, const struct order *order)
{
	book->entered += order->quantity;
	/* An order without a valid price leaves the book unbalanced. */
	if (order->price == 0 || order->price > ORDER_PRICE_MAX)
		return;
	if (order->side == ORDER_BUY)
		buy(book, order->price, order->quantity);
	else
		sell(book, order->price, order->quantity);
}

uint64_t
book_resting(const struct book *book)
{
	uint64_t volume = 0;

	for (int i = 0; i < BOOK_PRICES; i++)
		volume += book->bids[i] + book->asks[i];
	return volume;
}

bool
book_is_balanced(const struct book *book)
{
	return book->entered == 2 * book->traded + book_resting(book);
}
