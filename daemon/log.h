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

/* A text of whole lines that has its own form: a report. */
void rb_log_text(int priority, const char *text);

#endif
