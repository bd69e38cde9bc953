/* SPDX-License-Identifier: MIT */
/*
 * multi.pml - several producers, their consumers and the daemon; any of them may
 * die at any step
 *
 * Each process follows the C code of shm/, one step for each access to a shared
 * word; docs/model.md says which step is which line. A pause is nothing but the
 * other processes' steps. A death is the `unless` around each process: killer
 * sets dead[], and from then on it makes no step. A daemon that dies forgets its
 * local variables and starts again, with what is in shared memory.
 *
 * Sequences are counts here, so that they fit an unsigned byte: one more than in
 * C, 0 for RB_SEQUENCE_INITIAL. Words of stamps and intents are as in C.
 *
 * What must hold is written as assert() at the step that could break it. That
 * nobody stands still for ever is what Spin calls an invalid end state: only
 * those may wait at the end who have nothing to wait for.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS /* of them the last one joins under way, if JOIN */
#define CONSUMERS 1
#endif
#ifndef CLAIMS /* of the first producer */
#define CLAIMS 2
#endif
#ifndef OTHERS /* of each other one */
#define OTHERS CLAIMS
#endif
#ifndef N_MIN /* slots of a claim */
#define N_MIN 1
#endif
#ifndef N_MAX
#define N_MAX N_MIN
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef HISTORY
#define HISTORY 0
#endif
#ifndef KILLS /* of producers */
#define KILLS 1
#endif
#ifndef CONSUMER_KILLS
#define CONSUMER_KILLS 0
#endif
#ifndef CRASHES /* of the daemon */
#define CRASHES 0
#endif

#if defined(JOIN) || (CONSUMER_KILLS > 0 && !defined(KEEP))
#define SET_CHANGES
#define STEP d_step
#else
#define STEP
#endif

#if N_MAX > N_MIN
#define SET_SIZE() n[me] = k
#else
#define SET_SIZE() skip
#endif

#define JOINER (CONSUMERS - 1)
#define CAPACITY (SLOTS - HISTORY)
#define SLOT(q) ((q) % SLOTS)
#define SEQUENCES (PRODUCERS * CLAIMS * N_MAX)
#define NEVER 255

/* Stamps; intents. */
#define WORD(count, kind) ((count) * 4 + (kind))
#define COUNT(word) ((word) / 4)
#define KIND(word) ((word) % 4)
#define EVENT 1
#define REST 2
#define TOMBSTONE 3
#define IDLE 0
#define CLAIMING 1
#define CLAIMED 2

/* Members. */
#define FREE 0
#define ATTACHED 1
#define DYING 2
#define ABSENT 3
#define JOINING 4

#define BIT(c) (1 << (c))
#define GATES(c) (gating & BIT(c))

/* -------------------------------------------------------- shared memory */

byte claimed, gate;
byte stamp[SLOTS];
byte bytes[2 * SLOTS]; /* two halves of what each slot holds */
byte intent[PRODUCERS], n[PRODUCERS];
byte seq[CONSUMERS];
byte gating, version;
byte producers[PRODUCERS], consumers[CONSUMERS]; /* their states */
bool closing;
byte last = NEVER;
#ifdef TSO
byte pending[PRODUCERS]; /* a stamp that is in the store buffer yet */
#endif

/* ------------------------------------------- what nobody but we can know */

bool dead[PRODUCERS], consumer_dead[CONSUMERS];
byte owner[SEQUENCES]; /* 1 + who claimed it, until it is stamped */
byte front;	       /* so many are stamped, from the first on */
byte over;	       /* producers that are gone for good */
bool news = true;      /* something that a repair could wait for */
bool crash;	       /* of the daemon */
#ifdef END
byte confirmed;	       /* published, and the publish has said so */
#endif
#if CONSUMERS > 1 || CONSUMER_KILLS > 0
byte seen[SEQUENCES]; /* the kind that somebody has read */
#endif

#define ALL_OVER (over >= PRODUCERS)

#if CONSUMERS > 1
#define BEHIND(c, hi) (GATES(c) && seq[c] + CAPACITY < (hi))
#define HOLDS_UP(hi) (BEHIND(0, hi) || BEHIND(1, hi))
#define UNREAD(c, hi)                                                  \
	((consumers[c] == ATTACHED || consumers[c] == ABSENT) &&       \
	 seq[c] + SLOTS < (hi))
