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

void
trace_kill(pid_t pid)
{
	siginfo_t info = { 0 };
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	/* A stop just before may still have to be heard of. */
	do {
		if (info.si_pid == pid)
			waitpid(pid, &status, WNOHANG);
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info,
					WEXITED | WSTOPPED | WNOWAIT),
				 0);
	} while (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED);
	t_join_signal(pid, SIGKILL);
}

#ifdef __x86_64__

#define TRAP 0xcc    /* int3 */
#define CALL 0x050fU /* syscall */

static uint64_t
word_at(pid_t pid, uintptr_t at)
{
	return (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
}

static void
set_byte(pid_t pid, uintptr_t at, uint8_t byte)
{
	uint64_t word = (word_at(pid, at) & ~UINT64_C(0xff)) | byte;

	ck_assert_int_eq(ptrace(PTRACE_POKETEXT, pid, at, word), 0);
}

static void
set_counter(pid_t pid, uintptr_t at)
{
	ck_assert_int_eq(ptrace(PTRACE_POKEUSER, pid,
				offsetof(struct user_regs_struct, rip), at),
			 0);
}

uintptr_t
trace_counter(pid_t pid)
{
	return (uintptr_t)ptrace(PTRACE_PEEKUSER, pid,
				 offsetof(struct user_regs_struct, rip), NULL);
}

bool
trace_is_at_call(pid_t pid)
{
	return (word_at(pid, trace_counter(pid)) & 0xffff) == CALL;
}

void
trace_break(pid_t pid, uintptr_t at, struct trace_break *ret)
{
	*ret = (struct trace_break){ at, word_at(pid, at) & 0xff };
	set_byte(pid, at, TRAP);
}

void
trace_unbreak(pid_t pid, const struct trace_break *b)
{
	set_byte(pid, b->at, b->code);
}

uintptr_t
trace_step_back(pid_t pid)
{
	uintptr_t at = trace_counter(pid) - 1;

	set_counter(pid, at);
	return at;
}

bool
trace_is_at(pid_t pid, trace_fn at)
{
	return trace_counter(pid) == (uintptr_t)at;
}

void
trace_to(pid_t pid, trace_fn at)
{
	struct trace_break b;

	trace_break(pid, (uintptr_t)at, &b);
	ck_assert_int_eq(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	wait_for_stop(pid, SIGTRAP);
	ck_assert_uint_eq(trace_step_back(pid), (uintptr_t)at);
	trace_unbreak(pid, &b);
}

#else

uintptr_t
trace_counter(pid_t pid)
{
	(void)pid;
	return 0;
}

bool
trace_is_at_call(pid_t pid)
{
	(void)pid;
	return false;
}

void
trace_break(pid_t pid, uintptr_t at, struct trace_break *ret)
{
	(void)pid;
	*ret = (struct trace_break){ at, 0 };
}

void
trace_unbreak(pid_t pid, const struct trace_break *b)
{
	(void)pid;
	(void)b;
}

uintptr_t
trace_step_back(pid_t pid)
{
	return trace_counter(pid);
}

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
