/* SPDX-License-Identifier: MIT */
/*
 * wait.h - wait strategies, and the wake-up that costs nothing while all run
 *
 * Whoever waits does so in turns: he looks at what he waits for, and if it is
 * not there calls rb_wait_turn(), which spends a moment in the manner of the
 * chosen strategy and returns for the next look. Consumers and producers use
 * the same strategies; the names are LMAX's.
 *
 *   busy_spin       never leaves the core
 *   yielding        spins a little, then sched_yield() at every turn
 *   sleeping        spins, yields, then sleeps 50 us, 100 us, ... 5 ms
 *   blocking        spins a little, then sleeps on a futex until woken
 *   phased_backoff  spins, yields, then as blocking
 *
 * A sleeper waits on the event word of the participant that it waits for. Two
 * words make an event:
 *
 *   event    counts wake-ups; the futex word. Writer: the participant.
 *   wanted   the count somebody sleeps for. Writers: sleepers, only upwards.
 *
 *   sleeper                              waker
 *     seen = event                         change what is waited for
 *     wanted = max(wanted, seen + 1)       (compiler barrier)
 *     membarrier                           if wanted > event:
 *     look again                               event = wanted
 *     FUTEX_WAIT(event, seen)                  FUTEX_WAKE(event, all)
 *
 * This is the store-load pattern of Dekker: without a fence on each side both
 * could miss each other. The sleeper's membarrier(GLOBAL_EXPEDITED) makes all
 * registered processes fence at that moment, so that the waker needs none: its
 * price is a load of a line that nobody writes while nobody sleeps. Where
 * membarrier is missing the waker fences (RB_WAKE_FENCE).
 *
 * That event := wanted takes the wish back: a sleeper that died does not make
 * every later publish pay for a system call.
 *
 * Who waits by a descriptor of an event loop is woken by the same waker, in the
 * same slow path: see bell.h.
 *
 * Every sleep ends after RB_WAIT_BOUND_NS: a peer that holds a mapping can
 * requeue a futex away, and a killed waker may not have come to its FUTEX_WAKE.
 * Such an end that finds its event come is counted as missed.
 *
 * A blocking sleep also ends at once when the sleeper's own process calls
 * rb_alert(): it sleeps by futex_waitv(2) on two words, the event and a private
 * one. Where the kernel has no futex_waitv, the bound ends it.
 */
#ifndef RB_WAIT_H
#define RB_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/base.h"
#include "shm/word.h"

#define RB_WAIT_BOUND_NS INT64_C(50000000)

enum rb_wait_kind {
	RB_WAIT_BUSY_SPIN,
	RB_WAIT_YIELDING,
	RB_WAIT_SLEEPING,
	RB_WAIT_BLOCKING,
	RB_WAIT_PHASED_BACKOFF,
};

#define RB_WAIT_KINDS (RB_WAIT_PHASED_BACKOFF + 1)

struct rb_channel;
struct rb_wait_counters; /* layout.h */

/* What a sleeper sleeps on. Both words may be in read-only mappings of the
 * other party: wanted is the sleeper's to write, event the waker's. */
struct rb_event {
	const struct rb_word32 *event;
	struct rb_word32 *wanted;
};

/* One wait, from the first look that failed to the last. */
struct rb_wait {
	enum rb_wait_kind kind;
	uint32_t turn;
	int64_t deadline_ns; /* CLOCK_MONOTONIC; < 0: none */
	const struct rb_word32
		*armed; /* the event word we announced ourselves at */
	uint32_t seen;
	bool slept_full;  /* the last sleep was ended by its bound alone */
	bool was_woken;   /* it was ended by a wake-up */
	int64_t since_ns; /* when time was booked last; 0: not yet */
	struct rb_wait_counters *counters; /* the participant's; or NULL */
	struct rb_word32 *began;           /* likewise: see since.h */
	const struct rb_word32 *alert; /* no sleep while it is not 0; or NULL */
};

