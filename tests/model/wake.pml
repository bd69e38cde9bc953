/* SPDX-License-Identifier: MIT */
/*
 * wake.pml - sleeping and waking, with store buffers and without time limits
 *
 * A producer and a consumer pass events through a ring of SLOTS and sleep on each
 * other: the consumer on the ring's event, the producer on the consumer's. Each
 * has a store buffer, as x86 has: what it publishes or commits, others see later,
 * unless it makes an RMW or somebody a membarrier. Either may die at any step, also
 * between its CAS and its FUTEX_WAKE; the daemon then takes its part out and wakes
 * all. In C every sleep is bounded; here none is, so that a wake-up that gets lost
 * is an invalid end state.
 *
 * PRODUCERS publish into a common ring, by a claim that is one step here: what is
 * between claim and stamp is in multi.pml.
 */
#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef EVENTS /* of each producer */
#define EVENTS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define ALL (PRODUCERS * EVENTS)
#define PROCESSES (PRODUCERS + CONSUMERS)
#define NOTHING 255

/* What sleepers wait for. */
byte claimed;
byte owner[ALL]; /* 1 + who claimed it */
bool stamped[ALL];
byte seq[CONSUMERS];

/* The store buffers: one store each, of a stamp or of a consumer's sequence. */
byte pending[PROCESSES] = NOTHING;

/* Event words: 0 is the ring's, 1 + c consumer c's. */
byte event[1 + CONSUMERS], wanted[1 + CONSUMERS];

bool asleep[PROCESSES]; /* in FUTEX_WAIT */
byte on[PROCESSES];	/* which event word */
bool dead[PROCESSES], buried[PROCESSES];
byte gone; /* producers that are done or buried */
bool any_died;

inline drain(p)
{
	if
	:: pending[p] != NOTHING ->
		if
		:: p < PRODUCERS -> stamped[pending[p]] = true
		:: else -> seq[p - PRODUCERS] = pending[p]
		fi;
		pending[p] = NOTHING
	:: else
	fi
}

inline drain_all()
{
	drain(0);
	drain(1);
#if PRODUCERS + CONSUMERS > 2
	drain(2);
#endif
	skip
}

active proctype memory()
{
endless:
	do
	:: atomic { pending[0] != NOTHING -> drain(0) }
	:: atomic { pending[1] != NOTHING -> drain(1) }
#if PRODUCERS + CONSUMERS > 2
	:: atomic { pending[2] != NOTHING -> drain(2) }
#endif
	od
}

/* futex(2) */
inline wake_sleepers(e)
{
	asleep[0] = asleep[0] && on[0] != e;
	asleep[1] = asleep[1] && on[1] != e;
#if PRODUCERS + CONSUMERS > 2
	asleep[2] = asleep[2] && on[2] != e;
#endif
	skip
}

/* wait.h: rb_wake_if_wanted(); wait.c: rb_wake() */
inline wake_if_wanted(e)
{
	w = wanted[e];
	if
	:: w > event[e] ->
		/* The CAS; who loses it to a higher count has nothing to do. */
		d_step {
			drain(self);
			if
			:: w > event[e] -> event[e] = w; won = true
			:: else
			fi
		};
		if
		:: won ->
#ifndef M_NO_FUTEX_WAKE
			atomic { wake_sleepers(e) }
#endif
		:: else
		fi
	:: else
	fi;
	atomic { w = 0; won = false }
}

/* wait.c: rb_wait_announce(), block(); looks again between the two */
inline announce(e)
{
	seen = event[e];
	d_step {
		drain(self);
		wanted[e] = (seen + 1 > wanted[e] -> seen + 1 : wanted[e])
	};
#ifndef M_NO_MEMBARRIER
	d_step { drain_all() };
#endif
	skip
}

inline sleep(e)
{
	atomic {
		if
		:: event[e] == seen -> asleep[self] = true; on[self] = e
		:: else
		fi
	};
	!asleep[self];
	seen = 0
}

#define HAS_ROOM(hi)                                                   \
	(buried[PRODUCERS] || seq[0] + SLOTS >= (hi)) &&               \
	(CONSUMERS == 1 || buried[PROCESSES - 1] ||                    \
	 seq[CONSUMERS - 1] + SLOTS >= (hi))

