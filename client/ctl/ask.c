/* SPDX-License-Identifier: MIT */
/*
 * ask.c - a question before something is done that cannot be undone
 */
#include "client/ctl/ask.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"

static bool
is_terminal(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

static enum ctl_exit
read_answer(const struct ctl *ctl)
{
	char answer[16];
	ssize_t n;

	if (interrupt_wait(STDIN_FILENO, POLLIN, -1) < 0)
		return CTL_INTERRUPTED;
	n = read(STDIN_FILENO, answer, sizeof(answer));
	if (n > 0 && (answer[0] == 'y' || answer[0] == 'Y'))
		return CTL_OK;
	ctl_say(ctl, "nothing was done");
	return CTL_FAILED;
}

enum ctl_exit
ask(const struct ctl *ctl, bool is_sure, const char *fmt, ...)
{
	va_list args;

	if (is_sure || !is_terminal())
		return CTL_OK;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs(" [y/N] ", stderr);
	fflush(stderr);
	return read_answer(ctl);
}
