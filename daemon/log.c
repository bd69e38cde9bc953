/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h
 */
#include "daemon/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION /* it would be ours each time */
#include <systemd/sd-journal.h>

#define LINE_SIZE 1024
#define N_SEEN 16 /* errors that differ */
#define FIELD_SIZE (LINE_SIZE + 32)

static bool to_journal;
static char last_error[LINE_SIZE];
static struct rb_log_error_seen seen[N_SEEN];

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

/* The entry of this text; a new one, in the place of the one that is longest ago. */
static struct rb_log_error_seen *
find_seen(const char *text, size_t n)
{
	struct rb_log_error_seen *oldest = &seen[0];

	if (n >= sizeof(oldest->text))
		n = sizeof(oldest->text) - 1;
	for (unsigned i = 0; i < N_SEEN; i++) {
		if (strncmp(seen[i].text, text, n) == 0 &&
		    seen[i].text[n] == '\0' && seen[i].n > 0)
			return &seen[i];
		if (seen[i].last_seconds < oldest->last_seconds)
			oldest = &seen[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->text, text, n);
	oldest->first_seconds = time(NULL);
	return oldest;
}

const struct rb_log_error_seen *
rb_log_error_at(unsigned index)
{
	for (unsigned i = 0; i < N_SEEN; i++)
		if (seen[i].n > 0 && index-- == 0)
			return &seen[i];
	return NULL;
}

static void
remember(int priority, const char *text, size_t n)
{
	struct rb_log_error_seen *same;

	if (priority > LOG_ERR)
		return;
	same = find_seen(text, n);
	same->n++;
	same->last_seconds = time(NULL);
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

/* A field that says something, into `text`; returns how many there are then. */
static int
add_field(struct iovec *fields, int n, char text[FIELD_SIZE], const char *fmt,
	  const char *value)
{
	if (value == NULL || value[0] == '\0')
		return n;
	snprintf(text, FIELD_SIZE, fmt, value);
	fields[n] = (struct iovec){ text, strlen(text) };
	return n + 1;
}

static const char *
number(int64_t value, char text[32])
{
	snprintf(text, 32, "%" PRId64, value);
	return text;
}

/* Where there is no journal, a message to it goes nowhere, and well. */
static bool
has_journal(void)
{
	return access("/run/systemd/journal/socket", W_OK) == 0;
}

static bool
send_to_journal(int priority, const struct rb_log_fields *f, const char *line)
{
	char texts[7][FIELD_SIZE], digits[32];
	struct iovec fields[7];
	int n = 0;

	n = add_field(fields, n, texts[n], "MESSAGE=%s", line);
	n = add_field(fields, n, texts[n], "MESSAGE_ID=%s", f->id);
	n = add_field(fields, n, texts[n], "PRIORITY=%s",
		      number(priority, digits));
	n = add_field(fields, n, texts[n], "RINGBUS_CHANNEL=%s", f->channel);
	n = add_field(fields, n, texts[n], "RINGBUS_MEMBER=%.63s", f->member);
	if (f->pid > 0)
		n = add_field(fields, n, texts[n], "RINGBUS_PID=%s",
			      number(f->pid, digits));
	if (f->sequence > 0)
		n = add_field(fields, n, texts[n], "RINGBUS_SEQ=%s",
			      number(f->sequence - 1, digits));
	return sd_journal_sendv(fields, n) == 0;
}

void
rb_log_event(int priority, const struct rb_log_fields *fields, const char *text)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%s", text);
	escape(line);
	if (to_journal && has_journal() &&
	    send_to_journal(priority, fields, line))
		remember(priority, line, strlen(line));
	else
		rb_log(priority, "%s", line);
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
