/* SPDX-License-Identifier: MIT */
/*
 * log.h - what the daemon tells people, and the service manager
 *
 * One line an event, to stderr. Where that is the journal, each line begins with
 * its priority (sd-daemon(3)).
 */
#ifndef RB_DAEMON_LOG_H
#define RB_DAEMON_LOG_H

#include <stdarg.h>
#include <stdint.h>
#include <syslog.h>

#include "shm/base.h"

/* Before the first line. */
void rb_log_init(void);

/* `priority` is one of syslog(3): LOG_ERR and so on. */
void rb_log(int priority, const char *fmt, ...) rb_printf_(2, 3);

/* The same, for functions that take what it takes. */
void rb_log_args(int priority, const char *fmt, va_list args);

#define rb_log_error(...) rb_log(LOG_ERR, __VA_ARGS__)
#define rb_log_warning(...) rb_log(LOG_WARNING, __VA_ARGS__)
#define rb_log_info(...) rb_log(LOG_INFO, __VA_ARGS__)

/* The last line of LOG_ERR, or the first of such a text; "" if there was none. */
const char *rb_log_last_error(void);

/* What a line about an event says beside its text; NULL and 0 say nothing. */
struct rb_log_fields {
	const char *id; /* MESSAGE_ID= */
	const char *channel;
	const char *member;
	int64_t pid;
	int64_t sequence; /* 1 + it */
};

/* A line about an event: in the journal with these fields, RINGBUS_CHANNEL= and so
 * on, by which it can be found there. */
void rb_log_event(int priority, const struct rb_log_fields *fields,
		  const char *text);

/* Errors that were told, each text once: how often, and when first and last (seconds
 * since 1970). NULL behind the last. The latest few are remembered. */
struct rb_log_error_seen {
	char text[160];
	uint64_t n;
	int64_t first_seconds;
	int64_t last_seconds;
};
const struct rb_log_error_seen *rb_log_error_at(unsigned index);

/* A text of whole lines that has its own form: a report. */
void rb_log_text(int priority, const char *text);

#endif
