/* SPDX-License-Identifier: MIT */
/*
 * trace.c - see trace.h
 *
 * A breakpoint is one byte in the child's copy of the code; the parent's own
 * stays as it is.
 */
#include "tests/trace.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

struct start {
	int (*fn)(void *);
	void *arg;
};

static int
run_traced(void *arg)
{
	struct start *start = arg;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		return 126;
	raise(SIGSTOP);
	return start->fn(start->arg);
}

static void
wait_for_stop(pid_t pid, int signo)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert_msg(WIFSTOPPED(status) && WSTOPSIG(status) == signo,
		      "status %x, not stopped by %s", (unsigned)status,
		      strsignal(signo));
}

pid_t
trace_child(int (*fn)(void *), void *arg)
{
	struct start start = { fn, arg };
	pid_t pid = t_child(run_traced, &start);

	wait_for_stop(pid, SIGSTOP);
	return pid;
}

void
trace_step(pid_t pid)
{
	ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	wait_for_stop(pid, SIGTRAP);
}

void
trace_release(pid_t pid)
{
	ck_assert_int_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}

void
trace_mark(void)
{
	/* Not to be inlined or left out. */
	__asm__ __volatile__("" ::: "memory");
}

#ifdef __x86_64__

static uint64_t
counter_of(pid_t pid)
{
	return (uint64_t)ptrace(PTRACE_PEEKUSER, pid,
				offsetof(struct user_regs_struct, rip), NULL);
}

bool
trace_is_at(pid_t pid, trace_fn at)
{
	return counter_of(pid) == (uintptr_t)at;
}

void
trace_to(pid_t pid, trace_fn at)
{
	uintptr_t address = (uintptr_t)at;
	long code = ptrace(PTRACE_PEEKTEXT, pid, address, NULL);
	long trap = (long)(((uint64_t)code & ~UINT64_C(0xff)) | 0xcc);

	ck_assert_int_eq(ptrace(PTRACE_POKETEXT, pid, address, trap), 0);
	ck_assert_int_eq(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	wait_for_stop(pid, SIGTRAP);
	ck_assert_uint_eq(counter_of(pid), address + 1);
	ck_assert_int_eq(ptrace(PTRACE_POKETEXT, pid, address, code), 0);
	ck_assert_int_eq(ptrace(PTRACE_POKEUSER, pid,
				offsetof(struct user_regs_struct, rip),
				address),
			 0);
}

#else

bool
trace_is_at(pid_t pid, trace_fn at)
{
	(void)pid;
	(void)at;
	return true;
}

void
trace_to(pid_t pid, trace_fn at)
{
	(void)pid;
	(void)at;
}

#endif
