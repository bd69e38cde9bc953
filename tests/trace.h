/* SPDX-License-Identifier: MIT */
/*
 * trace.h - stopping a child where one wants it: at a function, at the n-th
 * instruction
 *
 * For interleavings that no amount of luck brings about. x86-64 only; tests
 * that need it skip elsewhere.
 */
#ifndef T_TRACE_H
#define T_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/t.h"

#ifdef __x86_64__
#define TRACE_WORKS true
#else
#define TRACE_WORKS false
#endif

/* First thing in a test. */
#define TRACE_OR_SKIP()                                                        \
	do {                                                                   \
		if (!TRACE_WORKS)                                              \
			T_SKIP("breakpoints are for x86-64 only");             \
	} while (0)

/* Any function, for its address. */
typedef void (*trace_fn)(void);

/* Forks a child that runs fn(arg) under control, stopped before it starts. */
pid_t trace_child(int (*fn)(void *), void *arg);

/* Lets it run until it is about to execute `at`. */
void trace_to(pid_t pid, trace_fn at);

/* Executes one instruction. */
void trace_step(pid_t pid);

/* Is it about to execute `at`? */
bool trace_is_at(pid_t pid, trace_fn at);

/* Lets it run on, no longer controlled. */
void trace_release(pid_t pid);

/* Call it to mark a place; it does nothing. */
void trace_mark(void);

#endif
