/* SPDX-License-Identifier: MIT */
/*
 * sigbus.c - an error where a peer has truncated a file of a channel, and not a
 * silent death
 *
 * Mappings of a file that others may shorten can always fault, and whoever they
 * fault for may be in the middle of his own code. So there is one handler for all
 * of this process, which shm/guard.h tells what is ours; calls find the rest out
 * from the channel. Where the program has a handler, or wants none, it is left to
 * it: it can ask us.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "client/internal.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

int
ringbus_handle_sigbus(const void *siginfo)
{
	const siginfo_t *info = siginfo;
	int was = errno; /* of whom the signal has interrupted */
	bool ours = info->si_code == BUS_ADRERR &&
		    rb_guard_handle(info->si_addr, true);

	errno = was;
	return ours;
}

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if (ringbus_handle_sigbus(info) == 0)
		rb_guard_decline(info);
}

static void
install(void)
{
	struct sigaction old, action = { .sa_sigaction = on_sigbus,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &old) == 0 &&
	    (old.sa_flags & SA_SIGINFO) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGBUS, &action, NULL);
}

void
rb_sigbus_install(void)
{
	pthread_once(&once, install);
}
