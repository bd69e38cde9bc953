/* SPDX-License-Identifier: MIT */
/*
 * sigbus.c - see sigbus.h
 */
#include "daemon/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "shm/guard.h"

#define MISSING_MAX 16

static const void *missing[MISSING_MAX];
static int n_missing;

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signo;
	(void)context;
	if (info->si_code != BUS_ADRERR ||
	    !rb_guard_handle(info->si_addr, false))
		rb_guard_decline(info);
	else if (n_missing < MISSING_MAX)
		missing[n_missing++] = info->si_addr;
	errno = saved;
}

int
rb_sigbus_init(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus,
				    .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

/* The handler runs in this very thread, from an access to shared memory; never
 * while this does. */
const void *
rb_sigbus_take(void)
{
	return n_missing > 0 ? missing[--n_missing] : NULL;
}

void
rb_sigbus_forget(const void *base, uint64_t size)
{
	int n = 0;

	for (int i = 0; i < n_missing; i++)
		if ((uintptr_t)missing[i] - (uintptr_t)base >= size)
			missing[n++] = missing[i];
	n_missing = n;
}
