/* SPDX-License-Identifier: MIT */
/*
 * syscalls.c - system calls that valgrind does not know go past it
 *
 * Preloaded into a daemon that runs under valgrind. Release 3.19 refuses all
 * about pidfds, and a daemon that cannot watch its members does little of what is
 * to be looked at. These calls write no memory, so that nothing is missed when
 * they are made outside of the simulation. Elsewhere than on x86-64 valgrind has
 * to know them itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include <valgrind/valgrind.h>

#define N_ARGS 6

typedef long (*syscall_fn)(long number, ...);

struct call {
	long number;
	long args[N_ARGS];
};

long syscall(long number, ...);

#ifdef __x86_64__

static bool
is_unknown(long number)
{
	return number == SYS_pidfd_open || number == SYS_pidfd_send_signal;
}

/* Of four arguments; outside there is no libc, and no errno. */
static long
call_kernel(long thread, const struct call *call)
{
	register long fourth __asm__("r10") = call->args[3];
	long result;

	(void)thread;
	__asm__("syscall"
		: "=a"(result)
		: "a"(call->number), "D"(call->args[0]), "S"(call->args[1]),
		  "d"(call->args[2]), "r"(fourth)
		: "rcx", "r11", "memory");
	return result;
}

static long
call_outside(const struct call *call)
{
	long result = (long)VALGRIND_NON_SIMD_CALL1(call_kernel, call);

	if (result < 0)
		errno = (int)-result;
	return result < 0 ? -1 : result;
}

#else

static bool
is_unknown(long number)
{
	(void)number;
	return false;
}

static long
call_outside(const struct call *call)
{
	(void)call;
	return -1;
}

#endif

__attribute__((visibility("default"))) long
syscall(long number, ...)
{
	struct call call = { .number = number };
	syscall_fn next;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < N_ARGS; i++)
		call.args[i] = va_arg(args, long);
	va_end(args);
	if (RUNNING_ON_VALGRIND && is_unknown(number))
		return call_outside(&call);
	next = (syscall_fn)dlsym(RTLD_NEXT, "syscall");
	return next(number, call.args[0], call.args[1], call.args[2],
		    call.args[3], call.args[4], call.args[5]);
}
