/* SPDX-License-Identifier: MIT */
/*
 * event.c - see event.h
 */
#include "examples/demo/event.h"

#include <string.h>
#include <time.h>

/* Finds flipped bits and mixed-up words; no protection against malice. */
static uint64_t
checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t hash = size * UINT64_C(0x9e3779b97f4a7c15);

	while (size > 0) {
		size_t n = size < sizeof(uint64_t) ? size : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, bytes, n);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
		bytes += n;
		size -= n;
	}
	return hash;
}

static uint64_t
checksum_of(const struct stamp *stamp, size_t size)
{
	size_t skip = offsetof(struct stamp, number);

	return checksum((const char *)stamp + skip, size - skip);
}

void
event_seal(struct stamp *stamp, size_t size, uint64_t number)
{
	stamp->number = number;
	stamp->sent_ns = now_ns();
	stamp->checksum = checksum_of(stamp, size);
}

void
order_fill(struct order *order, uint64_t number)
{
	static const char symbols[4][16] = { "ACME", "INITECH", "HOOLI",
					     "UMBRELLA" };
	uint64_t dice = checksum(&number, sizeof(number));

	order->account = dice % 1000;
	memcpy(order->symbol, symbols[dice >> 62], sizeof(order->symbol));
	order->side = dice >> 10 & 1 ? ORDER_BUY : ORDER_SELL;
	/* Buyers and sellers overlap in the middle, and so trade there. */
	order->price = (order->side == ORDER_SELL ? 97 : 65) +
		       (uint32_t)(dice >> 20 & 63);
	order->quantity = 1 + (uint32_t)(dice >> 30 & 127);
	order->venue = (uint32_t)(dice >> 40 & 7);
	event_seal(&order->stamp, sizeof(*order), number);
}

void
tally_count(struct tally *tally, const struct stamp *stamp)
{
	uint64_t expected = tally->n_events == 0 ? 0 : tally->last + 1;

	if (tally->n_events++ == 0)
		tally->first = stamp->number;
	tally->sum += stamp->checksum;
	if (stamp->number < expected) {
		tally->n_repeated++;
		return;
	}
	tally->n_missing += stamp->number - expected;
	tally->last = stamp->number;
}

bool
tally_check(struct tally *tally, const void *event, size_t size)
{
	const struct stamp *stamp = event;

	if (size < sizeof(*stamp) ||
	    stamp->checksum != checksum_of(stamp, size)) {
		tally->n_events++;
		tally->n_damaged++;
		return false;
	}
	tally_count(tally, stamp);
	return true;
}

int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
