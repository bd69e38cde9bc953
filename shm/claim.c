/* SPDX-License-Identifier: MIT */
/*
 * claim.c - see claim.h
 */
#include "shm/claim.h"

/* A handle that claims again and again is not waited for. */
#define READ_TRIES 1000

struct rb_claim
rb_claim_read(const struct rb_channel *c, unsigned index)
{
	const struct rb_handle *handle = &c->ring->handles[index];
	uint64_t intent, again, n;
	struct rb_claim claim = { .state = RB_INTENT_CLAIMING };
	int tries = READ_TRIES;

	/* ORDER(claim, acquire) - with a claim also the stamps of the one
	 * before it; pairs with own(). */
	again = rb_word64_load_acquire(&handle->intent);
	do {
		intent = again;
		/* ORDER(intent-size, acquire) - before the second look: a newer
		 * size comes with a newer intent. */
		n = rb_word64_load_acquire(&handle->n);
		/* ORDER(claim, acquire) - as above. */
		again = rb_word64_load_acquire(&handle->intent);
	} while (again != intent && --tries > 0);
	if (again != intent) /* it moves all the time: ask again later */
		return claim;
	claim.state = intent & 3;
	claim.lo = rb_stamp_sequence(intent);
	claim.hi = claim.lo + (int64_t)rb_min_u64(n, c->geometry.slots) - 1;
	return claim;
}