#define IS_UNREAD(hi) (UNREAD(0, hi) || UNREAD(1, hi))
#else
#define BEHIND(c, hi) (GATES(c) && seq[c] + CAPACITY < (hi))
#define HOLDS_UP(hi) BEHIND(0, hi)
#define IS_UNREAD(hi)                                                  \
	((consumers[0] == ATTACHED || consumers[0] == ABSENT) &&       \
	 seq[0] + SLOTS < (hi))
#endif
/* A look would find room now. */
#ifdef M_NO_FRONTIER
#define FREE_TO(hi) (!HOLDS_UP(hi))
#elif defined(TSO) /* its own stores it sees already */
#define FREE_TO(hi)                                                    \
	((gating != 0 && !HOLDS_UP(hi)) ||                             \
	 (gating == 0 &&                                               \
	  (front + CAPACITY >= (hi) || pending[me] != 0)))
#else
#define FREE_TO(hi)                                                    \
	((gating != 0 && !HOLDS_UP(hi)) ||                             \
	 (gating == 0 && front + CAPACITY >= (hi)))
#endif

inline count_front()
{
	do
	:: COUNT(stamp[SLOT(front)]) > front -> front++
	:: else -> break
	od
}

/* Of a stamp: it only grows, and each slot of a lap is written once. */
inline set_stamp(q, kind)
{
	assert(COUNT(stamp[SLOT(q)]) < q + 1);
	assert(!IS_UNREAD(q + 1));
	stamp[SLOT(q)] = WORD(q + 1, kind);
	owner[q] = 0;
	count_front();
	news = true
}

#ifdef TSO
inline drain(p)
{
	if
	:: pending[p] != 0 ->
		assert(COUNT(stamp[SLOT(COUNT(pending[p]) - 1)]) <
		       COUNT(pending[p]));
		assert(!IS_UNREAD(COUNT(pending[p])));
		stamp[SLOT(COUNT(pending[p]) - 1)] = pending[p];
		owner[COUNT(pending[p]) - 1] = 0;
		pending[p] = 0;
		count_front();
		news = true
	:: else
	fi
}

/* The store buffers of the producers. */
active proctype memory()
{
endless:
	do
	:: atomic { pending[0] != 0 -> drain(0) }
#if PRODUCERS > 1
	:: atomic { pending[1] != 0 -> drain(1) }
#endif
	od
}
#else
#define drain(p) skip
#endif

/* Every store of the producers comes before what follows. */
inline membarrier()
{
#ifndef M_NO_MEMBARRIER
	d_step {
		drain(0);
#if PRODUCERS > 1
		drain(1)
#endif
	}
#endif
	skip
}

/* ------------------------------------------------------------- producers */

#ifdef M_BY_TIMEOUT
#define IS_DEAD(p) (dead[p] && KILLS == 0) /* it goes on */
#else
#define IS_DEAD(p) dead[p]
#endif

/*
 * One atomic is one access to shared memory, with what is local around it: what
 * a process does for itself alone needs no other process between.
 */

inline set_intent(word)
{
	intent[me] = word;
	news = true
}

/* multi.c: intend() */
inline intend()
{
#if defined(M_NO_INTENT) || defined(M_LATE_INTENT)
	SET_SIZE()
#elif defined(M_SIZE_FIRST)
	SET_SIZE();
	d_step { set_intent(WORD(0, CLAIMING)) }
#else
	d_step { set_intent(WORD(0, CLAIMING)) };
	SET_SIZE()
#endif
}

/* multi.c: own() */
inline own()
{
#ifdef M_LATE_INTENT
	d_step { set_intent(WORD(0, CLAIMING)) };
#endif
#ifdef M_NO_OWN
	skip
#else
	d_step { set_intent(WORD(lo + 1, CLAIMED)) }
#endif
}

/* The RMW on `claimed`; a locked one, so it empties the store buffer. */
inline claim()
{
	drain(me);
	lo = claimed;
	claimed = claimed + k;
	q = lo;
	do
	:: q < lo + k -> owner[q] = me + 1; q++
	:: else -> break
	od;
	q = lo;
	news = true
}

