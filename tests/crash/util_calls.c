/* SPDX-License-Identifier: MIT */
/*
 * util_calls.c - see util_calls.h
 *
 * A tracee that is killed in the stop at a call's entry does not make the call;
 * in the stop at its exit it has made it. One whose call has become none in
 * between makes none, and returns what is put there for it.
 */
#include "tests/crash/util_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture.h"

#define PATIENCE 60 /* seconds without any boundary */
#define STRIDE 37   /* odd, so that both entries and exits are met */

#ifdef SYS_mkdir
#define CALL_MKDIR SYS_mkdir
#else
#define CALL_MKDIR SYS_mkdirat
#endif

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)
#define CALL_STOP (SIGTRAP | 0x80)

static void
resume(struct calls *c, int signo)
{
	ck_assert_int_eq(ptrace(PTRACE_SYSCALL, c->pid, NULL,
				(void *)(intptr_t)signo),
			 0);
}

/* Reads where it is; false if this boundary does not count. */
static bool
note_boundary(struct calls *c)
{
	struct __ptrace_syscall_info info;

	ck_assert_int_gt(ptrace(PTRACE_GET_SYSCALL_INFO, c->pid, sizeof(info),
				&info),
			 0);
	c->exits = info.op == PTRACE_SYSCALL_INFO_EXIT;
	if (!c->exits)
		c->nr = (long)info.entry.nr;
	if (c->first >= 0 && c->nr != c->first)
		return false;
	c->first = -1;
	ck_assert_uint_lt(c->n, CALLS_MAX);
	c->of[c->n++] = (short)c->nr;
	return true;
}

static bool
waits(const struct calls *c)
{
	return c->nr == SYS_io_uring_enter && !c->exits;
}

/* True at a boundary; false if it has ended, or is over. */
static bool
next_boundary(struct calls *c, calls_over_fn over, void *arg)
{
	struct t_deadline deadline = t_deadline(PATIENCE);
	int status;

	resume(c, 0);
	for (;;) {
		pid_t pid = waitpid(c->pid, &status, WNOHANG);

		ck_assert_int_ge(pid, 0);
		if (pid == 0 && waits(c) && over != NULL && over(arg) &&
		    t_is_asleep(c->pid))
			return false;
		if (pid == 0) {
			ck_assert(t_deadline_nap(&deadline));
			continue;
		}
		if (!WIFSTOPPED(status)) {
			ck_assert(WIFEXITED(status));
			ck_assert_int_eq(WEXITSTATUS(status), 0);
			c->pid = 0;
			return false;
		}
		if (WSTOPSIG(status) == CALL_STOP)
			return true;
		/* What it gets, it gets; a stop of ours is no signal. */
		resume(c, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
	}
}

bool
calls_run(struct calls *c, unsigned n, calls_over_fn over, void *arg)
{
	while (c->n < n) {
		if (!next_boundary(c, over, arg))
			return false;
		if (!note_boundary(c) || c->n == n)
			continue;
		if (over == NULL && waits(c))
			return false;
	}
	return true;
}

bool
calls_has_ended(const struct calls *c)
{
	return c->pid == 0;
}

bool
calls_is_chosen(const struct calls *whole, unsigned n)
{
	const short *at = &whole->of[n - 1];

	if (getenv("CRASH") != NULL || *at != SYS_futex || n <= 2 ||
	    n + 2 > whole->n)
		return true;
	return at[-2] != *at || at[2] != *at || n % STRIDE == 0;
}

static void
wait_for_stop(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert(WIFSTOPPED(status));
}

static bool
is_never(void *arg)
{
	(void)arg;
	return false;
}

void
calls_seize(struct calls *c, pid_t pid, long first)
{
	*c = (struct calls){ .pid = pid, .nr = -1, .first = -1 };
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, (void *)OPTIONS), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	wait_for_stop(pid);
	do
		ck_assert(calls_run(c, c->n + 1, is_never, NULL));
	while (!waits(c));
	c->of[0] = (short)c->nr;
	c->n = first == 0;
	c->first = first == 0 ? -1 : first;
}

static int
run_traced(void *arg)
{
	const struct t_daemon *d = arg;
	int log = open(d->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0 ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		return 127;
	execl(t_program("ringbusd"), "ringbusd", "--config", d->config,
	      "--socket", d->socket, "--shm-dir", d->shm, NULL);
	return 127;
}

void
calls_launch(struct calls *c, struct t_daemon *daemon)
{
	daemon->pid = t_child(run_traced, daemon);
	*c = (struct calls){ .pid = daemon->pid,
			     .nr = -1,
			     .first = CALL_MKDIR };
	wait_for_stop(c->pid); /* at its exec */
	ck_assert_int_eq(
		ptrace(PTRACE_SETOPTIONS, c->pid, NULL, (void *)OPTIONS), 0);
}

#ifdef __x86_64__

static void
set_registers(const struct calls *c, bool exits, int err)
{
	struct user_regs_struct registers;

	ck_assert_int_eq(ptrace(PTRACE_GETREGS, c->pid, NULL, &registers), 0);
	if (exits)
		registers.rax = (unsigned long long)-(long long)err;
	else
		registers.orig_rax = (unsigned long long)-1;
	ck_assert_int_eq(ptrace(PTRACE_SETREGS, c->pid, NULL, &registers), 0);
}

void
calls_fail(struct calls *c, int err)
{
	ck_assert(!c->exits);
	set_registers(c, false, err);
	resume(c, 0);
	wait_for_stop(c->pid);
	set_registers(c, true, err);
	c->exits = true;
}

#else

void
calls_fail(struct calls *c, int err)
{
	(void)c;
	ck_abort_msg("no call can be made to fail with %d here", err);
}

#endif

void
calls_release(struct calls *c)
{
	if (c->pid == 0)
		return;
	/* Asleep in a call, it has to be stopped first; it takes that for an
	 * interruption. One that was launched here is stopped already. */
	if (ptrace(PTRACE_INTERRUPT, c->pid, NULL, NULL) == 0)
		wait_for_stop(c->pid);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, c->pid, NULL, NULL), 0);
	c->pid = 0;
}
