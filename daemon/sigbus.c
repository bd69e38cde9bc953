/* SPDX-License-Identifier: MIT */
/*
 * sigbus.c - see sigbus.h
 */
#include "daemon/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t page_size;
static void *replaced;

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(page_size - 1);
	int saved = errno;

	(void)context;
	if (info->si_code != BUS_ADRERR ||
	    mmap((void *)page, page_size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		signal(signo, SIG_DFL); /* the same fault again ends us */
	replaced = (void *)page;
	errno = saved;
}

int
rb_sigbus_init(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus,
				    .sa_flags = SA_SIGINFO };

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

/* The handler runs in this very thread, from an access to shared memory; never
 * while this does. */
const void *
rb_sigbus_take(void)
{
	const void *was = replaced;

	replaced = NULL;
	return was;
}