#define HAS_ROOM(hi) ((hi) <= known + CAPACITY)

/* gating.c: take_minimum(), one of the set */
inline take(c)
{
	if
	:: mask & BIT(c) ->
		STEP {
			if
			:: seq[c] < m -> m = seq[c]; held = true
			:: else
			fi
		}
	:: else
	fi
}

/* multi.c: rb_multi_frontier(), as of its last look; our own stores we see. */
inline find_frontier()
{
	m = (front < known -> known : front);
#ifdef TSO
	do
	:: m < cl && pending[me] == WORD(m + 1, KIND(pending[me])) ||
	   m < cl && COUNT(stamp[SLOT(m)]) > m -> m++
	:: else -> break
	od;
#endif
	m = (m > cl -> cl : m)
}

/* sequencer.c: look_at_gates_multi() */
inline take_minimum()
{
	do
	:: v = version;
		cl = claimed;
		mask = gating;
		m = cl;
		take(0);
#if CONSUMERS > 1
		take(1);
#endif
#ifndef M_NO_FRONTIER
		if
		:: !held -> STEP { find_frontier() }
		:: else
		fi;
#endif
#ifdef M_NO_VERSION
		break
#else
		if
		:: v == version -> break
		:: else -> held = false
		fi
#endif
	od
}

/* sequencer.c: update_gate() */
inline look()
{
#ifdef SET_CHANGES
	take_minimum();
#else
	/* All sequences only grow, so the last moment is as good as any. */
	d_step { take_minimum() };
#endif
	skip;
	d_step {
		if
		:: m > known ->
			known = m;
			drain(me);
			gate = (gate < m -> m : gate)
		:: else
		fi;
		v = 0;
		cl = 0;
		mask = 0;
		m = 0;
		held = false
	}
}

#define HAS_ENDED(hi, committed)                                       \
	(closing && (!(committed) || (last != NEVER && (hi) > last)))

/* multi.c: has_room(); sequencer.c: rb_sequencer_wait_for_room(). Nothing comes
 * of a look that finds no room, so there is none. */
inline wait_for_room(hi, committed)
{
	do
	:: atomic { (HAS_ROOM(hi) || gate + CAPACITY >= (hi)) ->
		known = (gate > known -> gate : known) };
		break
	:: !HAS_ROOM(hi) && FREE_TO(hi) -> look()
	:: !HAS_ROOM(hi) && HAS_ENDED(hi, committed) -> ended = true; break
	od
}

/* multi.c: claim_and_wait() */
inline claim_and_wait()
{
	intend();
	d_step { claim() };
	own();
	wait_for_room(lo + k, true)
}

/* multi.c: wait_and_claim() */
inline wait_and_claim()
{
	found = claimed;
	do
	:: wait_for_room(found + k, false);
		if
		:: ended -> break
		:: else -> intend()
		fi;
		d_step {
			if
			:: claimed == found -> claim(); done = true
			:: else -> drain(me); found = claimed
			fi
		};
		if
		:: done -> own(); break
		:: else -> d_step { set_intent(WORD(0, IDLE)) }
		fi
	od;
	found = 0
}

inline write(half)
{
	assert(!IS_UNREAD(q + 1));
	assert(COUNT(stamp[SLOT(q)]) <= q);
	bytes[2 * SLOT(q) + half] = q + 1
}

inline fill()
{
	do
	:: atomic { q < lo + k -> write(0) };
		d_step { write(1); q++ }
	:: q == lo + k -> break
	od
}

/* multi.c: stamp() */
inline put_stamp(kind)
{
#ifdef TSO
	drain(me);
	pending[me] = WORD(q + 1, kind)
#else
	set_stamp(q, kind)
#endif
}

/* multi.c: rb_multi_publish() */
inline put_stamps()
{
#if defined(FRAMED) && !defined(M_FIRST_FIRST)
	do
	:: atomic { q > lo + 1 -> q--; put_stamp(REST) }
	:: atomic { q == lo + 1 -> q--; put_stamp(EVENT) }
	:: q == lo -> break
	od
#else
	q = lo;
	do
	:: atomic { q < lo + k ->
#ifdef FRAMED
		put_stamp((q == lo -> EVENT : REST));
#else
		put_stamp(EVENT);
#endif
		q++ }
	:: q == lo + k -> break
	od
#endif
}

