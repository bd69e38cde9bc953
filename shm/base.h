/* SPDX-License-Identifier: MIT */
/*
 * base.h - attributes, alignment and clean-up helpers used everywhere
 *
 * Nothing in here knows about rings. If it needs more than a few lines, it
 * belongs in a file of its own.
 */
#ifndef RB_BASE_H
#define RB_BASE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Every hot word is alone in this many bytes: two 64-byte lines, because the
 * adjacent-line prefetcher of x86 pulls them in pairs and some arm64 machines
 * have 128-byte lines.
 */
#define RB_LINE 128

#define rb_likely(x) __builtin_expect(!!(x), 1)
#define rb_unlikely(x) __builtin_expect(!!(x), 0)

#define rb_cleanup_(fn) __attribute__((cleanup(fn)))
#define rb_printf_(fmt, args) __attribute__((format(printf, fmt, args)))

#define RB_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline bool
rb_is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* The smallest that is not below n, which is at most 2^63. */
static inline uint64_t
rb_next_power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* Rounds n up to a multiple of align, which need not be a power of two. */
static inline uint64_t
rb_round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

static inline int64_t
rb_min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
rb_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* For rb_cleanup_: closes a descriptor that was not handed on. Not by close(),
 * which is a point where a thread may be cancelled. */
static inline void
rb_closep(int *fd)
{
	if (*fd >= 0)
		syscall(SYS_close, *fd);
}

/* Hands a descriptor on, so that rb_closep() leaves it alone. */
static inline int
rb_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
