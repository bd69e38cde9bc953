/* SPDX-License-Identifier: MIT */
/*
 * util_everywhere.h - a call that is killed after each of its instructions
 *
 *	static const struct t_victim v = {
 *		.what = "publish, multi",
 *		.prepare = connect_and_open,
 *		.call = publish,
 *		.died = check_the_others,
 *	};
 *
 *	t_kill_everywhere(&v, &scene);
 *
 * One pass steps through the call, from its entry to its return, and writes down
 * where it was. Then each of these places is visited by a process of its own
 * that dies there, and the test looks at those who live. A place inside a system
 * call is one as well. Nothing but the victim is made anew from one death to the
 * next: not the daemon, not the channel, not the survivors.
 *
 * To come to the n-th instruction without n steps, a breakpoint is set where it
 * is, and passed as often as the path has been there before.
 */
#ifndef T_CRASH_UTIL_EVERYWHERE_H
#define T_CRASH_UTIL_EVERYWHERE_H

#include "tests/trace.h"

/* What ASan and TSan add to each access would be most of the instructions. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVERYWHERE_IS_OURS false
#elif defined(__has_feature)
#define EVERYWHERE_IS_OURS                                                     \
	(!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define EVERYWHERE_IS_OURS true
#endif

/* First thing in a test. */
#define EVERYWHERE_OR_SKIP()                                                   \
	do {                                                                   \
		TRACE_OR_SKIP();                                               \
		if (!EVERYWHERE_IS_OURS)                                       \
			T_SKIP("the instructions are the sanitizer's");        \
	} while (0)

enum t_death {
	T_DIED_INSIDE,   /* of the call, at a place that had to be */
	T_DIED_RETURNED, /* just behind it */
	T_DIED_ASTRAY,   /* elsewhere, and it does not count: on the first pass,
			  * or as others were in its way; it is repeated */
};

/* All but `call` may be NULL, and get the same argument. */
struct t_victim {
	const char *what; /* for people */
	/* In the victim: everything up to the call; and the call. */
	void (*prepare)(void *arg);
	void (*call)(void *arg);
	/* In the test: before it begins at the first place, also once more when
	 * the usual way has become another. */
	void (*anew)(void *arg);
	/* In the test, each time: before there is a victim; when it is about to
	 * make the call; when it has stopped where it will die; when it sleeps
	 * in the call, to wake it; and when it is dead. */
	void (*begin)(void *arg);
	void (*entered)(void *arg);
	void (*stopped)(void *arg);
	void (*asleep)(void *arg);
	void (*died)(void *arg, enum t_death death);
	/* Not 0: of an instruction that comes again and again in a loop, as
	 * while it spins, only the first few times count, but with CRASH=1 in
	 * the environment all of them do. */
	unsigned turns;
};

/* Tells on stdout at how many places it died. */
void t_kill_everywhere(const struct t_victim *victim, void *arg);

#endif
