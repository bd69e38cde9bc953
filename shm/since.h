/* SPDX-License-Identifier: MIT */
/*
 * since.h - since when somebody waits, in a word of his own that others look at
 *
 * In milliseconds of CLOCK_MONOTONIC, never 0, which says that he does not. It is
 * written when a wait is no longer a matter of spins, and when it is over. It goes
 * round in 49 days.
 */
#ifndef RB_SINCE_H
#define RB_SINCE_H

#include <stddef.h>

#include "shm/wait.h"
#include "shm/word.h"

static inline uint32_t
rb_since_ms(int64_t now_ns)
{
	return (uint32_t)(now_ns / 1000000) | 1;
}

/* The word may be NULL: then nobody is told. */
static inline void
rb_since_set(struct rb_word32 *word, int64_t now_ns)
{
	if (word != NULL)
		/* ORDER(none, relaxed) - for people; we are its only writer. */
		rb_word32_store_relaxed(word, rb_since_ms(now_ns));
}

static inline void
rb_since_clear(struct rb_word32 *word)
{
	if (word != NULL)
		/* ORDER(none, relaxed) - as above. */
		rb_word32_store_relaxed(word, 0);
}

/* For how long he has been waiting; 0 if he is not. */
static inline int64_t
rb_since_ns(const struct rb_word32 *word)
{
	/* ORDER(none, relaxed) - to look at. */
	uint32_t since = rb_word32_load_relaxed(word);

	if (since == 0)
		return 0;
	return 1 + (int64_t)(rb_since_ms(rb_clock_ns()) - since) * 1000000;
}

#endif
