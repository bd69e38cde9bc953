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
#include <stdint.h>
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

/* Where it is: the address of its next instruction. */
uintptr_t trace_counter(pid_t pid);

/* Is that one a system call? */
bool trace_is_at_call(pid_t pid);

/* A breakpoint, for who resumes the child himself. */
struct trace_break {
	uintptr_t at;
	uint8_t code; /* that it hides */
};

void trace_break(pid_t pid, uintptr_t at, struct trace_break *ret);
void trace_unbreak(pid_t pid, const struct trace_break *b);

/* After the stop that a breakpoint made: back to where it is. Its address. */
uintptr_t trace_step_back(pid_t pid);

/* SIGKILL, wherever it is, be it running. */
void trace_kill(pid_t pid);

/* Lets it run on, no longer controlled. */
void trace_release(pid_t pid);

/* Call it to mark a place; it does nothing. */
void trace_mark(void);

#endif