/* multi.c: rb_multi_abandon() */
inline abandon()
{
	q = lo + k;
	do
	:: atomic { q > lo -> q--; put_stamp(TOMBSTONE) }
	:: q == lo -> break
	od
}

/* sequencer.c: rb_sequencer_finish_slowly(), what the caller is told */
inline finish()
{
#ifdef END
	d_step {
		if
		:: !closing || (last != NEVER && lo + k <= last) ->
			assert(lo + k <= last);
			confirmed = (lo + k > confirmed -> lo + k : confirmed)
		:: else
		fi
	}
#else
	skip
#endif
}

inline publish()
{
#ifdef M_STAMP_FIRST
	put_stamps();
	q = lo;
	fill();
#else
	fill();
	put_stamps();
#endif
	finish()
}

inline choose_size()
{
	k = N_MIN;
#if defined(GROWS) /* the last claim of the first producer */
	k = (me == 0 && todo == 0 -> N_MAX : N_MIN)
#elif N_MAX > N_MIN
	if
	:: k = N_MAX
	:: skip
	fi
#endif
}

inline work()
{
#if defined(BY_ADD)
	claim_and_wait();
#elif defined(BY_CAS)
	wait_and_claim();
#else
	if
	:: claim_and_wait()
	:: wait_and_claim()
	fi;
#endif
	if
	:: ended -> skip
#ifdef ABANDON
	:: !ended -> abandon()
#endif
	:: !ended -> publish()
	fi;
#ifdef M_NO_OWN
	d_step { set_intent(WORD(0, IDLE)) };
#endif
	atomic { q = 0; lo = 0; k = 0; done = false }
}

proctype producer(byte me)
{
	byte todo, k, lo, q, known, found, v, cl, mask, m;
	bool held, done, ended;

	todo = (me == 0 -> CLAIMS : OTHERS);
	{
		do
		:: atomic { todo > 0 && !ended -> todo--; choose_size() };
			work()
		:: atomic { todo == 0 || ended ->
			drain(me);
			over = (producers[me] == FREE -> over : over + 1);
			producers[me] = FREE;
			news = true };
			break
		od
	} unless {
		IS_DEAD(me)
	}
	/* What it knew is lost. */
	atomic { /* Spin lets nobody break into a d_step */
		todo = 0;
		k = 0;
		lo = 0;
		q = 0;
		known = 0;
		found = 0;
		v = 0;
		cl = 0;
		mask = 0;
		m = 0;
		held = false;
		done = false;
		ended = false
	}
}

/* ------------------------------------------------------------- consumers */

/* Whatever comes next: nobody sees another kind of it, nor the bytes of another
 * one, nor half of it. */
inline deliver()
{
	assert(COUNT(stamp[SLOT(next)]) == next + 1);
	if
	:: KIND(stamp[SLOT(next)]) != TOMBSTONE ->
		assert(bytes[2 * SLOT(next)] == next + 1);
		assert(bytes[2 * SLOT(next) + 1] == next + 1)
	:: else
	fi;
#if CONSUMERS > 1 || CONSUMER_KILLS > 0
	assert(seen[next] == 0 ||
	       seen[next] == KIND(stamp[SLOT(next)]));
	seen[next] = KIND(stamp[SLOT(next)]);
#endif
#ifdef FRAMED
	/* An event is whole; its other slots come with its first alone. */
	if
	:: KIND(stamp[SLOT(next)]) == EVENT ->
		assert(rest == 0);
		rest = N_MAX - 1
	:: KIND(stamp[SLOT(next)]) == REST ->
		assert(rest > 0);
		rest--
	:: else -> assert(rest == 0)
	fi;
	/* They are there, since their stamps come first. */
	assert(rest == 0 || COUNT(stamp[SLOT(next + 1)]) >= next + 2);
#endif
	next++
}

/* barrier.c: look_for_events(), scan(), rb_barrier_commit(). A batch is as long
 * as it likes. */
