/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h
 */
#include "client/bridge/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_SIZE 1024

static const char *name = "";
static bool to_journal;

/* JOURNAL_STREAM is inherited; whether it is still our stderr, it tells. */
void
log_init(const char *channel)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	name = channel;
	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	to_journal = strcmp(stream, ours) == 0;
}

/* In one write, so that lines of several processes do not mix. */
static void
put(int priority, const char *fmt, va_list args)
{
	char line[LINE_SIZE];
	int n = to_journal ? snprintf(line, sizeof(line), "<%d>%s: ", priority,
				      name)
			   : snprintf(line, sizeof(line),
				      "ringbus-bridge: %s: ", name);

	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	for (char *c = line; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	n = (int)strlen(line);
	line[n] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n + 1);
}

void
log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(LOG_INFO, fmt, args);
	va_end(args);
}

void
log_warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(LOG_WARNING, fmt, args);
	va_end(args);
}

void
log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(LOG_ERR, fmt, args);
	va_end(args);
}
