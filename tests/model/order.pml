/* SPDX-License-Identifier: MIT */
/*
 * order.pml - stores that others see in another order than they were made
 *
 * One producer claims and publishes twice, while the daemon looks for the hole of
 * one that died between CLAIMING and CLAIMED. The producer's stores wait in a
 * buffer and leave it in any order, but two of one word in theirs; a release leaves
 * only when it is the oldest. An RMW has its place among the RMWs at once, and is
 * seen by loads when it leaves the buffer, as a store-exclusive may be: what comes
 * after it, and is no release, may be seen before. That is what the edges intent,
 * claim and stamp are for where the machine is not x86. Loads are in order here, as
 * acquires are.
 */
#define CLAIMS 2
#define SEQUENCES (CLAIMS + 1)
#define SIZE 10

#define IDLE 0
#define CLAIMING 1
#define CLAIMED(lo) (2 + (lo))

/* The words of memory; counts as in multi.pml. */
#define INTENT 0
#define CURSOR 1
#define BYTES(q) (2 + (q))
#define STAMP(q) (2 + SEQUENCES + (q))
#define WORDS (2 + 2 * SEQUENCES)
byte word[WORDS];

/* The buffer, the oldest first. */
byte at[SIZE], value[SIZE];
bool released[SIZE];
byte used;
bool in_flight; /* an RMW that loads do not see yet */

bool live[SEQUENCES]; /* claimed by the one that lives */
bool is_dead, is_repaired, is_done;

#ifdef M_RELAXED_CLAIM
#define CLAIM_IS false
#else
#define CLAIM_IS true
#endif
#ifdef M_RELAXED_OWN
#define OWN_IS false
#else
#define OWN_IS true
#endif
#ifdef M_RELAXED_STAMP
#define STAMP_IS false
#else
#define STAMP_IS true
#endif

inline store(w, v, is_release)
{
	d_step {
		at[used] = w;
		value[used] = v;
		released[used] = is_release;
		used++
	}
}

/* Entry i of the buffer to memory. */
inline leave(i)
{
	assert(at[i] < STAMP(0) || word[at[i]] == 0);
	in_flight = in_flight && at[i] != CURSOR;
	word[at[i]] = value[i];
	j = i;
	do
	:: j + 1 < used ->
		at[j] = at[j + 1];
		value[j] = value[j + 1];
		released[j] = released[j + 1];
		j++
	:: else -> break
	od;
	used--;
	at[used] = 0;
	value[used] = 0;
	released[used] = false;
	j = 0
}

#define FREE_OF(i, n) (n >= i || at[n] != at[i])

#define MAY_LEAVE(i)                                                   \
	(i < used && !released[i] && FREE_OF(i, 0) && FREE_OF(i, 1) && \
	 FREE_OF(i, 2) && FREE_OF(i, 3) && FREE_OF(i, 4) &&            \
	 FREE_OF(i, 5) && FREE_OF(i, 6) && FREE_OF(i, 7))

active proctype memory()
{
	byte j;

endless:
	do
	:: atomic { used > 0 -> leave(0) }
	:: atomic { MAY_LEAVE(1) -> leave(1) }
	:: atomic { MAY_LEAVE(2) -> leave(2) }
	:: atomic { MAY_LEAVE(3) -> leave(3) }
	:: atomic { MAY_LEAVE(4) -> leave(4) }
	:: atomic { MAY_LEAVE(5) -> leave(5) }
	:: atomic { MAY_LEAVE(6) -> leave(6) }
	:: atomic { MAY_LEAVE(7) -> leave(7) }
	:: atomic { MAY_LEAVE(8) -> leave(8) }
	:: atomic { MAY_LEAVE(9) -> leave(9) }
	od
}

/* multi.c: claim_and_wait(), with room, and rb_multi_publish() */
active proctype producer()
{
	byte todo = CLAIMS, lo;

	do
	:: todo > 0 ->
		todo--;
		store(INTENT, CLAIMING, false);
		atomic {
			!in_flight ->
			lo = word[CURSOR];
			in_flight = true;
			live[lo] = true;
			store(CURSOR, lo + 1, CLAIM_IS)
		};
		store(INTENT, CLAIMED(lo), OWN_IS);
		store(BYTES(lo), lo + 1, false);
		store(STAMP(lo), 1, STAMP_IS)
	:: else -> break
	od;
	used == 0 -> is_done = true
}

/* It dies before its RMW, or after it. */
active proctype dead()
{
	if
	:: atomic { !in_flight -> word[CURSOR]++ }
	:: skip
	fi;
	is_dead = true
}

/* repair.c: bury_unowned() */
active proctype daemon()
{
	byte claimed, intent, q;

	is_dead;
	do
	:: claimed = word[CURSOR];
		intent = word[INTENT];
		if
		:: intent == CLAIMING -> word[INTENT] != CLAIMING
		:: else -> break
		fi
	od;
	do
	:: q < claimed ->
		if
		:: word[STAMP(q)] == 0 && intent != CLAIMED(q) ->
			assert(!live[q]);
			word[STAMP(q)] = 2
		:: else
		fi;
		q++
	:: else -> break
	od;
	is_repaired = true
}

/* barrier.c: scan() */
active proctype consumer()
{
	byte next;

	do
	:: next < SEQUENCES && word[STAMP(next)] == 1 ->
		assert(word[BYTES(next)] == next + 1);
		next++
	:: next < SEQUENCES && word[STAMP(next)] == 2 -> next++
	:: is_done && is_repaired && next == word[CURSOR] -> break
	od
}
