/* SPDX-License-Identifier: MIT */
/*
 * word.h - shared 32- and 64-bit words that are no sequences
 *
 * Stamps, masks, versions, states, intents and event words. Like sequence.h
 * this is the only way to touch them: the function's name ends in its strength.
 */
#ifndef RB_WORD_H
#define RB_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rb_word32 {
	_Atomic uint32_t value;
};

struct rb_word64 {
	_Atomic uint64_t value;
};

static inline uint32_t
rb_word32_load_relaxed(const struct rb_word32 *word)
{
	return atomic_load_explicit(&word->value, memory_order_relaxed);
}

static inline uint32_t
rb_word32_load_acquire(const struct rb_word32 *word)
{
	return atomic_load_explicit(&word->value, memory_order_acquire);
}

static inline void
rb_word32_store_relaxed(struct rb_word32 *word, uint32_t value)
{
	atomic_store_explicit(&word->value, value, memory_order_relaxed);
}

static inline void
rb_word32_store_release(struct rb_word32 *word, uint32_t value)
{
	atomic_store_explicit(&word->value, value, memory_order_release);
}

static inline uint32_t
rb_word32_add_acq_rel(struct rb_word32 *word, uint32_t n)
{
	return atomic_fetch_add_explicit(&word->value, n, memory_order_acq_rel);
}

/* On failure *expected becomes the value found. */
static inline bool
rb_word32_cas_acq_rel(struct rb_word32 *word, uint32_t *expected,
		      uint32_t value)
{
	return atomic_compare_exchange_strong_explicit(&word->value, expected,
						       value,
						       memory_order_acq_rel,
						       memory_order_acquire);
}

static inline bool
rb_word32_cas_relaxed(struct rb_word32 *word, uint32_t *expected,
		      uint32_t value)
{
	return atomic_compare_exchange_strong_explicit(&word->value, expected,
						       value,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

static inline uint64_t
rb_word64_load_relaxed(const struct rb_word64 *word)
{
	return atomic_load_explicit(&word->value, memory_order_relaxed);
}

static inline uint64_t
rb_word64_load_acquire(const struct rb_word64 *word)
{
	return atomic_load_explicit(&word->value, memory_order_acquire);
}

static inline void
rb_word64_store_relaxed(struct rb_word64 *word, uint64_t value)
{
	atomic_store_explicit(&word->value, value, memory_order_relaxed);
}

static inline void
rb_word64_store_release(struct rb_word64 *word, uint64_t value)
{
	atomic_store_explicit(&word->value, value, memory_order_release);
}

/* On failure *expected becomes the value found. */
static inline bool
rb_word64_cas_acq_rel(struct rb_word64 *word, uint64_t *expected,
		      uint64_t value)
{
	return atomic_compare_exchange_strong_explicit(&word->value, expected,
						       value,
						       memory_order_acq_rel,
						       memory_order_acquire);
}

static inline void
rb_word64_or_relaxed(struct rb_word64 *word, uint64_t mask)
{
	atomic_fetch_or_explicit(&word->value, mask, memory_order_relaxed);
}

static inline void
rb_word64_and_relaxed(struct rb_word64 *word, uint64_t mask)
{
	atomic_fetch_and_explicit(&word->value, mask, memory_order_relaxed);
}

/* As many as each machine of ours has in one register. */
typedef uint64_t rb_word64_pair
	__attribute__((vector_size(16), aligned(8), may_alias));

/*
 * Whether the n words from here on, an even number, are first, first + step, and so
 * on. Not atomic, so that it costs less than a load each: for words that were acquired
 * before and that nobody writes any more. Who does it all the same changes the
 * answer, and nothing else.
 */
static inline bool
rb_word64_is_series(const struct rb_word64 *words, size_t n, uint64_t first,
		    uint64_t step)
{
	const rb_word64_pair *pairs = (const void *)words;
	rb_word64_pair expected = { first, first + step };
	rb_word64_pair differs = { 0, 0 };

	for (size_t i = 0; i < n / 2; i++) {
		differs |= pairs[i] ^ expected;
		expected += 2 * step;
	}
	return (differs[0] | differs[1]) == 0;
}

static inline void
rb_fence_acquire(void)
{
	atomic_thread_fence(memory_order_acquire);
}

static inline void
rb_fence_release(void)
{
	atomic_thread_fence(memory_order_release);
}

static inline void
rb_fence_seq_cst(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

/* Keeps the compiler, and nothing else, from moving accesses across. */
static inline void
rb_fence_compiler(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

#endif
