/* SPDX-License-Identifier: MIT */
/*
 * count.h - how the words of metrics.h are counted
 *
 * Each has one writer, so that counting is a load and a store and no RMW; who
 * looks at it from elsewhere sees the one value or the other.
 */
#ifndef RB_COUNT_H
#define RB_COUNT_H

#include "shm/layout.h"

static inline uint64_t
rb_count_of(const struct rb_word64 *word)
{
	/* ORDER(none, relaxed) - statistics. */
	return rb_word64_load_relaxed(word);
}

static inline void
rb_count_set(struct rb_word64 *word, uint64_t value)
{
	/* ORDER(none, relaxed) - statistics with one writer. */
	rb_word64_store_relaxed(word, value);
}

static inline void
rb_count_add(struct rb_word64 *word, uint64_t n)
{
	rb_count_set(word, rb_count_of(word) + n);
}

/* Of one whose last owner is gone and the next not here. */
void rb_count_reset_handle(struct rb_handle *handle);
void rb_count_reset_gate(struct rb_gate *gate);
void rb_count_reset_io(struct rb_io_counters *io);

#endif
