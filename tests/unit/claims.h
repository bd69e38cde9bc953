/* SPDX-License-Identifier: MIT */
/*
 * claims.h - what a producer of several writes down of its claims, by hand
 */
#ifndef T_CLAIMS_H
#define T_CLAIMS_H

#include "tests/fixture.h"

static inline void
intend(struct rb_sequencer *s, uint64_t n)
{
	rb_word64_store_release(&s->handle->intent, RB_INTENT_CLAIMING);
	rb_word64_store_release(&s->handle->n, n);
}

/* Died in between the claim and its record. */
static inline void
claim_unrecorded(const struct fixture *f, struct rb_sequencer *s, int64_t n)
{
	intend(s, (uint64_t)n);
	rb_seq_add_acq_rel(&f->channel.ring->claimed, n);
}

static inline void
record(struct rb_sequencer *s, int64_t lo, uint64_t n)
{
	rb_word64_store_release(&s->handle->n, n);
	rb_word64_store_release(&s->handle->intent,
				(uint64_t)(lo + 1) << 2 | RB_INTENT_CLAIMED);
}

#endif
