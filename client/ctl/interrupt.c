/* SPDX-License-Identifier: MIT */
/*
 * interrupt.c - a pipe that a signal handler writes to
 *
 * No flag is needed: the pipe remembers, and looking is a poll().
 */
#include "client/ctl/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define NSEC INT64_C(1000000000)

static int pipe_fds[2] = { -1, -1 };

static void
note_signal(int signo)
{
	unsigned char byte = (unsigned char)signo;
	int saved = errno;
	ssize_t n = write(pipe_fds[1], &byte, 1);

	(void)n;
	errno = saved;
}

/* A signal that is ignored stays so: a shell that starts us in the background
 * wants it. */
static int
catch_signal(int signo)
{
	/* Without SA_RESTART: a write to a full pipe has to come back. */
	struct sigaction old, action = {
		.sa_handler = note_signal,
		.sa_flags = SA_RESETHAND,
	};

	sigemptyset(&action.sa_mask);
	if (sigaction(signo, NULL, &old) < 0)
		return -errno;
	if (old.sa_handler == SIG_IGN)
		return 0;
	return sigaction(signo, &action, NULL) < 0 ? -errno : 0;
}

int
interrupt_init(void)
{
	int r;

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	r = catch_signal(SIGINT);
	return r < 0 ? r : catch_signal(SIGTERM);
}

bool
interrupt_is_pending(void)
{
	return interrupt_wait(-1, 0, 0) == -EINTR;
}

int
interrupt_wait(int fd, short events, int64_t timeout_ns)
{
	struct pollfd fds[2] = {
		{ .fd = pipe_fds[0], .events = POLLIN },
		{ .fd = fd, .events = events },
	};
	struct timespec timeout = {
		.tv_sec = timeout_ns / NSEC,
		.tv_nsec = timeout_ns % NSEC,
	};
	int n = ppoll(fds, 2, timeout_ns < 0 ? NULL : &timeout, NULL);

	if (n < 0)
		return -errno;
	return fds[0].revents != 0 ? -EINTR : fds[1].revents;
}

void
interrupt_die(void)
{
	unsigned char byte = SIGTERM;
	ssize_t n = read(pipe_fds[0], &byte, 1);

	(void)n;
	signal(byte, SIG_DFL);
	raise(byte);
}