/* Whom it waits for: one that is behind. */
#define BLOCKER(hi)                                                    \
	(!buried[PRODUCERS] && seq[0] + SLOTS < (hi) -> 0 : CONSUMERS - 1)

#ifdef M_OLD_BLOCKER
#define IS_HELD_BY(e, hi) (!(HAS_ROOM(hi)))
#else
#define IS_HELD_BY(e, hi) (!(HAS_ROOM(hi)) && 1 + BLOCKER(hi) == e)
#endif

proctype producer(byte self)
{
	byte todo = EVENTS, lo, seen, w, e;
	bool won;

	{
		do
		:: todo > 0 ->
			d_step {
				drain(self);
				todo--;
				lo = claimed;
				owner[lo] = self + 1;
				claimed++
			};
			do
			:: HAS_ROOM(lo + 1) -> break
			:: else ->
				e = 1 + BLOCKER(lo + 1);
				announce(e);
#ifdef M_NO_SECOND_LOOK
				sleep(e)
#else
				if
				:: IS_HELD_BY(e, lo + 1) -> sleep(e)
				:: else /* room, or another one to wait for */
				fi
#endif
			od;
			atomic { drain(self); pending[self] = lo };
			wake_if_wanted(0)
		:: else -> break
		od;
		atomic { drain(self); buried[self] = true; gone++ }
	} unless {
		dead[self]
	}
}

#define IS_OVER(next)                                                  \
	(next == ALL || (any_died && gone == PRODUCERS && next == claimed))

proctype consumer(byte self)
{
	byte next, seen, w, c = self - PRODUCERS;
	bool won;

	{
		do
		:: IS_OVER(next) -> break
		:: !IS_OVER(next) && stamped[next] ->
			next++;
			atomic { drain(self); pending[self] = next };
			wake_if_wanted(1 + c)
		:: !IS_OVER(next) && !stamped[next] ->
			announce(0);
#ifdef M_NO_SECOND_LOOK
			sleep(0)
#else
			if
			:: IS_OVER(next) || stamped[next]
			:: else -> sleep(0)
			fi
#endif
		od
	} unless {
		dead[self]
	}
}

inline wake_anyway(e)
{
	event[e]++;
	atomic { wake_sleepers(e) }
}

/* channel.c: rb_channel_wake_all() */
inline wake_all()
{
#ifndef M_NO_WAKE_ALL
	wake_anyway(0);
	wake_anyway(1);
#if CONSUMERS > 1
	wake_anyway(2);
#endif
#endif
	skip
}

/* What is left of it: a tombstone for each claim, or a gate that does not count. */
inline bury(p)
{
#ifdef M_WAKE_FIRST
	wake_all();
#endif
	atomic {
		if
		:: p < PRODUCERS ->
			gone++;
			do
			:: q < claimed ->
				stamped[q] = stamped[q] || owner[q] == p + 1; q++
			:: else -> break
			od;
			q = 0
		:: else
		fi;
		buried[p] = true;
		told = gone
	};
#ifndef M_WAKE_FIRST
	wake_all();
#endif
	skip
}

#define IS_LEFT(p) (dead[p] && !buried[p])

/* A producer that is done may stay, so what it published has to be heard of without
 * this; where one has died the others wait for less than ALL. */
active proctype daemon()
{
	byte q, told;

endless:
	do
	:: IS_LEFT(0) -> bury(0)
	:: IS_LEFT(1) -> bury(1)
#if PRODUCERS + CONSUMERS > 2
	:: IS_LEFT(2) -> bury(2)
#endif
	:: any_died && gone > told -> told = gone; wake_all()
	od
}

#define KILL(p)                                                        \
	atomic {                                                       \
		kills > 0 && !dead[p] && !buried[p] ->                 \
		dead[p] = true;                                        \
		any_died = true;                                       \
		drain(p);                                              \
		kills--                                                \
	}

active proctype killer()
{
	byte kills = KILLS;

endless:
	do
	:: kills > 0 -> kills = 0 /* or no more, as in multi.pml */
	:: KILL(0)
	:: KILL(1)
#if PRODUCERS + CONSUMERS > 2
	:: KILL(2)
#endif
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < PRODUCERS -> run producer(i); i++
		:: i >= PRODUCERS && i < PROCESSES -> run consumer(i); i++
		:: else -> break
		od;
		i = 0
	}
}
