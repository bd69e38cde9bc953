/* SPDX-License-Identifier: MIT */
/*
 * line.h - what a program that runs on its own tells people, a line each on stderr
 *
 * For ringbus-journal and ringbus-bridge. Where stderr is the journal of systemd, each
 * line begins with its priority (sd-daemon(3)), and not with the program, which is
 * known there. Any thread: a line is one write.
 */
#ifndef CTL_LINE_H
#define CTL_LINE_H

#include <stdarg.h>

/* Before the first. Both names stay the caller's. */
void line_init(const char *program, const char *channel);

/* `priority` is one of syslog(3). What is no text becomes a '?'. */
__attribute__((format(printf, 2, 0))) void line_write(int priority,
						      const char *fmt,
						      va_list args);

#endif
