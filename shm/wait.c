/* SPDX-License-Identifier: MIT */
/*
 * wait.c - see wait.h
 *
 * A strategy is a row of phases with a length in turns; the last has none. The
 * lengths follow LMAX's classes of the same names, except that `sleeping` grows
 * its naps: a park of 100 ns costs about 60 us of wall clock on Linux and ten
 * percent of a core, for ever.
 */
#include "shm/wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "shm/bell.h"
#include "shm/channel.h"
#include "shm/count.h"
#include "shm/probe.h"
#include "shm/since.h"

#define NAP_FIRST_NS INT64_C(50000)
#define NAP_LAST_NS INT64_C(5000000)

/* A clock read costs as much as a cache miss: one in so many spins. */
#define SPINS_PER_CLOCK 256

/* A turn at one word takes so many looks as long as one at everything does. */
#define LOOKS_PER_TURN 8

/* Deep in the last phase of every strategy, where turns go round. */
#define TURNS_MAX (UINT32_C(1) << 31)
#define TURNS_AGAIN (TURNS_MAX / 2)

enum phase_kind {
	PHASE_SPIN,  /* look again at once */
	PHASE_RELAX, /* with a pause between looks */
	PHASE_YIELD,
	PHASE_NAP,
	PHASE_BLOCK,
};

struct phase {
	enum phase_kind kind;
	uint32_t turns; /* 0: until the wait is over */
};

#define PHASES_MAX 3

static const struct {
	const char *name;
	struct phase phases[PHASES_MAX];
} strategies[RB_WAIT_KINDS] = {
	[RB_WAIT_BUSY_SPIN] = { "busy_spin", { { PHASE_SPIN, 0 } } },
	[RB_WAIT_YIELDING] = { "yielding",
			       { { PHASE_SPIN, 100 }, { PHASE_YIELD, 0 } } },
	[RB_WAIT_SLEEPING] = { "sleeping",
			       { { PHASE_SPIN, 100 },
				 { PHASE_YIELD, 100 },
				 { PHASE_NAP, 0 } } },
	[RB_WAIT_BLOCKING] = { "blocking",
			       { { PHASE_RELAX, 400 }, { PHASE_BLOCK, 0 } } },
	[RB_WAIT_PHASED_BACKOFF] = { "phased_backoff",
				     { { PHASE_SPIN, 10000 },
				       { PHASE_YIELD, 100 },
				       { PHASE_BLOCK, 0 } } },
};

const char *
rb_wait_name(enum rb_wait_kind kind)
{
	return (unsigned)kind < RB_WAIT_KINDS ? strategies[kind].name : NULL;
}

int
rb_wait_kind(const char *name)
{
	for (int i = 0; i < RB_WAIT_KINDS; i++)
		if (strcmp(strategies[i].name, name) == 0)
			return i;
	return -1;
}

static int64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t
rb_clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
rb_boottime_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000,
				  .tv_nsec = ns % 1000000000 };
}

/* Never PRIVATE: sleeper and waker map the word at other addresses. */
static int
futex_wait(const struct rb_word32 *word, uint32_t seen, int64_t timeout_ns)
{
	struct timespec timeout = timespec_of(timeout_ns);

	return (int)syscall(SYS_futex, &word->value, FUTEX_WAIT, seen, &timeout,
			    NULL, 0);
}

static void
futex_wake_all(const struct rb_word32 *word, int flags)
{
	syscall(SYS_futex, &word->value, FUTEX_WAKE | flags, INT_MAX, NULL,
		NULL, 0);
}

/* 1 once the kernel has said that it does not know futex_waitv. */
static struct rb_word32 waitv_is_missing;

static bool
is_waitv_missing(int err)
{
	/* EPERM is how some sandboxes say that they do not know a call. */
	if (err != ENOSYS && err != EPERM)
		return false;
	/* ORDER(none, relaxed) - who does not see it asks for himself. */
	rb_word32_store_relaxed(&waitv_is_missing, 1);
	return true;
}

static struct futex_waitv
waitv_of(const struct rb_word32 *word, uint32_t seen, uint32_t flags)
{
	return (struct futex_waitv){ .val = seen,
				     .uaddr = (uintptr_t)&word->value,
				     .flags = FUTEX_32 | flags };
}

/* Sleeps while the event is as seen and nobody has called us. */
static int
futex_wait_either(const struct rb_word32 *event, uint32_t seen,
		  const struct rb_word32 *alert, int64_t timeout_ns)
{
	struct futex_waitv words[] = {
		waitv_of(event, seen, 0),
		waitv_of(alert, 0, FUTEX_PRIVATE_FLAG),
	};
	struct timespec until = timespec_of(rb_clock_ns() + timeout_ns);
	int woken = (int)syscall(SYS_futex_waitv, words, RB_ARRAY_SIZE(words),
				 0, &until, CLOCK_MONOTONIC);

	if (woken < 0 && is_waitv_missing(errno))
		return futex_wait(event, seen, timeout_ns);
	return woken;
}