proctype consumer(byte me)
{
	byte next;
#ifdef FRAMED
	byte rest;
#endif

	consumers[me] == ATTACHED || consumer_dead[me];
again:
	next = seq[me];
	{
		do
		:: next < last && COUNT(stamp[SLOT(next)]) > next ->
#ifdef M_COMMIT_FIRST
			d_step { seq[me] = next + 1; news = true };
			d_step { deliver() }
		:: next >= last || (last == NEVER && ALL_OVER && next == claimed) ->
			break
#else
			d_step { deliver() }
#ifdef FRAMED
		:: rest == 0 && next > seq[me] ->
#else
		:: next > seq[me] ->
#endif
			d_step { seq[me] = next; news = true }
		:: next == seq[me] &&
		   (next >= last ||
		    (last == NEVER && ALL_OVER && next == claimed)) ->
			break
#endif
		od
	} unless {
		consumer_dead[me]
	}
#if CONSUMER_KILLS > 0
	if
	:: consumer_dead[me] ->
#ifdef KEEP
		/* The next one of its name goes on where it stood. */
		d_step { consumer_dead[me] = false; next = 0 };
		goto again
#else
		skip
#endif
	:: else
	fi
#endif
}

/* ------------------------------------------------------------ the daemon */

/* claim.c: rb_claim_read() */
inline read_claim(p)
{
#if N_MAX > N_MIN
	do
	:: b = intent[p];
		c = n[p];
#ifdef M_ONE_LOOK
		break
#else
		if
		:: intent[p] == b -> break
		:: else
		fi
#endif
	od
#else
	d_step { b = intent[p]; c = N_MAX }
#endif
}

/* repair.c: room(); nobody's sequence goes back, so all at once is as good */
inline find_room()
{
	m = cl;
	held = false;
	if
	:: GATES(0) && seq[0] < m -> m = seq[0]; held = true
	:: else
	fi;
#if CONSUMERS > 1
	if
	:: GATES(1) && seq[1] < m -> m = seq[1]; held = true
	:: else
	fi;
#endif
#ifndef M_ROOM_BY_CLAIMED
	if
	:: !held -> m = (front > cl -> cl : front)
	:: else
	fi;
#endif
	room = m + CAPACITY;
	m = 0;
	held = false
}

/* repair.c: bury() */
#if defined(M_NO_ROOM) && defined(M_NO_WRAP)
#define MAY_BURY true
#elif defined(M_NO_ROOM)
#define MAY_BURY (q < SLOTS || COUNT(stamp[SLOT(q)]) + SLOTS > q)
#elif defined(M_NO_WRAP)
#define MAY_BURY (q < room)
#else
#define MAY_BURY                                                       \
	(q < room && (q < SLOTS || COUNT(stamp[SLOT(q)]) + SLOTS > q))
#endif

#define IS_STAMPED(q) (COUNT(stamp[SLOT(q)]) > (q))

inline bury()
{
	if
	:: !IS_STAMPED(q) ->
		assert(owner[q] != 0 && dead[owner[q] - 1]);
		set_stamp(q, TOMBSTONE)
	:: else ->
		/* The rest of an event whose first is not there. */
		assert(COUNT(stamp[SLOT(q)]) == q + 1);
		assert(KIND(stamp[SLOT(q)]) != EVENT);
		stamp[SLOT(q)] = WORD(q + 1, TOMBSTONE)
	fi
}

#if defined(FRAMED) && !defined(M_KEEP_REST)
#define IS_DONE false
#else
#define IS_DONE IS_STAMPED(q)
#endif

/* repair.c: bury_claim(), of b and c */
inline bury_claim()
{
	d_step {
		lo = COUNT(b) - 1;
		q = (lo + c > cl -> cl : lo + c);
#ifdef FRAMED
		q = (IS_STAMPED(lo) -> lo : q);
#endif
	};
	do
	:: atomic { q > lo && !left_over ->
		q--;
		if
		:: IS_DONE -> skip
		:: !IS_DONE && MAY_BURY -> bury()
		:: else -> left_over = true
		fi };
	:: q <= lo || left_over -> break
	od
}

