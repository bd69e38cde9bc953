/* SPDX-License-Identifier: MIT */
/*
 * sequence.h - one 64-bit counter alone in its cache lines
 *
 * A sequence counts slots. It starts at RB_SEQUENCE_INITIAL, so that the first
 * slot is number 0, only grows, and never wraps: at a thousand million events a
 * second 63 bits last 290 years.
 *
 * The functions end in the strength of their access, so that a call site shows
 * its memory order; above each call stands an ORDER tag that names the edge (see
 * docs/memory-order.md). The shape is that of Sequence.java in the LMAX
 * Disruptor.
 */
#ifndef RB_SEQUENCE_H
#define RB_SEQUENCE_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/base.h"

#define RB_SEQUENCE_INITIAL INT64_C(-1)
#define RB_SEQUENCE_MAX INT64_MAX

struct rb_sequence {
	alignas(RB_LINE) _Atomic int64_t value;
};

/* What another process stored, made fit to compute with: far from any overflow. */
static inline int64_t
rb_seq_bounded(int64_t sequence)
{
	if (sequence < RB_SEQUENCE_INITIAL)
		return RB_SEQUENCE_INITIAL;
	return sequence < RB_SEQUENCE_MAX / 2 ? sequence : RB_SEQUENCE_MAX / 2;
}

static inline int64_t
rb_seq_load_relaxed(const struct rb_sequence *seq)
{
	return atomic_load_explicit(&seq->value, memory_order_relaxed);
}

static inline int64_t
rb_seq_load_acquire(const struct rb_sequence *seq)
{
	return atomic_load_explicit(&seq->value, memory_order_acquire);
}

static inline void
rb_seq_store_relaxed(struct rb_sequence *seq, int64_t value)
{
	atomic_store_explicit(&seq->value, value, memory_order_relaxed);
}

static inline void
rb_seq_store_release(struct rb_sequence *seq, int64_t value)
{
	atomic_store_explicit(&seq->value, value, memory_order_release);
}

/* Adds n and returns the value before. */
static inline int64_t
rb_seq_add_acq_rel(struct rb_sequence *seq, int64_t n)
{
	return atomic_fetch_add_explicit(&seq->value, n, memory_order_acq_rel);
}

/* On failure *expected becomes the value found. May fail spuriously. */
static inline bool
rb_seq_cas_acq_rel(struct rb_sequence *seq, int64_t *expected, int64_t value)
{
	return atomic_compare_exchange_weak_explicit(&seq->value, expected,
						     value,
						     memory_order_acq_rel,
						     memory_order_acquire);
}

/* Raises the sequence to value; a larger one found there stays. */
static inline void
rb_seq_raise_release(struct rb_sequence *seq, int64_t value)
{
	int64_t found = atomic_load_explicit(&seq->value, memory_order_relaxed);

	while (found < value &&
	       !atomic_compare_exchange_weak_explicit(
		       &seq->value, &found, value, memory_order_release,
		       memory_order_relaxed))
		;
}

#endif
