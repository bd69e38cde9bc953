/* SPDX-License-Identifier: MIT */
/*
 * signals.c - see signals.h
 */
#include "client/journal/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2] = { -1, -1 };
static struct ringbus_consumer *halted;
static bool is_stopping, is_rolling;

static void
note_signal(int signo)
{
	unsigned char byte = (unsigned char)signo;
	int saved = errno;
	ssize_t n = write(pipe_fds[1], &byte, 1);

	(void)n;
	if (halted != NULL)
		ringbus_consumer_halt(halted);
	errno = saved;
}

static void
fill(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

int
signals_init(void)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = note_signal };

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	sigfillset(&action.sa_mask);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (sigaction(all[i], &action, NULL) < 0)
			return -errno;
	/* A limit of file sizes is an error of that write, and a log that nobody
	 * reads any more is none of ours. */
	return signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
			       signal(SIGPIPE, SIG_IGN) == SIG_ERR
		       ? -errno
		       : 0;
}

void
signals_halt(struct ringbus_consumer *consumer)
{
	sigset_t all, old;

	fill(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	halted = consumer;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
look(void)
{
	unsigned char byte;

	while (read(pipe_fds[0], &byte, 1) == 1) {
		if (byte == SIGHUP)
			is_rolling = true;
		else
			is_stopping = true;
	}
}

bool
signals_stop(void)
{
	look();
	return is_stopping;
}

bool
signals_roll(void)
{
	bool rolls;

	look();
	rolls = is_rolling;
	is_rolling = false;
	return rolls;
}

void
signals_nap(int64_t timeout_ns)
{
	struct pollfd fd = { .fd = pipe_fds[0], .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};

	ppoll(&fd, 1, &timeout, NULL);
}