/* repair.c: read_others(), one of them */
inline read_other(p)
{
	if
	:: producers[p] != FREE && !left_over ->
		read_claim(p);
		atomic {
			if
			:: KIND(b) == CLAIMED ->
				from[p] = COUNT(b) - 1;
				to[p] = COUNT(b) - 1 + c
#ifndef M_NO_GRACE
			:: KIND(b) == CLAIMING && producers[p] == ATTACHED ->
				left_over = true
#endif
			:: else
			fi;
			b = 0
		}
	:: else
	fi
}

#define IS_COVERED_BY(p) (q >= from[p] && q < to[p])
#if PRODUCERS > 2
#define IS_COVERED (IS_COVERED_BY(0) || IS_COVERED_BY(1) || IS_COVERED_BY(2))
#elif PRODUCERS > 1
#define IS_COVERED (IS_COVERED_BY(0) || IS_COVERED_BY(1))
#else
#define IS_COVERED IS_COVERED_BY(0)
#endif

/* repair.c: bury_unowned() */
inline bury_unowned()
{
	read_other(0);
#if PRODUCERS > 1
	read_other(1);
#endif
#if PRODUCERS > 2
	read_other(2);
#endif
	q = front;
	do
	:: atomic { q < cl && !left_over ->
		if
		:: IS_STAMPED(q) || IS_COVERED -> skip
		:: !(IS_STAMPED(q) || IS_COVERED) && MAY_BURY -> bury()
		:: else -> left_over = true
		fi;
		q++ }
	:: q >= cl || left_over -> break
	od
}

inline forget()
{
	b = 0;
	c = 0;
	q = 0;
	lo = 0;
	cl = 0;
	room = 0;
	left_over = false;
	from[0] = 0;
	to[0] = 0;
#if PRODUCERS > 1
	from[1] = 0;
	to[1] = 0;
#endif
#if PRODUCERS > 2
	from[2] = 0;
	to[2] = 0;
#endif
	skip
}

/* repair.c: rb_repair_producer(), and reaper.c: try_repair() */
inline repair()
{
#ifdef M_FREE_FIRST
	producers[p] = FREE;
#else
	producers[p] = DYING;
#endif
	d_step {
		b = intent[p];
		c = (N_MAX > N_MIN -> n[p] : N_MAX);
		cl = claimed;
#ifndef M_BEYOND_END
		cl = (last < cl -> last : cl);
#endif
		find_room()
	};
	if
	:: KIND(b) == CLAIMED -> bury_claim()
	:: KIND(b) == CLAIMING -> bury_unowned()
	:: else
	fi;
	atomic {
		if
		:: !left_over -> producers[p] = FREE; over++; news = true
		:: else
		fi;
		forget();
		p++
	}
}

#define IS_LEFT(p) (dead[p] && producers[p] != FREE)
#if PRODUCERS > 2
#define ANY_LEFT (IS_LEFT(0) || IS_LEFT(1) || IS_LEFT(2))
#elif PRODUCERS > 1
#define ANY_LEFT (IS_LEFT(0) || IS_LEFT(1))
#else
#define ANY_LEFT IS_LEFT(0)
#endif

/* place.c: rb_place_frontier(); as find_frontier() of the producers */
inline place()
{
	cl = claimed;
	d_step {
#ifdef M_PLACE_AT_CLAIMED
		m = cl;
#else
		m = (front > cl -> cl : front);
#endif
#ifdef FROM_OLDEST
		m = (m > HISTORY -> m - HISTORY : 0);
#endif
		seq[JOINER] = m;
		m = 0;
		cl = 0
	}
}

/* graph.c: rb_graph_publish() */
inline publish_graph()
{
	d_step {
		gating = 0;
		gating = gating | (consumers[0] != FREE -> BIT(0) : 0);
#if CONSUMERS > 1
		gating = gating | (consumers[1] != FREE -> BIT(1) : 0);
#endif
		news = true
	};
	version++;
	membarrier()
}

/* member.c: settle(), rb_member_join_consumer() */
inline join()
{
	place();
	consumers[JOINER] = JOINING;
	publish_graph();
#ifndef M_ONE_PLACE
	place();
#endif
	d_step { consumers[JOINER] = ATTACHED; asks = false }
}

/* member.c: release() */
inline release(c)
{
	consumers[c] = FREE;
	publish_graph();
	consumer_gone[c] = true
}

