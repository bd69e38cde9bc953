/* SPDX-License-Identifier: MIT */
/*
 * notice.h - what the journal tells people, and the service manager
 *
 * People by a line each, see client/ctl/line.h. May be called from any thread.
 */
#ifndef JOURNAL_NOTICE_H
#define JOURNAL_NOTICE_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* Before the first line; `channel` is in front of each, and stays the caller's. */
void notice_init(const char *channel);

/* `priority` is one of syslog(3). */
void notice(int priority, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define notice_error(...) notice(LOG_ERR, __VA_ARGS__)
#define notice_warning(...) notice(LOG_WARNING, __VA_ARGS__)
#define notice_info(...) notice(LOG_INFO, __VA_ARGS__)

/* What to do about a disk that does not take what it is given, by a negative errno. */
const char *notice_remedy(int err);

/* To the service manager, if there is one: recovered and attached; on the way
 * out; a line for `systemctl status`. */
void notice_ready(void);
void notice_stopping(void);
void notice_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A sign of life, at most twice in the time that the manager grants. */
void notice_alive(void);

/* Nanoseconds of CLOCK_MONOTONIC, and of CLOCK_REALTIME. */
int64_t notice_now_ns(void);
int64_t notice_time_ns(void);

#endif
