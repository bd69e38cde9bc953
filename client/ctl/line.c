/* SPDX-License-Identifier: MIT */
/*
 * line.c - see line.h
 */
#include "client/ctl/line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 1280

static const char *program_name = "", *channel_name = "";
static bool to_journal;

/* JOURNAL_STREAM is inherited; whether it is still our stderr, it tells. */
static bool
is_journal(const char *stream)
{
	char ours[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void
line_init(const char *program, const char *channel)
{
	program_name = program;
	channel_name = channel;
	to_journal = is_journal(getenv("JOURNAL_STREAM"));
}

void
line_write(int priority, const char *fmt, va_list args)
{
	char line[LINE_SIZE];
	int n = to_journal ? snprintf(line, sizeof(line), "<%d>%s: ", priority,
				      channel_name)
			   : snprintf(line, sizeof(line),
				      "%s: %s: ", program_name, channel_name);

	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	for (char *c = line; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	n = (int)strlen(line);
	line[n] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n + 1);
}