/* channel.c: rb_channel_close_stream() */
inline close_stream()
{
	closing = true;
	membarrier();
	cl = claimed;
	d_step { last = cl; cl = 0; assert(confirmed <= last) }
}

bool consumer_gone[CONSUMERS];
#ifdef JOIN
bool asks = true; /* the last consumer, to be let in */
#else
bool asks;
#endif
#ifdef END
bool ends = true; /* somebody, for the end of the stream */
#endif

#define IS_GONE(c) (consumer_dead[c] && !consumer_gone[c])

active proctype daemon()
{
	byte p, b, c, q, m, lo, cl, room;
	byte from[PRODUCERS], to[PRODUCERS];
	bool held, left_over;

again:
	{
		do
		:: news && ANY_LEFT ->
			news = false;
			do
			:: p < PRODUCERS ->
				if
				:: IS_LEFT(p) -> repair()
				:: else -> p++
				fi
			:: else -> break
			od;
			p = 0
#ifdef JOIN
		:: asks -> join()
#endif
#if CONSUMER_KILLS > 0 && !defined(KEEP)
		:: IS_GONE(0) -> release(0)
#if CONSUMERS > 1
		:: IS_GONE(1) -> release(1)
#endif
#endif
#ifdef END
		:: ends && !closing -> close_stream()
#endif
		:: !ANY_LEFT && ALL_OVER && !asks -> break
		od
	} unless {
		crash
	};
	if
	:: crash ->
		d_step { crash = false; p = 0; held = false; m = 0; news = true; forget() };
#ifdef JOIN
		/* member.c: rb_member_adopt() */
		if
		:: consumers[JOINER] == JOINING -> consumers[JOINER] = FREE
		:: else
		fi;
#endif
#if defined(JOIN) || CONSUMER_KILLS > 0
		publish_graph();
#endif
#ifdef END
		if
		:: closing && last == NEVER -> close_stream()
		:: else
		fi;
#endif
		goto again
	:: else
	fi
}

/* --------------------------------------------------------------- SIGKILL */

#ifdef M_BY_TIMEOUT
#define MAY_DIE(p) (KIND(intent[p]) == CLAIMED)
#else
#define MAY_DIE(p) true
#endif

/* What it has stored is not lost. */
#define KILL(p)                                                        \
	atomic {                                                       \
		kills > 0 && producers[p] == ATTACHED && !dead[p] &&   \
			MAY_DIE(p) ->                                  \
		dead[p] = true;                                        \
		drain(p);                                              \
		kills--;                                               \
		news = true                                            \
	}
#define KILL_CONSUMER(c)                                               \
	d_step {                                                       \
		consumer_kills > 0 && consumers[c] == ATTACHED &&      \
			!consumer_dead[c] ->                           \
		consumer_dead[c] = true;                               \
		consumer_kills--                                       \
	}

active proctype killer()
{
	byte kills = KILLS, crashes = CRASHES, consumer_kills = CONSUMER_KILLS;

endless:
	do
	/* Or no more: who stands still until the next one does so for good. */
	:: kills > 0 -> kills = 0
#if CONSUMER_KILLS > 0
	:: consumer_kills > 0 -> consumer_kills = 0
#endif
#if CRASHES > 0
	:: crashes > 0 -> crashes = 0
#endif
	:: KILL(0)
#if PRODUCERS > 1
	:: KILL(1)
#endif
#if PRODUCERS > 2
	:: KILL(2)
#endif
#if CONSUMER_KILLS > 0
	:: KILL_CONSUMER(0)
#if CONSUMERS > 1
	:: KILL_CONSUMER(1)
#endif
#endif
#if CRASHES > 0
	:: atomic { crashes > 0 && !crash -> crash = true; crashes-- }
#endif
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < PRODUCERS ->
			producers[i] = ATTACHED;
			run producer(i);
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < CONSUMERS ->
#ifdef JOIN
			if
			:: i < JOINER ->
				consumers[i] = ATTACHED;
				gating = gating | BIT(i)
			:: else
			fi;
#else
			consumers[i] = ATTACHED;
			gating = gating | BIT(i);
#endif
			run consumer(i);
			i++
		:: else -> break
		od;
		i = 0
	}
}