static int
sleep_on(const struct rb_wait *wait, const struct rb_word32 *event,
	 int64_t timeout_ns)
{
	/* ORDER(none, relaxed) - nothing depends on it but the way we take. */
	if (wait->alert == NULL || rb_word32_load_relaxed(&waitv_is_missing))
		return futex_wait(event, wait->seen, timeout_ns);
	return futex_wait_either(event, wait->seen, wait->alert, timeout_ns);
}

void
rb_alert(struct rb_word32 *alert)
{
	int was = errno; /* of whom a signal handler has interrupted */

	/* ORDER(none, relaxed) - a flag that carries no data; the kernel looks
	 * at it before it lets the sleeper sleep. */
	rb_word32_store_relaxed(alert, 1);
	futex_wake_all(alert, FUTEX_PRIVATE_FLAG);
	errno = was;
}

int
rb_wait_register(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0,
		    0) < 0)
		return -errno;
	return 0;
}

int
rb_membarrier(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) < 0)
		return -errno;
	return 0;
}

void
rb_wait_begin(struct rb_wait *wait, enum rb_wait_kind kind, int64_t timeout_ns,
	      struct rb_wait_counters *counters, const struct rb_word32 *alert)
{
	int64_t now = timeout_ns >= 0 ? rb_clock_ns() : 0;

	*wait = (struct rb_wait){ .kind = kind,
				  .deadline_ns = -1,
				  .counters = counters,
				  .alert = alert };
	if (timeout_ns >= 0)
		wait->deadline_ns = timeout_ns > INT64_MAX - now
					    ? INT64_MAX
					    : now + timeout_ns;
}

/* The phase of this turn, and in *ret_turn how many of its turns are over. */
static const struct phase *
find_phase(const struct rb_wait *wait, uint32_t *ret_turn)
{
	const struct phase *phase = strategies[wait->kind].phases;
	uint32_t turn = wait->turn;

	while (phase->turns != 0 && turn >= phase->turns) {
		turn -= phase->turns;
		phase++;
	}
	*ret_turn = turn;
	return phase;
}

static void
pass_turns(struct rb_wait *wait, uint32_t n)
{
	wait->turn += n;
	if (wait->turn >= TURNS_MAX)
		wait->turn = TURNS_AGAIN;
}

uint32_t
rb_wait_spins(struct rb_wait *wait)
{
	uint32_t turn, turns;
	const struct phase *phase = find_phase(wait, &turn);

	if (phase->kind != PHASE_SPIN)
		return 0;
	/* The turn after them looks at the clock. */
	turns = SPINS_PER_CLOCK - turn % SPINS_PER_CLOCK;
	if (phase->turns != 0 && phase->turns - turn < turns)
		turns = phase->turns - turn;
	pass_turns(wait, turns - 1); /* that one counts too */
	return turns * LOOKS_PER_TURN;
}

/* Time is told when it is over, and of a long wait now and then. The first time
 * the clock is looked at, the wait is one that counts. */
static void
book_time(struct rb_wait *wait)
{
	struct rb_wait_counters *counters = wait->counters;
	int64_t now = rb_clock_ns();

	if (wait->since_ns == 0) {
		rb_count_add(&counters->waits, 1);
		rb_since_set(wait->began, now);
	} else
		rb_count_add(&counters->waited_ns,
			     (uint64_t)(now - wait->since_ns));
	wait->since_ns = now;
}

/* A wait that spins, or sleeps, does not look at the clock for this alone but
 * once in many spins, and once a sleep of full length. */
static void
book_turn(struct rb_wait *wait, uint32_t turn, bool spins)
{
	if (wait->counters == NULL)
		return;
	if ((turn + 1) % SPINS_PER_CLOCK == 0 || wait->slept_full ||
	    (wait->since_ns == 0 && !spins))
		book_time(wait);
}

static void
count_sleep(struct rb_wait *wait)
{
	if (wait->counters != NULL)
		rb_count_add(&wait->counters->sleeps, 1);
}

static void
count_woken(struct rb_wait *wait, bool was_woken)
{
	if (was_woken && wait->counters != NULL)
		rb_count_add(&wait->counters->woken, 1);
	wait->was_woken = was_woken;
}

/* The look behind the last sleep has found nothing. */
static void
count_spurious(struct rb_wait *wait)
{
	if (wait->was_woken && wait->counters != NULL)
		rb_count_add(&wait->counters->spurious, 1);
	wait->was_woken = false;
}

/* Raises *wanted; a later wish that is already there stays. */
static void
raise_wanted(struct rb_word32 *wanted, uint32_t value)
{
	/* ORDER(none, relaxed) - the membarrier of our caller orders it. */
	uint32_t found = rb_word32_load_relaxed(wanted);

	/* ORDER(none, relaxed) - as above. */
	while ((int32_t)(value - found) > 0 &&
	       !rb_word32_cas_relaxed(wanted, &found, value))
		;
}

