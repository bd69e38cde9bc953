/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h
 */
#include "daemon/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE_SIZE 1024

static bool to_journal;
static char last_error[LINE_SIZE];

/* JOURNAL_STREAM is inherited; whether it is still our stderr, it tells. */
void
rb_log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	to_journal = strcmp(stream, ours) == 0;
}

/* A file may be called anything; a line stays one line all the same. */
static void
escape(char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

/* In one write, so that lines of several processes do not mix. Not by dprintf(),
 * which leaks 4 KiB each time if there is no stderr. */
static void
put_line(const char *prefix, const char *text, size_t n)
{
	struct iovec parts[] = { { (void *)prefix, strlen(prefix) },
				 { (void *)text, n },
				 { (void *)"\n", 1 } };

	(void)!writev(STDERR_FILENO, parts, 3);
}

static void
remember(int priority, const char *text, size_t n)
{
	if (priority > LOG_ERR)
		return;
	if (n >= sizeof(last_error))
		n = sizeof(last_error) - 1;
	memcpy(last_error, text, n);
	last_error[n] = '\0';
}

const char *
rb_log_last_error(void)
{
	return last_error;
}

static void
put_to_journal(int priority, const char *text, size_t n)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "<%d>", priority);
	put_line(prefix, text, n);
}

void
rb_log_args(int priority, const char *fmt, va_list args)
{
	char text[LINE_SIZE];

	vsnprintf(text, sizeof(text), fmt, args);
	escape(text);
	remember(priority, text, strlen(text));
	if (to_journal)
		put_to_journal(priority, text, strlen(text));
	else
		put_line("ringbusd: ", text, strlen(text));
}

void
rb_log(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	rb_log_args(priority, fmt, args);
	va_end(args);
}

void
rb_log_text(int priority, const char *text)
{
	size_t n = strcspn(text, "\n");

	remember(priority, text, n);
	if (!to_journal) {
		(void)!write(STDERR_FILENO, text, strlen(text));
		return;
	}
	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		put_to_journal(priority, text, n);
	}
}