/* "busy_spin" and so on, or NULL; and back, or -1. */
const char *rb_wait_name(enum rb_wait_kind kind);
int rb_wait_kind(const char *name);

int64_t rb_clock_ns(void);    /* CLOCK_MONOTONIC */
int64_t rb_boottime_ns(void); /* CLOCK_BOOTTIME */

/*
 * Starts a wait. timeout_ns < 0 waits for ever. `counters` are booked in the segment
 * that the participant may write; NULL: not at all. `alert` is a word of this process
 * that rb_alert() is called for, or NULL; who waits takes it back when he has seen it.
 */
void rb_wait_begin(struct rb_wait *wait, enum rb_wait_kind kind,
		   int64_t timeout_ns, struct rb_wait_counters *counters,
		   const struct rb_word32 *alert);

/*
 * Spends one turn; `on` is what would wake us, NULL if nothing does. 0 to look
 * again, or -ETIMEDOUT. After -ETIMEDOUT one more look is fair.
 */
int rb_wait_turn(struct rb_wait *wait, const struct rb_event *on);

/*
 * How often the caller may look at one word, in a row, before his next turn: 0
 * where he should leave the core. Several of them count as a turn.
 */
uint32_t rb_wait_spins(struct rb_wait *wait);

/* The wait is over, and the look that ended it has `found` what it waited for, or
 * not: books the time, and a missed wake-up if there was one. */
void rb_wait_end(struct rb_wait *wait, bool found);

/* Sets the word and wakes who sleeps with it, from any thread of this process or
 * a signal handler. */
void rb_alert(struct rb_word32 *alert);

/*
 * Makes the next waker of this event act; the caller must look once more.
 * Returns the count of the event for which that is: once it has moved on, the
 * wish is gone and has to be made again.
 */
uint32_t rb_wait_announce(const struct rb_event *on);

/*
 * This process takes part in membarrier, as every waker must. 0, or a negative
 * errno: then its wakers must fence.
 */
int rb_wait_register(void);

/* Makes every registered process fence. 0 or a negative errno. */
int rb_membarrier(void);

/* The waker's slow path: `wanted` was seen ahead of `event`. */
void rb_wake(const struct rb_channel *channel, struct rb_word32 *event,
	     uint32_t wanted, struct rb_word64 *wakes);

/* Wakes everybody who sleeps on this word, whatever they wait for. Rings no
 * bell: after the last word, rb_bell_ring() is the caller's. */
void rb_wake_anyway(struct rb_word32 *event);

/* Makes everybody look again who waits for this word, which need not be ours to
 * write: it stays as it is. */
void rb_wake_again(const struct rb_channel *channel,
		   const struct rb_word32 *event);

/*
 * The waker's fast path, after the store that sleepers wait for. `wakes` counts
 * and may be NULL.
 */
static inline void
rb_wake_if_wanted(const struct rb_channel *channel, struct rb_word32 *event,
		  const struct rb_word32 *wanted, bool fence,
		  struct rb_word64 *wakes)
{
	uint32_t w;

	/* ORDER(wake, seq_cst) - stands between the store that sleepers wait
	 * for and the load of `wanted`; pairs with the sleeper's membarrier. */
	if (fence)
		rb_fence_seq_cst();
	else
		/* ORDER(wake, compiler) - the sleeper's membarrier fences. */
		rb_fence_compiler();
	/* ORDER(none, relaxed) - the fence above orders it. */
	w = rb_word32_load_relaxed(wanted);
	/* ORDER(none, relaxed) - only grows, and rb_wake() looks again. */
	if (rb_unlikely((int32_t)(w - rb_word32_load_relaxed(event)) > 0))
		rb_wake(channel, event, w, wakes);
}

/* Tells the core that this is a spin loop. */
static inline void
rb_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#else
	/* ORDER(none, compiler) - only that the loop is not optimised. */
	rb_fence_compiler();
#endif
}

/* The line is about to be read. */
static inline void
rb_prefetch(const void *line)
{
	__builtin_prefetch(line, 0, 3);
}

#endif