uint32_t
rb_wait_announce(const struct rb_event *on)
{
	/* ORDER(wake, acquire) - pairs with the CAS in rb_wake(): whoever sees
	 * the new count also sees what it was raised for. */
	uint32_t seen = rb_word32_load_acquire(on->event);

	raise_wanted(on->wanted, seen + 1);
	/* Between our wish and the next look. Without it a publisher that has
	 * not seen the wish and a look that has not seen the event could pass
	 * each other. Where it is refused the publishers fence, or the bound
	 * of the sleep ends it. */
	if (rb_membarrier() < 0)
		/* ORDER(wake, seq_cst) - the sleeper's half without it. */
		rb_fence_seq_cst();
	return seen;
}

static int64_t
time_left(const struct rb_wait *wait, int64_t at_most)
{
	int64_t left;

	if (wait->deadline_ns < 0)
		return at_most;
	left = wait->deadline_ns - rb_clock_ns();
	return left < at_most ? left : at_most;
}

static void
nap(int64_t ns)
{
	struct timespec time = timespec_of(ns);

	/* Not nanosleep(), which is a point where a thread may be cancelled. */
	if (ns > 0)
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
}

static int64_t
nap_length(uint32_t turn)
{
	return turn < 7 ? NAP_FIRST_NS << turn : NAP_LAST_NS;
}

static void
block(struct rb_wait *wait, const struct rb_event *on)
{
	int64_t ns = time_left(wait, RB_WAIT_BOUND_NS);
	int woken;

	count_spurious(wait);
	wait->slept_full = false;
	if (wait->armed != on->event) {
		wait->seen = rb_wait_announce(on);
		wait->armed = on->event;
		return;
	}
	wait->armed = NULL;
	if (ns <= 0)
		return;
	count_sleep(wait);
	woken = sleep_on(wait, on->event, ns);
	/* Of two words the first is the event's. */
	count_woken(wait, woken == 0);
	if (woken < 0 && errno == ETIMEDOUT)
		wait->slept_full = ns == RB_WAIT_BOUND_NS;
}

int
rb_wait_turn(struct rb_wait *wait, const struct rb_event *on)
{
	uint32_t turn;
	enum phase_kind kind = find_phase(wait, &turn)->kind;
	bool spins = kind <= PHASE_RELAX;

	book_turn(wait, turn, spins);
	switch (kind) {
	case PHASE_SPIN:
		break;
	case PHASE_RELAX:
		rb_cpu_relax();
		break;
	case PHASE_YIELD:
		sched_yield();
		break;
	case PHASE_BLOCK:
		if (on != NULL)
			block(wait, on);
		else /* nobody would wake us */
			nap(time_left(wait, nap_length(turn)));
		break;
	case PHASE_NAP:
		nap(time_left(wait, nap_length(turn)));
		break;
	}
	pass_turns(wait, 1);
	if (wait->deadline_ns < 0 ||
	    (spins && (turn + 1) % SPINS_PER_CLOCK != 0))
		return 0;
	return rb_clock_ns() < wait->deadline_ns ? 0 : -ETIMEDOUT;
}

void
rb_wait_end(struct rb_wait *wait, bool found)
{
	if (wait->counters == NULL)
		return;
	if (wait->since_ns != 0) {
		book_time(wait);
		rb_since_clear(wait->began);
	}
	if (found && wait->slept_full)
		rb_count_add(&wait->counters->missed, 1);
}

void
rb_wake(const struct rb_channel *channel, struct rb_word32 *event,
	uint32_t wanted, struct rb_word64 *wakes)
{
	/* ORDER(none, relaxed) - checked by the CAS. */
	uint32_t found = rb_word32_load_relaxed(event);

	/* Also before, for who waits by descriptor: the winner may be stopped
	 * between its CAS and the bell, and the wish is gone then. */
	rb_bell_ring(channel);
	/* Of several wakers one wins the CAS and makes the call for all: whoever
	 * sleeps on the old count either is woken by it or finds the new one. */
	while ((int32_t)(wanted - found) > 0) {
		/* ORDER(wake, acq_rel) - what we published comes before the
		 * new count, pairs with rb_wait_announce(). */
		if (rb_word32_cas_acq_rel(event, &found, wanted)) {
			RB_PROBE(2, wake, channel->meta->header.name, event);
			futex_wake_all(event, 0);
			rb_bell_ring(channel);
			if (wakes != NULL)
				rb_count_add(wakes, 1);
			return;
		}
	}
}

void
rb_wake_anyway(struct rb_word32 *event)
{
	/* ORDER(wake, acq_rel) - as in rb_wake(). */
	rb_word32_add_acq_rel(event, 1);
	futex_wake_all(event, 0);
}

void
rb_wake_again(const struct rb_channel *channel, const struct rb_word32 *event)
{
	futex_wake_all(event, 0);
	rb_bell_ring(channel);
}
